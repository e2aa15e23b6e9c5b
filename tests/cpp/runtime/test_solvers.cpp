// How solvers update parameters: in one pass, or step by step where a derived class has its say.

#include <climits>
#include <cmath>
#include <limits>

#include <gtest/gtest.h>
#include <omp.h>

#include "caffe/sgd_solvers.hpp"
#include "caffe/util/hdf5.hpp"
#include "caffe/util/io.hpp"
#include "caffe/util/math_functions.hpp"
#include "from_text.hpp"
#include "runtime/files.hpp"
#include "solver/update_rules.hpp"

namespace caffe {
namespace {

using caffe_test::FromText;

const char kNet[] = R"(
  net_param {
    layer { name: "w" type: "Parameter" top: "w" parameter_param { shape { dim: 200 dim: 200 } } }
    layer { name: "v" type: "Parameter" top: "v" parameter_param { shape { dim: 200 dim: 200 } }
            param { lr_mult: 2 decay_mult: 0.5 } }
    layer { name: "loss" type: "EuclideanLoss" bottom: "w" bottom: "v" top: "loss" }
  }
  base_lr: 0.1 lr_policy: "fixed" weight_decay: 0.01 iter_size: 2 clip_gradients: 1)";

/// The above with other fields added or replaced.
SolverParameter Param(const string& changes) {
  auto param = FromText<SolverParameter>(kNet), changed = FromText<SolverParameter>(changes);
  param.MergeFrom(changed);
  return param;
}

/// The values of all parameters after a few iterations from the same start.
template <typename Solver>
vector<float> Train(Solver* solver) {
  Caffe::set_random_seed(7);
  for (Blob<float>* param : solver->net()->learnable_params()) {
    caffe_rng_gaussian<float>(param->count(), 0, 1, param->mutable_cpu_data());
  }
  solver->Step(3);
  vector<float> values;
  for (const Blob<float>* param : solver->net()->learnable_params()) {
    values.insert(values.end(), param->cpu_data(), param->cpu_data() + param->count());
  }
  return values;
}

/// Overrides a step without changing it, so that the steps run one by one.
template <typename Base>
class StepByStep : public Base {
 public:
  explicit StepByStep(const SolverParameter& param) : Base(param) {}
  int regularized = 0;

