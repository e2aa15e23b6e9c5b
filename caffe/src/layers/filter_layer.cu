#include "caffe/layers/filter_layer.hpp"
#include "gpu/rows.cuh"
#include "layers/no_gradient.hpp"

namespace caffe {

template <typename Dtype>
void FilterLayer<Dtype>::Forward_gpu(const vector<Blob<Dtype>*>& bottom,
                                     const vector<Blob<Dtype>*>& top) {
  const int items = static_cast<int>(indices_to_forward_.size());
  device_indices_.Reshape(vector<int>{items});
  std::copy(indices_to_forward_.begin(), indices_to_forward_.end(),
            device_indices_.mutable_cpu_data());
  const int* indices = device_indices_.gpu_data();
  for (size_t i = 0; i < top.size(); ++i) {
    const int length = bottom[i]->count(1);
    ForElements(std::ptrdiff_t(items) * length,
                GatherRowElement<Dtype>{length, indices, bottom[i]->gpu_data(),
                                        top[i]->mutable_gpu_data()});
  }
}

template <typename Dtype>
void FilterLayer<Dtype>::Backward_gpu(const vector<Blob<Dtype>*>& top,
                                      const vector<bool>& propagate_down,
                                      const vector<Blob<Dtype>*>& bottom) {
  RefuseGradient(*this, propagate_down, bottom.size() - 1);
  const int* indices = device_indices_.gpu_data();
  for (size_t i = 0; i < top.size(); ++i) {
    if (!propagate_down[i]) continue;
    const int length = bottom[i]->count(1);
    Dtype* dx = bottom[i]->mutable_gpu_diff();
    caffe_gpu_set(bottom[i]->count(), Dtype(0), dx);
    ForElements(std::ptrdiff_t(device_indices_.count()) * length,
                ScatterRowElement<Dtype>{length, indices, top[i]->gpu_diff(), dx});
  }
}

INSTANTIATE_LAYER_GPU_FUNCS(FilterLayer);

}  // namespace caffe
