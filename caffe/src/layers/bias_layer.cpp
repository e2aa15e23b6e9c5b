#include "caffe/layers/bias_layer.hpp"

#include "core/per_channel.hpp"
#include "layers/broadcast.hpp"
#include "layers/exact_class.hpp"
#include "layers/learned_blobs.hpp"
#include "util/copy_elements.hpp"

namespace caffe {

template <typename Dtype>
void BiasLayer<Dtype>::LayerSetUp(const vector<Blob<Dtype>*>& bottom,
                                  const vector<Blob<Dtype>*>& top) {
  if (bottom.size() > 1) return;
  const BiasParameter& param = this->layer_param_.bias_param();
  SetUpLearnedBlobs<Dtype>(
      {{"bias", OperandShape(*bottom[0], param.axis(), param.num_axes()), param.filler()}},
      &this->blobs_);
  this->param_propagate_down_.resize(this->blobs_.size(), true);
}

template <typename Dtype>
void BiasLayer<Dtype>::Reshape(const vector<Blob<Dtype>*>& bottom,
                               const vector<Blob<Dtype>*>& top) {
  BroadcastLayout(*bottom[0], PlainLayout(*bottom[0]), this->layer_param_.bias_param().axis(),
                  Operand(bottom));
  if (bottom[0] != top[0]) top[0]->ReshapeLike(*bottom[0]);
}

template <typename Dtype>
void BiasLayer<Dtype>::Forward_cpu(const vector<Blob<Dtype>*>& bottom,
                                   const vector<Blob<Dtype>*>& top) {
  const Blob<Dtype>& bias = Operand(bottom);
  const ChannelLayout layout = BroadcastLayout(*bottom[0], LayoutOf(*bottom[0]),
                                               this->layer_param_.bias_param().axis(), bias);
  const Dtype* x = ReadIn(layout, *bottom[0]);
  ScalePerChannel(layout, x, {}, ValuesOf(bias), WriteIn(layout, top[0]));
}

template <typename Dtype>
bool BiasLayer<Dtype>::IsAffine() const {
  return IsExactly<BiasLayer>(*this) && this->blobs_.size() == 1 &&
         IsPerChannel(*this->blobs_[0], this->layer_param_.bias_param().axis());
}

template <typename Dtype>
void BiasLayer<Dtype>::ComposeAffine(vector<Dtype>* factors, vector<Dtype>* offsets) {
  const Dtype* bias = this->blobs_[0]->cpu_data();
  for (size_t c = 0; c < offsets->size(); ++c) (*offsets)[c] += bias[c];
}

template <typename Dtype>
void BiasLayer<Dtype>::Backward_cpu(const vector<Blob<Dtype>*>& top,
                                    const vector<bool>& propagate_down,
                                    const vector<Blob<Dtype>*>& bottom) {
  Blob<Dtype>& bias = Operand(bottom);
  const ChannelLayout layout = BroadcastLayout(*top[0], LayoutOf(*top[0], Part::kDiff),
                                               this->layer_param_.bias_param().axis(), bias);
  const Dtype* dy = ReadIn(layout, *top[0], Part::kDiff);
  const bool learned = bottom.size() == 1;
  if (learned ? this->param_propagate_down(0) : propagate_down[1]) {
    StoreSums(SumPerChannel(layout, dy), learned, &bias);
  }
  if (propagate_down[0] && bottom[0] != top[0]) {
    CopyElements(layout.size(), dy, WriteIn(layout, bottom[0], Part::kDiff));
  }
}

INSTANTIATE_CLASS(BiasLayer);
REGISTER_LAYER_CLASS(Bias);

}  // namespace caffe
