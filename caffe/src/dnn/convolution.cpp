#include "dnn/convolution.hpp"

#include <cstring>
#include <mutex>
#include <numeric>

#include <boost/make_shared.hpp>

#include "caffe/util/math_functions.hpp"
#include "core/fork.hpp"
#include "dnn/engine.hpp"
#include "dnn/merged_groups.hpp"
#include "dnn/winograd_convolution.hpp"

namespace caffe {
namespace dnn {

using dnnl::memory;

namespace {

using Forward = dnnl::convolution_forward;
using BackwardData = dnnl::convolution_backward_data;
using BackwardWeights = dnnl::convolution_backward_weights;
using Tag = memory::format_tag;
using Type = memory::data_type;

memory::dims Pair(const int (&values)[2]) { return {values[0], values[1]}; }

// Results with fewer channels are those that a net puts out, as a rule: they stay exact.
const int kSmallestBlocked = 16;

// The descriptions oneDNN needs of a geometry.
struct Problem {
  explicit Problem(const ConvolutionGeometry& g)
      : type(g.element == Element::kBFloat16 ? Type::bf16 : Type::f32),
        result_type(g.feature_channels < kSmallestBlocked ? Type::f32 : type),
        image_shape{g.num, g.image_channels, g.image[0], g.image[1]},
        feature_shape{g.num, g.feature_channels, g.features[0], g.features[1]},
        stride(Pair(g.stride)),
        // oneDNN counts the gaps between taps.
        dilation{g.dilation[0] - 1, g.dilation[1] - 1},
        pad_begin(Pair(g.pad)),
        scales(g.scales),
        relu_slope(g.relu_slope),
        bias_desc({g.feature_channels}, Type::f32, Tag::a),
        per_channel_desc({1, g.feature_channels, 1, 1}, Type::f32, Tag::abcd) {
    if (g.groups > 1) {
      weight_shape = {g.groups, g.feature_channels / g.groups, g.image_channels / g.groups,
                      g.kernel[0], g.kernel[1]};
      plain_weights = memory::desc(weight_shape, Type::f32, Tag::goihw);
    } else {
      weight_shape = {g.feature_channels, g.image_channels, g.kernel[0], g.kernel[1]};
      plain_weights = memory::desc(weight_shape, Type::f32, Tag::oihw);
    }
    for (int i = 0; i < 2; ++i) {
      // Rows and columns that no window reaches (the division by the stride rounds down) are
      // negative padding.
      const int extent = g.dilation[i] * (g.kernel[i] - 1) + 1;
      pad_end.push_back((g.features[i] - 1) * g.stride[i] + extent - g.image[i] - g.pad[i]);
    }
  }

  memory::desc Image() const { return memory::desc(image_shape, type, Tag::any); }
  memory::desc Features() const { return memory::desc(feature_shape, type, Tag::any); }
  memory::desc Weights() const { return memory::desc(weight_shape, type, Tag::any); }

