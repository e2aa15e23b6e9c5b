#ifndef CAFFE_SRC_DNN_CONVOLUTION_HPP_
#define CAFFE_SRC_DNN_CONVOLUTION_HPP_

#include "caffe/blob.hpp"
#include "core/convolution_geometry.hpp"

namespace caffe {
namespace dnn {

/// One half of a blob.
template <typename Dtype>
struct Values {
  Blob<Dtype>* blob;
  Part part;
};

/// What ToFeatures computes with. Bias and factors have a number for each feature channel, and may
/// be null; factors are there where the geometry says that it `scales`.
template <typename Dtype>
struct Parameters {
  const Blob<Dtype>* weights;
  const Blob<Dtype>* bias = nullptr;
  const Blob<Dtype>* factors = nullptr;
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

  /// features = relu(factors * (weights * image) + bias).
  virtual void ToFeatures(Values<Dtype> image, const Parameters<Dtype>& parameters,
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
