#include "caffe/layers/inner_product_layer.hpp"

#include "layers/learned_blobs.hpp"
#include "util/per_channel.hpp"

namespace caffe {

template <typename Dtype>
void InnerProductLayer<Dtype>::LayerSetUp(const vector<Blob<Dtype>*>& bottom,
                                          const vector<Blob<Dtype>*>& top) {
  const InnerProductParameter& param = this->layer_param_.inner_product_param();
  CHECK(param.num_output() > 0 && param.num_output() < (1u << 30))
      << "num_output is " << param.num_output() << ": give the number of outputs";
  N_ = static_cast<int>(param.num_output());
  K_ = bottom[0]->count(bottom[0]->CanonicalAxisIndex(param.axis()));
  bias_term_ = param.bias_term();
  transpose_ = param.transpose();
  vector<BlobSpec> specs = {
      {"weights", transpose_ ? vector<int>{K_, N_} : vector<int>{N_, K_}, param.weight_filler()}};
  if (bias_term_) specs.push_back({"bias", {N_}, param.bias_filler()});
  SetUpLearnedBlobs(specs, &this->blobs_);
  this->param_propagate_down_.resize(this->blobs_.size(), true);
}

template <typename Dtype>
void InnerProductLayer<Dtype>::Reshape(const vector<Blob<Dtype>*>& bottom,
                                       const vector<Blob<Dtype>*>& top) {
  const int axis = bottom[0]->CanonicalAxisIndex(this->layer_param_.inner_product_param().axis());
  CHECK_EQ(K_, bottom[0]->count(axis))
      << ": an inner product's weights fit one input size only (the bottom is "
      << bottom[0]->shape_string() << ")";
  M_ = bottom[0]->count(0, axis);
  vector<int> top_shape(bottom[0]->shape().begin(), bottom[0]->shape().begin() + axis);
  top_shape.push_back(N_);
  top[0]->Reshape(top_shape);
}

template <typename Dtype>
void InnerProductLayer<Dtype>::Forward_cpu(const vector<Blob<Dtype>*>& bottom,
                                           const vector<Blob<Dtype>*>& top) {
  Dtype* y = top[0]->mutable_cpu_data();
  if (bias_term_) {
    const Dtype* bias = this->blobs_[1]->cpu_data();
    for (int m = 0; m < M_; ++m) std::copy(bias, bias + N_, y + std::ptrdiff_t(m) * N_);
  }
  caffe_cpu_gemm<Dtype>(CblasNoTrans, transpose_ ? CblasNoTrans : CblasTrans, M_, N_, K_, 1,
                        bottom[0]->cpu_data(), this->blobs_[0]->cpu_data(), bias_term_ ? 1 : 0, y);
}

template <typename Dtype>
void InnerProductLayer<Dtype>::Backward_cpu(const vector<Blob<Dtype>*>& top,
                                            const vector<bool>& propagate_down,
                                            const vector<Blob<Dtype>*>& bottom) {
  const Dtype* dy = top[0]->cpu_diff();
  if (this->param_propagate_down(0)) {
    const Dtype* x = bottom[0]->cpu_data();
    Dtype* diff = this->blobs_[0]->mutable_cpu_diff();
    if (transpose_) {
      caffe_cpu_gemm<Dtype>(CblasTrans, CblasNoTrans, K_, N_, M_, 1, x, dy, 1, diff);
    } else {
      caffe_cpu_gemm<Dtype>(CblasTrans, CblasNoTrans, N_, K_, M_, 1, dy, x, 1, diff);
    }
  }
  if (bias_term_ && this->param_propagate_down(1)) {
    const vector<double> sums = SumPerChannel(ChannelLayout{M_, N_, 1, 1, 1}, dy);
    Dtype* diff = this->blobs_[1]->mutable_cpu_diff();
    for (int n = 0; n < N_; ++n) diff[n] += static_cast<Dtype>(sums[n]);
  }
  if (propagate_down[0]) {
    caffe_cpu_gemm<Dtype>(CblasNoTrans, transpose_ ? CblasTrans : CblasNoTrans, M_, K_, N_, 1, dy,
                          this->blobs_[0]->cpu_data(), 0, bottom[0]->mutable_cpu_diff());
  }
}

INSTANTIATE_CLASS(InnerProductLayer);
REGISTER_LAYER_CLASS(InnerProduct);

}  // namespace caffe