 protected:
  void Regularize(int param_id) override {
    ++regularized;
    Base::Regularize(param_id);
  }
};

template <typename Base>
void ExpectSameInOnePass(const string& more) {
  for (const char* regularization : {"L1", "L2"}) {
    const SolverParameter param = Param(more + " regularization_type: '" + regularization + "'");
    Base in_one_pass(param);
    StepByStep<Base> step_by_step(param);
    EXPECT_EQ(Train(&in_one_pass), Train(&step_by_step));
    EXPECT_EQ(step_by_step.regularized, 6);
  }
}

TEST(Solvers, OnePassGivesTheBitsOfTheSingleSteps) {
  ExpectSameInOnePass<SGDSolver<float>>("momentum: 0.9");
  ExpectSameInOnePass<NesterovSolver<float>>("momentum: 0.9");
  ExpectSameInOnePass<AdaGradSolver<float>>("");
  ExpectSameInOnePass<RMSPropSolver<float>>("rms_decay: 0.95");
  ExpectSameInOnePass<AdaDeltaSolver<float>>("momentum: 0.95 delta: 1e-6");
  ExpectSameInOnePass<AdamSolver<float>>("momentum: 0.9");
}

TEST(UpdateRules, AreTheirFormulas) {
  // Constants of a size that shows: the usual `delta` changes no digit of a float.
  double h = 0.5, d = 0.25;
  EXPECT_DOUBLE_EQ((SGDRule<double>{0.1, 0.5}(2, &h, &d)), 0.1 * 2 + 0.5 * 0.5);
  EXPECT_DOUBLE_EQ(h, 0.45);
  EXPECT_DOUBLE_EQ((NesterovRule<double>{0.1, 0.5}(2, &h, &d)), 1.5 * 0.425 - 0.5 * 0.45);
  EXPECT_DOUBLE_EQ(h, 0.425);
  h = 5;
  EXPECT_DOUBLE_EQ((AdaGradRule<double>{0.1, 2}(2, &h, &d)), 0.1 * 2 / (3 + 2));
  EXPECT_DOUBLE_EQ(h, 9);
  EXPECT_DOUBLE_EQ((RMSPropRule<double>{0.1, 0.75, 2}(4, &h, &d)),
                   0.1 * 4 / (std::sqrt(0.75 * 9 + 0.25 * 16) + 2));
  EXPECT_DOUBLE_EQ(h, 10.75);
  h = 6;
  EXPECT_DOUBLE_EQ((AdaDeltaRule<double>{0.5, 0.75, 2}(4, &h, &d)),
                   0.5 * 4 * std::sqrt((0.25 + 2) / (0.75 * 6 + 0.25 * 16 + 2)));
  EXPECT_DOUBLE_EQ(h, 8.5);
  EXPECT_DOUBLE_EQ(d, 0.75 * 0.25 + 0.25 * 16 * (0.25 + 2) / 10.5);
  h = 6, d = 8;
  EXPECT_DOUBLE_EQ((AdamRule<double>{0.5, 0.75, 0.25, 2}(4, &h, &d)),
                   0.5 * (0.75 * 6 + 0.25 * 4) / (std::sqrt(0.25 * 8 + 0.75 * 16) + 2));
  EXPECT_DOUBLE_EQ(h, 5.5);
  EXPECT_DOUBLE_EQ(d, 14);
  const Gradient<double> gradient{0.5, 0.25, 0.125};
  for (const double w : {-4, 0, 4}) {
    EXPECT_DOUBLE_EQ(gradient(8, w), 0.5 * 8 + 0.25 * w + 0.125 * (w > 0 ? 1 : w < 0 ? -1 : 0));
  }
}

TEST(Solvers, UpdatesDoNotDependOnTheNumberOfThreads) {
  const int threads = omp_get_max_threads();
  AdamSolver<float> one(Param("momentum: 0.9")), many(Param("momentum: 0.9"));
  omp_set_num_threads(1);
  const vector<float> alone = Train(&one);
  omp_set_num_threads(5);
  EXPECT_EQ(alone, Train(&many));
  omp_set_num_threads(threads);
}

TEST(Solvers, TheDiffHoldsTheUpdate) {
  SGDSolver<float> solver(Param(""));
  const vector<float> before = Train(&solver);
  solver.Step(1);
  const Blob<float>& w = *solver.net()->learnable_params()[0];
  EXPECT_EQ(w.cpu_data()[5], before[5] - w.cpu_diff()[5]);
  EXPECT_EQ(solver.history()[0]->cpu_data()[5], w.cpu_diff()[5]);
}

TEST(Solvers, DoNotClipGradientsWhoseNormIsNoNumber) {
  SGDSolver<float> solver(Param(""));
  Blob<float>& w = *solver.net()->learnable_params()[0];
  w.mutable_cpu_data()[0] = std::numeric_limits<float>::quiet_NaN();
  solver.Step(1);
  EXPECT_TRUE(std::isnan(w.cpu_data()[0]));
  EXPECT_EQ(w.cpu_data()[1], 0);
}

TEST(Solvers, CallbacksStandAroundTheGradients) {
  struct Count : Solver<float>::Callback {
    void on_start() override { ++starts; }
    void on_gradients_ready() override { ++ready; }
    int starts = 0, ready = 0;
  } count;
  SGDSolver<float> solver(Param(""));
  solver.add_callback(&count);
  solver.Step(4);
  EXPECT_EQ(count.starts, 4);
  EXPECT_EQ(count.ready, 4);
}

TEST(Solvers, StopWhenAskedTo) {
  SGDSolver<float> solver(Param(""));
  solver.SetActionFunction(
      [&] { return solver.iter() == 3 ? SolverAction::STOP : SolverAction::NONE; });
  solver.Step(10);
  EXPECT_EQ(solver.iter(), 3);
}

TEST(Solvers, StepAsFarAsNumbersGo) {
  SGDSolver<float> solver(Param(""));
  solver.Step(1);
  solver.SetActionFunction(
      [&] { return solver.iter() == 3 ? SolverAction::STOP : SolverAction::NONE; });
  solver.Step(INT_MAX);
  EXPECT_EQ(solver.iter(), 3);
}

TEST(Solvers, CountNoFurtherThanNumbersGo) {
  struct AtTheEnd : SGDSolver<float> {
    AtTheEnd() : SGDSolver<float>(Param("")) { iter_ = INT_MAX - 1; }
  } solver;
  EXPECT_ERROR_NAMES(solver.Step(2), "train a new one from the weights");
  EXPECT_EQ(solver.iter(), INT_MAX);
}

TEST(Solvers, KeepNothingForFrozenParameters) {
  SolverParameter param = Param("momentum: 0.9");
  param.mutable_net_param()->mutable_layer(1)->mutable_param(0)->set_lr_mult(0);
  SGDSolver<float> solver(param);
  Train(&solver);
  EXPECT_EQ(solver.history()[1]->data()->head(), SyncedMemory::UNINITIALIZED);
  EXPECT_NE(solver.history()[0]->data()->head(), SyncedMemory::UNINITIALIZED);
}

TEST(Solvers, LeaveItToANetHowLongItsBlobsLive) {
  for (const char* own : {"", "blob_lifetime: KEEP"}) {
    SolverParameter param = Param("release_blobs: true");
    *param.mutable_net_param() = FromText<NetParameter>(string(own) + R"(
          layer { name: "x" type: "DummyData" top: "x" dummy_data_param { shape { dim: 4 } } }
          layer { name: "y" type: "Scale" bottom: "x" top: "y" scale_param { axis: 0 } }
          layer { name: "z" type: "Scale" bottom: "y" top: "z" scale_param { axis: 0 } }
          layer { name: "loss" type: "Reduction" bottom: "z" top: "loss" loss_weight: 1 })");
    SGDSolver<float> solver(param);
    solver.Step(1);
    EXPECT_EQ(solver.net()->blob_by_name("y")->data()->released(), *own == 0);
  }
}

TEST(Solvers, FollowTheLearningRatePolicies) {
  struct Case {
    const char* param;
    double at_3;
  };
  const Case cases[] = {
      {"lr_policy: 'fixed'", 0.1},
      {"lr_policy: 'step' stepsize: 2 gamma: 0.5", 0.05},
      {"lr_policy: 'exp' gamma: 0.5", 0.0125},
      {"lr_policy: 'inv' gamma: 1 power: 2", 0.1 / 16},
      {"lr_policy: 'multistep' stepvalue: 1 stepvalue: 3 stepvalue: 4 gamma: 0.5", 0.025},
      {"lr_policy: 'poly' max_iter: 4 power: 2", 0.1 / 16},
      {"lr_policy: 'poly' max_iter: 2 power: 2", 0},
      {"lr_policy: 'sigmoid' stepsize: 3 gamma: 0.7", 0.05},
      {"lr_policy: 'sigmoid' stepsize: 2 gamma: -2", 0.1 / (1 + std::exp(2))},
      {"lr_policy: 'inv' gamma: -0.25 power: 1 max_iter: 3", 0.4},
  };
  for (const Case& policy : cases) {
    SGDSolver<float> solver(Param(policy.param));
    solver.Step(3);
    EXPECT_NEAR(solver.GetLearningRate(), policy.at_3, 1e-8) << policy.param;
  }
}

TEST(Solvers, NameTheGammaThatAPolicyCannotUse) {
  const auto rate = [](const char* param) { SGDSolver<float>(Param(param)).GetLearningRate(); };
  EXPECT_ERROR_NAMES(rate("lr_policy: 'exp' gamma: -0.5"), "needs a gamma of at least 0");
  EXPECT_ERROR_NAMES(rate("lr_policy: 'sigmoid' stepsize: 3"), "sigmoid needs a gamma");
  EXPECT_ERROR_NAMES(rate("lr_policy: 'inv' gamma: -0.25 power: 1 max_iter: 4"),
                     "not above 0 at iteration 4 with gamma: -0.25");
}

TEST(Solvers, RefuseParametersThatMakeNoSense) {
  EXPECT_THROW(AdaGradSolver<float>(Param("momentum: 0.9")), Error);
  EXPECT_THROW(RMSPropSolver<float>(Param("rms_decay: 1")), Error);
  EXPECT_THROW(SGDSolver<float>(Param("test_iter: 1")), Error) << "no test_interval";
  EXPECT_THROW(SGDSolver<float>(Param("train_net: 'a'")), Error) << "two train nets";
  EXPECT_THROW(SGDSolver<float>(Param("iter_size: 0")), Error);
}

TEST(Solvers, RefuseNumbersThatMakeNoParametersButNaN) {
  for (const string name : {"base_lr", "momentum", "weight_decay", "delta", "loss_scale"}) {
    for (const string value : {": nan", ": inf"}) {
      EXPECT_ERROR_NAMES(SGDSolver<float>(Param(name + value)), name);
    }
  }
  EXPECT_ERROR_NAMES(SGDSolver<float>(Param("clip_gradients: nan")), "clip_gradients");
  for (const string name : {"momentum", "momentum2"}) {
    EXPECT_ERROR_NAMES(AdamSolver<float>(Param(name + ": 1")), name + " lies in [0, 1)");
    EXPECT_ERROR_NAMES(AdamSolver<float>(Param(name + ": -0.1")), name + " lies in [0, 1)");
  }
}

TEST(Solvers, DoNotUpdateParametersThatWereReshaped) {
  SGDSolver<float> solver(Param("momentum: 0.9"));
  solver.Step(1);
  solver.net()->params()[1]->Reshape({3000, 3000});
  EXPECT_ERROR_NAMES(solver.ApplyUpdate(), "layer 'v': a parameter has shape 3000 3000 (9000000)");
}

/// Puts values into an HDF5 file, and damages them there.
void WriteDamaged(const string& path, const string& dataset, const vector<hsize_t>& dims) {
  const float value = 1234.5f;
  {
    const Hdf5File file(path, H5F_ACC_RDWR);
    H5Ldelete(file.id(), dataset.c_str(), H5P_DEFAULT);
    const hid_t space = H5Screate_simple(static_cast<int>(dims.size()), dims.data(), nullptr);
    const hid_t summed = H5Pcreate(H5P_DATASET_CREATE);
    H5Pset_chunk(summed, static_cast<int>(dims.size()), dims.data());
    H5Pset_fletcher32(summed);
    const hid_t values = H5Dcreate2(file.id(), dataset.c_str(), H5T_NATIVE_FLOAT, space,
                                    H5P_DEFAULT, summed, H5P_DEFAULT);
    const vector<float> data(H5Sget_simple_extent_npoints(space), value);
    H5Dwrite(values, H5T_NATIVE_FLOAT, H5S_ALL, H5S_ALL, H5P_DEFAULT, data.data());
    H5Dclose(values);
    H5Pclose(summed);
    H5Sclose(space);
  }
  string bytes = caffe_test::Contents(path);
  const size_t place = bytes.find(string(reinterpret_cast<const char*>(&value), sizeof(value)));
  ASSERT_NE(place, string::npos);
  ++bytes[place];
  caffe_test::Write(path, bytes);
}

TEST(Solvers, StayAsTheyAreWhereTheHistoryOfAStateCannotBeRead) {
  const caffe_test::TemporaryFolder folder;
  SGDSolver<float> solver(
      Param("momentum: 0.9 snapshot_format: HDF5 random_seed: 1 "
            "snapshot_prefix: '" +
            (folder / "s") + "'"));
  Train(&solver);
  solver.Snapshot();
  const string state = folder / "s_iter_3.solverstate.h5";
  WriteDamaged(state, "history/1", {200, 200});
  solver.Step(1);
  const Blob<float>& param = *solver.net()->params()[0];
  const vector<float> before(param.cpu_data(), param.cpu_data() + param.count());
  EXPECT_ERROR_NAMES(solver.Restore(state.c_str()), "'1' cannot be read");
  EXPECT_EQ(solver.iter(), 4);
  EXPECT_EQ(vector<float>(param.cpu_data(), param.cpu_data() + param.count()), before);
}

TEST(Solvers, NameTheStateWhoseHistoryLacksValues) {
  const caffe_test::TemporaryFolder folder;
  SGDSolver<float> solver(Param("momentum: 0.9 snapshot_prefix: '" + (folder / "s") + "'"));
  Train(&solver);
  solver.Snapshot();
  const string file = folder / "s_iter_3.solverstate";
  caffe::SolverState state;
  caffe::ReadProtoFromBinaryFileOrDie(file, &state);
  state.mutable_history(1)->mutable_data()->RemoveLast();
  caffe::WriteProtoToBinaryFile(state, file);
  EXPECT_ERROR_NAMES(solver.Restore(file.c_str()), file + ": history blob 1: ");
}

/// Counts the layers that run.
class CountRuns : public Net<float>::Callback {
 public:
  int count = 0;

