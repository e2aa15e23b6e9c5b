#ifndef TESTS_EMULATED_CUDNN_PRODUCTS_HPP_
#define TESTS_EMULATED_CUDNN_PRODUCTS_HPP_

/// The arithmetic of convolutions, for both of cuDNN's interfaces.

#include "cudnn_values.hpp"

namespace emulated_cudnn {

/// The three sides of a convolution: image, filter and features. Two of them give the third one.
struct Sides {
  Tensor x, w, y;
  cudnnConvolutionStruct convolution;

  bool Belong() const;
};

enum class Product { kFeatures, kImage, kFilter };

/// The numbers of the side that is asked for, from those of the other two in the order of Sides.
Numbers Multiply(Product product, const Sides& sides, const Numbers& left, const Numbers& right);

}  // namespace emulated_cudnn

#endif  // TESTS_EMULATED_CUDNN_PRODUCTS_HPP_
