// How a solver finds and builds its train net and its test nets.

#include <cmath>
#include <fstream>

#include "caffe/solver.hpp"
#include "caffe/util/names.hpp"
#include "caffe/util/upgrade_proto.hpp"
#include "solver/keep_random_state.hpp"
#include "solver/param_file.hpp"

namespace caffe {

namespace {

const char kNetFields[] = "net, net_param, train_net, train_net_param";

/// Where a net comes from: a file, or a field of the solver's parameters.
struct NetSource {
  string field;
  string file;
  const NetParameter* param = nullptr;

  NetParameter Read() const {
    if (param) return *param;
    NetParameter net;
    ReadNetParamsFromTextFileOrDie(file, &net);
    return net;
  }
  /// For the log.
  string description() const {
    return param ? field + " of the solver's parameters" : field + " file: " + file;
  }
};

NetSource FromFile(const string& field, const string& file) {
  CHECK(std::ifstream(file)) << field << " '" << file << "' does not exist or is not readable";
  return {field, file};
}

NetSource FromParam(const string& field, const NetParameter& param) { return {field, "", &param}; }

NetSource TrainSource(const SolverParameter& param) {
  const int given =
      param.has_net() + param.has_net_param() + param.has_train_net() + param.has_train_net_param();
  CHECK_GE(given, 1) << ": the solver names no train net; give one of " << kNetFields;
  CHECK_LE(given, 1) << ": the solver names several train nets; give one of " << kNetFields;
  if (param.has_train_net_param()) return FromParam("train_net_param", param.train_net_param());
  if (param.has_train_net()) return FromFile("train_net", param.train_net());
  if (param.has_net_param()) return FromParam("net_param", param.net_param());
  return FromFile("net", param.net());
}

/// One source for each test net: the special ones first, then the general net for the rest of the
/// test_iter entries.
vector<NetSource> TestSources(const SolverParameter& param) {
  const bool general = param.has_net() || param.has_net_param();
  const int special = param.test_net_size() + param.test_net_param_size();
  if (general) {
    CHECK_GE(param.test_iter_size(), special) << ": each test net needs its test_iter";
  } else {
    CHECK_EQ(param.test_iter_size(), special) << ": each test net needs its test_iter";
  }
  vector<NetSource> sources;
  for (const NetParameter& net : param.test_net_param()) {
    sources.push_back(FromParam("test_net_param", net));
  }
  for (const string& file : param.test_net()) sources.push_back(FromFile("test_net", file));
  while (static_cast<int>(sources.size()) < param.test_iter_size()) {
    sources.push_back(param.has_net_param() ? FromParam("net_param", param.net_param())
                                            : FromFile("net", param.net()));
  }
  const int nets = static_cast<int>(sources.size());
  CHECK(param.test_state_size() == 0 || param.test_state_size() == nets)
      << param.test_state_size() << " test_state for " << nets
      << " test nets: give each its own, or none";
  CHECK(nets == 0 || param.test_interval() > 0)
      << "there are test nets (test_iter), so test_interval must be set";
  return sources;
}

/// Sets the state in which a net's layers are chosen: the phase, then what the net and the solver
/// say.
void SetState(Phase phase, const NetState& of_solver, NetParameter* net) {
  NetState state;
  state.set_phase(phase);
  state.MergeFrom(net->state());
  state.MergeFrom(of_solver);
  net->mutable_state()->CopyFrom(state);
}

/// What the solver says for nets that do not say it themselves.
void SetDefaults(const SolverParameter& solver, NetParameter::BlobLifetime lifetime,
                 NetParameter* net) {
  // debug_info shows what lies between layers.
  const bool release = solver.release_blobs() && !solver.debug_info();
  if (release && !net->has_blob_lifetime()) net->set_blob_lifetime(lifetime);
  if (!net->has_precision()) net->set_precision(solver.precision());
}

void CheckNumbers(const SolverParameter& param) {
  for (const auto& [name, value] : {pair<const char*, float>{"base_lr", param.base_lr()},
                                    {"momentum", param.momentum()},
                                    {"weight_decay", param.weight_decay()},
                                    {"delta", param.delta()},
                                    {"loss_scale", param.loss_scale()}}) {
    CHECK(std::isfinite(value)) << name << ": " << value << " turns all parameters into NaN";
  }
  CHECK(!std::isnan(param.clip_gradients()))
      << "clip_gradients is no number; below 0 nothing is clipped";
  CHECK_GE(param.average_loss(), 1) << ": average_loss counts iterations";
  CHECK_GE(param.iter_size(), 1) << ": iter_size counts batches";
  CHECK_GT(param.loss_scale(), 0) << ": loss_scale multiplies gradients; 1 changes nothing";
  for (const int batches : param.test_iter()) CHECK_GE(batches, 0) << ": test_iter counts batches";
}

}  // namespace

template <typename Dtype>
void Solver<Dtype>::Init(const SolverParameter& param) {
  LOG_IF(INFO, Caffe::root_solver()) << "Initializing solver from parameters: \n"
                                     << param.DebugString();
  param_ = param;
  InParamFile([&] { CheckNumbers(param_); });
  if (param_.snapshot() > 0) CheckSnapshotWritePermissions();
  if (param_.random_seed() >= 0) {
    Caffe::set_random_seed(static_cast<unsigned int>(param_.random_seed()) + Caffe::solver_rank());
  }
  InitTrainNet();
  InitTestNets();
  LOG_IF(INFO, Caffe::root_solver()) << "Solver scaffolding done.";
}

template <typename Dtype>
void Solver<Dtype>::set_param(const SolverParameter& param) {
  CheckNumbers(param);
  const int tests = static_cast<int>(test_nets_.size());
  CHECK_GE(param.test_iter_size(), tests) << ": each test net needs its test_iter";
  param_ = param;
}

template <typename Dtype>
void Solver<Dtype>::LoadPretrainedWeights(Net<Dtype>* net) {
  for (const string& list : param_.weights()) {
    for (const string& file : SplitNames(list)) {
      LOG_IF(INFO, Caffe::root_solver()) << "Finetuning from " << file;
      net->CopyTrainedLayersFrom(file);
    }
  }
}

template <typename Dtype>
void Solver<Dtype>::InitTrainNet() {
  const NetSource source = InParamFile([&] { return TrainSource(param_); });
  LOG_IF(INFO, Caffe::root_solver()) << "Creating training net from " << source.description();
  NetParameter net = source.Read();
  SetState(TRAIN, param_.train_state(), &net);
  SetDefaults(param_, NetParameter::UNTIL_BACKWARD, &net);
  net_.reset(new Net<Dtype>(net));
  LoadPretrainedWeights(net_.get());
}

template <typename Dtype>
void Solver<Dtype>::InitTestNets() {
  if (!Caffe::root_solver()) return;
  const KeepRandomState keep;
  const vector<NetSource> sources = InParamFile([&] { return TestSources(param_); });
  test_nets_.clear();
  for (int i = 0; i < static_cast<int>(sources.size()); ++i) {
    LOG(INFO) << "Creating test net (#" << i << ") specified by " << sources[i].description();
    NetParameter net = sources[i].Read();
    SetState(TEST, param_.test_state_size() > 0 ? param_.test_state(i) : NetState(), &net);
    SetDefaults(param_, NetParameter::UNTIL_READ, &net);
    test_nets_.emplace_back(new Net<Dtype>(net));
    test_nets_.back()->set_debug_info(param_.debug_info());
    LoadPretrainedWeights(test_nets_.back().get());
  }
}

template void Solver<float>::Init(const SolverParameter&);
template void Solver<double>::Init(const SolverParameter&);
template void Solver<float>::set_param(const SolverParameter&);
template void Solver<double>::set_param(const SolverParameter&);
template void Solver<float>::InitTrainNet();
template void Solver<double>::InitTrainNet();
template void Solver<float>::InitTestNets();
template void Solver<double>::InitTestNets();

}  // namespace caffe
