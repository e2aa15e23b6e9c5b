// Layers of somebody else, derived from Caffe's own, within nets that free and fuse what nobody
// sees: the passes of a derived class must run, and those of the layers around it, too.

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "caffe/layer_factory.hpp"
#include "caffe/layers/batch_norm_layer.hpp"
#include "caffe/layers/conv_layer.hpp"
#include "caffe/layers/pooling_layer.hpp"
#include "caffe/layers/relu_layer.hpp"
#include "caffe/layers/scale_layer.hpp"
#include "caffe/net.hpp"
#include "caffe/util/math_functions.hpp"
#include "foreign.hpp"

namespace caffe {

/// A layer whose top and bottom diff are so many times those of its base, whose type() it keeps.
template <typename Base, typename Dtype>
class TimesThree : public Base {
 public:
  explicit TimesThree(const LayerParameter& param) : Base(param) {}

 protected:
  virtual void Forward_cpu(const vector<Blob<Dtype>*>& bottom, const vector<Blob<Dtype>*>& top) {
    Base::Forward_cpu(bottom, top);
    caffe_scal(top[0]->count(), Dtype(3), top[0]->mutable_cpu_data());
  }
  virtual void Backward_cpu(const vector<Blob<Dtype>*>& top, const vector<bool>& propagate_down,
                            const vector<Blob<Dtype>*>& bottom) {
    caffe_scal(top[0]->count(), Dtype(3), top[0]->mutable_cpu_diff());
    Base::Backward_cpu(top, propagate_down, bottom);
  }
};

#define TIMES_THREE(name)                                                    \
  template <typename Dtype>                                                  \
  class Triple##name##Layer : public TimesThree<name##Layer<Dtype>, Dtype> { \
   public:                                                                   \
    explicit Triple##name##Layer(const LayerParameter& param)                \
        : TimesThree<name##Layer<Dtype>, Dtype>(param) {}                    \
  };                                                                         \
  INSTANTIATE_CLASS(Triple##name##Layer);                                    \
  REGISTER_LAYER_CLASS(Triple##name)

TIMES_THREE(Convolution);
TIMES_THREE(BatchNorm);
TIMES_THREE(Scale);
TIMES_THREE(ReLU);
TIMES_THREE(Pooling);

namespace {

std::string InLayer(const std::string& type, const std::string& bottom, const std::string& top,
                    const std::string& param = "") {
  return "layer { name: '" + top + type + "' type: '" + type + "' bottom: '" + bottom + "' top: '" +
         top + "' " + param + " } ";
}

std::string Convolved(const std::string& type, const std::string& bottom, const std::string& top) {
  return InLayer(type, bottom, top,
                 "convolution_param { num_output: 32 kernel_size: 3 pad: 1 "
                 "weight_filler { type: 'gaussian' std: 0.3 } }");
}

std::string Pooled(const std::string& type) {
  return InLayer(type, "h", "p", "pooling_param { kernel_size: 2 stride: 2 }");
}

/// The loss of a net and the sums of its parameters' diffs.
std::vector<float> Run(const std::string& layers, const std::string& lifetime, Phase phase) {
  const std::string last = layers.find("top: 'p'") == std::string::npos ? "h" : "p";
  NetParameter param = FromText<NetParameter>(
      "blob_lifetime: " + lifetime +
      " layer { name: 'x' type: 'DummyData' top: 'x' dummy_data_param { "
      "shape { dim: 1 dim: 16 dim: 96 dim: 96 } data_filler { type: 'uniform' min: -1 } } } " +
      layers +
      InLayer("Reduction", last, "loss", "reduction_param { operation: MEAN } loss_weight: 1"));
  param.mutable_state()->set_phase(phase);
  Caffe::set_random_seed(3);
  Net<float> net(param);
  float loss = 0;
  net.ClearParamDiffs();
  net.Forward(&loss);
  std::vector<float> all(1, loss);
  if (phase == TEST) return all;
  net.Backward();
  for (size_t i = 0; i < net.learnable_params().size(); ++i) {
    all.push_back(net.learnable_params()[i]->asum_diff());
  }
  return all;
}

void ExpectSameAsKept(const std::string& layers, const std::string& lifetime, Phase phase) {
  const std::vector<float> kept = Run(layers, "KEEP", phase);
  const std::vector<float> freed = Run(layers, lifetime, phase);
  ASSERT_EQ(kept.size(), freed.size());
  for (size_t i = 0; i < kept.size(); ++i) {
    EXPECT_NEAR(kept[i], freed[i], 1e-3 * std::max(1.f, std::fabs(kept[i])))
        << i << " of " << lifetime << ": " << layers;
  }
}

void ExpectSameEverywhere(const std::string& layers) {
  ExpectSameAsKept(layers, "UNTIL_READ", TEST);
  ExpectSameAsKept(layers, "UNTIL_BACKWARD", TRAIN);
}

}  // namespace

TEST(DerivedLayersInNets, ADerivedConvolutionBeforeOthers) {
  const std::string derived = Convolved("TripleConvolution", "x", "h");
  const std::string relu = InLayer("ReLU", "h", "h");
  ExpectSameEverywhere(derived + relu);
  ExpectSameEverywhere(derived + Pooled("Pooling"));
  ExpectSameEverywhere(derived + relu + Pooled("Pooling"));
  ExpectSameEverywhere(Convolved("Convolution", "x", "a") + InLayer("ReLU", "a", "a") +
                       Convolved("TripleConvolution", "a", "h") + relu + Pooled("Pooling"));
}

TEST(DerivedLayersInNets, DerivedLayersBehindAConvolution) {
  const std::string conv = Convolved("Convolution", "x", "h");
  ExpectSameEverywhere(conv + InLayer("TripleReLU", "h", "h"));
  ExpectSameEverywhere(conv + InLayer("ReLU", "h", "h") + Pooled("TriplePooling"));
  ExpectSameEverywhere(conv + InLayer("TripleReLU", "h", "h") + Pooled("TriplePooling"));
}

TEST(DerivedLayersInNets, DerivedLayersAroundBatchNorm) {
  const std::string conv = Convolved("Convolution", "x", "h");
  const std::string relu = InLayer("ReLU", "h", "h");
  const std::string scale = "scale_param { filler { value: 1.5 } bias_term: true }";
  ExpectSameEverywhere(conv + InLayer("TripleBatchNorm", "h", "h") +
                       InLayer("Scale", "h", "h", scale) + relu);
  ExpectSameEverywhere(conv + InLayer("BatchNorm", "h", "h") +
                       InLayer("TripleScale", "h", "h", scale) + relu);
  ExpectSameEverywhere(conv + InLayer("BatchNorm", "h", "h") + InLayer("Scale", "h", "h", scale) +
                       InLayer("TripleReLU", "h", "h"));
}

}  // namespace caffe
