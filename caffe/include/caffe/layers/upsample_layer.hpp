#ifndef CAFFE_UPSAMPLE_LAYER_HPP_
#define CAFFE_UPSAMPLE_LAYER_HPP_

#include <vector>

#include "caffe/blob.hpp"
#include "caffe/layer.hpp"
#include "caffe/proto/caffe.pb.h"
#include "caffe/util/host_flag.hpp"
#include "caffe/util/layer_gpu.hpp"

namespace caffe {

struct PoolWindows;

inline namespace beyond_caffe_1 {

/// Undoes MAX pooling (Badrinarayanan et al., SegNet, 2017): puts every value at the place its
/// maximum came from; everything else is 0.
///
/// Bottoms: values N x C x H x W; the places, of the same shape, as the second top of a Pooling
/// layer gives them (h * width + w in the plane of the top). Top: N x C x H' x W', either
/// upsample_h x upsample_w, or H scale_h - pad_out_h x W scale_w - pad_out_w.
template <typename Dtype>
class UpsampleLayer : public Layer<Dtype> {
 public:
  explicit UpsampleLayer(const LayerParameter& param) : Layer<Dtype>(param) {}
  void LayerSetUp(const vector<Blob<Dtype>*>& bottom, const vector<Blob<Dtype>*>& top) override;
  void Reshape(const vector<Blob<Dtype>*>& bottom, const vector<Blob<Dtype>*>& top) override;

  const char* type() const override { return "Upsample"; }
  int ExactNumBottomBlobs() const override { return 2; }
  int ExactNumTopBlobs() const override { return 1; }
  /// The places have no gradient.
  bool AllowForceBackward(const int bottom_index) const override { return bottom_index == 0; }
  bool BackwardReadsBottom(int bottom_index) const override { return bottom_index == 1; }
  bool BackwardReadsTop(int top_index) const override { return false; }

 protected:
  void Forward_cpu(const vector<Blob<Dtype>*>& bottom, const vector<Blob<Dtype>*>& top) override;
  void Backward_cpu(const vector<Blob<Dtype>*>& top, const vector<bool>& propagate_down,
                    const vector<Blob<Dtype>*>& bottom) override;
  DECLARE_LAYER_GPU_FUNCS(Dtype);

  int channels_ = 0;
  int height_ = 0, width_ = 0;
  int scale_h_ = 0, scale_w_ = 0;
  bool pad_out_h_ = false, pad_out_w_ = false;
  int upsample_h_ = 0, upsample_w_ = 0;

 private:
  /// On the GPU: throws where the last kernels met a place outside the plane.
  void CheckPlaces();
  /// A window in the top for each pixel of the bottom, such that they fill it.
  PoolWindows WindowsOfPixels() const;

  /// 1 + the index of such a place, written by the kernels.
  HostFlag bad_place_;
};

}  // namespace beyond_caffe_1

}  // namespace caffe

#endif  // CAFFE_UPSAMPLE_LAYER_HPP_
