#include "caffe/layers/batch_norm_layer.hpp"

#include <cstring>

#include "caffe/layers/scale_layer.hpp"
#include "core/per_channel.hpp"
#include "layers/batch_norm_elements.hpp"
#include "layers/exact_class.hpp"
#include "layers/fused_relu.hpp"
#include "layers/learned_blobs.hpp"
#include "util/copy_elements.hpp"

namespace caffe {

template <typename Dtype>
void BatchNormLayer<Dtype>::LayerSetUp(const vector<Blob<Dtype>*>& bottom,
                                       const vector<Blob<Dtype>*>& top) {
  const BatchNormParameter& param = this->layer_param_.batch_norm_param();
  moving_average_fraction_ = param.moving_average_fraction();
  use_global_stats_ =
      param.has_use_global_stats() ? param.use_global_stats() : this->phase_ == TEST;
  CHECK_GE(param.eps(), 0) << ": eps is added to variances; 1e-5 is usual";
  eps_ = param.eps();
  CHECK_GE(bottom[0]->num_axes(), 2) << " axes: BatchNorm needs a batch axis and a channel axis";
  channels_ = bottom[0]->shape(1);
  const FillerParameter zero = ConstantFillerParam(0);
  SetUpLearnedBlobs<Dtype>(
      {{"means", {channels_}, zero}, {"variances", {channels_}, zero}, {"weight", {1}, zero}},
      &this->blobs_);
  // The solver must leave the statistics alone, whatever the prototxt says about lr_mult.
  for (int i = 0; i < static_cast<int>(this->blobs_.size()); ++i) {
    if (i == this->layer_param_.param_size()) this->layer_param_.add_param()->set_lr_mult(0);
    CHECK_EQ(this->layer_param_.param(i).lr_mult(), 0)
        << ": BatchNorm's blobs are statistics, not learned; set their lr_mult to 0 or leave "
           "`param` out";
  }
}

template <typename Dtype>
void BatchNormLayer<Dtype>::Reshape(const vector<Blob<Dtype>*>& bottom,
                                    const vector<Blob<Dtype>*>& top) {
  CHECK_GE(bottom[0]->num_axes(), 2) << " axes: BatchNorm needs a batch axis and a channel axis";
  CHECK_EQ(bottom[0]->shape(1), channels_) << ": the number of channels must not change";
  in_place_ = bottom[0] == top[0];
  top[0]->ReshapeLike(*bottom[0]);
}

template <typename Dtype>
void BatchNormLayer<Dtype>::TakeGlobalStatistics() {
  mean_.resize(channels_);
  inverse_deviation_.resize(channels_);
  vector<Dtype> variance(channels_);
  const TakeRunning<Dtype> take = {eps_,
                                   nullptr,
                                   this->blobs_[0]->cpu_data(),
                                   this->blobs_[1]->cpu_data(),
                                   this->blobs_[2]->cpu_data(),
                                   mean_.data(),
                                   variance.data(),
                                   inverse_deviation_.data()};
  for (int c = 0; c < channels_; ++c) take(c);
}

template <typename Dtype>
void BatchNormLayer<Dtype>::TakeBatchStatistics(const Blob<Dtype>& bottom) {
  inverse_deviation_.resize(channels_);
  const ChannelLayout layout = StoredLayout(bottom);
  const double count = double(bottom.count()) / channels_;
  vector<double> squares;
  VisitElements<Dtype>(layout, [&](auto type) {
    MomentsPerChannel(layout, ReadAs<decltype(type)>(layout, bottom), &mean_, &squares);
  });

  const RunningSums<Dtype> running = {
      moving_average_fraction_, nullptr, this->blobs_[0]->mutable_cpu_data(),
      this->blobs_[1]->mutable_cpu_data(), this->blobs_[2]->mutable_cpu_data()};
  const TakeBatch<Dtype> take = {count, double(eps_), running, mean_.data(),
                                 inverse_deviation_.data()};
  for (int c = 0; c < channels_; ++c) take(c, mean_[c], squares[c] / count);
}

template <typename Dtype>
void BatchNormLayer<Dtype>::Forward_cpu(const vector<Blob<Dtype>*>& bottom,
                                        const vector<Blob<Dtype>*>& top) {
  // No values have a mean: the running ones stay as they are.
  if (bottom[0]->count() == 0) return;
  if (use_global_stats_) {
    TakeGlobalStatistics();
  } else {
    TakeBatchStatistics(*bottom[0]);
  }
  if (scale_) return ForwardWhole(bottom[0], top[0]);
  vector<Dtype> offset(channels_);
  for (int c = 0; c < channels_; ++c) offset[c] = -mean_[c] * inverse_deviation_[c];
  const ChannelLayout layout = LayoutOf(*bottom[0]);
  const Dtype* x = ReadIn(layout, *bottom[0]);
  const bool keep = in_place_ && !use_global_stats_;
  if (keep) x_norm_.ReshapeLike(*top[0]);
  Dtype* y = WriteIn(layout, keep ? &x_norm_ : top[0]);
  ScalePerChannel(layout, x, inverse_deviation_, offset, y);
  if (keep) CopyElements(layout.size(), y, WriteIn(layout, top[0]));
}

template <typename Dtype>
void BatchNormLayer<Dtype>::Backward_cpu(const vector<Blob<Dtype>*>& top,
                                         const vector<bool>& propagate_down,
                                         const vector<Blob<Dtype>*>& bottom) {
  if (bottom[0]->count() == 0) return;
  if (scale_) return BackwardWhole(top[0], propagate_down[0], bottom[0]);
  if (!propagate_down[0]) return;
  const ChannelLayout layout = use_global_stats_
                                   ? LayoutOf(*top[0], Part::kDiff)
                                   : LayoutOf(in_place_ ? x_norm_ : *bottom[0], Part::kData);
  const Dtype* dy = ReadIn(layout, *top[0], Part::kDiff);
  if (use_global_stats_) {
    ScalePerChannel(layout, dy, inverse_deviation_, {}, WriteIn(layout, bottom[0], Part::kDiff));
    return;
  }
  const Dtype* z = ReadIn(layout, in_place_ ? x_norm_ : *bottom[0]);
  const vector<double> sum_dy = SumPerChannel(layout, dy);
  const vector<double> sum_dy_z = DotPerChannel(layout, dy, z);
  const double count = double(bottom[0]->count()) / channels_;
  vector<Dtype> factor_z(channels_), offset(channels_);
  const StoreCoefficients<Dtype> store = {
      count, in_place_, mean_.data(), inverse_deviation_.data(), factor_z.data(), offset.data()};
  for (int c = 0; c < channels_; ++c) store(c, {{sum_dy[c], sum_dy_z[c]}});
  CombinePerChannel(layout, dy, inverse_deviation_, z, factor_z, offset,
                    WriteIn(layout, bottom[0], Part::kDiff));
}

// ---- with the layers beside it ----

template <typename Dtype>
bool BatchNormLayer<Dtype>::TakeBias(const shared_ptr<Blob<Dtype>>& bias, bool backward) {
  if (Caffe::mode() == Caffe::CPU || !IsExactly<BatchNormLayer>(*this)) return false;
  if (use_global_stats_ && backward) return false;
  bias_ = bias;
  return true;
}

template <typename Dtype>
bool BatchNormLayer<Dtype>::IsAffine() const {
  return IsExactly<BatchNormLayer>(*this) && use_global_stats_ && !scale_;
}

template <typename Dtype>
void BatchNormLayer<Dtype>::ComposeAffine(vector<Dtype>* factors, vector<Dtype>* offsets) {
  TakeGlobalStatistics();
  for (int c = 0; c < channels_; ++c) {
    (*factors)[c] *= inverse_deviation_[c];
    (*offsets)[c] = ((*offsets)[c] - mean_[c]) * inverse_deviation_[c];
  }
}

template <typename Dtype>
bool BatchNormLayer<Dtype>::Fuse(const shared_ptr<Layer<Dtype>>& next, bool backward) {
  // Asked for by name, cuDNN computes BatchNorm alone.
  if (Engine() == BatchNormParameter_Engine_CUDNN && Caffe::mode() == Caffe::GPU) return false;
  if (!IsExactly<BatchNormLayer>(*this)) return false;
  if (IsExactly<ScaleLayer<Dtype>>(*next) && next->IsAffine() && !scale_) {
    scale_ = next;
    keeps_input_ = backward;
    return true;
  }
  const auto slope = SlopeOfFusibleReLU(*next);
  if (slope && scale_ && !has_relu_) {
    slope_ = *slope;
    has_relu_ = true;
    return true;
  }
  return false;
}

template <typename Dtype>
typename BatchNormLayer<Dtype>::WholeFactors BatchNormLayer<Dtype>::FactorsOfBoth() const {
  WholeFactors both = {vector<Dtype>(channels_), vector<Dtype>(channels_)};
  const auto& learned = scale_->blobs();
  const StoreWholeFactors<Dtype> store = {
      mean_.data(),           inverse_deviation_.data(),
      learned[0]->cpu_data(), learned.size() > 1 ? learned[1]->cpu_data() : nullptr,
      both.a.data(),          both.b.data()};
  for (int c = 0; c < channels_; ++c) store(c);
  return both;
}

template <typename Dtype>
bool BatchNormLayer<Dtype>::TakeStore(Blob<Dtype>* bottom) {
  x_.data()->set_layout(bottom->data()->layout());
  bottom->data()->Release();
  if (bottom->data()->released()) {
    bottom->data()->Renew();
    return true;
  }
  x_.data()->Release();
  x_.data()->Renew();
  return false;
}

template <typename Dtype>
void BatchNormLayer<Dtype>::TakeBottom(Blob<Dtype>* bottom) {
  x_.ReshapeLike(*bottom);
  x_.data()->Renew();
  const ChannelLayout layout = StoredLayout(*bottom);
  // The memory itself, if nobody else holds it.
  if (!layout.plain() && TakeStore(bottom)) return;
  std::memcpy(WriteBytes(layout, &x_, Part::kData), ReadBytes(layout, *bottom, Part::kData),
              layout.element == Element::kFloat ? layout.size() * sizeof(Dtype) : layout.bytes());
}

template <typename Dtype>
void BatchNormLayer<Dtype>::ScaleWhole(const Blob<Dtype>& x, Blob<Dtype>* y) const {
  const ChannelLayout layout = StoredLayout(x);
  const WholeFactors both = FactorsOfBoth();
  VisitElements<Dtype>(layout, [&](auto type) {
    using T = decltype(type);
    const T* values = ReadAs<T>(layout, x);
    ScalePerChannel(layout, values, both.a, both.b, WriteAs<T>(layout, y), slope_);
  });
}

template <typename Dtype>
void BatchNormLayer<Dtype>::ForwardWhole(Blob<Dtype>* bottom, Blob<Dtype>* top) {
  const bool take = keeps_input_ && in_place_;
  if (take) TakeBottom(bottom);
  ScaleWhole(take ? x_ : *bottom, top);
}

template <typename Dtype>
void BatchNormLayer<Dtype>::RecomputeTop(const vector<Blob<Dtype>*>& bottom,
                                         const vector<Blob<Dtype>*>& top) {
  if (top[0]->count() == 0) return;
#ifndef CPU_ONLY
  if (Caffe::mode() == Caffe::GPU) return ScaleWholeOnGpu(x_, top[0]);
#endif
  ScaleWhole(x_, top[0]);
}

template <typename Dtype>
void BatchNormLayer<Dtype>::BackwardWhole(Blob<Dtype>* top, bool propagate_down,
                                          Blob<Dtype>* bottom) {
  const Blob<Dtype>& input = in_place_ ? x_ : *bottom;
  const ChannelLayout layout = StoredLayout(input);
  const WholeFactors both = FactorsOfBoth();
  vector<Dtype> u(channels_), v(channels_);
  const StoreWholeCoefficients<Dtype> store = {
      double(input.count()) / channels_,  use_global_stats_, mean_.data(),
      inverse_deviation_.data(),          both.a.data(),     WantedDiff<OnCpu>(scale_.get(), 0),
      WantedDiff<OnCpu>(scale_.get(), 1), u.data(),          v.data()};
  VisitElements<Dtype>(layout, [&](auto type) {
    using T = decltype(type);
    const RectifiedGradient<T> g = {ReadAs<T>(layout, *top, Part::kDiff), ReadAs<T>(layout, input),
                                    both.a, both.b, slope_};
    vector<double> sums, dots;
    GradientSumsPerChannel(layout, g, mean_, &sums, &dots);
    for (int c = 0; c < channels_; ++c) store(c, {{sums[c], dots[c]}});
    if (!propagate_down) return;
    CombineGradientPerChannel(layout, g, u, v, WriteAs<T>(layout, bottom, Part::kDiff));
  });
  if (in_place_) x_.data()->Release();
}

INSTANTIATE_CLASS(BatchNormLayer);
REGISTER_LAYER_CLASS(BatchNorm);

}  // namespace caffe