  /// Of what is multiplied, and of the features that come out.
  Type type, result_type;
  memory::dims image_shape, feature_shape, weight_shape;
  memory::dims stride, dilation, pad_begin, pad_end;
  bool scales;
  float relu_slope;
  memory::desc plain_weights, bias_desc, per_channel_desc;
};

const auto kAlgorithm = dnnl::algorithm::convolution_direct;

// What follows the sums: the first two of them at kFactors and kOffsets.
enum PostOp { kFactors, kOffsets };
dnnl::post_ops PostOps(const Problem& p) {
  dnnl::post_ops ops;
  if (p.scales) {
    ops.append_binary(dnnl::algorithm::binary_mul, p.per_channel_desc);
    ops.append_binary(dnnl::algorithm::binary_add, p.per_channel_desc);
  }
  if (p.relu_slope != 1) ops.append_eltwise(dnnl::algorithm::eltwise_relu, p.relu_slope, 0);
  return ops;
}

int PostOpArgument(PostOp op) { return DNNL_ARG_ATTR_MULTIPLE_POST_OP(op) | DNNL_ARG_SRC_1; }

Forward::primitive_desc DescribeForward(const Problem& p) {
  const auto kind = dnnl::prop_kind::forward_training;
  const auto image = p.Image(), weights = p.Weights();
  const auto features = memory::desc(p.feature_shape, p.result_type, Tag::any);
  auto attributes = Attributes();
  attributes.set_post_ops(PostOps(p));
  // A bias is added before they are multiplied by factors.
  if (p.scales) {
    return Forward::primitive_desc(Engine(), kind, kAlgorithm, image, weights, features, p.stride,
                                   p.dilation, p.pad_begin, p.pad_end, attributes);
  }
  return Forward::primitive_desc(Engine(), kind, kAlgorithm, image, weights, p.bias_desc, features,
                                 p.stride, p.dilation, p.pad_begin, p.pad_end, attributes);
}

BackwardWeights::primitive_desc DescribeWeights(const Problem& p,
                                                const Forward::primitive_desc& forward) {
  const auto image = p.Image(), features = p.Features();
  const auto weights = memory::desc(p.weight_shape, Type::f32, Tag::any);
  return BackwardWeights::primitive_desc(Engine(), kAlgorithm, image, weights, p.bias_desc,
                                         features, p.stride, p.dilation, p.pad_begin, p.pad_end,
                                         forward, Attributes());
}

BackwardData::primitive_desc DescribeData(const Problem& p, const memory::desc& features,
                                          const memory::desc& image,
                                          const Forward::primitive_desc& forward) {
  return BackwardData::primitive_desc(Engine(), kAlgorithm, image, p.Weights(), features, p.stride,
                                      p.dilation, p.pad_begin, p.pad_end, forward, Attributes());
}

// Kernels that oneDNN falls back to are no faster (some far slower) than our own matrix products.
bool IsFast(const char* implementation) {
  const string name(implementation);
  return name.find("ref") == string::npos && name.compare(0, 4, "gemm") != 0;
}

// Where windows begin and end at every second, third, ... column, oneDNN's AMX kernels take as many
// pixels of a row as one of more channels. If those of each do not fill whole tiles, the weights,
// in which they do, are read from wrong places.
bool MistakesWeights(const ConvolutionGeometry& g) {
  const int kTile = 32;
  const int channels = g.image_channels / g.groups;
  if (channels % kTile == 0 || g.pad[1] != 0 || g.dilation[1] != 1) return false;
  if (!Has(dnnl::cpu_isa::avx512_core_amx)) return false;
  const int most = std::gcd(g.image[1], std::gcd(g.kernel[1], g.stride[1]));
  for (int pixels = 2; pixels <= most; ++pixels) {
    const int as_one = channels * pixels;
    if (most % pixels == 0 && as_one % kTile == 0 && as_one > kTile) return true;
  }
  return false;
}

// Geometries of which oneDNN computes wrong numbers in bfloat16. Of images narrower than the
// stride, its gradients of weights hold what happened to stand in memory, at taps that meet nothing
// but padding.
bool IsWrong(const ConvolutionGeometry& g) {
  return g.element == Element::kBFloat16 && (g.image[1] < g.stride[1] || MistakesWeights(g));
}

bool HasLayout(const memory::desc& desc) {
  ChannelLayout layout;
  return LayoutOf(desc, &layout);
}

// Weights in the order of a primitive.
class WeightStore : public LayoutStore {
 public:
  WeightStore(const memory::desc& desc, const memory::desc& plain)
      : plain_(plain), values_(desc.get_size()), weights_(desc, Engine(), values_.get()) {}

  void ToPlain(void* plain) const override { Reorder(weights_, Wrap(plain_, plain)); }
  void Relocate() override {
    const memory::desc desc = weights_.get_desc();
    HostBuffer values(desc.get_size());
    std::memcpy(values.get(), values_.get(), desc.get_size());
    weights_.set_data_handle(values.get());
    values_ = std::move(values);
  }
  const memory& weights() const { return weights_; }

 private:
  memory::desc plain_;
  HostBuffer values_;
  memory weights_;
};

class FloatConvolution : public Convolution<float> {
 public:
  /// Throws dnnl::error where oneDNN has no kernel at all.
  explicit FloatConvolution(const ConvolutionGeometry& geometry)
      : problem_(geometry),
        keep_weights_(geometry.keep_weights),
        forward_desc_(DescribeForward(problem_)),
        weights_desc_(DescribeWeights(problem_, forward_desc_)),
        data_desc_(DescribeDataLikeForward()) {}

