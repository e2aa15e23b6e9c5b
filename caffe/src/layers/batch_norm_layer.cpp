#include "caffe/layers/batch_norm_layer.hpp"

#include <cstring>

#include "caffe/layers/relu_layer.hpp"
#include "caffe/layers/scale_layer.hpp"
#include "core/per_channel.hpp"
#include "layers/exact_class.hpp"
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
  const Dtype weight = this->blobs_[2]->cpu_data()[0];
  const Dtype scale = weight == Dtype(0) ? Dtype(0) : Dtype(1) / weight;
  for (int c = 0; c < channels_; ++c) {
    mean_[c] = scale * this->blobs_[0]->cpu_data()[c];
    const Dtype variance = scale * this->blobs_[1]->cpu_data()[c];
    inverse_deviation_[c] = Dtype(1) / std::sqrt(variance + eps_);
  }
}

template <typename Dtype>
void BatchNormLayer<Dtype>::TakeBatchStatistics(const Blob<Dtype>& bottom) {
  const ChannelLayout layout = StoredLayout(bottom);
  const double count = double(bottom.count()) / channels_;
  vector<double> squares;
  VisitElements<Dtype>(layout, [&](auto type) {
    const auto* x = ReadAs<decltype(type)>(layout, bottom);
    const vector<double> sums = SumPerChannel(layout, x);
    for (int c = 0; c < channels_; ++c) mean_[c] = static_cast<Dtype>(sums[c] / count);
    squares = SquaresPerChannel(layout, x, mean_);
  });

  Dtype* running_mean = this->blobs_[0]->mutable_cpu_data();
  Dtype* running_variance = this->blobs_[1]->mutable_cpu_data();
  Dtype* weight = this->blobs_[2]->mutable_cpu_data();
  const Dtype fraction = moving_average_fraction_;
  // The running sums are of the unbiased variance.
  const double unbiased = count > 1 ? count / (count - 1) : 1;
  weight[0] = fraction * weight[0] + 1;
  for (int c = 0; c < channels_; ++c) {
    const double variance = squares[c] / count;
    inverse_deviation_[c] = static_cast<Dtype>(1 / std::sqrt(variance + eps_));
    running_mean[c] = fraction * running_mean[c] + mean_[c];
    running_variance[c] = fraction * running_variance[c] + static_cast<Dtype>(unbiased * variance);
  }
}

template <typename Dtype>
void BatchNormLayer<Dtype>::Forward_cpu(const vector<Blob<Dtype>*>& bottom,
                                        const vector<Blob<Dtype>*>& top) {
  // No values have a mean: the running ones stay as they are.
  if (bottom[0]->count() == 0) return;
  mean_.resize(channels_);
  inverse_deviation_.resize(channels_);
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
  // With x^ = (x - mean) / deviation: dx = (dy - mean(dy) - x^ mean(dy x^)) / deviation. What there
  // is of x^ is either itself or x; both are x^ = a z + b.
  const Dtype* z = ReadIn(layout, in_place_ ? x_norm_ : *bottom[0]);
  const vector<double> sum_dy = SumPerChannel(layout, dy);
  const vector<double> sum_dy_z = DotPerChannel(layout, dy, z);
  const double count = double(bottom[0]->count()) / channels_;
  vector<Dtype> factor_z(channels_), offset(channels_);
  for (int c = 0; c < channels_; ++c) {
    const double inverse = inverse_deviation_[c];
    const double a = in_place_ ? 1 : inverse;
    const double b = in_place_ ? 0 : -mean_[c] * inverse;
    const double mean_dy = sum_dy[c] / count;
    const double mean_dy_x = (a * sum_dy_z[c] + b * sum_dy[c]) / count;
    factor_z[c] = static_cast<Dtype>(-inverse * mean_dy_x * a);
    offset[c] = static_cast<Dtype>(-inverse * (mean_dy + mean_dy_x * b));
  }
  CombinePerChannel(layout, dy, inverse_deviation_, z, factor_z, offset,
                    WriteIn(layout, bottom[0], Part::kDiff));
}

// ---- with the layers that follow ----

