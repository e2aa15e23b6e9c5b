#include "caffe/layers/reshape_layer.hpp"

#include <algorithm>
#include <climits>
#include <vector>

#include "layers/shared_memory.hpp"

namespace caffe {

template <typename Dtype>
void ReshapeLayer<Dtype>::LayerSetUp(const vector<Blob<Dtype>*>& bottom,
                                     const vector<Blob<Dtype>*>& top) {
  CHECK(top[0] != bottom[0]) << "a Reshape layer cannot work in place: give its top a new name";
  const BlobShape& shape = this->layer_param_.reshape_param().shape();
  inferred_axis_ = -1;
  for (int i = 0; i < shape.dim_size(); ++i) {
    CHECK(-1 <= shape.dim(i) && shape.dim(i) <= INT_MAX)
        << shape.dim(i) << " is no size in reshape_param.shape";
    if (shape.dim(i) != -1) continue;
    CHECK(inferred_axis_ == -1) << "only one size in reshape_param.shape can be -1";
    inferred_axis_ = i;
  }
}

template <typename Dtype>
void ReshapeLayer<Dtype>::Reshape(const vector<Blob<Dtype>*>& bottom,
                                  const vector<Blob<Dtype>*>& top) {
  const ReshapeParameter& param = this->layer_param_.reshape_param();
  const Blob<Dtype>& from = *bottom[0];
  const int axes = from.num_axes();
  // -1 stands for the place behind the last axis.
  const int first = param.axis() >= 0 ? param.axis() : axes + param.axis() + 1;
  CHECK(0 <= first && first <= axes)
      << "reshape_param.axis " << param.axis() << " of a blob of shape " << from.shape_string();
  CHECK_GE(param.num_axes(), -1) << ": reshape_param.num_axes is a number of axes, or -1 for all";
  CHECK_LE(param.num_axes(), axes - first)
      << ": reshape_param.axis + num_axes reach behind the last axis of shape "
      << from.shape_string();
  const int last = param.num_axes() == -1 ? axes : first + param.num_axes();

  const vector<int>& shape = from.shape();
  vector<int> to(shape.begin(), shape.begin() + first);
  for (int i = 0; i < param.shape().dim_size(); ++i) {
    if (param.shape().dim(i) != 0) {
      to.push_back(static_cast<int>(param.shape().dim(i)));
      continue;
    }
    CHECK_LT(first + i, axes) << ": a 0 in reshape_param.shape keeps the bottom's size, but shape "
                              << from.shape_string() << " has no such axis";
    to.push_back(shape[first + i]);
  }
  to.insert(to.end(), shape.begin() + last, shape.end());

  if (inferred_axis_ >= 0) {
    const int64_t limit = int64_t(INT_MAX) + 1;
    int64_t known = 1;
    for (const int size : to) known = std::min(known * (size == -1 ? 1 : size), limit);
    CHECK(known > 0 && from.count() % known == 0)
        << "shape " << from.shape_string() << " cannot be divided by " << known
        << ", the product of the other sizes in reshape_param.shape";
    to[first + inferred_axis_] = static_cast<int>(from.count() / known);
  }
  top[0]->Reshape(to);
  CHECK_EQ(top[0]->count(), from.count())
      << ": shape " << from.shape_string() << " cannot become " << top[0]->shape_string();
  ShareMemory(this->layer_param_, from, top[0]);
}

template <typename Dtype>
void ReshapeLayer<Dtype>::Backward_cpu(const vector<Blob<Dtype>*>& top,
                                       const vector<bool>& propagate_down,
                                       const vector<Blob<Dtype>*>& bottom) {
  if (propagate_down[0]) PassDiff(*top[0], bottom[0]);
}

INSTANTIATE_CLASS(ReshapeLayer);
REGISTER_LAYER_CLASS(Reshape);

}  // namespace caffe
