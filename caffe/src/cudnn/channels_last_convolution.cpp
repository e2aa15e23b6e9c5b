#include "cudnn/channels_last_convolution.hpp"

#include <boost/make_shared.hpp>

#include "caffe/util/benchmark.hpp"
#include "cudnn/channels_last_kernels.hpp"
#include "cudnn/graph.hpp"
#include "cudnn/question.hpp"
#include "cudnn/trials.hpp"
#include "gpu/layout.hpp"
#include "gpu/scratch.hpp"

namespace caffe {
namespace cudnn {

namespace {

// Engines for channels-last tensors get by with little.
const size_t kWorkspace = size_t(256) << 20;
// How many engines are tried. Those with bias and ReLU are compiled for it, which takes some 0.3 s
// each.
const size_t kMostEngines = 8, kMostCompiled = 4;

// A way to compute a product: the plan, and whether bias and ReLU come after it.
struct Way {
  shared_ptr<Plan> plan;
  bool alone = true;
};

// The fastest of the ways to compute `what`. `make` makes the ways, `run` computes by one of them.
template <typename Ways, typename Run>
Way FastestOf(const string& what, const Ways& make, const Run& run) {
  CPUTimer making;
  making.Start();
  const std::vector<Way> ways = make();
  VLOG(1) << ways.size() << " engines of cuDNN for " << what << " were made in "
          << making.MilliSeconds() << " ms";
  Trials<Way> trials(what);
  for (const Way& way : ways) {
    const TemporaryMemory memory = {way.plan->workspace()};
    if (!trials.HasRoom(memory)) continue;
    trials.Try(way, way.alone ? "an engine of cuDNN" : "an engine of cuDNN for all of it", memory,
               [&] { return run(way); });
  }
  const Way* fastest = trials.End();
  return fastest ? *fastest : Way();
}

// T is what images, features and weights are multiplied as.
template <typename T>
class ChannelsLastConvolution : public dnn::Convolution<float> {
 public:
  ChannelsLastConvolution(const ConvolutionGeometry& g,
                          const shared_ptr<dnn::Convolution<float>>& plain)
      : geometry_(g), plain_(plain) {
    image_ = LayoutOf(g.image_channels, g.image);
    features_ = LayoutOf(g.feature_channels, g.features);
    weights_ = {g.feature_channels, g.image_channels, g.kernel[0] * g.kernel[1], features_.block,
                image_.block};
  }

  void ToFeatures(dnn::Values<float> image, const dnn::Parameters<float>& parameters,
                  dnn::Values<float> features) override {
    const void* x = Read(image_, image);
    const void* w = Ordered(*parameters.weights);
    const float* b = parameters.bias ? parameters.bias->gpu_data() : nullptr;
    const bool exact = features_.channels < kChannelsAtOnce;
    const ChannelLayout result = exact ? features_.WithElement(Element::kFloat) : features_;
    void* y = Write(result, features);
    const auto run = [&](const Way& way) {
      return exact ? RunToFeatures<float>(way, x, w, b, y) : RunToFeatures<T>(way, x, w, b, y);
    };
    const bool done = Compute(
        Product::kToFeatures, b != nullptr, [&] { return WaysToFeatures(b != nullptr, exact); },
        run);
    if (!done) plain_->ToFeatures(image, parameters, features);
  }

  void ToImage(dnn::Values<float> features, const Blob<float>& weights,
               dnn::Values<float> image) override {
    // What a net puts out: exact.
    const bool is_output = image.part == Part::kData && image_.channels < kChannelsAtOnce;
    if (is_output) return plain_->ToImage(features, weights, image);
    const void* dy = Read(features_, features);
    const void* w = Ordered(weights);
    void* dx = Write(image_, image);
    const auto run = [&](const Way& way) {
      return way.plan->Run({{kImage, dx}, {kWeights, w}, {kFeatures, dy}});
    };
    if (!ComputeAlone(Product::kToImage, run)) plain_->ToImage(features, weights, image);
  }

