"""The messages of caffe.proto: ``from caffe.proto import caffe_pb2``."""
