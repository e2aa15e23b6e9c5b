"""What the fast code is compared with: by the tests for its results, by the benchmark for its time.

``decoding`` and ``encoding`` are slow, literal transcriptions of the published method,
``vectorised`` does the same with whole arrays, ``evaluation`` runs cityscapesScripts.
"""
