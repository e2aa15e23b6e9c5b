// Layers of somebody else, derived from Caffe's own, within nets that free and fuse what nobody
// sees: the passes of a derived class must run, and those of the layers around it, too.

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "caffe/layer_factory.hpp"
#include "caffe/layers/batch_norm_layer.hpp"
#include "caffe/layers/conv_layer.hpp"
#include "caffe/layers/inner_product_layer.hpp"
#include "caffe/layers/loss_layer.hpp"
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

/// The hyperbolic tangent of what the base gives; its Backward reads the top, which the base's does
/// not.
template <typename Base, typename Dtype>
class TanhOf : public Base {
 public:
  explicit TanhOf(const LayerParameter& param) : Base(param) {}

 protected:
  virtual void Forward_cpu(const vector<Blob<Dtype>*>& bottom, const vector<Blob<Dtype>*>& top) {
    Base::Forward_cpu(bottom, top);
    Dtype* y = top[0]->mutable_cpu_data();
    for (int i = 0; i < top[0]->count(); ++i) y[i] = std::tanh(y[i]);
  }
  virtual void Backward_cpu(const vector<Blob<Dtype>*>& top, const vector<bool>& propagate_down,
                            const vector<Blob<Dtype>*>& bottom) {
    const Dtype* y = top[0]->cpu_data();
    Dtype* diff = top[0]->mutable_cpu_diff();
    for (int i = 0; i < top[0]->count(); ++i) diff[i] *= 1 - y[i] * y[i];
    Base::Backward_cpu(top, propagate_down, bottom);
  }
};

#define TANH_OF(name)                                                  \
  template <typename Dtype>                                            \
  class Tanh##name##Layer : public TanhOf<name##Layer<Dtype>, Dtype> { \
   public:                                                             \
    explicit Tanh##name##Layer(const LayerParameter& param)            \
        : TanhOf<name##Layer<Dtype>, Dtype>(param) {}                  \
    virtual inline const char* type() const { return "Tanh" #name; }   \
  };                                                                   \
  INSTANTIATE_CLASS(Tanh##name##Layer);                                \
  REGISTER_LAYER_CLASS(Tanh##name)

TANH_OF(Convolution);
TANH_OF(InnerProduct);
TANH_OF(Pooling);

/// A ReLU up to 0.5, whose Backward reads the bottom, as Caffe 1.0's ReLU does.
template <typename Dtype>
class CappedReLULayer : public ReLULayer<Dtype> {
 public:
  explicit CappedReLULayer(const LayerParameter& param) : ReLULayer<Dtype>(param) {}
  virtual inline const char* type() const { return "CappedReLU"; }

 protected:
  virtual void Forward_cpu(const vector<Blob<Dtype>*>& bottom, const vector<Blob<Dtype>*>& top) {
    const Dtype* x = bottom[0]->cpu_data();
    Dtype* y = top[0]->mutable_cpu_data();
    for (int i = 0; i < top[0]->count(); ++i) y[i] = std::min(std::max(x[i], Dtype(0)), Dtype(0.5));
  }
  virtual void Backward_cpu(const vector<Blob<Dtype>*>& top, const vector<bool>& propagate_down,
                            const vector<Blob<Dtype>*>& bottom) {
    const Dtype* x = bottom[0]->cpu_data();
    const Dtype* dy = top[0]->cpu_diff();
    Dtype* dx = bottom[0]->mutable_cpu_diff();
    for (int i = 0; i < top[0]->count(); ++i) dx[i] = x[i] > 0 && x[i] < 0.5 ? dy[i] : 0;
  }
};
INSTANTIATE_CLASS(CappedReLULayer);
REGISTER_LAYER_CLASS(CappedReLU);

/// Half the sum of the squares, whose Forward leaves the gradient in the bottom's diff.
template <typename Dtype>
class SquaresLossLayer : public LossLayer<Dtype> {
 public:
  explicit SquaresLossLayer(const LayerParameter& param) : LossLayer<Dtype>(param) {}
  virtual inline const char* type() const { return "SquaresLoss"; }
  virtual inline int ExactNumBottomBlobs() const { return 1; }
  virtual void Reshape(const vector<Blob<Dtype>*>&, const vector<Blob<Dtype>*>& top) {
    top[0]->Reshape(vector<int>());
  }

 protected:
  virtual void Forward_cpu(const vector<Blob<Dtype>*>& bottom, const vector<Blob<Dtype>*>& top) {
    caffe_copy(bottom[0]->count(), bottom[0]->cpu_data(), bottom[0]->mutable_cpu_diff());
    top[0]->mutable_cpu_data()[0] = bottom[0]->sumsq_diff() / 2;
  }
  virtual void Backward_cpu(const vector<Blob<Dtype>*>& top, const vector<bool>&,
                            const vector<Blob<Dtype>*>& bottom) {
    caffe_scal(bottom[0]->count(), top[0]->cpu_diff()[0], bottom[0]->mutable_cpu_diff());
  }
};
INSTANTIATE_CLASS(SquaresLossLayer);
REGISTER_LAYER_CLASS(SquaresLoss);

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

/// The losses of a net in two iterations, and the sums of its parameters' diffs.
std::vector<float> Run(const std::string& layers, const std::string& lifetime, Phase phase) {
  const std::string last = layers.find("top: 'p'") == std::string::npos ? "h" : "p";
  NetParameter param = FromText<NetParameter>(
      "blob_lifetime: " + lifetime +
      " layer { name: 'x' type: 'DummyData' top: 'x' dummy_data_param { "
      "shape { dim: 1 dim: 16 dim: 96 dim: 96 } data_filler { type: 'uniform' min: -1 } } } " +
      layers +
      (layers.find("top: 'loss'") != std::string::npos
           ? ""
           : InLayer("Reduction", last, "loss",
                     "reduction_param { operation: MEAN } loss_weight: 1")));
  param.mutable_state()->set_phase(phase);
  Caffe::set_random_seed(3);
  Net<float> net(param);
  std::vector<float> all;
  net.ClearParamDiffs();
  for (int iteration = 0; iteration < 2; ++iteration) {
    float loss = 0;
    net.Forward(&loss);
    all.push_back(loss);
    if (phase == TRAIN) net.Backward();
  }
  if (phase == TEST) return all;
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

TEST(DerivedLayersInNets, LayersWhoseBackwardReadsWhatThatOfTheirBaseDoesNot) {
  const std::string conv = Convolved("Convolution", "x", "h");
  const std::string pool = Pooled("Pooling");
  ExpectSameEverywhere(Convolved("TanhConvolution", "x", "h") + pool);
  ExpectSameEverywhere(conv + InLayer("CappedReLU", "h", "p"));
  ExpectSameEverywhere(conv + Pooled("TanhPooling"));
  ExpectSameEverywhere(conv + pool +
                       InLayer("TanhInnerProduct", "p", "i",
                               "inner_product_param { num_output: 3 "
                               "weight_filler { type: 'gaussian' std: 0.01 } }") +
                       InLayer("Reduction", "i", "loss", "loss_weight: 1"));
}

TEST(DerivedLayersInNets, LossesThatLeaveTheGradientInForward) {
  ExpectSameEverywhere(Convolved("Convolution", "x", "h") + InLayer("ReLU", "h", "h") +
                       InLayer("SquaresLoss", "h", "loss", "loss_weight: 0.5"));
}

}  // namespace caffe
