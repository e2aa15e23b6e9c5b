#include "dnn/engine.hpp"

#include <cstdlib>

#include "dnn/precision.hpp"

namespace caffe {
namespace dnn {

using dnnl::memory;

namespace {

// Kernels that oneDNN keeps for when images have the same size again. Those that multiply bfloat16
// numbers it never frees, so that to make a dropped one anew costs memory for good. By its default,
// 1024, a net of 17 kernels forgets all but 60 sizes.
const int kKeptPrimitives = 1 << 13;

dnnl::engine* MakeEngine() {
  const bool is_set = std::getenv("ONEDNN_PRIMITIVE_CACHE_CAPACITY") != nullptr;
  if (!is_set) dnnl::set_primitive_cache_capacity(kKeptPrimitives);
  return new dnnl::engine(dnnl::engine::kind::cpu, 0);
}

}  // namespace

const dnnl::engine& Engine() {
  // Never destroyed: layers in static objects of a program may outlive this library's own.
  static const dnnl::engine* engine = MakeEngine();
  return *engine;
}

dnnl::stream& Stream() {
  thread_local dnnl::stream stream(Engine());
  return stream;
}

bool Has(dnnl::cpu_isa instructions) {
  const int isa = static_cast<int>(dnnl::get_effective_cpu_isa());
  const int wanted = static_cast<int>(instructions);
  return (isa & wanted) == wanted;
}

bool IsUsable() {
#ifdef __x86_64__
  // Products of matrices ask each time.
  static const bool has_sse41 = Has(dnnl::cpu_isa::sse41);
  return has_sse41;
#else
  return true;
#endif
}

bool HasBfloat16() { return Has(dnnl::cpu_isa::avx512_core_bf16); }

dnnl::primitive_attr Attributes() {
  dnnl::primitive_attr attributes;
  attributes.set_scratchpad_mode(dnnl::scratchpad_mode::user);
  return attributes;
}

namespace {

memory::desc DescribeAs(const ChannelLayout& layout, memory::format_tag tag) {
  const auto type =
      layout.element == Element::kBFloat16 ? memory::data_type::bf16 : memory::data_type::f32;
  return memory::desc({layout.num, layout.channels, layout.height, layout.width}, type, tag);
}

}  // namespace

memory::desc Describe(const ChannelLayout& layout) {
  if (layout.block == 1) return DescribeAs(layout, memory::format_tag::nchw);
  // One block of all channels has two names; kernels for blocks go by this one.
  if (layout.block == 16) return DescribeAs(layout, memory::format_tag::nChw16c);
  if (layout.block == 8) return DescribeAs(layout, memory::format_tag::nChw8c);
  CHECK_EQ(layout.block, layout.channels) << " channels in a block: no such layout";
  return DescribeAs(layout, memory::format_tag::nhwc);
}

bool LayoutOf(const memory::desc& desc, ChannelLayout* layout) {
  const memory::dims shape = desc.get_dims();
  CHECK_EQ(shape.size(), 4u) << " axes of an image";
  *layout = {static_cast<int>(shape[0]), static_cast<int>(shape[1]), static_cast<int>(shape[2]),
             static_cast<int>(shape[3]), 1};
  if (desc.get_data_type() == memory::data_type::bf16) layout->element = Element::kBFloat16;
  for (const int block : {1, 16, 8}) {
    layout->block = block;
    if (desc == Describe(*layout)) return true;
  }
  layout->block = layout->channels;
  return desc == DescribeAs(*layout, memory::format_tag::nhwc);
}

memory Wrap(const memory::desc& desc, const void* values) {
  return memory(desc, Engine(), const_cast<void*>(values));
}

void Reorder(dnnl::memory from, dnnl::memory to) {
  dnnl::reorder(from, to).execute(Stream(), from, to);
  Stream().wait();
}

void Run(const dnnl::primitive& primitive, const memory::desc& scratchpad,
         std::unordered_map<int, memory> arguments) {
  const HostBuffer scratch(scratchpad.get_size());
  arguments.emplace(DNNL_ARG_SCRATCHPAD, memory(scratchpad, Engine(), scratch.get()));
  primitive.execute(Stream(), arguments);
  Stream().wait();
}

}  // namespace dnn
}  // namespace caffe
