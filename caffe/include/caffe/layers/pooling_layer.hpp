#ifndef CAFFE_POOLING_LAYER_HPP_
#define CAFFE_POOLING_LAYER_HPP_

#include <vector>

#include "caffe/blob.hpp"
#include "caffe/layer.hpp"
#include "caffe/proto/caffe.pb.h"
#include "caffe/util/host_flag.hpp"
#include "caffe/util/layer_gpu.hpp"

namespace caffe {

class PlacesStore;
struct ChannelLayout;
struct PoolWindows;

/// Maximum, average or stochastic choice of the values in a sliding window.
///
/// Bottom: N x C x H x W; top: N x C x H' x W' with H' = ceil((H + 2 pad - kernel) / stride) + 1
/// (floor with round_mode FLOOR), less a last window that would start in the padding. MAX: the
/// second top, if there is one, is the place of each maximum in its H x W plane, as h * W + w. AVE
/// divides by the part of the window inside the padded image. STOCHASTIC (Zeiler and Fergus 2013)
/// needs non-negative values: in TRAIN one value is drawn in proportion to its size, in TEST it is
/// their mean weighted by themselves.
template <typename Dtype>
class PoolingLayer : public Layer<Dtype> {
 public:
  explicit PoolingLayer(const LayerParameter& param) : Layer<Dtype>(param) {}
  void LayerSetUp(const vector<Blob<Dtype>*>& bottom, const vector<Blob<Dtype>*>& top) override;
  void Reshape(const vector<Blob<Dtype>*>& bottom, const vector<Blob<Dtype>*>& top) override;

  const char* type() const override { return "Pooling"; }
  int ExactNumBottomBlobs() const override { return 1; }
  bool WorksInPlace() const override { return false; }
  int MinTopBlobs() const override { return 1; }
  int MaxTopBlobs() const override { return is_max() ? 2 : 1; }
  /// To find the places of the maxima again, where neither a top nor the layer itself tells them.
  bool BackwardReadsBottom(int bottom_index) const override {
    return is_max() && !has_mask_ && !rectifies_;
  }
  bool BackwardReadsTop(int top_index) const override { return top_index == 1; }
  BlobValues NeedsOfTop(int top_index) const override {
    return top_index == 1 ? BlobValues::kAll : BlobValues::kNone;
  }

  /// Asks the layer to do the Backward of a ReLU without a slope, whose result is the bottom: the
  /// bottom's diff is then that before the ReLU, 0 also where a maximum is not positive. Where the
  /// maxima are is kept from Forward to Backward, in a byte each. False: not of this pooling.
  bool RectifyDiff();

 protected:
  void Forward_cpu(const vector<Blob<Dtype>*>& bottom, const vector<Blob<Dtype>*>& top) override;
  void Backward_cpu(const vector<Blob<Dtype>*>& top, const vector<bool>& propagate_down,
                    const vector<Blob<Dtype>*>& bottom) override;
  DECLARE_LAYER_GPU_FUNCS(Dtype);

  int kernel_h_ = 0, kernel_w_ = 0;
  int stride_h_ = 0, stride_w_ = 0;
  int pad_h_ = 0, pad_w_ = 0;
  int channels_ = 0;
  int height_ = 0, width_ = 0;
  int pooled_height_ = 0, pooled_width_ = 0;
  bool global_pooling_ = false;
  PoolingParameter_RoundMode round_mode_ = PoolingParameter_RoundMode_CEIL;
  /// Whether a second top tells where the maxima were.
  bool has_mask_ = false;
  /// Where the value of each output comes from in its plane: STOCHASTIC, and MAX without a second
  /// top where windows overlap. Where the layer rectifies: in its window.
  Blob<Dtype> chosen_;
  /// Whether chosen_ is that of the last Forward. (On the GPU, Backward finds it anew.)
  bool chosen_known_ = false;
  /// Whether the last Forward was cuDNN's.
  bool by_cudnn_ = false;
  /// Whether the bottom's diff is that before a ReLU.
  bool rectifies_ = false;

 private:
  bool is_max() const {
    return this->layer_param_.pooling_param().pool() == PoolingParameter_PoolMethod_MAX;
  }
  /// Whether it keeps the places of what it chose, as Dtype.
  bool KeepsPlacesInPlanes() const;
  void ForwardMaxima(const Blob<Dtype>& bottom, const vector<Blob<Dtype>*>& top);
  void ForwardMeans(const Blob<Dtype>& bottom, Blob<Dtype>* top);
  void ForwardStochastic(const Blob<Dtype>& bottom, Blob<Dtype>* top);
  /// `bad`: 1 + an output of stochastic pooling whose window has a negative value, or 0.
  void CheckNoNegative(int bad) const;
  void BackwardMaxima(const vector<Blob<Dtype>*>& top, Blob<Dtype>* bottom);
  /// MAX where places in the windows are kept, in the second top or by the layer; false: they are
  /// not.
  bool BackwardPlaces(const vector<Blob<Dtype>*>& top, Blob<Dtype>* bottom);
  /// What a layer that rectifies has kept since Forward; an error where that is null, or of another
  /// shape.
  const PlacesStore& KeptPlaces(const PlacesStore* places) const;
  /// MAX without a second top, where windows tile the plane.
  void BackwardTiles(const Blob<Dtype>& top, Blob<Dtype>* bottom);
  /// Writes where the maxima are into chosen_.
  void FindMaxima(const Blob<Dtype>& bottom);
  /// MAX and STOCHASTIC where `chosen` says from which place of its plane each output is.
  void BackwardChosen(const Blob<Dtype>& top, const Blob<Dtype>& chosen, Blob<Dtype>* bottom);
  void BackwardMeans(const Blob<Dtype>& top, Blob<Dtype>* bottom);
  PoolWindows Windows() const;
#ifndef CPU_ONLY
  void ForwardMaximaOnGpu(const Blob<Dtype>& bottom, const vector<Blob<Dtype>*>& top);
  void ForwardStochasticOnGpu(const Blob<Dtype>& bottom, Blob<Dtype>* top);
  void BackwardMaximaOnGpu(const vector<Blob<Dtype>*>& top, Blob<Dtype>* bottom);
  void ForwardMeansOnGpu(const Blob<Dtype>& bottom, Blob<Dtype>* top);
  void BackwardMeansOnGpu(const Blob<Dtype>& top, Blob<Dtype>* bottom);
  /// Whether cuDNN is to be asked for means of values in that order.
  bool MeansByCudnn(const ChannelLayout& layout) const;
#endif

  /// What CheckNoNegative wants to know, written by the kernels.
  HostFlag bad_window_;
};

}  // namespace caffe

#endif  // CAFFE_POOLING_LAYER_HPP_