template <typename Dtype>
bool BatchNormLayer<Dtype>::Absorb(const shared_ptr<Layer<Dtype>>& next, bool backward) {
  // Asked for by name, cuDNN computes BatchNorm alone.
  if (Engine() == BatchNormParameter_Engine_CUDNN && Caffe::mode() == Caffe::GPU) return false;
  if (!IsExactly<BatchNormLayer>(*this)) return false;
  const LayerParameter& param = next->layer_param();
  if (IsExactly<ScaleLayer<Dtype>>(*next) && !scale_) {
    const auto& blobs = next->blobs();
    const bool per_channel = !blobs.empty() && blobs[0]->num_axes() == 1 &&
                             blobs[0]->shape(0) == channels_ && param.scale_param().axis() == 1;
    if (!per_channel) return false;
    scale_ = next;
    keeps_input_ = backward;
    return true;
  }
  if (IsExactly<ReLULayer<Dtype>>(*next) && scale_ && !has_relu_ &&
      param.relu_param().negative_slope() >= 0) {
    slope_ = param.relu_param().negative_slope();
    has_relu_ = true;
    return true;
  }
  return false;
}

template <typename Dtype>
vector<Dtype> BatchNormLayer<Dtype>::Factors() const {
  vector<Dtype> a = ValuesOf(*scale_->blobs()[0]);
  for (int c = 0; c < channels_; ++c) a[c] *= inverse_deviation_[c];
  return a;
}

template <typename Dtype>
vector<Dtype> BatchNormLayer<Dtype>::Offsets() const {
  vector<Dtype> b = Factors();
  const Dtype* bias = scale_->blobs().size() > 1 ? scale_->blobs()[1]->cpu_data() : nullptr;
  for (int c = 0; c < channels_; ++c) b[c] = (bias ? bias[c] : Dtype(0)) - b[c] * mean_[c];
  return b;
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
  VisitElements<Dtype>(layout, [&](auto type) {
    using T = decltype(type);
    const T* values = ReadAs<T>(layout, x);
    ScalePerChannel(layout, values, Factors(), Offsets(), WriteAs<T>(layout, y), slope_);
  });
}

template <typename Dtype>
void BatchNormLayer<Dtype>::ForwardWhole(Blob<Dtype>* bottom, Blob<Dtype>* top) {
  const bool take = keeps_input_ && in_place_;
  if (take) TakeBottom(bottom);
  ScaleWhole(take ? x_ : *bottom, top);
}

template <typename Dtype>
void BatchNormLayer<Dtype>::RemakeTop(const vector<Blob<Dtype>*>& bottom,
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
  VisitElements<Dtype>(layout, [&](auto type) {
    using T = decltype(type);
    const RectifiedGradient<T> g = {ReadAs<T>(layout, *top, Part::kDiff), ReadAs<T>(layout, input),
                                    Factors(), Offsets(), slope_};
    // Sums of g and of g z, where z is the normalised input.
    vector<double> sum_g, sum_gz;
    GradientSumsPerChannel(layout, g, mean_, &sum_g, &sum_gz);
    for (int c = 0; c < channels_; ++c) sum_gz[c] *= inverse_deviation_[c];
    if (scale_->param_propagate_down(0)) AddSums(sum_gz, scale_->blobs()[0]->mutable_cpu_diff());
    if (scale_->blobs().size() > 1 && scale_->param_propagate_down(1)) {
      AddSums(sum_g, scale_->blobs()[1]->mutable_cpu_diff());
    }
    if (!propagate_down) return;
    // dx = a (g - mean of g - z * mean of g z); with fixed statistics only a g.
    const double count = double(input.count()) / channels_;
    vector<Dtype> factor(channels_), offset(channels_);
    for (int c = 0; c < channels_ && !use_global_stats_; ++c) {
      const double slope = sum_gz[c] / count * inverse_deviation_[c];
      factor[c] = static_cast<Dtype>(-g.a[c] * slope);
      offset[c] = static_cast<Dtype>(-g.a[c] * (sum_g[c] / count - mean_[c] * slope));
    }
    CombineGradientPerChannel(layout, g, factor, offset, WriteAs<T>(layout, bottom, Part::kDiff));
  });
  if (in_place_) x_.data()->Release();
}

INSTANTIATE_CLASS(BatchNormLayer);
REGISTER_LAYER_CLASS(BatchNorm);

}  // namespace caffe
