#include "caffe/layers/prelu_layer.hpp"

#include <vector>

#include "caffe/filler.hpp"
#include "util/parallel_sum.hpp"
#include "util/rows.hpp"

namespace caffe {

namespace {

template <typename Dtype>
void CheckHasChannels(const Blob<Dtype>& bottom) {
  CHECK_GE(bottom.num_axes(), 2)
      << ": PReLU has a slope for each channel, axis 1; the bottom's shape is "
      << bottom.shape_string();
}

// to = from where x is positive, else its channel's slope times from. Slopes: of `bottom`'s
// channels, or one for all.
template <typename Dtype>
void ScaleWhereNegative(const Blob<Dtype>& bottom, const Blob<Dtype>& slopes, const Dtype* x,
                        const Dtype* from, Dtype* to) {
  const int channels = bottom.shape(1);
  const std::ptrdiff_t plane = bottom.count(2);
  const Dtype* slope_of = slopes.cpu_data();
  const bool shared = slopes.count() == 1;
  ForRows(bottom.shape(0) * channels, plane, [=](std::ptrdiff_t row) {
    const Dtype slope = slope_of[shared ? 0 : row % channels];
#pragma omp simd
    for (std::ptrdiff_t i = row * plane; i < (row + 1) * plane; ++i) {
      to[i] = x[i] > 0 ? from[i] : slope * from[i];
    }
  });
}

}  // namespace

template <typename Dtype>
void PReLULayer<Dtype>::LayerSetUp(const vector<Blob<Dtype>*>& bottom,
                                   const vector<Blob<Dtype>*>& top) {
  CheckHasChannels(*bottom[0]);
  const PReLUParameter& param = this->layer_param_.prelu_param();
  channel_shared_ = param.channel_shared();
  const vector<int> shape = channel_shared_ ? vector<int>() : vector<int>{bottom[0]->shape(1)};
  if (this->blobs_.empty()) {
    this->blobs_.emplace_back(new Blob<Dtype>(shape));
    FillerParameter filler = param.filler();
    if (!param.has_filler()) filler.set_value(0.25f);
    shared_ptr<Filler<Dtype>>(GetFiller<Dtype>(filler))->Fill(this->blobs_[0].get());
  }
  this->param_propagate_down_.resize(this->blobs_.size(), true);
}

template <typename Dtype>
void PReLULayer<Dtype>::Reshape(const vector<Blob<Dtype>*>& bottom,
                                const vector<Blob<Dtype>*>& top) {
  CheckHasChannels(*bottom[0]);
  CHECK_EQ(this->blobs_[0]->count(), channel_shared_ ? 1 : bottom[0]->shape(1))
      << ": the stored slopes do not fit channel_shared and a bottom of shape "
      << bottom[0]->shape_string();
  NeuronLayer<Dtype>::Reshape(bottom, top);
  if (bottom[0] == top[0]) bottom_memory_.ReshapeLike(*bottom[0]);
}

template <typename Dtype>
void PReLULayer<Dtype>::Forward_cpu(const vector<Blob<Dtype>*>& bottom,
                                    const vector<Blob<Dtype>*>& top) {
  if (bottom[0] == top[0]) bottom_memory_.CopyFrom(*bottom[0]);
  const Dtype* x = bottom[0]->cpu_data();
  ScaleWhereNegative(*bottom[0], *this->blobs_[0], x, x, top[0]->mutable_cpu_data());
}

template <typename Dtype>
void PReLULayer<Dtype>::Backward_cpu(const vector<Blob<Dtype>*>& top,
                                     const vector<bool>& propagate_down,
                                     const vector<Blob<Dtype>*>& bottom) {
  const Dtype* x = (bottom[0] == top[0] ? &bottom_memory_ : bottom[0])->cpu_data();
  const Dtype* dy = top[0]->cpu_diff();
  // The slopes come first: in place, the diff of the bottom overwrites that of the top.
  if (this->param_propagate_down_[0]) AddSlopeDiffs(*bottom[0], x, dy);
  if (!propagate_down[0]) return;
  ScaleWhereNegative(*bottom[0], *this->blobs_[0], x, dy, bottom[0]->mutable_cpu_diff());
}

template <typename Dtype>
void PReLULayer<Dtype>::AddSlopeDiffs(const Blob<Dtype>& bottom, const Dtype* x, const Dtype* dy) {
  const int items = bottom.shape(0);
  const int channels = bottom.shape(1);
  const std::ptrdiff_t plane = bottom.count(2);
  vector<Dtype> sums(channels);
  ForRows(channels, items * plane, [&](std::ptrdiff_t channel) {
    Dtype sum = 0;
    for (int item = 0; item < items; ++item) {
      const std::ptrdiff_t start = (item * channels + channel) * plane;
      sum += ParallelSum<Dtype>(plane, [=](std::ptrdiff_t i) {
        return x[start + i] > 0 ? Dtype(0) : x[start + i] * dy[start + i];
      });
    }
    sums[channel] = sum;
  });
  Dtype* diff = this->blobs_[0]->mutable_cpu_diff();
  for (int channel = 0; channel < channels; ++channel) {
    diff[channel_shared_ ? 0 : channel] += sums[channel];
  }
}

INSTANTIATE_CLASS(PReLULayer);
REGISTER_LAYER_CLASS(PReLU);

}  // namespace caffe
