"""Tests of the runtime through `import caffe`, on the GPU that CAFFE_TEST_GPU names, if it does."""

import pytest
from support.device import use_device
from support.small_net import NET, write

import caffe

# Nets say at length what they consist of; here only failures are of interest. Not set by the
# environment: the commands that tests start are to keep their log.
caffe.init_log(2)

use_device()


@pytest.fixture
def net(tmp_path):
    """The small net, of random weights that are always the same."""
    caffe.set_mode_cpu()
    caffe.set_random_seed(7)
    return caffe.Net(write(tmp_path, NET), caffe.TEST)
