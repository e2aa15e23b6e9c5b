// A layer written as users of Caffe 1.0 write theirs: virtual instead of override, log and exp
// unqualified inside namespace caffe, stubs for the GPU.

#include <algorithm>
#include <vector>

#include "caffe/caffe.hpp"
#include "caffe/layers/loss_layer.hpp"
#include "caffe/layers/relu_layer.hpp"
#include "gradient_check.hpp"

namespace caffe {

// The mean of log(1 + (a - b)^2).
template <typename Dtype>
class CauchyLossLayer : public LossLayer<Dtype> {
 public:
  explicit CauchyLossLayer(const LayerParameter& param) : LossLayer<Dtype>(param), diff_() {}
  virtual void Reshape(const vector<Blob<Dtype>*>& bottom, const vector<Blob<Dtype>*>& top) {
    LossLayer<Dtype>::Reshape(bottom, top);
    CHECK_EQ(bottom[0]->count(1), bottom[1]->count(1)) << "Inputs must have the same dimension.";
    diff_.ReshapeLike(*bottom[0]);
  }
  virtual inline const char* type() const { return "CauchyLoss"; }
  virtual inline bool AllowForceBackward(const int bottom_index) const { return true; }

 protected:
  virtual void Forward_cpu(const vector<Blob<Dtype>*>& bottom, const vector<Blob<Dtype>*>& top) {
    const int count = bottom[0]->count();
    caffe_sub(count, bottom[0]->cpu_data(), bottom[1]->cpu_data(), diff_.mutable_cpu_data());
    Dtype loss = 0;
    for (int i = 0; i < count; ++i) loss += log(1 + diff_.cpu_data()[i] * diff_.cpu_data()[i]);
    top[0]->mutable_cpu_data()[0] = loss / bottom[0]->num();
  }
  virtual void Backward_cpu(const vector<Blob<Dtype>*>& top, const vector<bool>& propagate_down,
                            const vector<Blob<Dtype>*>& bottom) {
    const Dtype scale = top[0]->cpu_diff()[0] / bottom[0]->num();
    for (int i = 0; i < 2; ++i) {
      if (!propagate_down[i]) continue;
      for (int j = 0; j < bottom[i]->count(); ++j) {
        const Dtype d = diff_.cpu_data()[j];
        bottom[i]->mutable_cpu_diff()[j] = (i == 0 ? 2 : -2) * scale * d / (1 + d * d);
      }
    }
  }
  virtual void Forward_gpu(const vector<Blob<Dtype>*>& bottom, const vector<Blob<Dtype>*>& top);
  virtual void Backward_gpu(const vector<Blob<Dtype>*>& top, const vector<bool>& propagate_down,
                            const vector<Blob<Dtype>*>& bottom);

  Blob<Dtype> diff_;
};

#ifdef CPU_ONLY
STUB_GPU(CauchyLossLayer);
#else
template <typename Dtype>
void CauchyLossLayer<Dtype>::Forward_gpu(const vector<Blob<Dtype>*>& bottom,
                                         const vector<Blob<Dtype>*>& top) {
  Forward_cpu(bottom, top);
}
template <typename Dtype>
void CauchyLossLayer<Dtype>::Backward_gpu(const vector<Blob<Dtype>*>& top,
                                          const vector<bool>& propagate_down,
                                          const vector<Blob<Dtype>*>& bottom) {
  Backward_cpu(top, propagate_down, bottom);
}
#endif

INSTANTIATE_CLASS(CauchyLossLayer);
REGISTER_LAYER_CLASS(CauchyLoss);

// A variant of a layer that exists.
template <typename Dtype>
class LimitedReLULayer : public ReLULayer<Dtype> {
 public:
  explicit LimitedReLULayer(const LayerParameter& param) : ReLULayer<Dtype>(param) {}
  virtual inline const char* type() const { return "LimitedReLU"; }

 protected:
  virtual void Forward_cpu(const vector<Blob<Dtype>*>& bottom, const vector<Blob<Dtype>*>& top) {
    ReLULayer<Dtype>::Forward_cpu(bottom, top);
    Dtype* y = top[0]->mutable_cpu_data();
    for (int i = 0; i < top[0]->count(); ++i) y[i] = std::min(y[i], Dtype(6));
  }
};

INSTANTIATE_CLASS(LimitedReLULayer);
REGISTER_LAYER_CLASS(LimitedReLU);

}  // namespace caffe

namespace caffe_test {
namespace {

TEST(CustomLayers, WorkAsTheyAreWrittenForCaffe) {
  CheckGradient("type: 'CauchyLoss' loss_weight: 0.5", {{3, 2, 4}, {3, 2, 4}});
}

TEST(CustomLayers, CanDeriveFromLayersThatExist) {
  CheckGradient("type: 'LimitedReLU'", {{2, 5}});
  if (caffe::Caffe::mode() == caffe::Caffe::GPU) GTEST_SKIP() << "its function is the CPU's alone";
  LayerRun<float> run("type: 'LimitedReLU'", {{4}}, 1, false,
                      [](double, int, int i) { return 5 * i - 5; });
  run.Forward();
  const float* y = run.top[0]->cpu_data();
  EXPECT_EQ(std::vector<float>(y, y + 4), (std::vector<float>{0, 0, 5, 6}));
}

}  // namespace
}  // namespace caffe_test
