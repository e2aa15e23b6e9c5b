"""A twin of the runtime in PyTorch, and random nets that both train.

The twin computes every layer as its description says, in double precision, and lets PyTorch derive
the gradients; it shares nothing with the runtime but the messages of prototxts. What is compared of
a random net stands in `comparison`. PyTorch is the one that `./run bench` installs.
"""

import bench  # noqa: F401  puts its PyTorch on the import path
