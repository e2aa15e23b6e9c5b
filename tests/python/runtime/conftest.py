"""Tests of the runtime through `import caffe`."""

import os

# Before caffe is imported: nets say at length what they consist of.
os.environ.setdefault("GLOG_minloglevel", "2")