 private:
  void run(int) override { ++count; }
};

TEST(Solvers, TheirStateGoesBeforeThatOfTheNet) {
  SolverParameter param =
      Param("net_param { state { level: 1 stage: 'a' } } train_state { level: 2 stage: 'b' }");
  NetStateRule* rule = param.mutable_net_param()->mutable_layer(2)->add_include();
  rule->set_min_level(2);
  rule->add_stage("a");
  rule->add_stage("b");
  EXPECT_TRUE(SGDSolver<float>(param).net()->has_layer("loss"));
}

TEST(Solvers, MakeTestNetsThatNeverRun) {
  for (const int batches : {0, 1}) {
    SGDSolver<float> solver(
        Param("test_interval: 1 test_compute_loss: true test_iter: " + std::to_string(batches)));
    ASSERT_EQ(solver.test_nets().size(), 1u);
    CountRuns runs;
    solver.test_nets()[0]->add_before_forward(&runs);
    solver.Step(2);
    EXPECT_EQ(runs.count > 0, batches > 0);
  }
}

TEST(Solvers, TakeOtherSettingsWhileTheyRunUnlessTheyMakeNoSense) {
  SGDSolver<float> solver(Param("test_iter: 1 test_interval: 5"));
  SolverParameter param = solver.param();
  param.set_base_lr(0.5);
  solver.set_param(param);
  EXPECT_EQ(solver.GetLearningRate(), 0.5f);
  param.set_base_lr(0.25);
  param.clear_test_iter();
  EXPECT_THROW(solver.set_param(param), Error) << "a test net without test_iter";
  param.add_test_iter(-1);
  EXPECT_THROW(solver.set_param(param), Error);
  EXPECT_EQ(solver.GetLearningRate(), 0.5f);
}

}  // namespace
}  // namespace caffe
