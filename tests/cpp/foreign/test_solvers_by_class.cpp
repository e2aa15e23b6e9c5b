// Solvers made by their class: least squares with one weight, every step worked out by hand.

#include <cmath>
#include <fstream>
#include <string>
#include <vector>

#include <unistd.h>

#include "caffe/caffe.hpp"
#include "caffe/sgd_solvers.hpp"
#include "foreign.hpp"

namespace caffe {

template <typename Dtype>
class SolverByClass : public ::testing::Test {
 protected:
  // y = w x with x = 2, target 1, w = 1: the loss is (2 w - 1)^2 / 2, its gradient 2 (2 w - 1).
  static SolverParameter Param(const std::string& extra) {
    return FromText<SolverParameter>(
        "base_lr: 0.1 lr_policy: 'fixed' max_iter: 9 solver_mode: CPU " + extra +
        " net_param { name: 'n' layer { name: 'x' type: 'DummyData' top: 'x' top: 't' "
        "dummy_data_param { shape { dim: 1 dim: 1 } data_filler { value: 2 } data_filler { value: "
        "1 "
        "} } } layer { name: 'ip' type: 'InnerProduct' bottom: 'x' top: 'y' inner_product_param { "
        "num_output: 1 bias_term: false weight_filler { value: 1 } } }"
        "layer { name: 'loss' type: 'EuclideanLoss' bottom: 'y' bottom: 't' top: 'loss' } }");
  }
  void Run(SGDSolver<Dtype>* solver, int steps) {
    solver_.reset(solver);
    solver_->Step(steps);
  }
  Dtype weight() { return solver_->net()->learnable_params()[0]->cpu_data()[0]; }
  Dtype history(int i) { return solver_->history()[i]->cpu_data()[0]; }

