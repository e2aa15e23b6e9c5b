#ifndef CAFFE_SRC_CUDNN_PRODUCTS_HPP_
#define CAFFE_SRC_CUDNN_PRODUCTS_HPP_

/// The three products of a convolution by cuDNN; only for files in this folder.

#include <map>
#include <memory>
#include <variant>
#include <vector>

#include "core/convolution_geometry.hpp"
#include "cudnn/graph.hpp"
#include "cudnn/handle.hpp"

namespace caffe {

class WinogradOnGpu;

namespace cudnn {

struct Arrays;
struct Sides;

/// Values of one type in plain order, on the GPU. The batch may be handled in several calls, where
/// a fast algorithm would need too much temporary memory for the whole of it. What is fastest is
/// found by trying it at the first use, once a thread for each geometry and GPU: algorithms, and of
/// floats the engines of the graph interface and tiles of our own (gpu/winograd.hpp); only those
/// count that give equal bits each time. Throws Error where there is none.
class Products {
 public:
  /// `math` is the most that factors may be rounded.
  Products(const ConvolutionGeometry& geometry, cudnnDataType_t type, cudnnMathType_t math);
  ~Products();

  void ToFeatures(const void* image, const void* weights, void* features) const;
  void ToImage(const void* features, const void* weights, void* image) const;
  /// Adds to what is there, or overwrites it.
  void ToWeights(const void* image, const void* features, bool add, void* diff) const;

 private:
  /// With the math type that it is meant for, the images that it handles at once, and the memory
  /// that it needs for them.
  struct Algorithm {
    int number;
    cudnnMathType_t math;
    int images;
    size_t workspace;
  };
  using Tiles = shared_ptr<const WinogradOnGpu>;
  /// A way to compute a product. Plans and tiles handle all images at once.
  using Choice = std::variant<Algorithm, shared_ptr<Plan>, Tiles>;
  class Search;

  template <typename Calls>
  void Compute(const Arrays& arrays, bool add) const;
  template <typename Calls>
  cudnnStatus_t Run(const Choice& choice, const Arrays& arrays, bool add) const;
  template <typename Calls>
  cudnnStatus_t RunAlgorithm(const Algorithm& algorithm, Arrays arrays, bool add) const;
  void RunTiles(Product product, const WinogradOnGpu& tiles, const Arrays& arrays, bool add) const;
  cudnnStatus_t RunPlan(const Plan& plan, const Arrays& arrays) const;
  cudnnStatus_t RunPlanToWeights(const Plan& plan, Arrays arrays, bool add) const;
  bool MayHaveTiles() const;
  bool MayHavePlans(Product product, const Arrays& arrays) const;
  std::vector<shared_ptr<Plan>> PlansOf(Product product) const;
  const Sides& SidesOf(int images) const;

  ConvolutionGeometry geometry_;
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
