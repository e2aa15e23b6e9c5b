#include "cudnn/convolution.hpp"

#include <array>
#include <map>
#include <mutex>
#include <type_traits>

#include "cudnn/channels_last_convolution.hpp"
#include "cudnn/handle.hpp"
#include "util/device_scratch.hpp"

namespace caffe {
namespace cudnn {

namespace {

enum Product { kToFeatures, kToImage, kToWeights };

// What the choice of an algorithm depends on: product, precision, GPU, and the geometry.
using Question = std::array<int, 20>;

// An algorithm, and the math type and memory that it was tried with.
struct Choice {
  int algorithm;
  cudnnMathType_t math;
  size_t workspace;
};

// Entries of a list of what was tried: algorithms, some of them with two math types.
const int kMostTried = 2 * CUDNN_CONVOLUTION_FWD_ALGO_COUNT;

// The fastest that is allowed; the list is sorted by time.
template <typename Tried>
Choice FastestOf(const Tried* tried, int count, cudnnMathType_t math) {
  for (int i = 0; i < count; ++i) {
    if (tried[i].status != CUDNN_STATUS_SUCCESS || tried[i].memory > kWorkspaceLimit) continue;
    if (tried[i].determinism != CUDNN_DETERMINISTIC) continue;
    if (math == CUDNN_FMA_MATH && tried[i].mathType != CUDNN_FMA_MATH) continue;
    return {static_cast<int>(tried[i].algo), tried[i].mathType, tried[i].memory};
  }
  LOG(FATAL) << "cuDNN has no algorithm for this convolution that is deterministic and fits into "
             << (kWorkspaceLimit >> 20)
             << " MiB of temporary memory: free memory of the GPU, or give the layer engine: CAFFE";
  return {};
}

// The answer to a question, looked up or found by `measure`.
template <typename Measure>
Choice Choose(const Question& question, const Measure& measure) {
  static std::mutex mutex;
  static std::map<Question, Choice> known;
  {
    std::lock_guard<std::mutex> lock(mutex);
    const auto found = known.find(question);
    if (found != known.end()) return found->second;
  }
  // Not under the lock: measuring waits for the GPU, which may wait for that of another thread.
  const Choice choice = measure();
  std::lock_guard<std::mutex> lock(mutex);
  return known.emplace(question, choice).first->second;
}

// The products of a convolution between values of one type, on pointers of the GPU.
template <typename Dtype>
class Products {
 public:
  Products(const dnn::ConvolutionGeometry& g, cudnnDataType_t type, cudnnMathType_t math)
      : geometry_(g), type_(type), math_(math) {
    CUDNN_CHECK(cudnnSetTensor4dDescriptor(image_, CUDNN_TENSOR_NCHW, type, g.num, g.image_channels,
                                           g.image[0], g.image[1]));
    CUDNN_CHECK(cudnnSetTensor4dDescriptor(features_, CUDNN_TENSOR_NCHW, type, g.num,
                                           g.feature_channels, g.features[0], g.features[1]));
    CUDNN_CHECK(cudnnSetFilter4dDescriptor(weights_, type, CUDNN_TENSOR_NCHW, g.feature_channels,
                                           g.image_channels / g.groups, g.kernel[0], g.kernel[1]));
    CUDNN_CHECK(cudnnSetConvolution2dDescriptor(convolution_, g.pad[0], g.pad[1], g.stride[0],
                                                g.stride[1], g.dilation[0], g.dilation[1],
                                                CUDNN_CROSS_CORRELATION, DataType<Dtype>()));
    CUDNN_CHECK(cudnnSetConvolutionGroupCount(convolution_, g.groups));
  }

