// Snapshots: the model, and what every solver keeps besides its history.

#include <boost/crc.hpp>

#include "caffe/solver.hpp"
#include "caffe/util/atomic_file.hpp"
#include "caffe/util/io.hpp"
#include "caffe/util/names.hpp"
#include "caffe/util/plain_text.hpp"
#include "caffe/util/rng.hpp"
#include "solver/layer_states.hpp"
#include "solver/param_file.hpp"

namespace caffe {

namespace {

bool Exists(const string& file) { return std::ifstream(file).good(); }

/// Size and CRC-32 of a file.
struct Fingerprint {
  uint64_t bytes = 0;
  uint32_t crc = 0;
};

Fingerprint FingerprintOf(const string& file) {
  std::ifstream stream(file, std::ios::binary);
  CHECK(stream) << file << ": cannot be opened";
  boost::crc_32_type crc;
  Fingerprint print;
  vector<char> buffer(1 << 20);
  while (stream.read(buffer.data(), buffer.size()) || stream.gcount() > 0) {
    crc.process_bytes(buffer.data(), stream.gcount());
    print.bytes += stream.gcount();
  }
  print.crc = crc.checksum();
  return print;
}

bool IsModelOf(const SolverState& state, const string& model) {
  if (!state.has_model_bytes()) return true;  // written by Caffe 1.0
  const Fingerprint print = FingerprintOf(model);
  return print.bytes == state.model_bytes() && print.crc == state.model_crc();
}

void RefuseModel(const SolverState& state, const string& model) {
  const uint64_t bytes = FingerprintOf(model).bytes;
  LOG(FATAL) << model << ": not the file that this snapshot was written with (" << bytes
             << " bytes instead of " << state.model_bytes()
             << (bytes == state.model_bytes() ? ", but other contents" : "")
             << "): use another snapshot, or start from the model alone with --weights";
}

/// The model of a state: as named or, when snapshots were moved or copied, beside the state.
string FindModel(const SolverState& state, const string& state_file) {
  const string& named = state.learned_net();
  const size_t slash = state_file.rfind('/');
  const string folder = slash == string::npos ? "" : state_file.substr(0, slash + 1);
  const string beside = folder + named.substr(named.rfind('/') + 1);
  for (const string& model : {named, beside}) {
    if (Exists(model) && IsModelOf(state, model)) return model;
  }
  for (const string& model : {named, beside}) {
    if (Exists(model)) RefuseModel(state, model);
  }
  const string nor = beside == named ? "" : ", nor does " + beside;
  LOG(FATAL) << state_file << ": its model " << named << " does not exist" << nor
             << ": put the .caffemodel of this snapshot there";
  return named;
}

}  // namespace

template <typename Dtype>
string Solver<Dtype>::SnapshotFilename(const string& extension) {
  return param_.snapshot_prefix() + "_iter_" + std::to_string(iter_) + extension;
}

template <typename Dtype>
void Solver<Dtype>::CheckSnapshotWritePermissions() {
  if (!Caffe::root_solver()) return;
  InParamFile([&] {
    // The one after training may go without, as in Caffe 1.0: it is the folder's _iter_N then.
    CHECK(param_.has_snapshot_prefix() || param_.snapshot() <= 0)
        << "snapshots are asked for, but the solver has no snapshot_prefix: give one";
    try {
      AtomicFile probe(SnapshotFilename(".caffemodel"));
    } catch (const Error& error) {
      LOG(FATAL) << "cannot write snapshots to snapshot_prefix '" << param_.snapshot_prefix()
                 << "' (" << error.what() << "): make its folder, or name another";
    }
  });
}

template <typename Dtype>
void Solver<Dtype>::Snapshot() {
  CHECK(Caffe::root_solver()) << "only the root solver takes snapshots";
  for (Callback* callback : callbacks_) callback->on_snapshot();
  // The model first: a state never names a model that is not there.
  SnapshotSolverState(param_.snapshot_format() == SolverParameter::HDF5 ? SnapshotToHDF5()
                                                                        : SnapshotToBinaryProto());
}

template <typename Dtype>
string Solver<Dtype>::SnapshotToBinaryProto() {
  const string file = SnapshotFilename(".caffemodel");
  LOG(INFO) << "Snapshotting to binary proto file " << file;
  NetParameter net;
  net_->ToProto(&net, param_.snapshot_diff());
  WriteProtoToBinaryFile(net, file);
  return file;
}

template <typename Dtype>
string Solver<Dtype>::SnapshotToHDF5() {
  const string file = SnapshotFilename(".caffemodel.h5");
  LOG(INFO) << "Snapshotting to HDF5 file " << file;
  net_->ToHDF5(file, param_.snapshot_diff());
  return file;
}

template <typename Dtype>
void Solver<Dtype>::SaveState(const string& model_filename, SolverState* state) {
  state->set_iter(iter_);
  state->set_learned_net(model_filename);
  state->set_current_step(current_step_);
  PlainText rng;
  rng << *caffe_rng();
  state->set_rng_state(rng.str());
  CollectLosses();
  for (const Dtype loss : losses_) state->add_recent_loss(loss);
  const Fingerprint print = FingerprintOf(model_filename);
  state->set_model_bytes(print.bytes);
  state->set_model_crc(print.crc);
  SaveLayers(state);
}

template <typename Dtype>
void Solver<Dtype>::LoadState(const SolverState& state, const string& state_file) {
  CHECK(state.iter() >= 0 && state.current_step() >= 0)
      << state_file << " is damaged (iteration " << state.iter() << ", step "
      << state.current_step() << " of the learning rate): use another snapshot";
  rng_t rng;
  if (state.has_rng_state()) {
    // The generator skips white space after its last number, and fails where the text just ends.
    std::istringstream text(state.rng_state() + "\n");
    text.imbue(std::locale::classic());
    CHECK(text >> rng) << state_file << ": its rng_state is damaged: use another snapshot";
  }
  string model;
  if (state.has_learned_net()) {
    model = FindModel(state, state_file);
  }
  SolverState layers, layers_before;
  *layers.mutable_layer_state() = state.layer_state();
  SaveLayers(&layers_before);
  try {
    RestoreLayers(layers);
    if (!model.empty()) net_->CopyTrainedLayersFrom(model);
  } catch (...) {
    PutBackLayers(layers_before);
    throw;
  }
  iter_ = state.iter();
  current_step_ = state.current_step();
  CollectLosses();
  losses_.assign(state.recent_loss().begin(), state.recent_loss().end());
  restored_layers_ = layers;
  if (state.has_rng_state()) *caffe_rng() = rng;
}

template <typename Dtype>
void Solver<Dtype>::SaveLayers(SolverState* state) const {
  SaveLayerStates(*net_, kTrainNet, state);
  for (size_t i = 0; i < test_nets_.size(); ++i) SaveLayerStates(*test_nets_[i], i, state);
}

template <typename Dtype>
void Solver<Dtype>::RestoreLayers(const SolverState& state) {
  RestoreLayerStates(state, kTrainNet, net_.get());
  for (size_t i = 0; i < test_nets_.size(); ++i) RestoreLayerStates(state, i, test_nets_[i].get());
}

template <typename Dtype>
void Solver<Dtype>::PutBackLayers(const SolverState& before) {
  PutBackLayerStates(before, kTrainNet, net_.get());
  for (size_t i = 0; i < test_nets_.size(); ++i) PutBackLayerStates(before, i, test_nets_[i].get());
}

// Programs written for Caffe 1.0, whose snapshots say nothing about data, run the net forward
// iter() times after Restore. Those batches must not count.
template <typename Dtype>
void Solver<Dtype>::ReturnToSnapshot() {
  if (restored_layers_.layer_state_size() == 0) return;
  SolverState now;
  SaveLayers(&now);
  // To restart prefetching costs time.
  if (now.SerializeAsString() != restored_layers_.SerializeAsString()) {
    RestoreLayers(restored_layers_);
  }
  restored_layers_.Clear();
}

template <typename Dtype>
void Solver<Dtype>::Restore(const char* resume_file) {
  const string file(resume_file);
  if (!Exists(file)) LOG(FATAL) << file << ": no such file, or not readable";
  if (EndsWith(file, ".h5")) {
    RestoreSolverStateFromHDF5(file);
  } else {
    RestoreSolverStateFromBinaryProto(file);
  }
}

#define INSTANTIATE_SNAPSHOTS(Dtype)                                         \
  template string Solver<Dtype>::SnapshotFilename(const string&);            \
  template void Solver<Dtype>::CheckSnapshotWritePermissions();              \
  template void Solver<Dtype>::Snapshot();                                   \
  template string Solver<Dtype>::SnapshotToBinaryProto();                    \
  template string Solver<Dtype>::SnapshotToHDF5();                           \
  template void Solver<Dtype>::SaveState(const string&, SolverState*);       \
  template void Solver<Dtype>::LoadState(const SolverState&, const string&); \
  template void Solver<Dtype>::RestoreLayers(const SolverState&);            \
  template void Solver<Dtype>::PutBackLayers(const SolverState&);            \
  template void Solver<Dtype>::ReturnToSnapshot();                           \
  template void Solver<Dtype>::Restore(const char*)
INSTANTIATE_SNAPSHOTS(float);
INSTANTIATE_SNAPSHOTS(double);

}  // namespace caffe
