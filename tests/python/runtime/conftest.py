"""Tests of the runtime through `import caffe`."""

import caffe

# Nets say at length what they consist of; here only failures are of interest. Not set by the
# environment: the commands that tests start are to keep their log.
caffe.init_log(2)
