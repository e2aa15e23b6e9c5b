#include "caffe/layers/batch_norm_layer.hpp"
#include "cudnn/batch_norm.hpp"
#include "gpu/channels.cuh"
#include "gpu/layout.hpp"
#include "layers/batch_norm_elements.hpp"

namespace caffe {

namespace {

template <typename T, typename Dtype>
struct StoreStatistics {
  ShiftedSumsOfChannel<T> of;
  TakeBatch<Dtype> take;
  CAFFE_HOST_DEVICE void operator()(int c, const ShiftedSums& sums) const {
    take(c, static_cast<Dtype>(of.Shift(c) + sums.sum() / take.count), sums.Variance(take.count));
  }
};

// Of cuDNN's statistics.
template <typename Dtype>
struct AddToRunningSums {
  RunningSums<Dtype> running;
  const Dtype* mean;
  const Dtype* variance;
  CAFFE_HOST_DEVICE void operator()(int c) const { running.Add(c, mean[c], variance[c]); }
};

template <typename Dtype>
cudnn::NormalizedValues NormalizedValuesOf(const Blob<Dtype>& blob, Dtype eps) {
  return {blob.shape(0), blob.shape(1), blob.count(2), double(eps)};
}

}  // namespace

template <typename Dtype>
Dtype* BatchNormLayer<Dtype>::Row(typename BatchNormLayer<Dtype>::DeviceRow row) {
  return device_statistics_.mutable_gpu_data() + row * channels_;
}

template <typename Dtype>
RunningSums<Dtype> BatchNormLayer<Dtype>::RunningSumsOnGpu() {
  return {moving_average_fraction_, bias_ ? bias_->gpu_data() : nullptr,
          this->blobs_[0]->mutable_gpu_data(), this->blobs_[1]->mutable_gpu_data(),
          this->blobs_[2]->mutable_gpu_data()};
}

template <typename Dtype>
const Dtype* BatchNormLayer<Dtype>::Units(int value) {
  if (units_.count() != 2 * channels_) {
    units_.Reshape(vector<int>{2, channels_});
    caffe_gpu_set(channels_, Dtype(1), units_.mutable_gpu_data() + channels_);
  }
  return units_.gpu_data() + value * channels_;
}

// ---- statistics ----

template <typename Dtype>
void BatchNormLayer<Dtype>::TakeStatisticsOnGpu(const Blob<Dtype>& bottom) {
  if (use_global_stats_) {
    ForElements(
        channels_,
        TakeRunning<Dtype>{eps_, bias_ ? bias_->gpu_data() : nullptr, this->blobs_[0]->gpu_data(),
                           this->blobs_[1]->gpu_data(), this->blobs_[2]->gpu_data(), Row(kMean),
                           Row(kVariance), Row(kInverseDeviation)});
    return;
  }
  const RunningSums<Dtype> running = RunningSumsOnGpu();
  const ChannelLayout layout = StoredOnGpu(bottom);
  VisitOnGpu<Dtype>(layout, [&](auto type) {
    using T = decltype(type);
    const T* x = ReadOnGpu<T>(layout, bottom);
    const ShiftedSumsOfChannel<T> sums = {Channels(layout), x};
    const TakeBatch<Dtype> take = {double(sums.at.length()), double(eps_), running, Row(kMean),
                                   Row(kInverseDeviation)};
    SumChannels<ShiftedSums>(sums.at, sums, StoreStatistics<T, Dtype>{sums, take}, x);
  });
}

// ---- by cuDNN, which does not say that it works in place ----

template <typename Dtype>
bool BatchNormLayer<Dtype>::NormalizeByCudnn(const Blob<Dtype>& bottom, Blob<Dtype>* top) {
  if (Engine() == BatchNormParameter_Engine_CAFFE || &bottom == top) return false;
  const cudnn::NormalizedValues values = NormalizedValuesOf(bottom, eps_);
  const Dtype* x = bottom.gpu_data();
  Dtype* y = top->mutable_gpu_data();
  if (use_global_stats_) {
    return cudnn::NormalizeByStatistics<Dtype>(values, x, Units(1), Units(0), Row(kMean),
                                               Row(kVariance), y);
  }
  // Nothing of an earlier batch, which may have been NaN, may be left in cuDNN's running sums.
  caffe_gpu_set(2 * channels_, Dtype(0), Row(kRunningMean));
  if (!cudnn::NormalizeBatch<Dtype>(
          values, x, Units(1), Units(0),
          {Row(kMean), Row(kInverseDeviation), Row(kRunningMean), Row(kVariance)}, y)) {
    return false;
  }
  ForElements(channels_, AddToRunningSums<Dtype>{RunningSumsOnGpu(), Row(kMean), Row(kVariance)});
  return true;
}

template <typename Dtype>
bool BatchNormLayer<Dtype>::BackwardByCudnn(const Dtype* x, const Dtype* dy,
                                            const cudnn::NormalizedValues& values, Dtype* dx) {
  if (Engine() == BatchNormParameter_Engine_CAFFE || in_place_) return false;
  return cudnn::NormalizeBatchBackward<Dtype>(values, x, dy, Units(1), Row(kMean),
                                              Row(kInverseDeviation), Row(kU), Row(kV), dx);
}

// ---- both passes ----

template <typename Dtype>
void BatchNormLayer<Dtype>::Forward_gpu(const vector<Blob<Dtype>*>& bottom,
                                        const vector<Blob<Dtype>*>& top) {
  if (bottom[0]->count() == 0) return;
  device_statistics_.Reshape(vector<int>{kDeviceRows, channels_});
  if (scale_) {
    TakeStatisticsOnGpu(*bottom[0]);
    return ForwardWholeOnGpu(bottom[0], top[0]);
  }
  const bool keep = in_place_ && !use_global_stats_;
  if (keep) x_norm_.ReshapeLike(*top[0]);
  Blob<Dtype>* normalized = keep ? &x_norm_ : top[0];
  const ChannelLayout layout = StoredOnGpu(*bottom[0]);
  if (use_global_stats_) TakeStatisticsOnGpu(*bottom[0]);
  const bool done = layout.plain() && NormalizeByCudnn(*bottom[0], normalized);
  if (!done && !use_global_stats_) TakeStatisticsOnGpu(*bottom[0]);
  VisitOnGpu<Dtype>(layout, [&](auto type) {
    using T = decltype(type);
    if (!done) {
      const T* x = ReadOnGpu<T>(layout, *bottom[0]);
      ForChannels(Channels(layout), NormalizeChannels<Dtype>{Row(kMean), Row(kInverseDeviation)},
                  WriteOnGpu<T>(layout, normalized), x);
    }
    if (!keep) return;
    const T* y = ReadOnGpu<T>(layout, x_norm_);
    caffe_gpu_memcpy(x_norm_.count() * sizeof(T), y, WriteOnGpu<T>(layout, top[0]));
  });
}

template <typename Dtype>
void BatchNormLayer<Dtype>::Backward_gpu(const vector<Blob<Dtype>*>& top,
                                         const vector<bool>& propagate_down,
                                         const vector<Blob<Dtype>*>& bottom) {
  if (bottom[0]->count() == 0) return;
  if (scale_) return BackwardWholeOnGpu(top[0], propagate_down[0], bottom[0]);
  if (!propagate_down[0]) return;
  const Blob<Dtype>& z_blob = in_place_ ? x_norm_ : *bottom[0];
  const ChannelLayout layout =
      use_global_stats_ ? StoredOnGpu(*top[0], Part::kDiff) : StoredOnGpu(z_blob);
  VisitOnGpu<Dtype>(layout, [&](auto type) {
    using T = decltype(type);
    const Channels at(layout);
    const T* dy = ReadOnGpu<T>(layout, *top[0], Part::kDiff);
    T* dx = WriteOnGpu<T>(layout, bottom[0], Part::kDiff);
    const Dtype* inverse = Row(kInverseDeviation);
    if (use_global_stats_) {
      return ForChannels(at, ScaleChannels<Dtype>{inverse, nullptr}, dx, dy);
    }
    const T* z = ReadOnGpu<T>(layout, z_blob);
    if constexpr (std::is_same<T, Dtype>::value) {
      if (layout.plain() && BackwardByCudnn(z, dy, NormalizedValuesOf(*bottom[0], eps_), dx))
        return;
    }
    SumChannels<SumAndDot>(at, SumAndDotOfChannel(),
                           StoreCoefficients<Dtype>{double(at.length()), in_place_, Row(kMean),
                                                    inverse, Row(kU), Row(kV)},
                           dy, z);
    ForChannels(at, CombineChannels<Dtype>{inverse, Row(kU), Row(kV)}, dx, dy, z);
  });
}

// ---- with the layers that follow ----

template <typename Dtype>
void BatchNormLayer<Dtype>::ScaleWholeOnGpu(const Blob<Dtype>& x, Blob<Dtype>* y) {
  const ChannelLayout layout = StoredOnGpu(x);
  VisitOnGpu<Dtype>(layout, [&](auto type) {
    using T = decltype(type);
    const T* values = ReadOnGpu<T>(layout, x);
    ForChannels(Channels(layout), ScaleChannels<Dtype>{Row(kA), Row(kB), slope_},
                WriteOnGpu<T>(layout, y), values);
  });
}

template <typename Dtype>
void BatchNormLayer<Dtype>::ForwardWholeOnGpu(Blob<Dtype>* bottom, Blob<Dtype>* top) {
  const auto& learned = scale_->blobs();
  ForElements(channels_,
              StoreWholeFactors<Dtype>{Row(kMean), Row(kInverseDeviation), learned[0]->gpu_data(),
                                       learned.size() > 1 ? learned[1]->gpu_data() : nullptr,
                                       Row(kA), Row(kB)});
  const bool take = keeps_input_ && in_place_;
  if (take) TakeBottomOnGpu(bottom);
  ScaleWholeOnGpu(take ? x_ : *bottom, top);
}

template <typename Dtype>
void BatchNormLayer<Dtype>::TakeBottomOnGpu(Blob<Dtype>* bottom) {
  x_.ReshapeLike(*bottom);
  x_.data()->Renew();
  const ChannelLayout layout = StoredOnGpu(*bottom);
  // The memory itself, where both are the layer's to exchange.
  if (layout.plain()) {
    if (x_.data()->TakeFromGpu(bottom->data().get())) return;
  } else if (TakeStore(bottom)) {
    return;
  }
  VisitOnGpu<Dtype>(layout, [&](auto type) {
    using T = decltype(type);
    const T* x = ReadOnGpu<T>(layout, *bottom);
    caffe_gpu_memcpy(bottom->count() * sizeof(T), x, WriteOnGpu<T>(layout, &x_));
  });
}

template <typename Dtype>
void BatchNormLayer<Dtype>::BackwardWholeOnGpu(Blob<Dtype>* top, bool propagate_down,
                                               Blob<Dtype>* bottom) {
  const Blob<Dtype>& input = in_place_ ? x_ : *bottom;
  Dtype* const scale_diff = WantedDiff<OnGpu>(scale_.get(), 0);
  Dtype* const bias_diff = WantedDiff<OnGpu>(scale_.get(), 1);
  const RectifiedDiff<Dtype> g = {Row(kA), Row(kB), slope_};
  const ChannelLayout layout = StoredOnGpu(input);
  VisitOnGpu<Dtype>(layout, [&](auto type) {
    using T = decltype(type);
    const Channels at(layout);
    const T* dy = ReadOnGpu<T>(layout, *top, Part::kDiff);
    const T* x = ReadOnGpu<T>(layout, input);
    SumChannels<SumAndDot>(
        at, SumsOfRectifiedDiff<Dtype>{g, Row(kMean)},
        StoreWholeCoefficients<Dtype>{double(at.length()), use_global_stats_, Row(kMean),
                                      Row(kInverseDeviation), Row(kA), scale_diff, bias_diff,
                                      Row(kU), Row(kV)},
        dy, x);
    if (propagate_down) {
      ForChannels(at, CombineRectifiedDiff<Dtype>{g, Row(kU), Row(kV)},
                  WriteOnGpu<T>(layout, bottom, Part::kDiff), dy, x);
    }
  });
  if (in_place_) x_.data()->Release();
}

INSTANTIATE_LAYER_GPU_FUNCS(BatchNormLayer);
template void BatchNormLayer<float>::ScaleWholeOnGpu(const Blob<float>&, Blob<float>*);
template void BatchNormLayer<double>::ScaleWholeOnGpu(const Blob<double>&, Blob<double>*);

}  // namespace caffe
