#ifndef CAFFE_SPP_LAYER_HPP_
#define CAFFE_SPP_LAYER_HPP_

#include <vector>

#include "caffe/blob.hpp"
#include "caffe/layer.hpp"
#include "caffe/proto/caffe.pb.h"

// Not needed here: code written for Caffe 1.0 finds these layers through this header.
#include "caffe/layers/concat_layer.hpp"
#include "caffe/layers/flatten_layer.hpp"
#include "caffe/layers/pooling_layer.hpp"
#include "caffe/layers/split_layer.hpp"

namespace caffe {

/// Spatial pyramid pooling (He et al. 2014): the image pooled into 1, 2 x 2, 4 x 4, ... bins, as
/// one vector of fixed length.
///
/// Bottom: N x C x H x W; top: N x C (1 + 4 + 16 + ...), pyramid_height terms; with a single level,
/// N x C x 1 x 1.
template <typename Dtype>
class SPPLayer : public Layer<Dtype> {
 public:
  explicit SPPLayer(const LayerParameter& param) : Layer<Dtype>(param) {}
  void LayerSetUp(const vector<Blob<Dtype>*>& bottom, const vector<Blob<Dtype>*>& top) override;
  void Reshape(const vector<Blob<Dtype>*>& bottom, const vector<Blob<Dtype>*>& top) override;

  const char* type() const override { return "SPP"; }
  int ExactNumBottomBlobs() const override { return 1; }
  int ExactNumTopBlobs() const override { return 1; }

 protected:
  void Forward_cpu(const vector<Blob<Dtype>*>& bottom, const vector<Blob<Dtype>*>& top) override;
  void Backward_cpu(const vector<Blob<Dtype>*>& top, const vector<bool>& propagate_down,
                    const vector<Blob<Dtype>*>& bottom) override;

  /// The Pooling layer that makes 2^level x 2^level bins of an image.
  virtual LayerParameter GetPoolingParam(const int pyramid_level, const int bottom_h,
                                         const int bottom_w, const SPPParameter spp_param);

  int pyramid_height_ = 0;
  int num_ = 0, channels_ = 0;
  int bottom_h_ = 0, bottom_w_ = 0;
  /// For each level, its Pooling layer and what comes out of it.
  vector<shared_ptr<Layer<Dtype>>> pooling_layers_;
  vector<shared_ptr<Blob<Dtype>>> pooling_outputs_;

 private:
  /// Copies data or diffs between the levels' blobs and the rows of the top.
  template <typename Copy>
  void EachRow(const Copy& copy);

  Blob<Dtype> level_diff_;
};

}  // namespace caffe

#endif  // CAFFE_SPP_LAYER_HPP_
