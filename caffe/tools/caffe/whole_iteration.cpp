#include "caffe/whole_iteration.hpp"

#include <algorithm>
#include <cmath>

#include "caffe/util/blob_copies.hpp"

namespace caffe {
namespace tools {

namespace {

LayerState StateOf(const Layer<float>& layer) {
  LayerState state;
  layer.SaveState(&state);
  return state;
}

/// One that cannot tell before its first Forward counts as well: it would tell of something.
bool HasState(const Layer<float>& layer) {
  try {
    return StateOf(layer).ByteSizeLong() > 0;
  } catch (const std::exception&) {
    return true;
  }
}

bool AllFinite(const vector<Blob<float>*>& blobs) {
  return std::all_of(blobs.begin(), blobs.end(),
                     [](const Blob<float>* blob) { return std::isfinite(blob->asum_data()); });
}

}  // namespace

WholeIteration::WholeIteration(Solver<float>* solver) : solver_(solver), first_(solver->iter()) {
  Net<float>& net = *solver->net();
  for (size_t i = 0; i < net.layers().size(); ++i) {
    Layer<float>& layer = *net.layers()[i];
    const string type = layer.type();
    if (type == "BatchNorm") {
      statistics_.insert(statistics_.end(), layer.blobs().begin(), layer.blobs().end());
    }
    if (HasState(layer)) {
      // Those of others (recurrent layers, Python) may be large, or costly to ask for.
      if (net.bottom_vecs()[i].empty() && type != "Python") {
        sources_.push_back(&layer);
      } else {
        keeper_ = net.layer_names()[i];
      }
    }
  }
  for (size_t i = 0; i < statistics_.size(); ++i) {
    statistics_before_.push_back(Parameter(new Blob<float>()));
  }
  solver->add_callback(this);
}

void WholeIteration::on_start() {
  begun_ = solver_->iter();
  updating_ = false;
  random_ = *caffe_rng();
  places_.clear();
  for (const Layer<float>* source : sources_) places_.push_back(StateOf(*source));
  CopyBlobs(statistics_, statistics_before_);
}

void WholeIteration::on_gradients_ready() { updating_ = true; }

void WholeIteration::PutBack() {
  for (size_t i = 0; i < sources_.size(); ++i) sources_[i]->RestoreState(places_[i]);
  CopyBlobs(statistics_before_, statistics_);
  *caffe_rng() = random_;  // at last: a data layer that starts its thread anew draws a seed for it
}

string WholeIteration::Lost() const {
  if (begun_ == solver_->iter()) {
    if (updating_) return "the error came while an iteration's update was under way";
    if (!keeper_.empty()) return "layer '" + keeper_ + "' has seen a part of the next iteration";
  }
  return AllFinite(solver_->net()->learnable_params()) ? "" : "the parameters are not finite";
}

void WholeIteration::SnapshotAfterError() {
  const int iteration = solver_->iter(), often = solver_->param().snapshot();
  // One that was due is there, or was itself what failed.
  const bool due = often > 0 && iteration % often == 0;
  if (iteration == first_ || due || iteration >= solver_->param().max_iter()) return;
  try {
    const string lost = Lost();
    if (!lost.empty()) {
      LOG(WARNING) << "No snapshot of iteration " << iteration << " can be taken: " << lost;
      return;
    }
    if (begun_ == iteration) PutBack();
    LOG(INFO) << "An error ends the training; a snapshot keeps its " << iteration << " iterations.";
    solver_->Snapshot();
  } catch (const std::exception& error) {
    LOG(ERROR) << "No snapshot of iteration " << iteration << " could be taken: " << error.what();
  }
}

}  // namespace tools
}  // namespace caffe
