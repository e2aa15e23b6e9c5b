#include "caffe/layers/input_layer.hpp"

#include <vector>

namespace caffe {

template <typename Dtype>
void InputLayer<Dtype>::LayerSetUp(const vector<Blob<Dtype>*>& bottom,
                                   const vector<Blob<Dtype>*>& top) {
  const InputParameter& param = this->layer_param_.input_param();
  const int tops = static_cast<int>(top.size());
  const int shapes = param.shape_size();
  // Without a shape, the tops are left as they are: the program reshapes them.
  if (shapes == 0) return;
  CHECK(shapes == 1 || shapes == tops) << "input_param has " << shapes << " shapes for " << tops
                                       << " tops: give one shape for all, or one for each";
  for (int i = 0; i < tops; ++i) top[i]->Reshape(param.shape(shapes == 1 ? 0 : i));
}

INSTANTIATE_CLASS(InputLayer);
REGISTER_LAYER_CLASS(Input);

}  // namespace caffe
