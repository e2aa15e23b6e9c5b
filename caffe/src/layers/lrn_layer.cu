#include "caffe/layers/lrn_layer.hpp"
#include "cudnn/lrn.hpp"
#include "gpu/loops.cuh"

namespace caffe {

namespace {

// The values around each value of N x C x H x W ones, over which LRN sums.
struct Neighbourhood {
  bool across;
  int radius;
  int channels, height, width;

  // a + b * the sum of term(j) over the neighbours j of i.
  template <typename Dtype, typename Term>
  CAFFE_HOST_DEVICE Dtype Sum(int i, Dtype a, Dtype b, const Term& term) const {
    const int area = height * width;
    Dtype sum = 0;
    if (across) {
      const int c = i / area % channels;
      const int last = Smaller(channels - 1, c + radius);
      for (int j = Larger(0, c - radius); j <= last; ++j) sum += term(i + (j - c) * area);
      return a + b * sum;
    }
    const int h = i / width % height, w = i % width;
    const int last_row = Smaller(height - 1, h + radius);
    const int last_column = Smaller(width - 1, w + radius);
    for (int r = Larger(0, h - radius); r <= last_row; ++r) {
      for (int c = Larger(0, w - radius); c <= last_column; ++c) {
        sum += term(i + (r - h) * width + (c - w));
      }
    }
    return a + b * sum;
  }
};

template <typename Dtype>
struct Normalized {
  Neighbourhood around;
  Dtype k, alpha, beta;  // alpha for each element
  const Dtype* x;
  Dtype* scale;
  Dtype* y;
  CAFFE_HOST_DEVICE void operator()(int i) const {
    scale[i] = around.Sum(i, k, alpha, [this](int j) { return x[j] * x[j]; });
    y[i] = x[i] * std::pow(scale[i], -beta);
  }
};

template <typename Dtype>
struct RatioElement {
  Dtype beta;
  const Dtype* x;
  const Dtype* dy;
  const Dtype* scale;
  Dtype* ratio;
  CAFFE_HOST_DEVICE void operator()(int i) const {
    ratio[i] = dy[i] * x[i] * std::pow(scale[i], -beta) / scale[i];
  }
};

template <typename Dtype>
struct NormalizedDiff {
  Neighbourhood around;
  Dtype factor, beta;
  const Dtype* x;
  const Dtype* dy;
  const Dtype* scale;
  const Dtype* ratio;
  Dtype* dx;
  CAFFE_HOST_DEVICE void operator()(int i) const {
    const Dtype sum = around.Sum(i, Dtype(0), factor, [this](int j) { return ratio[j]; });
    dx[i] = dy[i] * std::pow(scale[i], -beta) + x[i] * sum;
  }
};

}  // namespace

template <typename Dtype>
cudnn::ChannelNormalization LRNLayer<Dtype>::ForCudnn() const {
  return {num_, channels_, height_, width_, size_, alpha_, beta_, k_};
}

template <typename Dtype>
bool LRNLayer<Dtype>::ForwardByCudnn(const Dtype* x, Dtype* y) const {
  const bool wanted =
      across_channels_ && this->layer_param_.lrn_param().engine() != LRNParameter_Engine_CAFFE;
  return wanted && cudnn::NormalizeChannels(ForCudnn(), x, y);
}

template <typename Dtype>
bool LRNLayer<Dtype>::BackwardByCudnn(const Dtype* x, const Dtype* dy, Dtype* dx) {
  // y once more: a layer in place may have overwritten it.
  Dtype* y = scale_.mutable_gpu_data();
  return ForwardByCudnn(x, y) && cudnn::NormalizeChannelsBackward(ForCudnn(), x, y, dy, dx);
}

template <typename Dtype>
void LRNLayer<Dtype>::Forward_gpu(const vector<Blob<Dtype>*>& bottom,
                                  const vector<Blob<Dtype>*>& top) {
  const Dtype* x = bottom[0]->gpu_data();
  Dtype* y = top[0]->mutable_gpu_data();
  // In place, a neighbour's value would be overwritten before it has been read.
  const bool in_place = bottom[0] == top[0];
  by_cudnn_ = !in_place && ForwardByCudnn(x, y);
  if (by_cudnn_) return;
  const Neighbourhood around = {across_channels_, pre_pad_, channels_, height_, width_};
  if (in_place) {
    ratio_.CopyFrom(*bottom[0], false, true);
    x = ratio_.gpu_data();
  }
  ForElements(bottom[0]->count(), Normalized<Dtype>{around, k_, AlphaPerElement(), beta_, x,
                                                    scale_.mutable_gpu_data(), y});
}

// See Backward_cpu.
template <typename Dtype>
void LRNLayer<Dtype>::Backward_gpu(const vector<Blob<Dtype>*>& top,
                                   const vector<bool>& propagate_down,
                                   const vector<Blob<Dtype>*>& bottom) {
  if (!propagate_down[0]) return;
  const Dtype* x = bottom[0]->gpu_data();
  const Dtype* dy = top[0]->gpu_diff();
  if (by_cudnn_) {
    CHECK(BackwardByCudnn(x, dy, bottom[0]->mutable_gpu_diff()))
        << "cuDNN has no gradient of this LRN: give the layer engine: CAFFE";
    return;
  }
  const Neighbourhood around = {across_channels_, pre_pad_, channels_, height_, width_};
  const int count = bottom[0]->count();
  const Dtype* scale = scale_.gpu_data();
  ratio_.ReshapeLike(*bottom[0]);
  Dtype* ratio = ratio_.mutable_gpu_data();
  ForElements(count, RatioElement<Dtype>{beta_, x, dy, scale, ratio});
  ForElements(count, NormalizedDiff<Dtype>{around, -2 * beta_ * AlphaPerElement(), beta_, x, dy,
                                           scale, ratio, bottom[0]->mutable_gpu_diff()});
}

INSTANTIATE_LAYER_GPU_FUNCS(LRNLayer);

}  // namespace caffe
