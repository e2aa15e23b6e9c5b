"""The nets of the two papers and two small ones, in terms of caffe.NetSpec."""
