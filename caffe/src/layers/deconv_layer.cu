#include "caffe/layers/deconv_layer.hpp"
#include "dnn/convolution.hpp"

namespace caffe {

template <typename Dtype>
void DeconvolutionLayer<Dtype>::Forward_gpu(const vector<Blob<Dtype>*>& bottom,
                                            const vector<Blob<Dtype>*>& top) {
  const Blob<Dtype>& weights = *this->blobs_[0];
  auto* fast = this->fast();
  for (size_t i = 0; i < bottom.size(); ++i) {
    if (fast) fast->ToImage({bottom[i], Part::kData}, weights, {top[i], Part::kData});
    const Dtype* features = bottom[i]->gpu_data();
    Dtype* image = top[i]->mutable_gpu_data();
    for (int n = 0; n < this->num_; ++n) {
      if (!fast) {
        this->backward_gpu_gemm(features + n * this->bottom_dim_, weights.gpu_data(),
                                image + n * this->top_dim_);
      }
      if (this->bias_term_) {
        this->forward_gpu_bias(image + n * this->top_dim_, this->blobs_[1]->gpu_data());
      }
    }
  }
}

template <typename Dtype>
void DeconvolutionLayer<Dtype>::Backward_gpu(const vector<Blob<Dtype>*>& top,
                                             const vector<bool>& propagate_down,
                                             const vector<Blob<Dtype>*>& bottom) {
  const Blob<Dtype>& weights = *this->blobs_[0];
  Blob<Dtype>* weight = this->param_propagate_down(0) ? this->blobs_[0].get() : nullptr;
  Blob<Dtype>* bias =
      this->bias_term_ && this->param_propagate_down(1) ? this->blobs_[1].get() : nullptr;
  auto* fast = this->fast();
  for (size_t i = 0; i < top.size(); ++i) {
    if (fast && weight) {
      fast->AddWeightDiff({top[i], Part::kDiff}, {bottom[i], Part::kData}, weight, nullptr);
    }
    if (fast && propagate_down[i]) {
      fast->ToFeatures({top[i], Part::kDiff}, weights, nullptr, {bottom[i], Part::kDiff});
    }
    for (int n = 0; n < this->num_; ++n) {
      const Dtype* diff = top[i]->gpu_diff() + n * this->top_dim_;
      if (bias) this->backward_gpu_bias(bias->mutable_gpu_diff(), diff);
      if (fast) continue;
      if (weight) {
        this->weight_gpu_gemm(diff, bottom[i]->gpu_data() + n * this->bottom_dim_,
                              weight->mutable_gpu_diff());
      }
      if (propagate_down[i]) {
        this->forward_gpu_gemm(diff, weights.gpu_data(),
                               bottom[i]->mutable_gpu_diff() + n * this->bottom_dim_,
                               weight != nullptr);
      }
    }
  }
}

INSTANTIATE_LAYER_GPU_FUNCS(DeconvolutionLayer);

}  // namespace caffe
