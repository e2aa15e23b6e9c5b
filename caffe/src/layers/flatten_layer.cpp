#include "caffe/layers/flatten_layer.hpp"

#include <vector>

#include "layers/shared_memory.hpp"

namespace caffe {

template <typename Dtype>
void FlattenLayer<Dtype>::Reshape(const vector<Blob<Dtype>*>& bottom,
                                  const vector<Blob<Dtype>*>& top) {
  CHECK(top[0] != bottom[0]) << "a Flatten layer cannot work in place: give its top a new name";
  const FlattenParameter& param = this->layer_param_.flatten_param();
  const int first = bottom[0]->CanonicalAxisIndex(param.axis());
  const int last = bottom[0]->CanonicalAxisIndex(param.end_axis());
  CHECK_LE(first, last) << ": flatten_param.axis must not lie behind end_axis";
  const vector<int>& shape = bottom[0]->shape();
  vector<int> flat(shape.begin(), shape.begin() + first);
  flat.push_back(bottom[0]->count(first, last + 1));
  flat.insert(flat.end(), shape.begin() + last + 1, shape.end());
  top[0]->Reshape(flat);
  ShareMemory(this->layer_param_, *bottom[0], top[0]);
}

template <typename Dtype>
void FlattenLayer<Dtype>::Backward_cpu(const vector<Blob<Dtype>*>& top,
                                       const vector<bool>& propagate_down,
                                       const vector<Blob<Dtype>*>& bottom) {
  if (propagate_down[0]) PassDiff(*top[0], bottom[0]);
}

INSTANTIATE_CLASS(FlattenLayer);
REGISTER_LAYER_CLASS(Flatten);

}  // namespace caffe
