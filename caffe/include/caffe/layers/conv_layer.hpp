#ifndef CAFFE_CONV_LAYER_HPP_
#define CAFFE_CONV_LAYER_HPP_

#include <vector>

#include "caffe/layers/base_conv_layer.hpp"
#include "caffe/util/layer_gpu.hpp"

namespace caffe {

/// Convolution (cross-correlation) over any number of spatial axes.
///
/// Bottoms: N x C x H x W (with `axis`, other shapes); each top: N x num_output x H' x W' with
/// H' = (H + 2 pad - dilation (kernel - 1) - 1) / stride + 1. Groups split the channels of both
/// sides. Learnable blobs: weights num_output x C / group x kernel_h x kernel_w, bias num_output.
template <typename Dtype>
class ConvolutionLayer : public BaseConvolutionLayer<Dtype> {
 public:
  explicit ConvolutionLayer(const LayerParameter& param) : BaseConvolutionLayer<Dtype>(param) {}
  const char* type() const override { return "Convolution"; }
  /// Takes over a ReLU.
  bool Absorb(const shared_ptr<Layer<Dtype>>& next, bool backward) override;

 protected:
  void Forward_cpu(const vector<Blob<Dtype>*>& bottom, const vector<Blob<Dtype>*>& top) override;
  void Backward_cpu(const vector<Blob<Dtype>*>& top, const vector<bool>& propagate_down,
                    const vector<Blob<Dtype>*>& bottom) override;
  DECLARE_LAYER_GPU_FUNCS(Dtype);
  bool reverse_dimensions() override { return false; }
  void compute_output_shape() override;

 private:
  DECLARE_PASSES_ON_DEVICE(Dtype);

  /// The absorbed ReLU, or null.
  shared_ptr<Layer<Dtype>> relu_;
};

}  // namespace caffe

#endif  // CAFFE_CONV_LAYER_HPP_