  void AddWeightDiff(dnn::Values<float> image, dnn::Values<float> features, Blob<float>* weights,
                     Blob<float>* bias) override {
    const void* x = Read(image_, image);
    const void* dy = Read(features_, features);
    T* dw = static_cast<T*>(DeviceScratch(Scratch::kWeights, weights_.size() * sizeof(T)));
    const auto run = [&](const Way& way) {
      return way.plan->Run({{kImage, x}, {kWeights, dw}, {kFeatures, dy}});
    };
    if (!ComputeAlone(Product::kToWeights, run)) {
      return plain_->AddWeightDiff(image, features, weights, bias);
    }
    AddWeightsFromChannelsLast(weights_, dw, weights->mutable_gpu_diff());
    if (bias) {
      AddSumsOfChannels(features_, static_cast<const T*>(dy), bias->mutable_gpu_diff());
    }
  }

 private:
  ChannelLayout LayoutOf(int channels, const int (&plane)[2]) const {
    return {geometry_.num, channels, plane[0], plane[1], FilledChannels(channels), ElementOf<T>()};
  }

  static const void* Read(const ChannelLayout& layout, const dnn::Values<float>& values) {
    return ReadBytes(layout, *values.blob, values.part, Place::kGpu);
  }
  static void* Write(const ChannelLayout& layout, const dnn::Values<float>& values) {
    return WriteBytes(layout, values.blob, values.part, Place::kGpu);
  }

  const void* Ordered(const Blob<float>& weights) const {
    return OrderedWeights<T>(weights_, weights);
  }

  // ---- graphs ----

  static Graph::Shape ShapeOf(const ChannelLayout& layout) {
    return {layout.num, layout.block, layout.height, layout.width};
  }
  Graph::Shape ShapeOfWeights() const {
    return {features_.block, image_.block, geometry_.kernel[0], geometry_.kernel[1]};
  }

  std::vector<Way> WaysOf(Product product) const {
    Graph graph(Graph::Order::kChannelsLast);
    graph.Convolve(product, geometry_, graph.Stored(kImage, ShapeOf(image_), DataType<T>()),
                   graph.Stored(kWeights, ShapeOfWeights(), DataType<T>()),
                   graph.Stored(kFeatures, ShapeOf(features_), DataType<T>()));
    std::vector<Way> ways;
    for (const auto& plan : graph.Plans(kWorkspace, kMostEngines)) ways.push_back({plan, true});
    return ways;
  }

  // Bias and ReLU in the same engine.
  std::vector<Way> WholeWays(bool bias, bool exact) const {
    const float slope = geometry_.relu_slope;
    Graph graph(Graph::Order::kChannelsLast);
    const auto image = graph.Stored(kImage, ShapeOf(image_), DataType<T>());
    const auto weights = graph.Stored(kWeights, ShapeOfWeights(), DataType<T>());
    const auto result =
        graph.Stored(kFeatures, ShapeOf(features_), exact ? CUDNN_DATA_FLOAT : DataType<T>());
    auto sums = graph.Passing(ShapeOf(features_));
    graph.Convolve(Product::kToFeatures, geometry_, image, weights, sums);
    if (bias) {
      const auto channels = graph.Stored(kBias, {1, features_.block, 1, 1}, CUDNN_DATA_FLOAT);
      const auto biased = slope == 1 ? result : graph.Passing(ShapeOf(features_));
      graph.AddBias(sums, channels, biased);
      sums = biased;
    }
    if (slope != 1) graph.Rectify(sums, slope, result);
    std::vector<Way> ways;
    for (const auto& plan : graph.Plans(kWorkspace, kMostCompiled)) ways.push_back({plan, false});
    return ways;
  }

  std::vector<Way> WaysToFeatures(bool bias, bool exact) const {
    std::vector<Way> ways;
    if (bias || geometry_.relu_slope != 1) ways = WholeWays(bias, exact);
    // Values that are rounded before the bias is added are not exact.
    if (exact && !ways.empty()) return ways;
    for (const Way& way : WaysOf(Product::kToFeatures)) ways.push_back(way);
    return ways;
  }

