"""Benchmarks beside peers: ``./run bench``; ``./run bench --list`` names the rows."""
