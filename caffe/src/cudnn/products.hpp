#ifndef CAFFE_SRC_CUDNN_PRODUCTS_HPP_
#define CAFFE_SRC_CUDNN_PRODUCTS_HPP_

/// The three products of a convolution by cuDNN; only for files in this folder.

#include <map>
#include <memory>

#include "cudnn/handle.hpp"
#include "dnn/convolution.hpp"

namespace caffe {
namespace cudnn {

/// Values of one type in plain order, on the GPU. The batch may be handled in several calls, where
/// a fast algorithm would need too much temporary memory for the whole of it. What is fastest is
/// found by trying it at the first use, once a process for each geometry and GPU; only algorithms
/// count that give equal bits each time. Throws Error where there is none.
class Products {
 public:
  /// `math` is the most that factors may be rounded.
  Products(const dnn::ConvolutionGeometry& geometry, cudnnDataType_t type, cudnnMathType_t math);
  ~Products();

  void ToFeatures(const void* image, const void* weights, void* features) const;
  void ToImage(const void* features, const void* weights, void* image) const;
  /// Adds to what is there, or overwrites it.
  void ToWeights(const void* image, const void* features, bool add, void* diff) const;

 private:
  struct Sides;
  struct Arrays;
  struct Choice;
  struct ToFeaturesCalls;
  struct ToImageCalls;
  struct ToWeightsCalls;
  class Search;

  static void* WorkspaceOf(const Choice& choice);
  template <typename Calls>
  void Compute(const Arrays& arrays, bool add) const;
  template <typename Calls>
  cudnnStatus_t Run(const Choice& choice, Arrays arrays, bool add) const;
  template <typename Calls>
  Choice ChoiceOf(const Arrays& arrays) const;
  const Sides& SidesOf(int images) const;

  dnn::ConvolutionGeometry geometry_;
  cudnnDataType_t type_;
  cudnnMathType_t math_;
  /// Bytes of one image, of its features, and of all weights.
  size_t image_bytes_, feature_bytes_, weight_bytes_;
  /// By the number of images.
  mutable std::map<int, std::unique_ptr<Sides>> sides_;
};

}  // namespace cudnn
}  // namespace caffe

#endif  // CAFFE_SRC_CUDNN_PRODUCTS_HPP_
