// The .solverstate of SGDSolver and its descendants: what every solver keeps, and the history. A
// state that does not fit leaves solver and net as they were: all of it is checked first.

#include <algorithm>

#include <google/protobuf/text_format.h>

#include "caffe/sgd_solvers.hpp"
#include "caffe/util/hdf5.hpp"
#include "caffe/util/io.hpp"
#include "core/blob_proto.hpp"
#include "util/described_exception.hpp"
#include "util/hdf5_handle.hpp"

namespace caffe {

namespace {

// In HDF5 files the fields beyond Caffe 1.0's stand in one text, a SolverState without the others.
const char kExtraDataset[] = "resume_state";

void CheckHistoryLength(int found, size_t wanted, const string& file, const char* solver) {
  CHECK_EQ(static_cast<size_t>(found), wanted)
      << ": " << file << " has another number of history blobs than solver " << solver
      << " keeps for this net: use the solver and the net that wrote it";
}

}  // namespace

template <typename Dtype>
void SGDSolver<Dtype>::SnapshotSolverState(const string& model_filename) {
  if (this->param_.snapshot_format() == SolverParameter::HDF5) {
    SnapshotSolverStateToHDF5(model_filename);
  } else {
    SnapshotSolverStateToBinaryProto(model_filename);
  }
}

template <typename Dtype>
void SGDSolver<Dtype>::SnapshotSolverStateToBinaryProto(const string& model_filename) {
  SolverState state;
  this->SaveState(model_filename, &state);
  for (const auto& blob : history_) blob->ToProto(state.add_history());
  const string file = Solver<Dtype>::SnapshotFilename(".solverstate");
  LOG(INFO) << "Snapshotting solver state to binary proto file " << file;
  WriteProtoToBinaryFile(state, file);
}

template <typename Dtype>
void SGDSolver<Dtype>::RestoreSolverStateFromBinaryProto(const string& state_file) {
  SolverState state;
  ReadProtoFromBinaryFileOrDie(state_file, &state);
  if (!state.has_iter()) {
    LOG(FATAL) << state_file
               << ": holds no state of a solver; is it a model? Then its .solverstate "
               << "is the file to go on from, or its weights to start with";
  }
  CheckHistoryLength(state.history_size(), history_.size(), state_file, this->type());
  for (size_t i = 0; i < history_.size(); ++i) {
    CHECK(history_[i]->ShapeEquals(state.history(i)))
        << state_file << ": history blob " << i << " is not of shape "
        << history_[i]->shape_string() << ": use the net that wrote it";
    try {
      CheckedShape(state.history(i));
    } catch (const Error&) {
      RethrowFrom(state_file + ": history blob " + std::to_string(i) + ": ");
    }
  }
  this->LoadState(state, state_file);
  LOG_IF(INFO, Caffe::root_solver()) << "SGDSolver: restoring history";
  for (size_t i = 0; i < history_.size(); ++i) history_[i]->FromProto(state.history(i), false);
}

namespace {

// A message's text on one line, as later versions of protobuf can read it, too.
string OneLine(const SolverState& state) {
  google::protobuf::TextFormat::Printer printer;
  printer.SetSingleLineMode(true);
  string text;
  CHECK(printer.PrintToString(state, &text)) << "the solver's state has no text";
  return text;
}

}  // namespace

template <typename Dtype>
void SGDSolver<Dtype>::SnapshotSolverStateToHDF5(const string& model_filename) {
  const string name = Solver<Dtype>::SnapshotFilename(".solverstate.h5");
  LOG(INFO) << "Snapshotting solver state to HDF5 file " << name;
  SolverState state;
  this->SaveState(model_filename, &state);
  WriteHdf5File(name, [&](hid_t file) {
    hdf5_save_int(file, "iter", state.iter());
    hdf5_save_string(file, "learned_net", state.learned_net());
    hdf5_save_int(file, "current_step", state.current_step());
    state.clear_iter();
    state.clear_learned_net();
    state.clear_current_step();
    hdf5_save_string(file, kExtraDataset, OneLine(state));
    const Hdf5Handle group(H5Gcreate2(file, "history", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT),
                           H5Gclose, "cannot write " + name);
    for (size_t i = 0; i < history_.size(); ++i) {
      hdf5_save_nd_dataset(group, std::to_string(i), *history_[i]);
    }
  });
}

template <typename Dtype>
void SGDSolver<Dtype>::RestoreSolverStateFromHDF5(const string& state_file) {
  const Hdf5File file(state_file, H5F_ACC_RDONLY);
  SolverState state;
  if (H5Lexists(file.id(), kExtraDataset, H5P_DEFAULT) > 0) {
    const string text = hdf5_load_string(file.id(), kExtraDataset);
    try {
      ParseProtoTextOrDie(text, kExtraDataset, &state);
    } catch (const Error&) {
      LOG(FATAL) << state_file << ": its " << kExtraDataset << " is damaged: use another snapshot";
    }
  }
  state.set_iter(hdf5_load_int(file.id(), "iter"));
  state.set_current_step(hdf5_load_int(file.id(), "current_step"));
  if (H5Lexists(file.id(), "learned_net", H5P_DEFAULT) > 0) {
    state.set_learned_net(hdf5_load_string(file.id(), "learned_net"));
  }
  const Hdf5Silence silence;
  const Hdf5Handle group(OpenGroup(file.id(), "history"), H5Gclose,
                         state_file + " has no history: use another snapshot");
  CheckHistoryLength(hdf5_get_num_links(group), history_.size(), state_file, this->type());
  // Values that cannot be read are found here only.
  vector<Blob<Dtype>> history(history_.size());
  for (size_t i = 0; i < history_.size(); ++i) {
    history[i].ReshapeLike(*history_[i]);
    hdf5_load_nd_dataset(group, std::to_string(i).c_str(), 0, kMaxBlobAxes, &history[i]);
  }
  this->LoadState(state, state_file);
  LOG_IF(INFO, Caffe::root_solver()) << "SGDSolver: restoring history";
  for (size_t i = 0; i < history_.size(); ++i) {
    std::copy_n(history[i].cpu_data(), history[i].count(), history_[i]->mutable_cpu_data());
  }
}

#define INSTANTIATE_STATE(Dtype)                                                   \
  template void SGDSolver<Dtype>::SnapshotSolverState(const string&);              \
  template void SGDSolver<Dtype>::SnapshotSolverStateToBinaryProto(const string&); \
  template void SGDSolver<Dtype>::SnapshotSolverStateToHDF5(const string&);        \
  template void SGDSolver<Dtype>::RestoreSolverStateFromHDF5(const string&);       \
  template void SGDSolver<Dtype>::RestoreSolverStateFromBinaryProto(const string&)
INSTANTIATE_STATE(float);
INSTANTIATE_STATE(double);

}  // namespace caffe