  /// Whether all three kernels are worth using, on layouts that other layers know.
  bool IsGood() const {
    return IsFast(forward_desc_.impl_info_str()) && IsFast(weights_desc_.impl_info_str()) &&
           IsFast(data_desc_.impl_info_str()) && HasLayout(forward_desc_.src_desc()) &&
           HasLayout(forward_desc_.dst_desc()) && HasLayout(weights_desc_.src_desc()) &&
           HasLayout(weights_desc_.diff_dst_desc()) && HasLayout(data_desc_.diff_src_desc()) &&
           HasLayout(data_desc_.diff_dst_desc());
  }

  /// Layouts of what ToFeatures takes and gives.
  ChannelLayout image() const { return Layout(forward_desc_.src_desc()); }
  ChannelLayout features() const { return Layout(forward_desc_.dst_desc()); }

  void ToFeatures(Values<float> image, const Parameters<float>& parameters,
                  Values<float> features) override {
    if (!forward_) forward_ = Forward(forward_desc_);
    const memory source = Read(forward_desc_.src_desc(), image);
    const OrderedWeights kernel = InOrder(forward_desc_.weights_desc(), *parameters.weights);
    const float* bias = parameters.bias ? parameters.bias->cpu_data() : NoBias();
    std::unordered_map<int, memory> arguments = {
        {DNNL_ARG_SRC, source},
        {DNNL_ARG_WEIGHTS, kernel.values},
        {DNNL_ARG_DST, Write(forward_desc_.dst_desc(), features)}};
    if (problem_.scales) {
      const float* factors = parameters.factors->cpu_data();
      arguments.emplace(PostOpArgument(kFactors), Wrap(problem_.per_channel_desc, factors));
      arguments.emplace(PostOpArgument(kOffsets), Wrap(problem_.per_channel_desc, bias));
    } else {
      arguments.emplace(DNNL_ARG_BIAS, Wrap(problem_.bias_desc, bias));
    }
    Run(forward_, forward_desc_.scratchpad_desc(), std::move(arguments));
  }

  void ToImage(Values<float> features, const Blob<float>& weights, Values<float> image) override {
    if (!data_) data_ = BackwardData(data_desc_);
    const memory source = Read(data_desc_.diff_dst_desc(), features);
    const OrderedWeights kernel = InOrder(data_desc_.weights_desc(), weights);
    Run(data_, data_desc_.scratchpad_desc(),
        {{DNNL_ARG_DIFF_DST, source},
         {DNNL_ARG_WEIGHTS, kernel.values},
         {DNNL_ARG_DIFF_SRC, Write(data_desc_.diff_src_desc(), image)}});
  }

  void AddWeightDiff(Values<float> image, Values<float> features, Blob<float>* weights,
                     Blob<float>* bias) override {
    if (!weights_) {
      weights_ = BackwardWeights(weights_desc_);
      // Diffs of parameters add up over the passes of an iteration.
      dnnl::post_ops sum;
      sum.append_sum(1.f);
      dnnl::primitive_attr attributes;
      attributes.set_post_ops(sum);
      add_weights_ = dnnl::reorder(
          dnnl::reorder::primitive_desc(Engine(), weights_desc_.diff_weights_desc(), Engine(),
                                        problem_.plain_weights, attributes));
    }
    const memory::desc& ordered = weights_desc_.diff_weights_desc();
    const HostBuffer buffer(ordered.get_size());
    memory diff = Wrap(ordered, buffer.get());
    vector<float> bias_diff(problem_.bias_desc.get_dims()[0]);
    Run(weights_, weights_desc_.scratchpad_desc(),
        {{DNNL_ARG_SRC, Read(weights_desc_.src_desc(), image)},
         {DNNL_ARG_DIFF_DST, Read(weights_desc_.diff_dst_desc(), features)},
         {DNNL_ARG_DIFF_WEIGHTS, diff},
         {DNNL_ARG_DIFF_BIAS, Wrap(problem_.bias_desc, bias_diff.data())}});
    memory sum = Wrap(problem_.plain_weights, weights->mutable_cpu_diff());
    add_weights_.execute(Stream(), diff, sum);
    Stream().wait();
    if (bias) caffe_axpy<float>(bias->count(), 1, bias_diff.data(), bias->mutable_cpu_diff());
  }

