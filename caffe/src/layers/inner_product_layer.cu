#include "caffe/layers/inner_product_layer.hpp"
#include "gpu/bias.hpp"
#include "gpu/loops.cuh"
#include "layers/on_device.hpp"

namespace caffe {

namespace {

template <typename Dtype>
struct RepeatRow {
  int length;
  const Dtype* row;
  Dtype* y;
  CAFFE_HOST_DEVICE void operator()(int i) const { y[i] = row[i % length]; }
};

}  // namespace

template <typename Dtype>
void InnerProductLayer<Dtype>::FillWithBias(OnGpu, Dtype* y) const {
  ForElements(std::ptrdiff_t(M_) * N_, RepeatRow<Dtype>{N_, this->blobs_[1]->gpu_data(), y});
}

template <typename Dtype>
void InnerProductLayer<Dtype>::AddBiasDiff(OnGpu, const Dtype* dy) {
  AddBiasDiffOnGpu(M_, N_, 1, dy, this->blobs_[1]->mutable_gpu_diff());
}

#define INSTANTIATE_BIAS(Dtype)                                              \
  template void InnerProductLayer<Dtype>::FillWithBias(OnGpu, Dtype*) const; \
  template void InnerProductLayer<Dtype>::AddBiasDiff(OnGpu, const Dtype*)
INSTANTIATE_BIAS(float);
INSTANTIATE_BIAS(double);

}  // namespace caffe
