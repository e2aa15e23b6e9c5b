// A plug-in that asks for a symbol of the runtime's namespace that nothing brings.

namespace caffe {
void NobodyBringsThis();
}

static const int asked = (caffe::NobodyBringsThis(), 0);
extern "C" int PlugIn() { return asked; }
