#include "caffe/layers/bn_layer.hpp"

#include "caffe/layers/batch_norm_layer.hpp"
#include "caffe/layers/scale_layer.hpp"
#include "layers/exact_class.hpp"
#include "layers/learned_blobs.hpp"

namespace caffe {

template <typename Dtype>
void BNLayer<Dtype>::LayerSetUp(const vector<Blob<Dtype>*>& bottom,
                                const vector<Blob<Dtype>*>& top) {
  const BNParameter& param = this->layer_param_.bn_param();
  CHECK_GE(bottom[0]->num_axes(), 2) << " axes: BN needs a batch axis and a channel axis";
  const vector<int> shape = {1, bottom[0]->shape(1), 1, 1};
  SetUpLearnedBlobs<Dtype>(
      {{"factors", shape, param.has_scale_filler() ? param.scale_filler() : ConstantFillerParam(1)},
       {"shifts", shape, param.has_shift_filler() ? param.shift_filler() : ConstantFillerParam(0)}},
      &this->blobs_);
  this->param_propagate_down_.resize(this->blobs_.size(), true);

  LayerParameter part;
  part.set_phase(this->phase_);
  if (param.bn_mode() == BNParameter_BNMode_LEARN) {
    part.mutable_batch_norm_param()->set_use_global_stats(false);
    batch_norm_.reset(new BatchNormLayer<Dtype>(part));
    batch_norm_->SetUp(bottom, top);
  }
  part.mutable_scale_param()->set_bias_term(true);
  scale_.reset(new ScaleLayer<Dtype>(part));
  scale_->SetUp(batch_norm_ ? top : bottom, top);
  // Backward may be called: that of a net which never goes back keeps no more than the input.
  CHECK(!batch_norm_ || batch_norm_->Fuse(scale_, true));
}

template <typename Dtype>
void BNLayer<Dtype>::Reshape(const vector<Blob<Dtype>*>& bottom, const vector<Blob<Dtype>*>& top) {
  First().Reshape(bottom, top);
}

template <typename Dtype>
bool BNLayer<Dtype>::Fuse(const shared_ptr<Layer<Dtype>>& next, bool backward) {
  return IsExactly<BNLayer>(*this) && batch_norm_ && batch_norm_->Fuse(next, backward);
}

template <typename Dtype>
bool BNLayer<Dtype>::IsAffine() const {
  return IsExactly<BNLayer>(*this) && !batch_norm_ && scale_->IsAffine();
}

template <typename Dtype>
void BNLayer<Dtype>::ComposeAffine(vector<Dtype>* factors, vector<Dtype>* offsets) {
  ShareBlobs();
  scale_->ComposeAffine(factors, offsets);
}

template <typename Dtype>
void BNLayer<Dtype>::ShareBlobs() {
  for (size_t i = 0; i < this->blobs_.size(); ++i) {
    scale_->blobs()[i]->ShareData(*this->blobs_[i]);
    scale_->blobs()[i]->ShareDiff(*this->blobs_[i]);
    scale_->set_param_propagate_down(static_cast<int>(i), this->param_propagate_down_[i]);
  }
}

template <typename Dtype>
void BNLayer<Dtype>::Forward_cpu(const vector<Blob<Dtype>*>& bottom,
                                 const vector<Blob<Dtype>*>& top) {
  ShareBlobs();
  First().Forward(bottom, top);
}

template <typename Dtype>
void BNLayer<Dtype>::Backward_cpu(const vector<Blob<Dtype>*>& top,
                                  const vector<bool>& propagate_down,
                                  const vector<Blob<Dtype>*>& bottom) {
  ShareBlobs();
  First().Backward(top, propagate_down, bottom);
}

inline namespace beyond_caffe_1 {

INSTANTIATE_CLASS(BNLayer);
REGISTER_LAYER_CLASS(BN);

}  // namespace beyond_caffe_1

}  // namespace caffe
