#ifndef CAFFE_SRC_DNN_ENGINE_HPP_
#define CAFFE_SRC_DNN_ENGINE_HPP_

/// What all oneDNN primitives of the runtime share; only for files in this folder.

#include <dnnl.hpp>

#include "util/channel_layout.hpp"

namespace caffe {
namespace dnn {

/// The processor, and the calling thread's queue of primitives.
const dnnl::engine& Engine();
dnnl::stream& Stream();

/// Memory of the calling thread that primitives use one after the other; each use may overwrite
/// what an earlier one of the same kind left.
enum class Scratch { kPrimitive, kWeights, kCount };
void* ScratchMemory(Scratch kind, size_t bytes);

/// Attributes of primitives that take their temporary memory from ScratchMemory.
dnnl::primitive_attr Attributes();

/// oneDNN's description of a layout, and the layout a description means. The second is false where
/// ChannelLayout has no name for the order.
dnnl::memory::desc Describe(const ChannelLayout& layout);
bool LayoutOf(const dnnl::memory::desc& desc, ChannelLayout* layout);

/// Runs a primitive to its end, with scratch memory.
void Run(const dnnl::primitive& primitive, const dnnl::memory::desc& scratchpad,
         std::unordered_map<int, dnnl::memory> arguments);

}  // namespace dnn
}  // namespace caffe

#endif  // CAFFE_SRC_DNN_ENGINE_HPP_
