#include "caffe/layers/prelu_layer.hpp"
#include "util/device_channels.cuh"

namespace caffe {

namespace {

// to = where x > 0 from, else the slope times it: forward with from = x, backward with from = dy.
template <typename Dtype>
struct Bend {
  Channels at;
  bool shared;
  const Dtype* slopes;
  const Dtype* x;
  const Dtype* from;
  Dtype* to;
  CAFFE_HOST_DEVICE void operator()(int i) const {
    to[i] = x[i] > 0 ? from[i] : slopes[shared ? 0 : at.ChannelOf(i)] * from[i];
  }
};

template <typename Dtype>
struct SlopeTerm {
  Channels at;
  const Dtype* x;
  const Dtype* dy;
  CAFFE_HOST_DEVICE double operator()(int c, int i) const {
    const int k = at.At(c, i);
    return x[k] > 0 ? 0. : double(x[k]) * dy[k];
  }
};

// The blob by slopes: with one for all, it is one channel.
template <typename Dtype>
Channels ChannelsOf(const Blob<Dtype>& blob, bool shared) {
  if (shared) return Channels({1, 1, blob.count(), 1, 1});
  return Channels({blob.shape(0), blob.shape(1), blob.count(2), 1, 1});
}

}  // namespace

template <typename Dtype>
void PReLULayer<Dtype>::Forward_gpu(const vector<Blob<Dtype>*>& bottom,
                                    const vector<Blob<Dtype>*>& top) {
  if (bottom[0] == top[0]) bottom_memory_.CopyFrom(*bottom[0], false, true);
  const Dtype* x = bottom[0]->gpu_data();
  ForElements(bottom[0]->count(),
              Bend<Dtype>{ChannelsOf(*bottom[0], channel_shared_), channel_shared_,
                          this->blobs_[0]->gpu_data(), x, x, top[0]->mutable_gpu_data()});
}

template <typename Dtype>
void PReLULayer<Dtype>::Backward_gpu(const vector<Blob<Dtype>*>& top,
                                     const vector<bool>& propagate_down,
                                     const vector<Blob<Dtype>*>& bottom) {
  const Channels at = ChannelsOf(*bottom[0], channel_shared_);
  const Dtype* x = (bottom[0] == top[0] ? &bottom_memory_ : bottom[0])->gpu_data();
  const Dtype* dy = top[0]->gpu_diff();
  // The slopes come first: in place, the diff of the bottom overwrites that of the top.
  if (this->param_propagate_down_[0]) {
    SumRows(at.channels, at.length(), SlopeTerm<Dtype>{at, x, dy},
            StoreSum<Dtype>{this->blobs_[0]->mutable_gpu_diff(), true});
  }
  if (!propagate_down[0]) return;
  ForElements(bottom[0]->count(), Bend<Dtype>{at, channel_shared_, this->blobs_[0]->gpu_data(), x,
                                              dy, bottom[0]->mutable_gpu_diff()});
}

INSTANTIATE_LAYER_GPU_FUNCS(PReLULayer);

}  // namespace caffe
