#ifndef CAFFE_INTERP_LAYER_HPP_
#define CAFFE_INTERP_LAYER_HPP_

#include <vector>

#include "caffe/blob.hpp"
#include "caffe/layer.hpp"
#include "caffe/proto/caffe.pb.h"
#include "caffe/util/layer_gpu.hpp"

namespace caffe {

struct AlignedAxis;

inline namespace beyond_caffe_1 {

/// Bilinear resizing that maps corner pixels onto corner pixels (as in the DeepLab family).
///
/// Bottom: N x C x H x W, first cropped by -pad_beg at the top and left and -pad_end at the bottom
/// and right; top: N x C x H' x W' with H' = `height`, or (H - 1) / shrink_factor + 1, or
/// H + (H - 1) (zoom_factor - 1), or the two one after the other; likewise the width. A second
/// bottom, whose values do not matter, gives its H and W instead; its diff is zero.
template <typename Dtype>
class InterpLayer : public Layer<Dtype> {
 public:
  explicit InterpLayer(const LayerParameter& param) : Layer<Dtype>(param) {}
  void LayerSetUp(const vector<Blob<Dtype>*>& bottom, const vector<Blob<Dtype>*>& top) override;
  void Reshape(const vector<Blob<Dtype>*>& bottom, const vector<Blob<Dtype>*>& top) override;

  const char* type() const override { return "Interp"; }
  int MinBottomBlobs() const override { return 1; }
  int MaxBottomBlobs() const override { return 2; }
  int ExactNumTopBlobs() const override { return 1; }
  bool BackwardReadsBottom(int bottom_index) const override { return false; }
  bool WorksInPlace() const override { return false; }
  bool BackwardReadsTop(int top_index) const override { return false; }
  bool AllowForceBackward(const int bottom_index) const override { return bottom_index == 0; }

 protected:
  void Forward_cpu(const vector<Blob<Dtype>*>& bottom, const vector<Blob<Dtype>*>& top) override;
  void Backward_cpu(const vector<Blob<Dtype>*>& top, const vector<bool>& propagate_down,
                    const vector<Blob<Dtype>*>& bottom) override;
  DECLARE_LAYER_GPU_FUNCS(Dtype);

  int height_in_ = 0, width_in_ = 0;
  int height_out_ = 0, width_out_ = 0;
  int pad_beg_ = 0, pad_end_ = 0;

 private:
  /// Size of an axis without what is cropped.
  int Cropped(int size) const;
  /// Size of an axis after shrinking and zooming.
  int Scaled(int size) const;
  /// Where the outputs of each axis are in the bottom.
  AlignedAxis rows() const;
  AlignedAxis columns() const;
};

}  // namespace beyond_caffe_1

}  // namespace caffe

#endif  // CAFFE_INTERP_LAYER_HPP_