  shared_ptr<SGDSolver<Dtype>> solver_;
};
TYPED_TEST_SUITE(SolverByClass, FloatAndDouble, );

TYPED_TEST(SolverByClass, Sgd) {
  this->Run(new SGDSolver<TypeParam>(this->Param("momentum: 0.5")), 1);
  EXPECT_NEAR(0.8, this->weight(), 1e-6);
  EXPECT_NEAR(0.2, this->history(0), 1e-6);
  this->solver_->Step(1);
  // 0.5 * 0.2 + 0.1 * 2 * 0.6 = 0.22
  EXPECT_NEAR(0.58, this->weight(), 1e-6);
  EXPECT_EQ(2, this->solver_->iter());
  EXPECT_STREQ("SGD", this->solver_->type());
}

TYPED_TEST(SolverByClass, WeightDecayAndIterSize) {
  this->Run(new SGDSolver<TypeParam>(this->Param("weight_decay: 0.5 iter_size: 2")), 1);
  EXPECT_NEAR(1 - 0.1 * (2 + 0.5), this->weight(), 1e-6);
  this->Run(new SGDSolver<TypeParam>(this->Param("weight_decay: 0.5 regularization_type: 'L1'")),
            1);
  EXPECT_NEAR(1 - 0.1 * (2 + 0.5), this->weight(), 1e-6);
  this->Run(new SGDSolver<TypeParam>(this->Param("clip_gradients: 0.5")), 1);
  EXPECT_NEAR(0.95, this->weight(), 1e-6);
}

TYPED_TEST(SolverByClass, Nesterov) {
  this->Run(new NesterovSolver<TypeParam>(this->Param("momentum: 0.5")), 2);
  // h = 0.2, step 0.3; then g = 2 * 0.4: h = 0.1 + 0.08, step 1.5 * 0.18 - 0.5 * 0.2.
  EXPECT_NEAR(0.7 - 0.17, this->weight(), 1e-6);
  EXPECT_NEAR(0.18, this->history(0), 1e-6);
}

TYPED_TEST(SolverByClass, AdaptiveOnes) {
  this->Run(new AdaGradSolver<TypeParam>(this->Param("delta: 1")), 1);
  EXPECT_NEAR(1 - 0.2 / 3, this->weight(), 1e-6);
  EXPECT_NEAR(4, this->history(0), 1e-6);
  this->Run(new RMSPropSolver<TypeParam>(this->Param("rms_decay: 0.75 delta: 1")), 1);
  EXPECT_NEAR(1 - 0.2 / 2, this->weight(), 1e-6);
  this->Run(new AdaDeltaSolver<TypeParam>(this->Param("momentum: 0.75 delta: 3")), 1);
  EXPECT_NEAR(1 - 0.1 * 2 * std::sqrt(3. / 4), this->weight(), 1e-6);
  ASSERT_EQ(2u, this->solver_->history().size());
  EXPECT_NEAR(1, this->history(0), 1e-6);
  this->Run(new AdamSolver<TypeParam>(this->Param("momentum: 0.9 momentum2: 0.99 delta: 0")), 1);
  EXPECT_NEAR(0.9, this->weight(), 1e-5);
  EXPECT_NEAR(0.2, this->history(0), 1e-6);
  EXPECT_NEAR(0.04, this->history(1), 1e-6);
}

TYPED_TEST(SolverByClass, ASnapshotGoesOnWhereItWasTaken) {
  std::string folder;
  MakeTempDir(&folder);
  for (const char* format : {"BINARYPROTO", "HDF5"}) {
    const SolverParameter param =
        this->Param("momentum: 0.9 snapshot_format: " + std::string(format) +
                    " snapshot_prefix: '" + folder + "/s'");
    this->Run(new SGDSolver<TypeParam>(param), 3);
    this->solver_->Snapshot();
    this->solver_->Step(3);
    const TypeParam expected = this->weight(), momentum = this->history(0);
    const std::string state =
        folder + "/s_iter_3.solverstate" + (format == std::string("HDF5") ? ".h5" : "");
    this->solver_.reset(new SGDSolver<TypeParam>(param));
    this->solver_->Restore(state.c_str());
    EXPECT_EQ(3, this->solver_->iter());
    this->solver_->Step(3);
    EXPECT_EQ(expected, this->weight());
    EXPECT_EQ(momentum, this->history(0));
    this->solver_.reset(new SGDSolver<TypeParam>(param));
    this->solver_->Solve(state);
    EXPECT_EQ(9, this->solver_->iter());
  }
}

TYPED_TEST(SolverByClass, SnapshotsIntoAFolderHaveNoNameBeforeTheIteration) {
  std::string folder;
  MakeTempDir(&folder);
  this->Run(new SGDSolver<TypeParam>(this->Param("snapshot: 2 snapshot_prefix: '" + folder + "/'")),
            0);
  this->solver_->Solve();
  for (const char* file : {"/_iter_2.caffemodel", "/_iter_2.solverstate", "/_iter_9.solverstate"}) {
    EXPECT_TRUE(std::ifstream(folder + file).good()) << file;
  }
}

TYPED_TEST(SolverByClass, TheSnapshotAfterTrainingNeedsNoPrefix) {
  std::string folder;
  MakeTempDir(&folder);
  char before[4096];
  ASSERT_NE(nullptr, getcwd(before, sizeof before));
  ASSERT_EQ(0, chdir(folder.c_str()));
  this->Run(new SGDSolver<TypeParam>(this->Param("")), 0);
  EXPECT_NO_THROW(this->solver_->Solve());
  ASSERT_EQ(0, chdir(before));
  EXPECT_TRUE(std::ifstream(folder + "/_iter_9.solverstate").good());
  EXPECT_THROW(SGDSolver<TypeParam>(this->Param("snapshot: 1")), Error);
}

TYPED_TEST(SolverByClass, IterSizeMakesOneBatchOfSeveral) {
  // Four items in one batch, or one by one.
  SolverParameter param = this->Param("momentum: 0.5 weight_decay: 0.1");
  DummyDataParameter* data =
      param.mutable_net_param()->mutable_layer(0)->mutable_dummy_data_param();
  data->mutable_shape(0)->set_dim(0, 4);
  this->Run(new SGDSolver<TypeParam>(param), 3);
  const TypeParam expected = this->weight();
  this->Run(new SGDSolver<TypeParam>(this->Param("momentum: 0.5 weight_decay: 0.1 iter_size: 4")),
            3);
  EXPECT_NEAR(expected, this->weight(), 1e-5);
}

TYPED_TEST(SolverByClass, IsMadeWithoutARateAndAsksForItsPolicyWhenItRuns) {
  SolverParameter param = this->Param("");
  param.clear_base_lr();
  param.clear_lr_policy();
  typedef typename SolverRegistry<TypeParam>::CreatorRegistry CreatorRegistry;
  CreatorRegistry& registry = SolverRegistry<TypeParam>::Registry();
  for (typename CreatorRegistry::iterator it = registry.begin(); it != registry.end(); ++it) {
    param.set_type(it->first);
    const shared_ptr<Solver<TypeParam>> solver(SolverRegistry<TypeParam>::CreateSolver(param));
    EXPECT_EQ(it->first, solver->type());
    EXPECT_THROW(solver->Step(1), Error);
  }
}

TYPED_TEST(SolverByClass, BuildsATestNetForEachTestIter) {
  SolverParameter param = this->Param(
      "test_interval: 10 test_iter: 1 test_iter: 2 test_state { stage: 'a' } test_state { level: 2 "
      "} test_initialization: false");
  LayerParameter* loss = param.mutable_net_param()->mutable_layer(2);
  loss->add_include()->set_phase(TRAIN);
  loss->add_include()->set_min_level(2);
  this->solver_.reset(new SGDSolver<TypeParam>(param));
  ASSERT_EQ(2u, this->solver_->test_nets().size());
  EXPECT_EQ(TRAIN, this->solver_->net()->phase());
  EXPECT_EQ(TEST, this->solver_->test_nets()[1]->phase());
  EXPECT_FALSE(this->solver_->test_nets()[0]->has_layer("loss"));
  EXPECT_TRUE(this->solver_->test_nets()[1]->has_layer("loss"));
  EXPECT_TRUE(this->solver_->net()->has_layer("loss"));
}

// A solver of somebody else: plain steps of fixed length against the gradient's sign.
template <typename Dtype>
class SignSolver : public SGDSolver<Dtype> {
 public:
  explicit SignSolver(const SolverParameter& param) : SGDSolver<Dtype>(param) {}
  virtual inline const char* type() const { return "Sign"; }

