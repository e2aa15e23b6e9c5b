#include "cudnn/convolution.hpp"

#include <array>
#include <map>
#include <mutex>

#include "cudnn/handle.hpp"
#include "util/device_scratch.hpp"

namespace caffe {
namespace cudnn {

namespace {

enum Product { kToFeatures, kToImage, kToWeights };

// What the choice of an algorithm depends on: product, precision, GPU, and the geometry.
using Question = std::array<int, 19>;

struct Choice {
  int algorithm;
  size_t workspace;
};

// The fastest that is allowed; the list is sorted by time.
template <typename Tried>
Choice FastestOf(const Tried* tried, int count) {
  for (int i = 0; i < count; ++i) {
    if (tried[i].status != CUDNN_STATUS_SUCCESS || tried[i].memory > kWorkspaceLimit) continue;
    if (tried[i].determinism != CUDNN_DETERMINISTIC) continue;
    return {static_cast<int>(tried[i].algo), tried[i].memory};
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
  std::lock_guard<std::mutex> lock(mutex);
  const auto found = known.find(question);
  if (found != known.end()) return found->second;
  return known[question] = measure();
}

template <typename Dtype>
class CudnnConvolution : public dnn::Convolution<Dtype> {
 public:
  explicit CudnnConvolution(const dnn::ConvolutionGeometry& g) : geometry_(g) {
    const cudnnDataType_t type = DataType<Dtype>();
    CUDNN_CHECK(cudnnSetTensor4dDescriptor(image_, CUDNN_TENSOR_NCHW, type, g.num, g.image_channels,
                                           g.image[0], g.image[1]));
    CUDNN_CHECK(cudnnSetTensor4dDescriptor(features_, CUDNN_TENSOR_NCHW, type, g.num,
                                           g.feature_channels, g.features[0], g.features[1]));
    CUDNN_CHECK(
        cudnnSetTensor4dDescriptor(bias_, CUDNN_TENSOR_NCHW, type, 1, g.feature_channels, 1, 1));
    CUDNN_CHECK(cudnnSetFilter4dDescriptor(weights_, type, CUDNN_TENSOR_NCHW, g.feature_channels,
                                           g.image_channels / g.groups, g.kernel[0], g.kernel[1]));
    CUDNN_CHECK(cudnnSetConvolution2dDescriptor(convolution_, g.pad[0], g.pad[1], g.stride[0],
                                                g.stride[1], g.dilation[0], g.dilation[1],
                                                CUDNN_CROSS_CORRELATION, type));
    CUDNN_CHECK(cudnnSetConvolutionGroupCount(convolution_, g.groups));
    CUDNN_CHECK(cudnnSetConvolutionMathType(convolution_, CUDNN_FMA_MATH));
  }

  void ToFeatures(dnn::Values<Dtype> image, const Blob<Dtype>& weights, const Blob<Dtype>* bias,
                  dnn::Values<Dtype> features) override {
    const Choice choice = Choose(QuestionOf(kToFeatures), [&] {
      cudnnConvolutionFwdAlgoPerf_t tried[CUDNN_CONVOLUTION_FWD_ALGO_COUNT];
      int count = 0;
      CUDNN_CHECK(cudnnFindConvolutionForwardAlgorithm(Handle(), image_, weights_, convolution_,
                                                       features_, CUDNN_CONVOLUTION_FWD_ALGO_COUNT,
                                                       &count, tried));
      return FastestOf(tried, count);
    });
    const Dtype one = 1, zero = 0;
    Dtype* y = Write(features);
    CUDNN_CHECK(cudnnConvolutionForward(Handle(), &one, image_, Read(image), weights_,
                                        weights.gpu_data(), convolution_,
                                        static_cast<cudnnConvolutionFwdAlgo_t>(choice.algorithm),
                                        Workspace(choice), choice.workspace, &zero, features_, y));
    if (!bias) return;
    CUDNN_CHECK(cudnnAddTensor(Handle(), &one, bias_, bias->gpu_data(), &one, features_, y));
  }

  void ToImage(dnn::Values<Dtype> features, const Blob<Dtype>& weights,
               dnn::Values<Dtype> image) override {
    const Choice choice = Choose(QuestionOf(kToImage), [&] {
      cudnnConvolutionBwdDataAlgoPerf_t tried[CUDNN_CONVOLUTION_BWD_DATA_ALGO_COUNT];
      int count = 0;
      CUDNN_CHECK(cudnnFindConvolutionBackwardDataAlgorithm(
          Handle(), weights_, features_, convolution_, image_,
          CUDNN_CONVOLUTION_BWD_DATA_ALGO_COUNT, &count, tried));
      return FastestOf(tried, count);
    });
    const Dtype one = 1, zero = 0;
    CUDNN_CHECK(cudnnConvolutionBackwardData(
        Handle(), &one, weights_, weights.gpu_data(), features_, Read(features), convolution_,
        static_cast<cudnnConvolutionBwdDataAlgo_t>(choice.algorithm), Workspace(choice),
        choice.workspace, &zero, image_, Write(image)));
  }

  void AddWeightDiff(dnn::Values<Dtype> image, dnn::Values<Dtype> features, Blob<Dtype>* weights,
                     Blob<Dtype>* bias) override {
    const Choice choice = Choose(QuestionOf(kToWeights), [&] {
      cudnnConvolutionBwdFilterAlgoPerf_t tried[CUDNN_CONVOLUTION_BWD_FILTER_ALGO_COUNT];
      int count = 0;
      CUDNN_CHECK(cudnnFindConvolutionBackwardFilterAlgorithm(
          Handle(), image_, features_, convolution_, weights_,
          CUDNN_CONVOLUTION_BWD_FILTER_ALGO_COUNT, &count, tried));
      return FastestOf(tried, count);
    });
    const Dtype one = 1;
    CUDNN_CHECK(cudnnConvolutionBackwardFilter(
        Handle(), &one, image_, Read(image), features_, Read(features), convolution_,
        static_cast<cudnnConvolutionBwdFilterAlgo_t>(choice.algorithm), Workspace(choice),
        choice.workspace, &one, weights_, weights->mutable_gpu_diff()));
    if (!bias) return;
    CUDNN_CHECK(cudnnConvolutionBackwardBias(Handle(), &one, features_, Read(features), &one, bias_,
                                             bias->mutable_gpu_diff()));
  }

 private:
  Question QuestionOf(Product product) const {
    int device = 0;
    CUDA_CHECK(cudaGetDevice(&device));
    const dnn::ConvolutionGeometry& g = geometry_;
    return {product,          int(sizeof(Dtype)), device,        g.num,        g.groups,
            g.image_channels, g.feature_channels, g.image[0],    g.image[1],   g.features[0],
            g.features[1],    g.kernel[0],        g.kernel[1],   g.stride[0],  g.stride[1],
            g.pad[0],         g.pad[1],           g.dilation[0], g.dilation[1]};
  }

  static void* Workspace(const Choice& choice) {
    if (choice.workspace == 0) return nullptr;
    return DeviceScratch(Scratch::kWorkspace, choice.workspace);
  }
  static const Dtype* Read(const dnn::Values<Dtype>& values) {
    return values.part == Part::kData ? values.blob->gpu_data() : values.blob->gpu_diff();
  }
  static Dtype* Write(const dnn::Values<Dtype>& values) {
    return values.part == Part::kData ? values.blob->mutable_gpu_data()
                                      : values.blob->mutable_gpu_diff();
  }

  dnn::ConvolutionGeometry geometry_;
  Tensor image_, features_, bias_;
  Filter weights_;
  ConvolutionOp convolution_;
};

}  // namespace

template <typename Dtype>
shared_ptr<dnn::Convolution<Dtype>> CreateConvolution(const dnn::ConvolutionGeometry& geometry) {
  return shared_ptr<dnn::Convolution<Dtype>>(new CudnnConvolution<Dtype>(geometry));
}

template shared_ptr<dnn::Convolution<float>> CreateConvolution(const dnn::ConvolutionGeometry&);
template shared_ptr<dnn::Convolution<double>> CreateConvolution(const dnn::ConvolutionGeometry&);

}  // namespace cudnn
}  // namespace caffe
