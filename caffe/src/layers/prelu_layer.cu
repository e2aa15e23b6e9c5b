#include "caffe/layers/prelu_layer.hpp"
#include "gpu/channels.cuh"
#include "gpu/layout.hpp"

namespace caffe {

namespace {

// x where it is positive, else a x: f(x); of a gradient, f(dy, x).
template <typename Real>
struct Bend {
  const Real* slopes;

  struct Function {
    Real slope;
    CAFFE_HOST_DEVICE Real operator()(Real x) const { return (*this)(x, x); }
    CAFFE_HOST_DEVICE Real operator()(Real value, Real x) const {
      return x > Real(0) ? value : slope * value;
    }
  };
  CAFFE_HOST_DEVICE Function For(int c) const { return {slopes[c]}; }
};

// The share of a value in the slope's diff; f(dy, x).
struct SlopeShare {
  CAFFE_HOST_DEVICE SlopeShare For(int) const { return *this; }
  template <typename Real>
  CAFFE_HOST_DEVICE Real operator()(Real dy, Real x) const {
    return x > Real(0) ? Real(0) : x * dy;
  }
};

// A blob by slopes: with one for all, it is one channel.
Channels ChannelsOf(const ChannelLayout& layout, bool shared) {
  if (!shared) return Channels(layout);
  return Channels({1, 1, static_cast<int>(layout.size()), 1, 1});
}

}  // namespace

template <typename Dtype>
void PReLULayer<Dtype>::Forward_gpu(const vector<Blob<Dtype>*>& bottom,
                                    const vector<Blob<Dtype>*>& top) {
  const ChannelLayout layout = StoredOnGpu(*bottom[0]);
  VisitOnGpu<Dtype>(layout, [&](auto type) {
    using T = decltype(type);
    const T* x = ReadOnGpu<T>(layout, *bottom[0]);
    if (bottom[0] == top[0]) {
      caffe_gpu_memcpy(layout.size() * sizeof(T), x, WriteOnGpu<T>(layout, &bottom_memory_));
    }
    ForChannels(ChannelsOf(layout, channel_shared_), Bend<Dtype>{this->blobs_[0]->gpu_data()},
                WriteOnGpu<T>(layout, top[0]), x);
  });
}

template <typename Dtype>
void PReLULayer<Dtype>::Backward_gpu(const vector<Blob<Dtype>*>& top,
                                     const vector<bool>& propagate_down,
                                     const vector<Blob<Dtype>*>& bottom) {
  const ChannelLayout layout = StoredOnGpu(*top[0], Part::kDiff);
  const Channels at = ChannelsOf(layout, channel_shared_);
  VisitOnGpu<Dtype>(layout, [&](auto type) {
    using T = decltype(type);
    const T* x = ReadOnGpu<T>(layout, bottom[0] == top[0] ? bottom_memory_ : *bottom[0]);
    const T* dy = ReadOnGpu<T>(layout, *top[0], Part::kDiff);
    // The slopes come first: in place, the diff of the bottom overwrites that of the top.
    if (this->param_propagate_down_[0]) {
      SumChannels(at, SlopeShare(), StoreSum<Dtype>{this->blobs_[0]->mutable_gpu_diff(), true}, dy,
                  x);
    }
    if (!propagate_down[0]) return;
    ForChannels(at, Bend<Dtype>{this->blobs_[0]->gpu_data()},
                WriteOnGpu<T>(layout, bottom[0], Part::kDiff), dy, x);
  });
}

INSTANTIATE_LAYER_GPU_FUNCS(PReLULayer);

}  // namespace caffe
