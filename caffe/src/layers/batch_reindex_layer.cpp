#include "caffe/layers/batch_reindex_layer.hpp"

#include <vector>

#include "layers/no_gradient.hpp"
#include "util/rows.hpp"

namespace caffe {

template <typename Dtype>
void BatchReindexLayer<Dtype>::Reshape(const vector<Blob<Dtype>*>& bottom,
                                       const vector<Blob<Dtype>*>& top) {
  CHECK_EQ(bottom[1]->num_axes(), 1)
      << ": the indices have one axis; their shape is " << bottom[1]->shape_string();
  vector<int> shape = bottom[0]->shape();
  CHECK(!shape.empty()) << "a scalar has no items to pick";
  shape[0] = bottom[1]->shape(0);
  top[0]->Reshape(shape);
}

template <typename Dtype>
vector<int> BatchReindexLayer<Dtype>::CheckedIndices(const vector<Blob<Dtype>*>& bottom) const {
  const Dtype* values = bottom[1]->cpu_data();
  const int items = bottom[0]->shape(0);
  vector<int> indices(bottom[1]->count());
  for (size_t i = 0; i < indices.size(); ++i) {
    CHECK(values[i] >= 0 && values[i] < items)
        << "index " << values[i] << " (number " << i << ") is none of the " << items
        << " items of the first bottom";
    indices[i] = static_cast<int>(values[i]);
  }
  return indices;
}

template <typename Dtype>
void BatchReindexLayer<Dtype>::Forward_cpu(const vector<Blob<Dtype>*>& bottom,
                                           const vector<Blob<Dtype>*>& top) {
  const vector<int> indices = CheckedIndices(bottom);
  GatherRows(indices, bottom[0]->count(1), bottom[0]->cpu_data(), top[0]->mutable_cpu_data());
}

template <typename Dtype>
void BatchReindexLayer<Dtype>::Backward_cpu(const vector<Blob<Dtype>*>& top,
                                            const vector<bool>& propagate_down,
                                            const vector<Blob<Dtype>*>& bottom) {
  RefuseGradient(*this, propagate_down, 1);
  if (!propagate_down[0]) return;
  const vector<int> indices = CheckedIndices(bottom);
  const int length = bottom[0]->count(1);
  const Dtype* dy = top[0]->cpu_diff();
  Dtype* dx = bottom[0]->mutable_cpu_diff();
  caffe_set(bottom[0]->count(), Dtype(0), dx);
  for (size_t i = 0; i < indices.size(); ++i) {
    caffe_axpy(length, Dtype(1), dy + i * length, dx + indices[i] * length);
  }
}

INSTANTIATE_CLASS(BatchReindexLayer);
REGISTER_LAYER_CLASS(BatchReindex);

}  // namespace caffe
