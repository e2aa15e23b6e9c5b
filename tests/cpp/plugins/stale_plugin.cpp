// A plug-in as built with the headers of another libcaffe: it asks for a function that this one
// does not have.

extern "C" void caffe_headers_of_another_version();

static const int asked = (caffe_headers_of_another_version(), 0);
extern "C" int PlugIn() { return asked; }
