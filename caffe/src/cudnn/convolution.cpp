#include "cudnn/convolution.hpp"

#include <type_traits>

#include "cudnn/channels_last_convolution.hpp"
#include "cudnn/channels_last_depthwise.hpp"
#include "cudnn/products.hpp"
#include "gpu/bias.hpp"
#include "gpu/depthwise.hpp"
#include "gpu/layout.hpp"

namespace caffe {
namespace cudnn {

namespace {

// The bias of a blob's features, and the ReLU behind it.
template <typename Dtype>
class Bias {
 public:
  explicit Bias(const ConvolutionGeometry& g)
      : num_(g.num),
        channels_(g.feature_channels),
        area_(g.features[0] * g.features[1]),
        slope_(g.relu_slope) {}

  void Add(const Blob<Dtype>* bias, Dtype* features) const {
    if (!bias && slope_ == 1) return;
    AddBiasOnGpu(num_, channels_, area_, bias ? bias->gpu_data() : nullptr, slope_, features);
  }

  void AddDiff(const Dtype* features, Blob<Dtype>* bias) const {
    if (bias) AddBiasDiffOnGpu(num_, channels_, area_, features, bias->mutable_gpu_diff());
  }

 private:
  int num_, channels_, area_;
  Dtype slope_;
};

template <typename Dtype>
const Dtype* Read(const dnn::Values<Dtype>& values) {
  return values.part == Part::kData ? values.blob->gpu_data() : values.blob->gpu_diff();
}

// All of it is written anew.
template <typename Dtype>
Dtype* Write(const dnn::Values<Dtype>& values) {
  return static_cast<Dtype*>(
      WriteBytes(PlainLayout(*values.blob), values.blob, values.part, Place::kGpu));
}

// On the blobs' own values; P computes the products.
template <typename Dtype, typename P>
class PlainConvolution : public dnn::Convolution<Dtype> {
 public:
  template <typename... Options>
  explicit PlainConvolution(const ConvolutionGeometry& g, Options... options)
      : products_(g, options...), bias_(g) {}

  void ToFeatures(dnn::Values<Dtype> image, const dnn::Parameters<Dtype>& parameters,
                  dnn::Values<Dtype> features) override {
    const Dtype* x = Read(image);
    Dtype* y = Write(features);
    products_.ToFeatures(x, parameters.weights->gpu_data(), y);
    bias_.Add(parameters.bias, y);
  }

  void ToImage(dnn::Values<Dtype> features, const Blob<Dtype>& weights,
               dnn::Values<Dtype> image) override {
    const Dtype* dy = Read(features);
    products_.ToImage(dy, weights.gpu_data(), Write(image));
  }

  void AddWeightDiff(dnn::Values<Dtype> image, dnn::Values<Dtype> features, Blob<Dtype>* weights,
                     Blob<Dtype>* bias) override {
    products_.ToWeights(Read(image), Read(features), true, weights->mutable_gpu_diff());
    bias_.AddDiff(Read(features), bias);
  }

 private:
  P products_;
  Bias<Dtype> bias_;
};

// How far factors may be rounded. The default lets those of floats be; it rounds no double.
template <typename Dtype>
cudnnMathType_t MathOf(const ConvolutionGeometry& g) {
  const bool exact = std::is_same<Dtype, float>::value && !g.tf32;
  return exact ? CUDNN_FMA_MATH : CUDNN_DEFAULT_MATH;
}

}  // namespace

template <typename Dtype>
shared_ptr<dnn::Convolution<Dtype>> CreateConvolution(const ConvolutionGeometry& g) {
  using Result = shared_ptr<dnn::Convolution<Dtype>>;
  const bool depthwise = IsDepthwise(g);
  Result plain;
  if (depthwise) {
    plain.reset(new PlainConvolution<Dtype, DepthwiseOnGpu<Dtype, Dtype>>(g, false));
  } else {
    plain.reset(new PlainConvolution<Dtype, Products>(g, DataType<Dtype>(), MathOf<Dtype>(g)));
  }
  if constexpr (std::is_same<Dtype, float>::value) {
    const bool rounds = g.element != Element::kFloat || g.tf32;
    Result last;
    if (rounds && depthwise) {
      last = CreateChannelsLastDepthwise(g);
    } else if (rounds && g.groups == 1) {
      last = CreateChannelsLast(g, plain);
    }
    if (last) return last;
  }
  return plain;
}

template shared_ptr<dnn::Convolution<float>> CreateConvolution(const ConvolutionGeometry&);
template shared_ptr<dnn::Convolution<double>> CreateConvolution(const ConvolutionGeometry&);

}  // namespace cudnn
}  // namespace caffe