  void ToFeatures(const void* image, const void* weights, void* features) const {
    const Choice choice = ChoiceOf(kToFeatures, [&] {
      cudnnConvolutionFwdAlgoPerf_t tried[kMostTried];
      int count = 0;
      CUDNN_CHECK(cudnnFindConvolutionForwardAlgorithm(Handle(), image_, weights_, convolution_,
                                                       features_, kMostTried, &count, tried));
      return FastestOf(tried, count, math_);
    });
    CUDNN_CHECK(cudnnConvolutionForward(
        Handle(), &kOne<Dtype>, image_, image, weights_, weights, convolution_,
        static_cast<cudnnConvolutionFwdAlgo_t>(choice.algorithm), Prepare(choice), choice.workspace,
        &kZero<Dtype>, features_, features));
  }

  void ToImage(const void* features, const void* weights, void* image) const {
    const Choice choice = ChoiceOf(kToImage, [&] {
      cudnnConvolutionBwdDataAlgoPerf_t tried[kMostTried];
      int count = 0;
      CUDNN_CHECK(cudnnFindConvolutionBackwardDataAlgorithm(
          Handle(), weights_, features_, convolution_, image_, kMostTried, &count, tried));
      return FastestOf(tried, count, math_);
    });
    CUDNN_CHECK(cudnnConvolutionBackwardData(
        Handle(), &kOne<Dtype>, weights_, weights, features_, features, convolution_,
        static_cast<cudnnConvolutionBwdDataAlgo_t>(choice.algorithm), Prepare(choice),
        choice.workspace, &kZero<Dtype>, image_, image));
  }

  // Adds to what is there, or overwrites it.
  void ToWeights(const void* image, const void* features, bool add, void* diff) const {
    const Choice choice = ChoiceOf(kToWeights, [&] {
      cudnnConvolutionBwdFilterAlgoPerf_t tried[kMostTried];
      int count = 0;
      CUDNN_CHECK(cudnnFindConvolutionBackwardFilterAlgorithm(
          Handle(), image_, features_, convolution_, weights_, kMostTried, &count, tried));
      return FastestOf(tried, count, math_);
    });
    CUDNN_CHECK(cudnnConvolutionBackwardFilter(
        Handle(), &kOne<Dtype>, image_, image, features_, features, convolution_,
        static_cast<cudnnConvolutionBwdFilterAlgo_t>(choice.algorithm), Prepare(choice),
        choice.workspace, add ? &kOne<Dtype> : &kZero<Dtype>, weights_, diff));
  }

 private:
  template <typename Measure>
  Choice ChoiceOf(Product product, const Measure& measure) const {
    return Choose(QuestionOf(product), [&] {
      CUDNN_CHECK(cudnnSetConvolutionMathType(convolution_, math_));
      return measure();
    });
  }

  Question QuestionOf(Product product) const {
    int device = 0;
    CUDA_CHECK(cudaGetDevice(&device));
    const dnn::ConvolutionGeometry& g = geometry_;
    return {product,
            type_,
            math_,
            device,
            g.num,
            g.groups,
            g.image_channels,
            g.feature_channels,
            g.image[0],
            g.image[1],
            g.features[0],
            g.features[1],
            g.kernel[0],
            g.kernel[1],
            g.stride[0],
            g.stride[1],
            g.pad[0],
            g.pad[1],
            g.dilation[0],
            g.dilation[1]};
  }

  // Makes the choice that of the next product; memory for it.
  void* Prepare(const Choice& choice) const {
    CUDNN_CHECK(cudnnSetConvolutionMathType(convolution_, choice.math));
    if (choice.workspace == 0) return nullptr;
    return DeviceScratch(Scratch::kWorkspace, choice.workspace);
  }

  dnn::ConvolutionGeometry geometry_;
  cudnnDataType_t type_;
  cudnnMathType_t math_;
  Tensor image_, features_;
  Filter weights_;
  ConvolutionOp convolution_;
};

// The bias of a blob's features.
template <typename Dtype>
class Bias {
 public:
  explicit Bias(const dnn::ConvolutionGeometry& g) {
    CUDNN_CHECK(cudnnSetTensor4dDescriptor(features_, CUDNN_TENSOR_NCHW, DataType<Dtype>(), g.num,
                                           g.feature_channels, g.features[0], g.features[1]));
    CUDNN_CHECK(cudnnSetTensor4dDescriptor(bias_, CUDNN_TENSOR_NCHW, DataType<Dtype>(), 1,
                                           g.feature_channels, 1, 1));
  }

