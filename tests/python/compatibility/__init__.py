"""What of Caffe 1.0's interface the tests of this project cover: docs/compatibility.md."""
