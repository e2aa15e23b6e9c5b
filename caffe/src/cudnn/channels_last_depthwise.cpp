#include "cudnn/channels_last_depthwise.hpp"

#include <boost/make_shared.hpp>

#include "cudnn/channels_last_kernels.hpp"
#include "gpu/depthwise.hpp"
#include "gpu/layout.hpp"

namespace caffe {
namespace cudnn {

namespace {

template <typename T>
class ChannelsLastDepthwise : public dnn::Convolution<float> {
 public:
  explicit ChannelsLastDepthwise(const ConvolutionGeometry& g)
      : products_(g, true),
        slope_(g.relu_slope),
        image_{g.num, g.groups, g.image[0], g.image[1], g.groups, ElementOf<T>()},
        features_{g.num, g.groups, g.features[0], g.features[1], g.groups, ElementOf<T>()},
        weights_{1, g.groups, g.kernel[0] * g.kernel[1], 1, g.groups} {}

  void ToFeatures(dnn::Values<float> image, const dnn::Parameters<float>& parameters,
                  dnn::Values<float> features) override {
    const T* x = Read(image_, image);
    T* y = Write(features_, features);
    products_.ToFeatures(x, Ordered(*parameters.weights), y);
    const Blob<float>* bias = parameters.bias;
    if (!bias && slope_ == 1) return;
    RectifyWithBias(features_, y, bias ? bias->gpu_data() : nullptr, slope_, y);
  }

  void ToImage(dnn::Values<float> features, const Blob<float>& weights,
               dnn::Values<float> image) override {
    const T* y = Read(features_, features);
    products_.ToImage(y, Ordered(weights), Write(image_, image));
  }

  void AddWeightDiff(dnn::Values<float> image, dnn::Values<float> features, Blob<float>* weights,
                     Blob<float>* bias) override {
    const T* y = Read(features_, features);
    products_.ToWeights(Read(image_, image), y, true, weights->mutable_gpu_diff());
    if (bias) AddSumsOfChannels(features_, y, bias->mutable_gpu_diff());
  }

 private:
  static const T* Read(const ChannelLayout& layout, const dnn::Values<float>& values) {
    return ReadOnGpu<T>(layout, *values.blob, values.part);
  }
  static T* Write(const ChannelLayout& layout, const dnn::Values<float>& values) {
    return WriteOnGpu<T>(layout, values.blob, values.part);
  }

  // Kernel x channels.
  const float* Ordered(const Blob<float>& weights) const {
    return OrderedWeights<float>(weights_, weights);
  }

  DepthwiseOnGpu<T, float> products_;
  float slope_;
  ChannelLayout image_, features_;
  WeightShape weights_;
};

}  // namespace

shared_ptr<dnn::Convolution<float>> CreateChannelsLastDepthwise(const ConvolutionGeometry& g) {
  if (g.groups % kChannelsAtOnce != 0) return nullptr;
  switch (g.element) {
    case Element::kBFloat16:
      return boost::make_shared<ChannelsLastDepthwise<BFloat16>>(g);
    case Element::kFloat16:
      return boost::make_shared<ChannelsLastDepthwise<Float16>>(g);
    default:
      return boost::make_shared<ChannelsLastDepthwise<float>>(g);
  }
}

}  // namespace cudnn
}  // namespace caffe
