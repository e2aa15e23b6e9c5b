#include "caffe/layers/scale_layer.hpp"

#include "core/per_channel.hpp"
#include "layers/broadcast.hpp"
#include "layers/exact_class.hpp"
#include "layers/learned_blobs.hpp"
#include "util/copy_elements.hpp"

namespace caffe {

template <typename Dtype>
void ScaleLayer<Dtype>::LayerSetUp(const vector<Blob<Dtype>*>& bottom,
                                   const vector<Blob<Dtype>*>& top) {
  const ScaleParameter& param = this->layer_param_.scale_param();
  const bool learned = bottom.size() == 1;
  const vector<int> shape =
      learned ? OperandShape(*bottom[0], param.axis(), param.num_axes()) : bottom[1]->shape();
  vector<BlobSpec> specs;
  if (learned) {
    specs.push_back(
        {"factors", shape, param.has_filler() ? param.filler() : ConstantFillerParam(1)});
  }
  if (param.bias_term()) {
    bias_param_id_ = static_cast<int>(specs.size());
    specs.push_back({"bias", shape, param.bias_filler()});
  }
  SetUpLearnedBlobs(specs, &this->blobs_);
  this->param_propagate_down_.resize(this->blobs_.size(), true);
}

template <typename Dtype>
void ScaleLayer<Dtype>::Reshape(const vector<Blob<Dtype>*>& bottom,
                                const vector<Blob<Dtype>*>& top) {
  BroadcastLayout(*bottom[0], PlainLayout(*bottom[0]), this->layer_param_.scale_param().axis(),
                  Factor(bottom));
  if (bias_param_id_ >= 0) {
    const Blob<Dtype>& bias = *this->blobs_[bias_param_id_];
    CHECK(bias.shape() == Factor(bottom).shape())
        << "the factors, of shape " << Factor(bottom).shape_string()
        << ", no longer have the shape of the learned bias, " << bias.shape_string();
  }
  if (bottom[0] == top[0]) {
    temp_.ReshapeLike(*bottom[0]);
  } else {
    top[0]->ReshapeLike(*bottom[0]);
  }
}

template <typename Dtype>
void ScaleLayer<Dtype>::Forward_cpu(const vector<Blob<Dtype>*>& bottom,
                                    const vector<Blob<Dtype>*>& top) {
  const Blob<Dtype>& factor = Factor(bottom);
  const ChannelLayout layout = BroadcastLayout(*bottom[0], LayoutOf(*bottom[0]),
                                               this->layer_param_.scale_param().axis(), factor);
  const Dtype* x = ReadIn(layout, *bottom[0]);
  if (bottom[0] == top[0]) CopyElements(layout.size(), x, WriteIn(layout, &temp_));
  const vector<Dtype> bias =
      bias_param_id_ < 0 ? vector<Dtype>() : ValuesOf(*this->blobs_[bias_param_id_]);
  ScalePerChannel(layout, x, ValuesOf(factor), bias, WriteIn(layout, top[0]));
}

template <typename Dtype>
bool ScaleLayer<Dtype>::IsAffine() const {
  const size_t learned = bias_param_id_ < 0 ? 1 : 2;
  return IsExactly<ScaleLayer>(*this) && this->blobs_.size() == learned &&
         IsPerChannel(*this->blobs_[0], this->layer_param_.scale_param().axis());
}

template <typename Dtype>
void ScaleLayer<Dtype>::ComposeAffine(vector<Dtype>* factors, vector<Dtype>* offsets) {
  const Dtype* factor = this->blobs_[0]->cpu_data();
  const Dtype* bias = bias_param_id_ < 0 ? nullptr : this->blobs_[bias_param_id_]->cpu_data();
  for (size_t c = 0; c < factors->size(); ++c) {
    (*factors)[c] *= factor[c];
    (*offsets)[c] = (*offsets)[c] * factor[c] + (bias ? bias[c] : 0);
  }
}

template <typename Dtype>
void ScaleLayer<Dtype>::Backward_cpu(const vector<Blob<Dtype>*>& top,
                                     const vector<bool>& propagate_down,
                                     const vector<Blob<Dtype>*>& bottom) {
  const bool learned = bottom.size() == 1;
  const Blob<Dtype>& x_blob = bottom[0] == top[0] ? temp_ : *bottom[0];
  Blob<Dtype>& factor = Factor(bottom);
  const ChannelLayout layout =
      BroadcastLayout(x_blob, LayoutOf(x_blob), this->layer_param_.scale_param().axis(), factor);
  const Dtype* dy = ReadIn(layout, *top[0], Part::kDiff);
  if (bias_param_id_ >= 0 && this->param_propagate_down(bias_param_id_)) {
    StoreSums(SumPerChannel(layout, dy), true, this->blobs_[bias_param_id_].get());
  }
  if (learned ? this->param_propagate_down(0) : propagate_down[1]) {
    StoreSums(DotPerChannel(layout, dy, ReadIn(layout, x_blob)), learned, &factor);
  }
  if (propagate_down[0]) {
    ScalePerChannel(layout, dy, ValuesOf(factor), {}, WriteIn(layout, bottom[0], Part::kDiff));
  }
}

INSTANTIATE_CLASS(ScaleLayer);
REGISTER_LAYER_CLASS(Scale);

}  // namespace caffe
