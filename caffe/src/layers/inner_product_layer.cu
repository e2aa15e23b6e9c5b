#include "caffe/layers/inner_product_layer.hpp"
#include "util/device_channels.cuh"

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
void InnerProductLayer<Dtype>::Forward_gpu(const vector<Blob<Dtype>*>& bottom,
                                           const vector<Blob<Dtype>*>& top) {
  Dtype* y = top[0]->mutable_gpu_data();
  if (bias_term_) {
    ForElements(top[0]->count(), RepeatRow<Dtype>{N_, this->blobs_[1]->gpu_data(), y});
  }
  caffe_gpu_gemm<Dtype>(CblasNoTrans, transpose_ ? CblasNoTrans : CblasTrans, M_, N_, K_, 1,
                        bottom[0]->gpu_data(), this->blobs_[0]->gpu_data(), bias_term_ ? 1 : 0, y);
}

template <typename Dtype>
void InnerProductLayer<Dtype>::Backward_gpu(const vector<Blob<Dtype>*>& top,
                                            const vector<bool>& propagate_down,
                                            const vector<Blob<Dtype>*>& bottom) {
  const Dtype* dy = top[0]->gpu_diff();
  if (this->param_propagate_down(0)) {
    const Dtype* x = bottom[0]->gpu_data();
    Dtype* diff = this->blobs_[0]->mutable_gpu_diff();
    if (transpose_) {
      caffe_gpu_gemm<Dtype>(CblasTrans, CblasNoTrans, K_, N_, M_, 1, x, dy, 1, diff);
    } else {
      caffe_gpu_gemm<Dtype>(CblasTrans, CblasNoTrans, N_, K_, M_, 1, dy, x, 1, diff);
    }
  }
  if (bias_term_ && this->param_propagate_down(1)) {
    const Channels at({M_, N_, 1, 1, 1});
    SumRows(N_, M_, SumOfChannel<Dtype>{at, dy},
            StoreSum<Dtype>{this->blobs_[1]->mutable_gpu_diff(), true});
  }
  if (propagate_down[0]) {
    caffe_gpu_gemm<Dtype>(CblasNoTrans, transpose_ ? CblasTrans : CblasNoTrans, M_, K_, N_, 1, dy,
                          this->blobs_[0]->gpu_data(), 0, bottom[0]->mutable_gpu_diff());
  }
}

INSTANTIATE_LAYER_GPU_FUNCS(InnerProductLayer);

}  // namespace caffe
