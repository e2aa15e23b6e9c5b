"""Tests of the runtime through `import caffe`, on the GPU that CAFFE_TEST_GPU names, if it does."""

import os

import caffe

# Nets say at length what they consist of; here only failures are of interest. Not set by the
# environment: the commands that tests start are to keep their log.
caffe.init_log(2)

if "CAFFE_TEST_GPU" in os.environ:
    caffe.set_device(int(os.environ["CAFFE_TEST_GPU"]))
    caffe.set_mode_gpu()
