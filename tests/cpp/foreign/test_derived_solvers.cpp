// Solvers and callbacks of somebody else, derived from Caffe's own.

#include <string>
#include <vector>

#include "caffe/caffe.hpp"
#include "caffe/sgd_solvers.hpp"
#include "caffe/util/math_functions.hpp"
#include "foreign.hpp"

namespace caffe {

template <typename Dtype>
class DerivedSolvers : public ::testing::Test {};
TYPED_TEST_SUITE(DerivedSolvers, FloatAndDouble, );

const char kLeastSquares[] =
    "base_lr: 0.1 lr_policy: 'fixed' max_iter: 4 snapshot_after_train: false net_param { "
    "layer { name: 'x' type: 'DummyData' top: 'x' top: 't' dummy_data_param { shape { dim: 2 dim: "
    "1 } data_filler { value: 2 } data_filler { value: 1 } } } layer { name: 'ip' type: "
    "'InnerProduct' bottom: 'x' top: 'y' inner_product_param { num_output: 1 weight_filler { "
    "value: 1 } } } layer { name: 'loss' type: 'EuclideanLoss' bottom: 'y' bottom: 't' } }";

template <typename Dtype>
class LayerLog : public Net<Dtype>::Callback {
 public:
  std::vector<int> layers;

 protected:
  virtual void run(int layer) { layers.push_back(layer); }
};

TYPED_TEST(DerivedSolvers, NetsCallBackAroundEveryLayer) {
  Net<TypeParam> net(FromText<SolverParameter>(kLeastSquares).net_param());
  LayerLog<TypeParam> logs[4];
  net.add_before_forward(&logs[0]);
  net.add_after_forward(&logs[1]);
  net.add_before_backward(&logs[2]);
  net.add_after_backward(&logs[3]);
  EXPECT_EQ(1u, net.before_forward().size() * net.after_backward().size());
  net.ForwardBackward();
  const std::vector<int> forward = {0, 1, 2}, backward = {2, 1, 0};
  EXPECT_EQ(forward, logs[0].layers);
  EXPECT_EQ(forward, logs[1].layers);
  EXPECT_EQ(backward, logs[2].layers);
  EXPECT_EQ(backward, logs[3].layers);
}

// A solver with nothing but the base: fixed steps along the gradient, and its state in the model.
template <typename Dtype>
class PlainSolver : public Solver<Dtype> {
 public:
  explicit PlainSolver(const SolverParameter& param) : Solver<Dtype>(param) {}
  virtual inline const char* type() const { return "Plain"; }
  virtual void ApplyUpdate() {
    const vector<Blob<Dtype>*>& params = this->net_->learnable_params();
    for (size_t i = 0; i < params.size(); ++i) {
      params[i]->scale_diff(this->param_.base_lr() * this->net_->params_lr()[i]);
    }
    this->net_->Update();
  }
  std::string NameOfState() { return this->SnapshotFilename(".state"); }

 protected:
  virtual void SnapshotSolverState(const string& model_filename) {
    SolverState state;
    state.set_iter(this->iter_);
    state.set_learned_net(model_filename);
    state.set_current_step(this->current_step_);
    WriteProtoToBinaryFile(state, NameOfState().c_str());
  }
  virtual void RestoreSolverStateFromHDF5(const string&) { NOT_IMPLEMENTED; }
  virtual void RestoreSolverStateFromBinaryProto(const string& state_file) {
    SolverState state;
    ReadProtoFromBinaryFileOrDie(state_file, &state);
    this->iter_ = state.iter();
    NetParameter net_param;
    ReadNetParamsFromBinaryFileOrDie(state.learned_net().c_str(), &net_param);
    this->net_->CopyTrainedLayersFrom(net_param);
    this->current_step_ = state.current_step();
  }
};

TYPED_TEST(DerivedSolvers, SolversMayBeMadeFromTheBase) {
  SolverParameter param = FromText<SolverParameter>(kLeastSquares);
  std::string folder;
  MakeTempDir(&folder);
  param.set_snapshot_prefix(folder + "/s");
  PlainSolver<TypeParam> solver(param);
  solver.Step(1);
  const Blob<TypeParam>& weight = *solver.net()->learnable_params()[0];
  // The error is 2 w - 1 = 1 for both items: the gradient is 2.
  EXPECT_NEAR(0.8, weight.cpu_data()[0], 1e-5);
  solver.Snapshot();
  const std::string state = solver.NameOfState();
  solver.Solve();
  EXPECT_EQ(4, solver.iter());
  const TypeParam trained = weight.cpu_data()[0];
  PlainSolver<TypeParam> restored(param);
  restored.Restore(state.c_str());
  EXPECT_EQ(1, restored.iter());
  restored.Solve();
  EXPECT_EQ(trained, restored.net()->learnable_params()[0]->cpu_data()[0]);
}

// Keeps a mean of the parameters while Nesterov trains them, and decays only the weights.
template <typename Dtype>
class AveragingSolver : public NesterovSolver<Dtype> {
 public:
  explicit AveragingSolver(const SolverParameter& param) : NesterovSolver<Dtype>(param) {}
  const Dtype* mean(int param_id) { return this->temp_[param_id]->cpu_data(); }
  std::vector<std::string> steps;

 protected:
  virtual void Normalize(int param_id) {
    steps.push_back("normalize");
    NesterovSolver<Dtype>::Normalize(param_id);
  }
  virtual void Regularize(int param_id) {
    if (param_id == 0) NesterovSolver<Dtype>::Regularize(param_id);
  }
  virtual void ComputeUpdateValue(int param_id, Dtype rate) {
    NesterovSolver<Dtype>::ComputeUpdateValue(param_id, rate);
    Blob<Dtype>* param = this->net_->learnable_params()[param_id];
    const int count = param->count();
    caffe_sub(count, param->cpu_data(), param->cpu_diff(),
              this->update_[param_id]->mutable_cpu_data());
    caffe_cpu_axpby(count, Dtype(0.5), this->update_[param_id]->cpu_data(), Dtype(0.5),
                    this->temp_[param_id]->mutable_cpu_data());
  }
  virtual void ClipGradients() { steps.push_back("clip"); }
};

TYPED_TEST(DerivedSolvers, SolversMayReplaceTheStepsOfAnUpdate) {
  SolverParameter param =
      FromText<SolverParameter>(kLeastSquares + std::string(" momentum: 0.5 weight_decay: 0.5"));
  NesterovSolver<TypeParam> plain(param);
  AveragingSolver<TypeParam> solver(param);
  plain.Step(1);
  solver.Step(1);
  const std::vector<std::string> steps = {"clip", "normalize", "normalize"};
  EXPECT_EQ(steps, solver.steps);
  // The bias is 0: nothing to decay in the first step.
  for (int i = 0; i < 2; ++i) {
    const TypeParam value = solver.net()->learnable_params()[i]->cpu_data()[0];
    EXPECT_NEAR(plain.net()->learnable_params()[i]->cpu_data()[0], value, 1e-6);
    EXPECT_NEAR(value / 2, solver.mean(i)[0], 1e-6);
    EXPECT_NE(0, solver.history()[i]->cpu_data()[0]);
  }
  plain.Step(1);
  solver.Step(1);
  EXPECT_NE(plain.net()->learnable_params()[1]->cpu_data()[0],
            solver.net()->learnable_params()[1]->cpu_data()[0]);
}

}  // namespace caffe
