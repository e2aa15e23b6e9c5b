#include "caffe/layers/batch_norm_layer.hpp"
#include "util/device_channels.cuh"

namespace caffe {

namespace {

template <typename Dtype>
struct StoreMean {
  double count;
  Dtype* mean;
  CAFFE_HOST_DEVICE void operator()(int c, double sum) const {
    mean[c] = static_cast<Dtype>(sum / count);
  }
};

// Takes the sums of squared distances from the mean.
template <typename Dtype>
struct StoreStatistics {
  double count;
  double eps;
  Dtype fraction;
  const Dtype* mean;
  Dtype* inverse_deviation;
  Dtype* running_mean;
  Dtype* running_variance;
  Dtype* weight;
  CAFFE_HOST_DEVICE void operator()(int c, double squares) const {
    const double variance = squares / count;
    inverse_deviation[c] = static_cast<Dtype>(1 / std::sqrt(variance + eps));
    // The running sums are of the unbiased variance.
    const double unbiased = count > 1 ? count / (count - 1) : 1;
    running_mean[c] = fraction * running_mean[c] + mean[c];
    running_variance[c] = fraction * running_variance[c] + static_cast<Dtype>(unbiased * variance);
    if (c == 0) weight[0] = fraction * weight[0] + 1;
  }
};

template <typename Dtype>
struct TakeRunning {
  Dtype eps;
  const Dtype* running_mean;
  const Dtype* running_variance;
  const Dtype* weight;
  Dtype* mean;
  Dtype* inverse_deviation;
  CAFFE_HOST_DEVICE void operator()(int c) const {
    const Dtype scale = weight[0] == Dtype(0) ? Dtype(0) : Dtype(1) / weight[0];
    mean[c] = scale * running_mean[c];
    inverse_deviation[c] = Dtype(1) / std::sqrt(scale * running_variance[c] + eps);
  }
};

// From the sums of dy and dy z for each channel, what dy and z are multiplied by in dx. With
// x^ = (x - mean) / deviation: dx = (dy - mean(dy) - x^ mean(dy x^)) / deviation. What there is of
// x^, z, is either itself or x; both are x^ = a z + b.
template <typename Dtype>
struct StoreCoefficients {
  double count;
  bool normalized;
  const Dtype* mean;
  const Dtype* inverse_deviation;
  Dtype* factor_z;
  Dtype* offset;
  CAFFE_HOST_DEVICE void operator()(int c, const SumAndDot& of_dy) const {
    const double inverse = inverse_deviation[c];
    const double a = normalized ? 1 : inverse;
    const double b = normalized ? 0 : -mean[c] * inverse;
    const double mean_dy = of_dy.sum / count;
    const double mean_dy_x = (a * of_dy.dot + b * of_dy.sum) / count;
    factor_z[c] = static_cast<Dtype>(-inverse * mean_dy_x * a);
    offset[c] = static_cast<Dtype>(-inverse * (mean_dy + mean_dy_x * b));
  }
};

template <typename Dtype>
Channels ChannelsOf(const Blob<Dtype>& blob) {
  return Channels({blob.shape(0), blob.shape(1), blob.count(2), 1, 1});
}

}  // namespace

template <typename Dtype>
void BatchNormLayer<Dtype>::Forward_gpu(const vector<Blob<Dtype>*>& bottom,
                                        const vector<Blob<Dtype>*>& top) {
  const Channels at = ChannelsOf(*bottom[0]);
  const double count = at.length();
  device_statistics_.Reshape(vector<int>{4, channels_});
  Dtype* mean = device_statistics_.mutable_gpu_data();
  Dtype* inverse = mean + channels_;
  const Dtype* x = bottom[0]->gpu_data();
  if (use_global_stats_) {
    ForElements(channels_,
                TakeRunning<Dtype>{eps_, this->blobs_[0]->gpu_data(), this->blobs_[1]->gpu_data(),
                                   this->blobs_[2]->gpu_data(), mean, inverse});
  } else {
    SumRows(channels_, at.length(), SumOfChannel<Dtype>{at, x}, StoreMean<Dtype>{count, mean});
    SumRows(channels_, at.length(), SquaresOfChannel<Dtype>{at, x, mean},
            StoreStatistics<Dtype>{count, double(eps_), moving_average_fraction_, mean, inverse,
                                   this->blobs_[0]->mutable_gpu_data(),
                                   this->blobs_[1]->mutable_gpu_data(),
                                   this->blobs_[2]->mutable_gpu_data()});
  }
  const bool keep = bottom[0] == top[0] && !use_global_stats_;
  if (keep) x_norm_.ReshapeLike(*top[0]);
  Dtype* y = (keep ? &x_norm_ : top[0])->mutable_gpu_data();
  ForElements(at.count(), NormalizeChannels<Dtype>{at, x, mean, inverse, y});
  if (keep) caffe_copy(at.count(), y, top[0]->mutable_gpu_data());
}

template <typename Dtype>
void BatchNormLayer<Dtype>::Backward_gpu(const vector<Blob<Dtype>*>& top,
                                         const vector<bool>& propagate_down,
                                         const vector<Blob<Dtype>*>& bottom) {
  if (!propagate_down[0]) return;
  const Channels at = ChannelsOf(*bottom[0]);
  Dtype* mean = device_statistics_.mutable_gpu_data();
  Dtype* inverse = mean + channels_;
  Dtype* factor_z = inverse + channels_;
  Dtype* offset = factor_z + channels_;
  const Dtype* dy = top[0]->gpu_diff();
  Dtype* dx = bottom[0]->mutable_gpu_diff();
  if (use_global_stats_) {
    ForElements(at.count(), ScaleChannels<Dtype>{at, dy, inverse, nullptr, dx});
    return;
  }
  const bool in_place = bottom[0] == top[0];
  const Dtype* z = (in_place ? x_norm_ : *bottom[0]).gpu_data();
  SumRows<SumAndDot>(
      channels_, at.length(), SumAndDotOfChannel<Dtype>{at, dy, z},
      StoreCoefficients<Dtype>{double(at.length()), in_place, mean, inverse, factor_z, offset});
  ForElements(at.count(), CombineChannels<Dtype>{at, dy, inverse, z, factor_z, offset, dx});
}

INSTANTIATE_LAYER_GPU_FUNCS(BatchNormLayer);

}  // namespace caffe
