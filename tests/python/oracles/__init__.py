"""Slow, literal transcriptions of the published method: what the fast code is compared with."""
