#include "caffe/layers/batch_reindex_layer.hpp"
#include "gpu/rows.cuh"
#include "layers/no_gradient.hpp"

namespace caffe {

template <typename Dtype>
const int* BatchReindexLayer<Dtype>::DeviceIndices(const vector<Blob<Dtype>*>& bottom) {
  const vector<int> indices = CheckedIndices(bottom);
  device_indices_.Reshape(vector<int>{static_cast<int>(indices.size())});
  std::copy(indices.begin(), indices.end(), device_indices_.mutable_cpu_data());
  return device_indices_.gpu_data();
}

template <typename Dtype>
void BatchReindexLayer<Dtype>::Forward_gpu(const vector<Blob<Dtype>*>& bottom,
                                           const vector<Blob<Dtype>*>& top) {
  const int* indices = DeviceIndices(bottom);
  ForElements(top[0]->count(),
              GatherRowElement<Dtype>{bottom[0]->count(1), indices, bottom[0]->gpu_data(),
                                      top[0]->mutable_gpu_data()});
}

template <typename Dtype>
void BatchReindexLayer<Dtype>::Backward_gpu(const vector<Blob<Dtype>*>& top,
                                            const vector<bool>& propagate_down,
                                            const vector<Blob<Dtype>*>& bottom) {
  RefuseGradient(*this, propagate_down, 1);
  if (!propagate_down[0]) return;
  const int* indices = DeviceIndices(bottom);
  const int length = bottom[0]->count(1);
  Dtype* dx = bottom[0]->mutable_gpu_diff();
  caffe_gpu_set(bottom[0]->count(), Dtype(0), dx);
  ForElements(length, AddColumnToRows<Dtype>{device_indices_.count(), length, indices,
                                             top[0]->gpu_diff(), dx});
}

INSTANTIATE_LAYER_GPU_FUNCS(BatchReindexLayer);

}  // namespace caffe
