#include "caffe/layers/lrn_layer.hpp"

#include "util/vector_math.hpp"

namespace caffe {

namespace {

// Along an axis of `length` rows of `width` elements, `step` apart: to[i] = sum of from[j] with
// |j - i| <= radius. Each is summed anew: a running sum, from which goes what leaves the window,
// would keep rounding errors of the size of large values among small ones.
template <typename Dtype>
void WindowSums(const Dtype* from, int length, std::ptrdiff_t step, std::ptrdiff_t width,
                int radius, Dtype* to) {
  for (int i = 0; i < length; ++i) {
    Dtype* sums = to + i * step;
    std::fill(sums, sums + width, Dtype(0));
    for (int j = std::max(0, i - radius); j <= std::min(length - 1, i + radius); ++j) {
      const Dtype* row = from + j * step;
      for (std::ptrdiff_t x = 0; x < width; ++x) sums[x] += row[x];
    }
  }
}

}  // namespace

template <typename Dtype>
void LRNLayer<Dtype>::LayerSetUp(const vector<Blob<Dtype>*>& bottom,
                                 const vector<Blob<Dtype>*>& top) {
  const LRNParameter& param = this->layer_param_.lrn_param();
  size_ = param.local_size();
  CHECK(size_ % 2 == 1) << "local_size must be odd, so that a value is in the middle";
  pre_pad_ = (size_ - 1) / 2;
  alpha_ = param.alpha();
  beta_ = param.beta();
  across_channels_ = param.norm_region() == LRNParameter_NormRegion_ACROSS_CHANNELS;
  k_ = across_channels_ ? Dtype(param.k()) : Dtype(1);
}

template <typename Dtype>
void LRNLayer<Dtype>::Reshape(const vector<Blob<Dtype>*>& bottom, const vector<Blob<Dtype>*>& top) {
  CHECK_EQ(bottom[0]->num_axes(), 4)
      << " axes: LRN takes num x channels x height x width, not " << bottom[0]->shape_string();
  num_ = bottom[0]->num();
  channels_ = bottom[0]->channels();
  height_ = bottom[0]->height();
  width_ = bottom[0]->width();
  top[0]->ReshapeLike(*bottom[0]);
  scale_.ReshapeLike(*bottom[0]);
}

template <typename Dtype>
Dtype LRNLayer<Dtype>::AlphaPerElement() const {
  return alpha_ / (across_channels_ ? Dtype(size_) : Dtype(size_) * size_);
}

template <typename Dtype>
void LRNLayer<Dtype>::NeighbourhoodSums(const Dtype* from, Dtype a, Dtype b, Dtype* to) const {
  const std::ptrdiff_t area = std::ptrdiff_t(height_) * width_;
  if (across_channels_) {
    ParallelFor(
        area,
        1 + kElementwiseGrain / std::max<std::ptrdiff_t>(1, std::ptrdiff_t(channels_) * size_),
        [&](std::ptrdiff_t begin, std::ptrdiff_t end) {
          WindowSums(from + begin, channels_, area, end - begin, pre_pad_, to + begin);
        });
  } else {
    const std::ptrdiff_t grain =
        1 + kElementwiseGrain / std::max<std::ptrdiff_t>(1, 2 * area * size_);
    ParallelFor(channels_, grain, [&](std::ptrdiff_t begin, std::ptrdiff_t end) {
      vector<Dtype> rows(area);
      for (std::ptrdiff_t c = begin; c < end; ++c) {
        WindowSums(from + c * area, height_, width_, width_, pre_pad_, rows.data());
        for (int h = 0; h < height_; ++h) {
          WindowSums(rows.data() + h * width_, width_, 1, 1, pre_pad_, to + c * area + h * width_);
        }
      }
    });
  }
  ParallelElements(channels_ * area, [=](std::ptrdiff_t i) { to[i] = a + b * to[i]; });
}

template <typename Dtype>
void LRNLayer<Dtype>::Forward_cpu(const vector<Blob<Dtype>*>& bottom,
                                  const vector<Blob<Dtype>*>& top) {
  const Dtype* x = bottom[0]->cpu_data();
  Dtype* y = top[0]->mutable_cpu_data();
  Dtype* scale = scale_.mutable_cpu_data();
  const std::ptrdiff_t image = std::ptrdiff_t(channels_) * height_ * width_;
  vector<Dtype> squares(image);
  for (int n = 0; n < num_; ++n) {
    caffe_sqr(static_cast<int>(image), x + n * image, squares.data());
    NeighbourhoodSums(squares.data(), k_, AlphaPerElement(), scale + n * image);
  }
  const Dtype beta = beta_;
  const auto times_power = [=](Dtype value, Dtype s) { return value * std::pow(s, -beta); };
  ParallelMap(bottom[0]->count(), y, times_power, x, scale);
}

// With s as above: dx = dy s^-beta - 2 alpha beta / n x sum(dy y / s), the sum over the values in
// whose neighbourhood x is.
template <typename Dtype>
void LRNLayer<Dtype>::Backward_cpu(const vector<Blob<Dtype>*>& top,
                                   const vector<bool>& propagate_down,
                                   const vector<Blob<Dtype>*>& bottom) {
  if (!propagate_down[0]) return;
  const std::ptrdiff_t image = std::ptrdiff_t(channels_) * height_ * width_;
  const Dtype beta = beta_;
  const Dtype factor = -2 * beta * AlphaPerElement();
  const auto times_power = [=](Dtype diff, Dtype s) { return diff * std::pow(s, -beta); };
  vector<Dtype> ratio(image), sums(image), around(image);
  for (int n = 0; n < num_; ++n) {
    const Dtype* x = bottom[0]->cpu_data() + n * image;
    const Dtype* dy = top[0]->cpu_diff() + n * image;
    const Dtype* scale = scale_.cpu_data() + n * image;
    Dtype* dx = bottom[0]->mutable_cpu_diff() + n * image;
    Dtype* r = ratio.data();
    Dtype* sum = sums.data();
    ParallelMap(image, sum, times_power, dy, scale);
    // x s^-beta is y, which a layer in place may have overwritten.
    ParallelElements(image, [=](std::ptrdiff_t i) { r[i] = sum[i] * x[i] / scale[i]; });
    NeighbourhoodSums(r, 0, factor, around.data());
    const Dtype* a = around.data();
    ParallelElements(image, [=](std::ptrdiff_t i) { dx[i] = sum[i] + x[i] * a[i]; });
  }
}

INSTANTIATE_CLASS(LRNLayer);
REGISTER_LAYER_CLASS(LRN);

}  // namespace caffe
