#ifndef CAFFE_GEOMETRIC_LOSS_LAYER_HPP_
#define CAFFE_GEOMETRIC_LOSS_LAYER_HPP_

#include <vector>

#include "caffe/blob.hpp"
#include "caffe/layers/euclidean_loss_layer.hpp"
#include "caffe/proto/caffe.pb.h"
#include "caffe/util/layer_gpu.hpp"

namespace caffe {

inline namespace beyond_caffe_1 {

/// The Euclidean loss of vectors whose components move together (the loss of the joint regression
/// that was published with DCME): forward as EuclideanLoss; backward, the channels c, c + num_dim,
/// c + 2 num_dim, ... of a pixel all receive the sum of their differences, divided by N.
template <typename Dtype>
class GeometricLossLayer : public EuclideanLossLayer<Dtype> {
 public:
  explicit GeometricLossLayer(const LayerParameter& param) : EuclideanLossLayer<Dtype>(param) {}
  void Reshape(const vector<Blob<Dtype>*>& bottom, const vector<Blob<Dtype>*>& top) override;
  const char* type() const override { return "GeometricLoss"; }

 protected:
  void Backward_cpu(const vector<Blob<Dtype>*>& top, const vector<bool>& propagate_down,
                    const vector<Blob<Dtype>*>& bottom) override;
  DECLARE_LAYER_GPU_BACKWARD(Dtype);
};

}  // namespace beyond_caffe_1

}  // namespace caffe

#endif  // CAFFE_GEOMETRIC_LOSS_LAYER_HPP_
