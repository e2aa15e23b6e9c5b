#ifndef TESTS_EMULATED_CUDNN_GRAPH_HPP_
#define TESTS_EMULATED_CUDNN_GRAPH_HPP_

/// What the files of the emulated graph interface share: descriptors as they are set, and what a
/// graph's operations mean.

#include <map>
#include <memory>
#include <vector>

#include "cudnn_products.hpp"

namespace emulated_cudnn {

struct BackendDescriptor;
/// What a finalized descriptor said when it became another one's attribute.
using DescriptorPtr = std::shared_ptr<const BackendDescriptor>;

struct Attribute {
  cudnnBackendAttributeType_t type;
  int64_t count = 0;
  std::vector<char> bytes = {};
  std::vector<DescriptorPtr> descriptors = {};
};

struct BackendDescriptor {
  cudnnBackendDescriptorType_t type;
  bool finalized = false;
  std::map<cudnnBackendAttributeName_t, Attribute> attributes = {};
  /// Of a plan.
  int device = 0;

  bool Has(cudnnBackendAttributeName_t name) const { return attributes.count(name) > 0; }

  template <typename T>
  std::vector<T> List(cudnnBackendAttributeName_t name) const {
    const auto found = attributes.find(name);
    if (found == attributes.end()) return {};
    const T* first = reinterpret_cast<const T*>(found->second.bytes.data());
    return std::vector<T>(first, first + found->second.count);
  }
  template <typename T>
  T One(cudnnBackendAttributeName_t name, T otherwise = T()) const {
    return Has(name) ? List<T>(name).front() : otherwise;
  }
  /// One of type float or double.
  double Real(cudnnBackendAttributeName_t name, double otherwise) const;
  /// Null where there is none.
  DescriptorPtr Other(cudnnBackendAttributeName_t name) const;

  template <typename T>
  void Put(cudnnBackendAttributeName_t name, cudnnBackendAttributeType_t of,
           const std::vector<T>& elements) {
    const char* first = reinterpret_cast<const char*>(elements.data());
    attributes[name] = {of, int64_t(elements.size()),
                        std::vector<char>(first, first + elements.size() * sizeof(T))};
  }
  void Put(cudnnBackendAttributeName_t name, const std::vector<DescriptorPtr>& elements) {
    attributes[name] = {CUDNN_TYPE_BACKEND_DESCRIPTOR, int64_t(elements.size()), {}, elements};
  }
};

// ---- what descriptors mean ----

struct GraphTensor {
  Tensor tensor;
  int64_t id, alignment;
  bool is_virtual;
};

/// result = alpha * f(inputs) + beta * result, f being a product of a convolution or a function of
/// single values.
struct Operation {
  std::vector<GraphTensor> inputs;
  GraphTensor result;
  double alpha = 1, beta = 0;
  bool is_product = false;
  Product product = Product::kFeatures;
  Sides sides = {};
  cudnnPointwiseMode_t mode = CUDNN_POINTWISE_ADD;
  double slope = 0;
};

/// Of a descriptor with all attributes that it needs.
Operation OperationOf(const BackendDescriptor& descriptor);
std::vector<Operation> OperationsOf(const BackendDescriptor& graph);

// ---- what finalizing checks, and adds ----

/// Tensors, convolutions, functions, operations, graphs and packs of pointers.
cudnnStatus_t FinalizeGraphPart(const BackendDescriptor& descriptor);
/// Heuristics, engines, their configurations and plans.
cudnnStatus_t FinalizeEnginePart(BackendDescriptor* descriptor);

// ---- engines ----

struct Engine {
  int64_t index;
  cudnnBackendHeurMode_t mode;
  /// What it takes of the GPU's time, as events tell.
  int milliseconds;
  std::vector<cudnnBackendNumericalNote_t> notes;
  /// Significant bits of float factors; 0: all.
  int bits = 0;

  bool Has(cudnnBackendNumericalNote_t note) const;
};

/// That of a finalized plan, and what it does.
const Engine& EngineOf(const BackendDescriptor& plan);
std::vector<Operation> OperationsOfPlan(const BackendDescriptor& plan);

}  // namespace emulated_cudnn

#endif  // TESTS_EMULATED_CUDNN_GRAPH_HPP_
