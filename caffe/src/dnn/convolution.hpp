#ifndef CAFFE_SRC_DNN_CONVOLUTION_HPP_
#define CAFFE_SRC_DNN_CONVOLUTION_HPP_

#include "caffe/blob.hpp"
#include "util/channel_layout.hpp"

namespace caffe {
namespace dnn {

/// Shapes of a two-dimensional convolution between an image (the larger side, as a rule) and a
/// feature map. Pairs are height, width.
struct ConvolutionGeometry {
  int num = 1;
  int groups = 1;
  int image_channels = 1;
  int feature_channels = 1;
  int image[2] = {1, 1};
  int features[2] = {1, 1};
  int kernel[2] = {1, 1};
  int stride[2] = {1, 1};
  int pad[2] = {0, 0};
  int dilation[2] = {1, 1};
  /// Whether reordered weights are kept until the weights change, for nets that do not train.
  bool keep_weights = false;
  /// What the products are computed from, and what they are kept as; weights and their diffs are
  /// float in any case. Features of less than a block of channels, what a net puts out as a rule,
  /// stay float.
  Element element = Element::kFloat;
  /// On a GPU: whether float factors are rounded to 11 significant bits.
  bool tf32 = false;
  /// What ToFeatures multiplies negative features by in the end.
  float relu_slope = 1;
};

/// Whether this processor multiplies bfloat16 numbers. Where it does not, layers compute in float.
#ifdef USE_ONEDNN
bool HasBfloat16();
#else
inline bool HasBfloat16() { return false; }
#endif

/// What layers of a precision multiply in the present mode.
inline Element MultipliedAs(Precision precision) {
  const bool gpu = Caffe::mode() == Caffe::GPU;
  if (precision == BF16 && (gpu || HasBfloat16())) return Element::kBFloat16;
  return precision == FP16 && gpu ? Element::kFloat16 : Element::kFloat;
}

/// One half of a blob.
template <typename Dtype>
struct Values {
  Blob<Dtype>* blob;
  Part part;
};

/// The three products of a convolution, with results in whichever layout suits the processor.
/// Weights: feature channels x image channels / groups x kernel, in plain order.
template <typename Dtype>
class Convolution {
 public:
  virtual ~Convolution() = default;

  /// Null where there is no fast kernel for this geometry (or none for the type): the caller
  /// computes by matrix products then.
  static shared_ptr<Convolution> Create(const ConvolutionGeometry& geometry);

  /// features = relu(weights * image + bias); bias may be null.
  virtual void ToFeatures(Values<Dtype> image, const Blob<Dtype>& weights, const Blob<Dtype>* bias,
                          Values<Dtype> features) = 0;
  /// image = weights' * features.
  virtual void ToImage(Values<Dtype> features, const Blob<Dtype>& weights, Values<Dtype> image) = 0;
  /// Diff of weights += features * image'; diff of bias += sums of features, unless it is null.
  virtual void AddWeightDiff(Values<Dtype> image, Values<Dtype> features, Blob<Dtype>* weights,
                             Blob<Dtype>* bias) = 0;
};

#ifndef USE_ONEDNN
template <typename Dtype>
shared_ptr<Convolution<Dtype>> Convolution<Dtype>::Create(const ConvolutionGeometry&) {
  return nullptr;
}
#endif

}  // namespace dnn
}  // namespace caffe

#endif  // CAFFE_SRC_DNN_CONVOLUTION_HPP_
