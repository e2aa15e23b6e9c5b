#ifndef CAFFE_LRN_LAYER_HPP_
#define CAFFE_LRN_LAYER_HPP_

#include <vector>

#include "caffe/blob.hpp"
#include "caffe/layer.hpp"
#include "caffe/proto/caffe.pb.h"
#include "caffe/util/layer_gpu.hpp"

// Not needed here: code written for Caffe 1.0 finds these layers through this header.
#include "caffe/layers/eltwise_layer.hpp"
#include "caffe/layers/pooling_layer.hpp"
#include "caffe/layers/power_layer.hpp"
#include "caffe/layers/split_layer.hpp"

namespace caffe {

namespace cudnn {
struct ChannelNormalization;
}

/// Local response normalisation (Krizhevsky et al. 2012): y = x s^-beta, s = k + alpha / n sum x^2.
///
/// The sum is over local_size channels (ACROSS_CHANNELS, n = local_size) or over a local_size x
/// local_size window of the channel (WITHIN_CHANNEL, n = local_size^2, k = 1) around each value.
/// Bottom and top: N x C x H x W.
template <typename Dtype>
class LRNLayer : public Layer<Dtype> {
 public:
  explicit LRNLayer(const LayerParameter& param) : Layer<Dtype>(param) {}
  void LayerSetUp(const vector<Blob<Dtype>*>& bottom, const vector<Blob<Dtype>*>& top) override;
  void Reshape(const vector<Blob<Dtype>*>& bottom, const vector<Blob<Dtype>*>& top) override;

  const char* type() const override { return "LRN"; }
  int ExactNumBottomBlobs() const override { return 1; }
  bool WorksInPlace() const override { return false; }
  int ExactNumTopBlobs() const override { return 1; }

 protected:
  void Forward_cpu(const vector<Blob<Dtype>*>& bottom, const vector<Blob<Dtype>*>& top) override;
  void Backward_cpu(const vector<Blob<Dtype>*>& top, const vector<bool>& propagate_down,
                    const vector<Blob<Dtype>*>& bottom) override;
  DECLARE_LAYER_GPU_FUNCS(Dtype);

  int size_ = 0;
  int pre_pad_ = 0;
  Dtype alpha_ = 0;
  Dtype beta_ = 0;
  Dtype k_ = 0;
  int num_ = 0, channels_ = 0, height_ = 0, width_ = 0;
  /// s of the last Forward, where that was ours.
  Blob<Dtype> scale_;

 private:
  /// to = a + b * sums of `from` over each value's neighbourhood, for one image.
  void NeighbourhoodSums(const Dtype* from, Dtype a, Dtype b, Dtype* to) const;
  /// alpha / n.
  Dtype AlphaPerElement() const;

#ifndef CPU_ONLY
  cudnn::ChannelNormalization ForCudnn() const;
  /// False where our kernels have to do it. Pointers are on the GPU.
  bool ForwardByCudnn(const Dtype* x, Dtype* y) const;
  bool BackwardByCudnn(const Dtype* x, const Dtype* dy, Dtype* dx);
#endif

  bool across_channels_ = true;
  /// Whether the last Forward was cuDNN's, which keeps no scale_.
  bool by_cudnn_ = false;
  /// On the GPU, a temporary copy of the input, or what Backward sums over neighbourhoods.
  Blob<Dtype> ratio_;
};

}  // namespace caffe

#endif  // CAFFE_LRN_LAYER_HPP_