  void Add(const Blob<Dtype>& bias, Dtype* features) const {
    CUDNN_CHECK(cudnnAddTensor(Handle(), &kOne<Dtype>, bias_, bias.gpu_data(), &kOne<Dtype>,
                               features_, features));
  }

  void AddDiff(const Dtype* features, Blob<Dtype>* bias) const {
    CUDNN_CHECK(cudnnConvolutionBackwardBias(Handle(), &kOne<Dtype>, features_, features,
                                             &kOne<Dtype>, bias_, bias->mutable_gpu_diff()));
  }

 private:
  Tensor features_, bias_;
};

template <typename Dtype>
const Dtype* Read(const dnn::Values<Dtype>& values) {
  return values.part == Part::kData ? values.blob->gpu_data() : values.blob->gpu_diff();
}

template <typename Dtype>
Dtype* Write(const dnn::Values<Dtype>& values) {
  return values.part == Part::kData ? values.blob->mutable_gpu_data()
                                    : values.blob->mutable_gpu_diff();
}

// On the blobs' own values.
template <typename Dtype>
class CudnnConvolution : public dnn::Convolution<Dtype> {
 public:
  explicit CudnnConvolution(const dnn::ConvolutionGeometry& g)
      : products_(g, DataType<Dtype>(), MathOf(g)), bias_(g) {}

  void ToFeatures(dnn::Values<Dtype> image, const Blob<Dtype>& weights, const Blob<Dtype>* bias,
                  dnn::Values<Dtype> features) override {
    Dtype* y = Write(features);
    products_.ToFeatures(Read(image), weights.gpu_data(), y);
    if (bias) bias_.Add(*bias, y);
  }

  void ToImage(dnn::Values<Dtype> features, const Blob<Dtype>& weights,
               dnn::Values<Dtype> image) override {
    products_.ToImage(Read(features), weights.gpu_data(), Write(image));
  }

  void AddWeightDiff(dnn::Values<Dtype> image, dnn::Values<Dtype> features, Blob<Dtype>* weights,
                     Blob<Dtype>* bias) override {
    products_.ToWeights(Read(image), Read(features), true, weights->mutable_gpu_diff());
    if (bias) bias_.AddDiff(Read(features), bias);
  }

 private:
  // The default lets float factors be rounded; it rounds no double.
  static cudnnMathType_t MathOf(const dnn::ConvolutionGeometry& g) {
    const bool exact = std::is_same<Dtype, float>::value && !g.tf32;
    return exact ? CUDNN_FMA_MATH : CUDNN_DEFAULT_MATH;
  }

  Products<Dtype> products_;
  Bias<Dtype> bias_;
};

}  // namespace

template <typename Dtype>
shared_ptr<dnn::Convolution<Dtype>> CreateConvolution(const dnn::ConvolutionGeometry& geometry) {
  const shared_ptr<dnn::Convolution<Dtype>> plain(new CudnnConvolution<Dtype>(geometry));
  if constexpr (std::is_same<Dtype, float>::value) {
    const bool rounds = geometry.element != Element::kFloat || geometry.tf32;
    if (rounds && geometry.groups == 1) return CreateChannelsLast(geometry, plain);
  }
  return plain;
}

template shared_ptr<dnn::Convolution<float>> CreateConvolution(const dnn::ConvolutionGeometry&);
template shared_ptr<dnn::Convolution<double>> CreateConvolution(const dnn::ConvolutionGeometry&);

}  // namespace cudnn
}  // namespace caffe
