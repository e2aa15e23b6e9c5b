#include "caffe/layers/conv_layer.hpp"

#include "dnn/convolution.hpp"
#include "layers/window_params.hpp"

namespace caffe {

template <typename Dtype>
void ConvolutionLayer<Dtype>::compute_output_shape() {
  this->output_shape_.clear();
  for (int i = 0; i < this->num_spatial_axes_; ++i) {
    this->output_shape_.push_back(WindowPositions(
        this->input_shape(i + 1), this->kernel_shape_.cpu_data()[i], this->stride_.cpu_data()[i],
        this->pad_.cpu_data()[i], this->dilation_.cpu_data()[i]));
  }
}

template <typename Dtype>
bool ConvolutionLayer<Dtype>::Absorb(const shared_ptr<Layer<Dtype>>& next, bool backward) {
  if (relu_ || string(next->type()) != "ReLU") return false;
  const float slope = next->layer_param().relu_param().negative_slope();
  // A negative slope needs the input to find the gradient.
  if (slope < 0) return false;
  relu_ = next;
  this->set_relu_slope(slope);
  return true;
}

template <typename Dtype>
void ConvolutionLayer<Dtype>::Forward_cpu(const vector<Blob<Dtype>*>& bottom,
                                          const vector<Blob<Dtype>*>& top) {
  const Blob<Dtype>& weights = *this->blobs_[0];
  const Blob<Dtype>* bias = this->bias_term_ ? this->blobs_[1].get() : nullptr;
  auto* fast = this->fast();
  for (size_t i = 0; i < bottom.size(); ++i) {
    if (fast) {
      fast->ToFeatures({bottom[i], Part::kData}, weights, bias, {top[i], Part::kData});
      continue;
    }
    const Dtype* image = bottom[i]->cpu_data();
    Dtype* features = top[i]->mutable_cpu_data();
    for (int n = 0; n < this->num_; ++n) {
      this->forward_cpu_gemm(image + n * this->bottom_dim_, weights.cpu_data(),
                             features + n * this->top_dim_);
      if (bias) this->forward_cpu_bias(features + n * this->top_dim_, bias->cpu_data());
    }
    if (relu_) relu_->Forward({top[i]}, {top[i]});
  }
}

template <typename Dtype>
void ConvolutionLayer<Dtype>::Backward_cpu(const vector<Blob<Dtype>*>& top,
                                           const vector<bool>& propagate_down,
                                           const vector<Blob<Dtype>*>& bottom) {
  const Blob<Dtype>& weights = *this->blobs_[0];
  Blob<Dtype>* weight = this->param_propagate_down(0) ? this->blobs_[0].get() : nullptr;
  Blob<Dtype>* bias =
      this->bias_term_ && this->param_propagate_down(1) ? this->blobs_[1].get() : nullptr;
  auto* fast = this->fast();
  for (size_t i = 0; i < top.size(); ++i) {
    if (relu_) relu_->Backward({top[i]}, {true}, {top[i]});
    if (fast && weight) {
      fast->AddWeightDiff({bottom[i], Part::kData}, {top[i], Part::kDiff}, weight, bias);
    }
    if (fast && propagate_down[i]) {
      fast->ToImage({top[i], Part::kDiff}, weights, {bottom[i], Part::kDiff});
    }
    if (fast && (weight || !bias)) continue;
    const Dtype* feature_diff = top[i]->cpu_diff();
    for (int n = 0; n < this->num_; ++n) {
      const Dtype* diff = feature_diff + n * this->top_dim_;
      if (bias) this->backward_cpu_bias(bias->mutable_cpu_diff(), diff);
      if (fast) continue;
      if (weight) {
        this->weight_cpu_gemm(bottom[i]->cpu_data() + n * this->bottom_dim_, diff,
                              weight->mutable_cpu_diff());
      }
      if (propagate_down[i]) {
        this->backward_cpu_gemm(diff, weights.cpu_data(),
                                bottom[i]->mutable_cpu_diff() + n * this->bottom_dim_);
      }
    }
  }
}

INSTANTIATE_CLASS(ConvolutionLayer);
REGISTER_LAYER_CLASS(Convolution);

}  // namespace caffe
