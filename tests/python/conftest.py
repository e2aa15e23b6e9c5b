"""Shared fixtures. This folder is on the import path, so tests import their oracles from it."""