 private:
  // The gradient of a blob is read by the layer before, which has the blob's values in the forward
  // kernel's layout: any other one would be reordered there.
  BackwardData::primitive_desc DescribeDataLikeForward() const {
    ChannelLayout image, like;
    if (LayoutOf(forward_desc_.src_desc(), &image) && LayoutOf(forward_desc_.dst_desc(), &like)) {
      like.element = image.element;
      // Few channels are taken in plain order, but can only be given in blocks.
      const bool blocked = like.block == 8 || like.block == 16;
      if (image.block == 1) image.block = blocked ? like.block : image.channels;
      try {
        const auto desc = DescribeData(problem_, Describe(like), Describe(image), forward_desc_);
        if (IsFast(desc.impl_info_str())) return desc;
      } catch (const dnnl::error&) {
        // No kernel for these layouts; ask for any.
      }
    }
    return DescribeData(problem_, problem_.Features(), problem_.Image(), forward_desc_);
  }

  static ChannelLayout Layout(const memory::desc& desc) {
    ChannelLayout layout;
    LayoutOf(desc, &layout);
    return layout;
  }

  memory Read(const memory::desc& desc, Values<float> values) const {
    return Wrap(desc, ReadBytes(Layout(desc), *values.blob, values.part));
  }

  memory Write(const memory::desc& desc, Values<float> values) const {
    return Wrap(desc, WriteBytes(Layout(desc), values.blob, values.part));
  }

  const float* NoBias() {
    no_bias_.resize(problem_.bias_desc.get_dims()[0]);
    return no_bias_.data();
  }

  // The weights in a kernel's order, in memory that lasts as long as this object.
  struct OrderedWeights {
    memory values;
    shared_ptr<WeightStore> store;  // null where the blob's own memory has the order
  };

  // Made for this use only, or kept with the blob.
  OrderedWeights InOrder(const memory::desc& desc, const Blob<float>& weights) const {
    if (desc == problem_.plain_weights) return {Wrap(desc, weights.cpu_data()), nullptr};
    // Nets of several threads may share the weights, and each want another order.
    static std::mutex* const ordering = NewMutexHeldWhileForking(MutexLevel::kOuter);
    std::unique_lock<std::mutex> lock(*ordering, std::defer_lock);
    shared_ptr<WeightStore> store;
    if (keep_weights_) {
      lock.lock();
      store = boost::dynamic_pointer_cast<WeightStore>(weights.data()->layout());
    }
    if (!store || store->weights().get_desc() != desc) {
      store = boost::make_shared<WeightStore>(desc, problem_.plain_weights);
      Reorder(Wrap(problem_.plain_weights, weights.cpu_data()), store->weights());
      if (keep_weights_) weights.data()->add_layout(store);
    }
    return {store->weights(), store};
  }

  Problem problem_;
  bool keep_weights_;
  Forward::primitive_desc forward_desc_;
  BackwardWeights::primitive_desc weights_desc_;
  BackwardData::primitive_desc data_desc_;
  // Compiled when they are first used.
  Forward forward_;
  BackwardWeights weights_;
  BackwardData data_;
  dnnl::reorder add_weights_;
  vector<float> no_bias_;
};

}  // namespace

template <>
shared_ptr<Convolution<float>> Convolution<float>::Create(const ConvolutionGeometry& geometry) {
  if (!IsUsable()) return nullptr;
  try {
    const auto convolution = boost::make_shared<FloatConvolution>(geometry);
    if (convolution->IsGood() && !IsWrong(geometry)) {
      return WithWinograd(geometry, convolution->image(), convolution->features(), convolution);
    }
  } catch (const dnnl::error&) {
    // No kernel for this geometry: the caller has another way.
  }
  if (!IsWrong(geometry)) {
    if (const auto merged = MergeGroups(geometry)) return merged;
  }
  if (geometry.element == Element::kFloat) return nullptr;
  ConvolutionGeometry in_float = geometry;
  in_float.element = Element::kFloat;
  return Create(in_float);
}

template <>
shared_ptr<Convolution<double>> Convolution<double>::Create(const ConvolutionGeometry&) {
  return nullptr;
}

}  // namespace dnn
}  // namespace caffe
