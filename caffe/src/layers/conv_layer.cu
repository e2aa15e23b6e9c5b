#include "caffe/layers/conv_layer.hpp"
#include "dnn/convolution.hpp"

namespace caffe {

template <typename Dtype>
void ConvolutionLayer<Dtype>::Forward_gpu(const vector<Blob<Dtype>*>& bottom,
                                          const vector<Blob<Dtype>*>& top) {
  const Blob<Dtype>& weights = *this->blobs_[0];
  const Blob<Dtype>* bias = this->bias_term_ ? this->blobs_[1].get() : nullptr;
  auto* fast = this->fast();
  for (size_t i = 0; i < bottom.size(); ++i) {
    if (fast) {
      fast->ToFeatures({bottom[i], Part::kData}, weights, bias, {top[i], Part::kData});
      continue;
    }
    const Dtype* image = bottom[i]->gpu_data();
    Dtype* features = top[i]->mutable_gpu_data();
    for (int n = 0; n < this->num_; ++n) {
      this->forward_gpu_gemm(image + n * this->bottom_dim_, weights.gpu_data(),
                             features + n * this->top_dim_);
      if (bias) this->forward_gpu_bias(features + n * this->top_dim_, bias->gpu_data());
    }
  }
}

template <typename Dtype>
void ConvolutionLayer<Dtype>::Backward_gpu(const vector<Blob<Dtype>*>& top,
                                           const vector<bool>& propagate_down,
                                           const vector<Blob<Dtype>*>& bottom) {
  const Blob<Dtype>& weights = *this->blobs_[0];
  Blob<Dtype>* weight = this->param_propagate_down(0) ? this->blobs_[0].get() : nullptr;
  Blob<Dtype>* bias =
      this->bias_term_ && this->param_propagate_down(1) ? this->blobs_[1].get() : nullptr;
  auto* fast = this->fast();
  for (size_t i = 0; i < top.size(); ++i) {
    if (fast && weight) {
      fast->AddWeightDiff({bottom[i], Part::kData}, {top[i], Part::kDiff}, weight, bias);
    }
    if (fast && propagate_down[i]) {
      fast->ToImage({top[i], Part::kDiff}, weights, {bottom[i], Part::kDiff});
    }
    if (fast && (weight || !bias)) continue;
    for (int n = 0; n < this->num_; ++n) {
      const Dtype* diff = top[i]->gpu_diff() + n * this->top_dim_;
      if (bias) this->backward_gpu_bias(bias->mutable_gpu_diff(), diff);
      if (fast) continue;
      if (weight) {
        this->weight_gpu_gemm(bottom[i]->gpu_data() + n * this->bottom_dim_, diff,
                              weight->mutable_gpu_diff());
      }
      if (propagate_down[i]) {
        this->backward_gpu_gemm(diff, weights.gpu_data(),
                                bottom[i]->mutable_gpu_diff() + n * this->bottom_dim_);
      }
    }
  }
}

INSTANTIATE_LAYER_GPU_FUNCS(ConvolutionLayer);

}  // namespace caffe
