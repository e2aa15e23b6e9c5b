#ifndef CAFFE_DECONV_LAYER_HPP_
#define CAFFE_DECONV_LAYER_HPP_

#include <vector>

#include "caffe/layers/base_conv_layer.hpp"
#include "caffe/util/layer_gpu.hpp"

namespace caffe {

/// Transposed convolution: every input value adds a weighted kernel to the output (learned
/// upsampling). What Convolution computes backward, this layer computes forward.
///
/// Bottoms: N x C x H x W; each top: N x num_output x H' x W' with
/// H' = stride (H - 1) + dilation (kernel - 1) + 1 - 2 pad.
/// Learnable blobs: weights C x num_output / group x kernel_h x kernel_w, bias num_output.
template <typename Dtype>
class DeconvolutionLayer : public BaseConvolutionLayer<Dtype> {
 public:
  explicit DeconvolutionLayer(const LayerParameter& param) : BaseConvolutionLayer<Dtype>(param) {}
  const char* type() const override { return "Deconvolution"; }

 protected:
  void Forward_cpu(const vector<Blob<Dtype>*>& bottom, const vector<Blob<Dtype>*>& top) override;
  void Backward_cpu(const vector<Blob<Dtype>*>& top, const vector<bool>& propagate_down,
                    const vector<Blob<Dtype>*>& bottom) override;
  DECLARE_LAYER_GPU_FUNCS(Dtype);
  bool reverse_dimensions() override { return true; }
  void compute_output_shape() override;
  bool fast_pays() const override;

 private:
  DECLARE_PASSES_ON_DEVICE(Dtype);
  /// The same for all items of a top, in whichever layout.
  void AddBiasToAll(OnCpu, Blob<Dtype>* top);
  void AddBiasToAll(OnGpu, Blob<Dtype>* top);
  void AddBiasDiffOfAll(OnCpu, const Blob<Dtype>& top);
  void AddBiasDiffOfAll(OnGpu, const Blob<Dtype>& top);
};

}  // namespace caffe

#endif  // CAFFE_DECONV_LAYER_HPP_