 protected:
  virtual void ComputeUpdateValue(int param_id, Dtype rate) {
    Blob<Dtype>* param = this->net_->learnable_params()[param_id];
    Dtype* diff = param->mutable_cpu_diff();
    for (int i = 0; i < param->count(); ++i) diff[i] = rate * caffe_sign(diff[i]);
  }
};
REGISTER_SOLVER_CLASS(Sign);

TYPED_TEST(SolverByClass, ASolverOfOnesOwnOverridesTheUpdate) {
  SolverParameter param = this->Param("type: 'Sign'");
  const shared_ptr<Solver<TypeParam>> solver(SolverRegistry<TypeParam>::CreateSolver(param));
  solver->Step(3);
  EXPECT_NEAR(0.7, solver->net()->learnable_params()[0]->cpu_data()[0], 1e-6);
}

class CountingCallback : public Solver<float>::Callback {
 public:
  int starts = 0, gradients = 0;

 protected:
  virtual void on_start() { ++starts; }
  virtual void on_gradients_ready() { ++gradients; }
};

SolverAction::Enum StopAtOnce() { return SolverAction::STOP; }

TEST(SolverHooks, CallbacksAndActions) {
  SolverParameter param = FromText<SolverParameter>(
      "base_lr: 0.1 lr_policy: 'fixed' max_iter: 5 snapshot_after_train: false train_net_param { "
      "layer { name: 'd' type: 'DummyData' top: 'd' dummy_data_param { shape { dim: 1 } } } }");
  SGDSolver<float> solver(param);
  CountingCallback callback;
  solver.add_callback(&callback);
  EXPECT_EQ(1u, solver.callbacks().size());
  solver.Step(2);
  EXPECT_EQ(2, callback.starts);
  EXPECT_EQ(2, callback.gradients);
  solver.SetActionFunction(&StopAtOnce);
  EXPECT_EQ(SolverAction::STOP, solver.GetRequestedAction());
  solver.Solve();
  EXPECT_EQ(3, solver.iter());
}

}  // namespace caffe
