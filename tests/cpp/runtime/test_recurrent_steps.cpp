// LSTM and RNN compute their steps themselves on the CPU; the net of the steps, which classes
// derived from theirs run, is the reference.

#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <omp.h>

#include "caffe/layers/lstm_layer.hpp"
#include "caffe/layers/rnn_layer.hpp"
#include "in_mode.hpp"
#include "layer_run.hpp"

namespace caffe_test {
namespace {

template <typename Base>
struct Unrolled : Base {
  using Base::Base;
};

template <typename Dtype, typename Layer>
caffe::shared_ptr<caffe::Layer<Dtype>> Make(const caffe::LayerParameter& param) {
  return caffe::shared_ptr<caffe::Layer<Dtype>>(new Unrolled<Layer>(param));
}

struct Case {
  std::string options;
  Shapes shapes;
  int tops = 1;
};

template <typename Dtype>
std::unique_ptr<LayerRun<Dtype>> RunOf(const std::string& type, const Case& c) {
  // A sequence begins here and there.
  const auto values = [](double x, int b, int i) { return b == 1 ? double(i % 3 > 0) : x / 2; };
  const std::string text = "type: '" + type + "' recurrent_param { num_output: " + c.options + " }";
  auto run = std::make_unique<LayerRun<Dtype>>(text, c.shapes, c.tops, false, values);
  // With larger parameters the steps would multiply errors.
  for (const auto& blob : run->layer->blobs()) blob->scale_data(Dtype(0.25));
  return run;
}

/// Of a layer that is registered as this type while it is made.
template <typename Dtype>
std::unique_ptr<LayerRun<Dtype>> UnrolledRunOf(const std::string& type, const Case& c) {
  auto& creator = caffe::LayerRegistry<Dtype>::Registry().at(type);
  const auto before = creator;
  creator =
      type == "LSTM" ? Make<Dtype, caffe::LSTMLayer<Dtype>> : Make<Dtype, caffe::RNNLayer<Dtype>>;
  auto run = RunOf<Dtype>(type, c);
  creator = before;
  return run;
}

template <typename Dtype>
void ExpectNear(const std::string& what, const Dtype* got, const Dtype* expected, int count) {
  const double tolerance = sizeof(Dtype) == 4 ? 2e-4 : 1e-11;
  for (int i = 0; i < count; ++i) {
    ASSERT_NEAR(got[i], expected[i], tolerance) << what << ", element " << i;
  }
}

// Three passes: states go on, and diffs of parameters are added to.
template <typename Dtype>
void CompareWithNet(const std::string& type, const Case& c, const std::vector<bool>& down) {
  SCOPED_TRACE(type + " " + c.options);
  const auto steps = RunOf<Dtype>(type, c), net = UnrolledRunOf<Dtype>(type, c);
  ASSERT_EQ(steps->layer->blobs().size(), net->layer->blobs().size());
  for (int pass = 0; pass < 3; ++pass) {
    steps->Forward();
    net->Forward();
    for (int t = 0; t < c.tops; ++t) {
      ExpectNear("top", steps->top[t]->cpu_data(), net->top[t]->cpu_data(), net->top[t]->count());
    }
    steps->Backward(down, Dtype(0.5));
    net->Backward(down, Dtype(0.5));
    for (size_t b = 0; b < down.size(); ++b) {
      if (!down[b]) continue;
      ExpectNear("diff of a bottom", steps->bottom[b]->cpu_diff(), net->bottom[b]->cpu_diff(),
                 net->bottom[b]->count());
    }
    for (size_t p = 0; p < net->layer->blobs().size(); ++p) {
      ExpectNear("diff of parameter " + std::to_string(p), steps->layer->blobs()[p]->cpu_diff(),
                 net->layer->blobs()[p]->cpu_diff(), net->layer->blobs()[p]->count());
    }
  }
}

template <typename Dtype>
void CompareAllWithNets() {
  const InMode on_cpu(caffe::Caffe::CPU);
  for (const std::string type : {"LSTM", "RNN"}) {
    CompareWithNet<Dtype>(type, {"5", {{7, 3, 4}, {7, 3}}}, {true, false});
    CompareWithNet<Dtype>(type, {"20", {{12, 18, 2, 11}, {12, 18}}}, {false, false});
    CompareWithNet<Dtype>(type, {"9", {{12, 2, 3}, {12, 2}}}, {true, false});
    CompareWithNet<Dtype>(type, {"6", {{1, 2, 3}, {1, 2}}}, {true, false});
    CompareWithNet<Dtype>(type, {"5", {{4, 1, 4}, {4, 1}, {1, 2, 3}}}, {true, false, true});
    CompareWithNet<Dtype>(type, {"17", {{4, 3, 4}, {4, 3}, {3, 6}}}, {true, false, false});
    const bool lstm = type == "LSTM";
    const std::vector<int> state = {1, 3, 5};
    Case exposed = {"5 expose_hidden: true", {{4, 3, 2}, {4, 3}, state}, 2};
    if (lstm) exposed.shapes.push_back(state);
    if (lstm) exposed.tops = 3;
    std::vector<bool> down(exposed.shapes.size(), false);
    down[0] = true;
    CompareWithNet<Dtype>(type, exposed, down);
  }
}

TEST(RecurrentSteps, AreThoseOfTheNetInFloat) { CompareAllWithNets<float>(); }

TEST(RecurrentSteps, AreThoseOfTheNetInDouble) { CompareAllWithNets<double>(); }

TEST(RecurrentSteps, LeaveParametersAloneThatDoNotLearn) {
  const InMode on_cpu(caffe::Caffe::CPU);
  for (const std::string type : {"LSTM", "RNN"}) {
    const auto run = RunOf<float>(type, {"5", {{4, 3, 2}, {4, 3}, {3, 6}}});
    const int count = static_cast<int>(run->layer->blobs().size());
    for (int p = 0; p < count; ++p) run->layer->set_param_propagate_down(p, p % 2 > 0);
    run->Forward();
    run->Backward({true, false, true}, 0.5f);
    for (int p = 0; p < count; ++p) {
      EXPECT_EQ(run->layer->blobs()[p]->cpu_diff()[0] == 0.5f, p % 2 == 0) << type << p;
    }
  }
}

// What the gradients are of then, nobody knows; but no memory is used that was never there.
TEST(RecurrentSteps, PassBackForMoreSequencesThanCameForward) {
  const InMode on_cpu(caffe::Caffe::CPU);
  for (const std::string type : {"LSTM", "RNN"}) {
    const auto run = RunOf<float>(type, {"64", {{20, 2, 64}, {20, 2}}});
    run->Forward();
    run->bottom[0]->Reshape({20, 400, 64});
    run->bottom[1]->Reshape({20, 400});
    run->layer->Reshape(run->bottom, run->top);
    run->layer->Backward(run->top, {true, false}, run->bottom);
    EXPECT_EQ(run->bottom[0]->shape(1), 400);
  }
}

#ifdef USE_ONEDNN
// Of products with long sums oneDNN divides the terms, too, among eight threads and more; OpenBLAS
// among any.
TEST(RecurrentSteps, GiveTheSameBitsOnAFewThreads) {
  const InMode on_cpu(caffe::Caffe::CPU);
  const int before = omp_get_max_threads();
  for (const std::string type : {"LSTM", "RNN"}) {
    // Those of few units and many terms, and of many units.
    for (const Case& c : {Case{"20", {{60, 50, 30}, {60, 50}, {50, 10}}},
                          Case{"257", {{20, 40, 300}, {20, 40}, {40, 10}}},
                          Case{"64", {{50, 3, 64}, {50, 3}, {3, 10}}}}) {
      std::vector<std::vector<float>> results[2];
      for (const int i : {0, 1}) {
        omp_set_num_threads(1 + 2 * i);
        const auto run = RunOf<float>(type, c);
        run->Forward();
        run->Backward({true, false, true});
        const auto keep = [&](const float* values, int count) {
          results[i].emplace_back(values, values + count);
        };
        keep(run->top[0]->cpu_data(), run->top[0]->count());
        keep(run->bottom[0]->cpu_diff(), run->bottom[0]->count());
        keep(run->bottom[2]->cpu_diff(), run->bottom[2]->count());
        for (const auto& blob : run->layer->blobs()) keep(blob->cpu_diff(), blob->count());
      }
      for (size_t r = 0; r < results[0].size(); ++r) {
        EXPECT_TRUE(results[0][r] == results[1][r]) << type << c.options << " result " << r;
      }
    }
  }
  omp_set_num_threads(before);
}
#endif

}  // namespace
}  // namespace caffe_test
