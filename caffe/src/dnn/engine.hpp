#ifndef CAFFE_SRC_DNN_ENGINE_HPP_
#define CAFFE_SRC_DNN_ENGINE_HPP_

/// What all oneDNN primitives of the runtime share; only for files in this folder.

#include <utility>

#include <dnnl.hpp>

#include "core/channel_layout.hpp"

namespace caffe {
namespace dnn {

/// The processor, and the calling thread's queue of primitives.
const dnnl::engine& Engine();
dnnl::stream& Stream();

/// Whether this processor has these instructions.
bool Has(dnnl::cpu_isa instructions);

/// Whether oneDNN runs on this processor: on x86-64 its library, as PyPI has it, is compiled for
/// SSE4.1, which the default processors of some virtual machines lack.
bool IsUsable();

/// Host memory with undefined contents. Large pieces come from the pool that serves the blobs too,
/// so that temporary ones cost nothing while activations need the memory.
class HostBuffer {
 public:
  HostBuffer() = default;
  explicit HostBuffer(size_t bytes) { CaffeMallocHost(&memory_, bytes, &pinned_); }
  HostBuffer(HostBuffer&& other) { *this = std::move(other); }
  HostBuffer& operator=(HostBuffer&& other) {
    std::swap(memory_, other.memory_);
    std::swap(pinned_, other.pinned_);
    return *this;
  }
  ~HostBuffer() {
    if (memory_) CaffeFreeHost(memory_, pinned_);
  }
  void* get() const { return memory_; }

 private:
  void* memory_ = nullptr;
  bool pinned_ = false;
};

/// Attributes of primitives that are given their temporary memory.
dnnl::primitive_attr Attributes();

/// oneDNN's description of a layout, and the layout a description means. The second is false where
/// ChannelLayout has no name for the order.
dnnl::memory::desc Describe(const ChannelLayout& layout);
bool LayoutOf(const dnnl::memory::desc& desc, ChannelLayout* layout);

/// Values that are somewhere already, in this order. oneDNN does not tell what is only read.
dnnl::memory Wrap(const dnnl::memory::desc& desc, const void* values);

/// Copies values into another order or type.
void Reorder(dnnl::memory from, dnnl::memory to);

/// Runs a primitive to its end, with scratch memory.
void Run(const dnnl::primitive& primitive, const dnnl::memory::desc& scratchpad,
         std::unordered_map<int, dnnl::memory> arguments);

}  // namespace dnn
}  // namespace caffe

#endif  // CAFFE_SRC_DNN_ENGINE_HPP_
