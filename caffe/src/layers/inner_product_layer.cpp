#include "caffe/layers/inner_product_layer.hpp"

#include "layers/learned_blobs.hpp"
#include "layers/on_device.hpp"
#include "layers/row_bias.hpp"

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
  if (bias_term_ && bias_multiplier_.count() != M_) {
    bias_multiplier_.Reshape(vector<int>{M_});
    caffe_set(M_, Dtype(1), bias_multiplier_.mutable_cpu_data());
  }
}

template <typename Dtype>
void InnerProductLayer<Dtype>::FillWithBias(OnCpu, Dtype* y) const {
  caffe::FillWithBias(M_, *this->blobs_[1], y);
}

template <typename Dtype>
void InnerProductLayer<Dtype>::AddBiasDiff(OnCpu, const Dtype* dy) {
  caffe::AddBiasDiff(M_, dy, this->blobs_[1].get());
}

template <typename Dtype>
template <typename Device>
void InnerProductLayer<Dtype>::ForwardOn(const vector<Blob<Dtype>*>& bottom,
                                         const vector<Blob<Dtype>*>& top) {
  Dtype* y = Device::MutableData(top[0]);
  if (bias_term_) FillWithBias(Device(), y);
  Device::template Gemm<Dtype>(CblasNoTrans, transpose_ ? CblasNoTrans : CblasTrans, M_, N_, K_, 1,
                               Device::Data(*bottom[0]), Device::Data(*this->blobs_[0]),
                               bias_term_ ? 1 : 0, y);
}

template <typename Dtype>
template <typename Device>
void InnerProductLayer<Dtype>::BackwardOn(const vector<Blob<Dtype>*>& top,
                                          const vector<bool>& propagate_down,
                                          const vector<Blob<Dtype>*>& bottom) {
  const Dtype* dy = Device::Diff(*top[0]);
  if (this->param_propagate_down(0)) {
    const Dtype* x = Device::Data(*bottom[0]);
    Dtype* diff = Device::MutableDiff(this->blobs_[0].get());
    if (transpose_) {
      Device::template Gemm<Dtype>(CblasTrans, CblasNoTrans, K_, N_, M_, 1, x, dy, 1, diff);
    } else {
      Device::template Gemm<Dtype>(CblasTrans, CblasNoTrans, N_, K_, M_, 1, dy, x, 1, diff);
    }
  }
  if (bias_term_ && this->param_propagate_down(1)) AddBiasDiff(Device(), dy);
  if (propagate_down[0]) {
    Device::template Gemm<Dtype>(CblasNoTrans, transpose_ ? CblasTrans : CblasNoTrans, M_, K_, N_,
                                 1, dy, Device::Data(*this->blobs_[0]), 0,
                                 Device::MutableDiff(bottom[0]));
  }
}

DEFINE_PASSES(InnerProductLayer);
INSTANTIATE_CLASS(InnerProductLayer);
REGISTER_LAYER_CLASS(InnerProduct);

}  // namespace caffe