  template <typename Result>
  bool RunToFeatures(const Way& way, const void* x, const void* w, const float* bias,
                     void* y) const {
    const bool rest = bias || geometry_.relu_slope != 1 || !std::is_same<T, Result>::value;
    if (!way.alone) {
      if (!bias) return way.plan->Run({{kImage, x}, {kWeights, w}, {kFeatures, y}});
      return way.plan->Run({{kImage, x}, {kWeights, w}, {kFeatures, y}, {kBias, FilledBias(bias)}});
    }
    void* sums = y;
    if (!std::is_same<T, Result>::value) {
      sums = DeviceScratch(Scratch::kFeatures, features_.bytes());
    }
    if (!way.plan->Run({{kImage, x}, {kWeights, w}, {kFeatures, sums}})) return false;
    if (rest) {
      RectifyWithBias(features_, static_cast<const T*>(sums), bias, geometry_.relu_slope,
                      static_cast<Result*>(y));
    }
    return true;
  }

  // With a value for each channel that is there in memory.
  const float* FilledBias(const float* bias) const {
    if (features_.block == features_.channels && IsAligned(bias)) return bias;
    const size_t bytes = features_.block * sizeof(float), used = features_.channels * sizeof(float);
    char* filled = static_cast<char*>(DeviceScratch(Scratch::kBias, bytes));
    CUDA_CHECK(cudaMemcpyAsync(filled, bias, used, cudaMemcpyDeviceToDevice, ThreadStream()));
    if (bytes > used) {
      CUDA_CHECK(cudaMemsetAsync(filled + used, 0, bytes - used, ThreadStream()));
    }
    return reinterpret_cast<const float*>(filled);
  }

  // ---- choices ----

  // Runs a product by the fastest of its ways, which is found at its first use in this thread.
  // False where there is none.
  template <typename Ways, typename Run>
  bool Compute(Product product, bool bias, const Ways& ways, const Run& run) const {
    const float slope = product == Product::kToFeatures ? geometry_.relu_slope : 1;
    const Question question =
        QuestionOf({static_cast<int>(product), static_cast<int>(ElementOf<T>()), bias,
                    __builtin_bit_cast(int, slope)},
                   geometry_);
    const Way& way =
        Recall<Way>(question, [&] { return FastestOf(TextOf(product, geometry_), ways, run); });
    if (!way.plan) {
      LOG_FIRST_N(WARNING, 1)
          << "cuDNN computes no convolution like this one in this precision on this GPU: it is "
             "computed in float, and values are copied for that. GPUs before the A100 have none in "
             "BF16 or TF32 at all: use FP16 or FP32 there";
      return false;
    }
    CHECK(run(way)) << "cuDNN refuses a convolution that it has done before";
    return true;
  }

  // The same where nothing follows the product.
  template <typename Run>
  bool ComputeAlone(Product product, const Run& run) const {
    return Compute(
        product, false, [&] { return WaysOf(product); }, run);
  }

  ConvolutionGeometry geometry_;
  shared_ptr<dnn::Convolution<float>> plain_;
  ChannelLayout image_, features_;
  WeightShape weights_;
};

}  // namespace

shared_ptr<dnn::Convolution<float>> CreateChannelsLast(
    const ConvolutionGeometry& geometry, const shared_ptr<dnn::Convolution<float>>& plain) {
  switch (geometry.element) {
    case Element::kBFloat16:
      return boost::make_shared<ChannelsLastConvolution<BFloat16>>(geometry, plain);
    case Element::kFloat16:
      return boost::make_shared<ChannelsLastConvolution<Float16>>(geometry, plain);
    default:
      return boost::make_shared<ChannelsLastConvolution<float>>(geometry, plain);
  }
}

}  // namespace cudnn
}  // namespace caffe
