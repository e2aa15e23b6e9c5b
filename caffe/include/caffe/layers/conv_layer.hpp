#ifndef CAFFE_CONV_LAYER_HPP_
#define CAFFE_CONV_LAYER_HPP_

#include <vector>

#include "caffe/layers/base_conv_layer.hpp"
#include "caffe/util/layer_gpu.hpp"

namespace caffe {

namespace dnn {
template <typename Dtype>
struct Parameters;
template <typename Dtype>
class PooledConvolution;
}  // namespace dnn

/// Convolution (cross-correlation) over any number of spatial axes.
///
/// Bottoms: N x C x H x W (with `axis`, other shapes); each top: N x num_output x H' x W' with
/// H' = (H + 2 pad - dilation (kernel - 1) - 1) / stride + 1. Groups split the channels of both
/// sides. Learnable blobs: weights num_output x C / group x kernel_h x kernel_w, bias num_output.
template <typename Dtype>
class ConvolutionLayer : public BaseConvolutionLayer<Dtype> {
 public:
  explicit ConvolutionLayer(const LayerParameter& param) : BaseConvolutionLayer<Dtype>(param) {}
  ~ConvolutionLayer() override;
  void Reshape(const vector<Blob<Dtype>*>& bottom, const vector<Blob<Dtype>*>& top) override;
  const char* type() const override { return "Convolution"; }
  /// Takes over a ReLU and, where it never goes back on the CPU, affine layers before that, as
  /// BatchNorm and Scale in inference.
  bool Fuse(const shared_ptr<Layer<Dtype>>& next, bool backward) override;
  /// To a BatchNorm (BatchNormLayer::TakeBias).
  bool LeaveBias(Layer<Dtype>* next, bool backward) override;
  /// Takes over a pooling layer, to run both on strips of large images, or a convolution that has
  /// far more to do, to run in front of it on its strips.
  bool FuseReader(const shared_ptr<Layer<Dtype>>& next, Blob<Dtype>* top) override;
  /// On the CPU a ReLU's own Backward comes first, and the features can be freed before the
  /// products that need most memory. On the GPU this layer's has its gradient and the bias's in one
  /// pass.
  bool BackwardCoversFused() const override { return Caffe::mode() == Caffe::GPU; }
  /// A ReLU without a slope is left to max-pooling, which then keeps what either needs to know of
  /// the features.
  bool LeaveFusedBackward(Layer<Dtype>* reader) override;
  bool BackwardReadsTop(int top_index) const override {
    return relu_ != nullptr && !relu_left_ && BackwardCoversFused();
  }
  /// Of few input values each, as those of the first layer.
  bool RecomputesTop() const override;
  void RecomputeTop(const vector<Blob<Dtype>*>& bottom, const vector<Blob<Dtype>*>& top) override;

 protected:
  void Forward_cpu(const vector<Blob<Dtype>*>& bottom, const vector<Blob<Dtype>*>& top) override;
  void Backward_cpu(const vector<Blob<Dtype>*>& top, const vector<bool>& propagate_down,
                    const vector<Blob<Dtype>*>& bottom) override;
  DECLARE_LAYER_GPU_FUNCS(Dtype);
  bool reverse_dimensions() override { return false; }
  void compute_output_shape() override;

 private:
  DECLARE_PASSES_ON_DEVICE(Dtype);

  /// Convolutions with pooling in strips, for one shape of the bottom; null where blobs are made
  /// whole.
  struct Strips {
    vector<int> bottom_shape;
    shared_ptr<dnn::PooledConvolution<Dtype>> strips;
  };

  /// Forward with the fused pooling layer in strips, behind `front` if that is not null; false
  /// where the features are made whole.
  bool ForwardStrips(const Blob<Dtype>& bottom, ConvolutionLayer* front);

  bool FuseAffine(const shared_ptr<Layer<Dtype>>& next);
  /// What the features are made with at the moment: the learned blobs, and what the fused affine
  /// layers make of them.
  dnn::Parameters<Dtype> FeatureParameters();

  /// Backward of the fused ReLU, in place in a top's diff, and of `bias` (or null) behind it.
  /// False where there is nothing that it covers.
  bool BackwardRelu(OnCpu, Blob<Dtype>* top, Blob<Dtype>* bias);
  bool BackwardRelu(OnGpu, Blob<Dtype>* top, Blob<Dtype>* bias);

  bool AddsBias() const { return this->bias_term_ && !bias_left_; }

  bool bias_left_ = false;
  /// The fused affine layers, and what they amount to with the bias.
  vector<shared_ptr<Layer<Dtype>>> affine_;
  Blob<Dtype> factors_, offsets_;
  /// The fused ReLU, or null.
  shared_ptr<Layer<Dtype>> relu_;
  /// Whether the reader of the top does its Backward.
  bool relu_left_ = false;
  /// The fused pooling layer, or null, and its top.
  shared_ptr<Layer<Dtype>> pool_;
  Blob<Dtype>* pooled_ = nullptr;
  /// The fused convolution, or null, and its top.
  shared_ptr<ConvolutionLayer> reader_;
  Blob<Dtype>* read_ = nullptr;
  Strips strips_, strips_behind_front_;
};

}  // namespace caffe

#endif  // CAFFE_CONV_LAYER_HPP_
