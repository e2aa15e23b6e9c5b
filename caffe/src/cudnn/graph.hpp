#ifndef CAFFE_SRC_CUDNN_GRAPH_HPP_
#define CAFFE_SRC_CUDNN_GRAPH_HPP_

/// cuDNN's graph interface, as far as convolutions need it: operations one behind the other that an
/// engine computes as one. Only for files in this folder.

#include <array>
#include <cstdint>
#include <utility>
#include <vector>

#include "core/convolution_geometry.hpp"
#include "cudnn/handle.hpp"
#include "cudnn/question.hpp"

namespace caffe {
namespace cudnn {

/// A descriptor of the graph interface; destroyed with this.
class Descriptor {
 public:
  explicit Descriptor(cudnnBackendDescriptorType_t type);
  ~Descriptor() { cudnnBackendDestroyDescriptor(descriptor_); }

  // Sets an attribute; throws Error.
  void Set(cudnnBackendAttributeName_t name, cudnnBackendAttributeType_t type, int64_t count,
           const void* values);
  void Set(cudnnBackendAttributeName_t name, const Descriptor& other);
  void Set(cudnnBackendAttributeName_t name, int64_t value);
  void Set(cudnnBackendAttributeName_t name, const std::vector<int64_t>& values);
  void Set(cudnnBackendAttributeName_t name, cudnnDataType_t type);
  void Set(cudnnBackendAttributeName_t name, cudnnHandle_t handle);

  /// Ends the description. False where cuDNN does not support it: it has many statuses for that.
  bool Finalize() { return cudnnBackendFinalize(descriptor_) == CUDNN_STATUS_SUCCESS; }

  /// Reads an attribute of at most `room` values; returns how many there are, 0 where it has none.
  int64_t Get(cudnnBackendAttributeName_t name, cudnnBackendAttributeType_t type, int64_t room,
              void* values) const;

  cudnnBackendDescriptor_t get() const { return descriptor_; }

 private:
  cudnnBackendDescriptor_t descriptor_ = nullptr;

  DISABLE_COPY_AND_ASSIGN(Descriptor);
};

/// A way to compute a graph on this thread's GPU.
class Plan {
 public:
  Plan(shared_ptr<Descriptor> plan, size_t workspace) : plan_(plan), workspace_(workspace) {}

  /// Bytes of temporary memory.
  size_t workspace() const { return workspace_; }
  /// Queues it, with the memory of the tensors by their numbers. False where cuDNN fails to: some
  /// engines that are compiled at run time find out only now what they cannot do.
  bool Run(const std::vector<std::pair<int64_t, const void*>>& tensors) const;

 private:
  shared_ptr<Descriptor> plan_;
  size_t workspace_;
};

/// Numbers of the tensors of a convolution's graph.
enum Operand : int64_t { kImage, kWeights, kFeatures, kBias };

/// Operations on four-dimensional tensors, which are num x channels x height x width (weights:
/// output channels x input channels x kernel) in the order given. What is computed with is float;
/// factors of a convolution may be rounded for the tensor cores.
class Graph {
 public:
  using Tensor = shared_ptr<Descriptor>;
  using Shape = std::array<int64_t, 4>;
  enum class Order { kPlain, kChannelsLast };
  /// Of tensors in memory, in bytes.
  static constexpr int64_t kAlignment = 16;

  explicit Graph(Order order) : order_(order) {}

  /// A tensor in memory, by whose number Run is given its address.
  Tensor Stored(int64_t number, const Shape& shape, cudnnDataType_t type);
  /// Values that pass from one operation to the next.
  Tensor Passing(const Shape& shape);

  /// The result of the product is what it is named after.
  void Convolve(Product product, const ConvolutionGeometry& geometry, const Tensor& image,
                const Tensor& weights, const Tensor& features);
  /// y = x + bias, a tensor of 1 x channels x 1 x 1.
  void AddBias(const Tensor& x, const Tensor& bias, const Tensor& y);
  /// y = x where that is positive, else slope * x.
  void Rectify(const Tensor& x, double slope, const Tensor& y);

  /// The plans that give equal bits each time and get by with that much temporary memory; cuDNN's
  /// favourites first, `most` of them at most. With `exact`, only such as round no float.
  std::vector<shared_ptr<Plan>> Plans(size_t workspace_limit, size_t most,
                                      bool exact = false) const;

 private:
  Tensor Make(int64_t number, const Shape& shape, cudnnDataType_t type, bool passing);
  void Pointwise(cudnnPointwiseMode_t mode, double slope, const Tensor& x, const Tensor* bias,
                 const Tensor& y);

  std::vector<shared_ptr<Descriptor>> operations_;
  // What operations refer to has to last as long as they do.
  std::vector<shared_ptr<Descriptor>> parts_;
  int64_t passing_ = 0;
  const Order order_;
};

/// Whether engines can work on this memory.
inline bool IsAligned(const void* memory) {
  return reinterpret_cast<uintptr_t>(memory) % Graph::kAlignment == 0;
}

}  // namespace cudnn
}  // namespace caffe

#endif  // CAFFE_SRC_CUDNN_GRAPH_HPP_
