// What the tests of a training leave as it was: random numbers and places in the data.

#include <gtest/gtest.h>

#include "caffe/layer_factory.hpp"
#include "caffe/sgd_solvers.hpp"
#include "from_text.hpp"
#include "runtime/blob_values.hpp"

namespace caffe {
namespace {

using caffe_test::FromText;
using caffe_test::ValuesOf;

/// Gives the number of its batch.
template <typename Dtype>
class CountedBatchesLayer : public Layer<Dtype> {
 public:
  explicit CountedBatchesLayer(const LayerParameter& param) : Layer<Dtype>(param) {}
  const char* type() const override { return "CountedBatches"; }
  void Reshape(const vector<Blob<Dtype>*>&, const vector<Blob<Dtype>*>& top) override {
    top[0]->Reshape({1});
  }
  void SaveState(LayerState* state) const override { state->set_batches(batches_); }
  void RestoreState(const LayerState& state) override { batches_ = state.batches(); }

 protected:
  void Forward_cpu(const vector<Blob<Dtype>*>&, const vector<Blob<Dtype>*>& top) override {
    top[0]->mutable_cpu_data()[0] = static_cast<Dtype>(batches_++);
  }
  void Backward_cpu(const vector<Blob<Dtype>*>&, const vector<bool>&,
                    const vector<Blob<Dtype>*>&) override {}

 private:
  uint64_t batches_ = 0;
};

const char kSolver[] = R"(
  net_param {
    layer { name: "w" type: "Parameter" top: "w" parameter_param { shape { dim: 4 } } }
    layer { name: "noise" type: "DummyData" top: "noise"
            dummy_data_param { shape { dim: 4 } data_filler { type: "gaussian" } } }
    layer { name: "batch" type: "CountedBatches" top: "batch" include { phase: TEST } }
    layer { name: "loss" type: "EuclideanLoss" bottom: "w" bottom: "noise" top: "loss" }
  }
  base_lr: 0.1 lr_policy: "fixed" random_seed: 3 )";

TEST(SolverTests, LeaveTheRandomNumbersOfTheTrainingAlone) {
  const auto trained = [](const char* tests) {
    SGDSolver<float> solver(FromText<SolverParameter>(string(kSolver) + tests));
    solver.Step(4);
    return ValuesOf(*solver.net()->learnable_params()[0]);
  };
  const auto alone = trained("");
  EXPECT_NE(alone[0], alone[1]);
  EXPECT_EQ(trained("test_iter: 3 test_interval: 1"), alone);
}

TEST(SolverTests, ThatWereInterruptedBeginAnew) {
  SGDSolver<float> solver(
      FromText<SolverParameter>(string(kSolver) + "test_iter: 5 test_interval: 2"));
  // Asked before each iteration and each batch of a test; so this stops in the second test.
  const Blob<float>& batch = *solver.test_nets()[0]->blob_by_name("batch");
  bool stop = true;
  solver.SetActionFunction(
      [&] { return stop && batch.cpu_data()[0] == 7 ? SolverAction::STOP : SolverAction::NONE; });
  solver.Step(6);
  EXPECT_EQ(solver.iter(), 2);
  EXPECT_EQ(batch.cpu_data()[0], 7);
  stop = false;
  // Two tests, of which the first is the second of before.
  solver.Step(4);
  EXPECT_EQ(solver.iter(), 6);
  EXPECT_EQ(batch.cpu_data()[0], 14);
}

}  // namespace

REGISTER_LAYER_CLASS(CountedBatches);

}  // namespace caffe
