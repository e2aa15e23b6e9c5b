"""Benchmarks: each fast path beside its peer, in the same process. `python -m bench.<name>`."""
