#include "parallel/gradient_sync.hpp"

#include <map>

#include "solver/layer_states.hpp"

namespace caffe {

template <typename Dtype>
GradientSync<Dtype>::GradientSync(Solver<Dtype>* solver, Communicator<Dtype>* communicator,
                                  size_t bucket_bytes)
    : solver_(solver), communicator_(communicator), bucket_bytes_(bucket_bytes) {
  FindLastLayers();
}

template <typename Dtype>
GradientSync<Dtype>::~GradientSync() {
  solver_->remove_callback(this);
  solver_->net()->remove_after_backward(this);
}

// A parameter that several layers share is complete after the first of them, which comes last in
// the backward pass. That of a layer which another one computes is known to be at the very end.
template <typename Dtype>
void GradientSync<Dtype>::FindLastLayers() {
  const Net<Dtype>& net = *solver_->net();
  const int layers = static_cast<int>(net.layers().size());
  completed_by_.resize(layers);
  std::map<const SyncedMemory*, int> last_layer;
  for (int i = 0; i < layers; ++i) {
    for (const auto& blob : net.layers()[i]->blobs()) {
      last_layer.emplace(blob->diff().get(), net.is_fused(i) ? 0 : i);
    }
  }
  // The net's last parameters are the first to be complete.
  const vector<Blob<Dtype>*>& params = net.learnable_params();
  for (int id = static_cast<int>(params.size()) - 1; id >= 0; --id) {
    if (net.params_lr()[id] == 0) continue;
    completed_by_[last_layer.at(params[id]->diff().get())].push_back(params[id]);
  }
}

template <typename Dtype>
void GradientSync<Dtype>::Attach() {
  solver_->add_callback(this);
  if (solver_->param().layer_wise_reduce()) solver_->net()->add_after_backward(this);
}

template <typename Dtype>
void GradientSync<Dtype>::Broadcast() {
  for (Blob<Dtype>* param : solver_->net()->learnable_params()) {
    communicator_->Broadcast(param->data().get());
  }
  BroadcastLayerStates();
}

template <typename Dtype>
void GradientSync<Dtype>::BroadcastLayerStates() {
  SolverState state;
  SaveLayerStates(*solver_->net(), kTrainNet, &state);
  string text = state.SerializeAsString();
  SyncedMemory size(sizeof(int64_t));
  *static_cast<int64_t*>(size.mutable_cpu_data()) = static_cast<int64_t>(text.size());
  communicator_->Broadcast(&size);
  communicator_->Wait();
  text.resize(*static_cast<const int64_t*>(size.cpu_data()));
  if (text.empty()) return;
  SyncedMemory contents(text.size());
  std::copy(text.begin(), text.end(), static_cast<char*>(contents.mutable_cpu_data()));
  communicator_->Broadcast(&contents);
  communicator_->Wait();
  if (communicator_->rank() == 0) return;
  CHECK(state.ParseFromArray(contents.cpu_data(), static_cast<int>(contents.size())))
      << "rank 0 sent other states of its layers than this rank can read";
  RestoreLayerStates(state, kTrainNet, solver_->net().get());
}

template <typename Dtype>
void GradientSync<Dtype>::on_start() {
  passes_ = 0;
  next_layer_ = static_cast<int>(completed_by_.size()) - 1;
}

template <typename Dtype>
void GradientSync<Dtype>::run(int layer) {
  if (!first_iteration_ && passes_ + 1 == solver_->param().iter_size()) Send(layer);
  if (layer == 0) ++passes_;
}

template <typename Dtype>
void GradientSync<Dtype>::Send(int layer) {
  for (Blob<Dtype>* param : completed_by_[layer]) {
    bucket_.push_back(param);
    bucket_size_ += param->count() * sizeof(Dtype);
  }
  next_layer_ = layer - 1;
  if (bucket_size_ >= bucket_bytes_) SendBucket();
}

template <typename Dtype>
void GradientSync<Dtype>::SendBucket() {
  if (!bucket_.empty()) communicator_->AverageDiffs(bucket_);
  bucket_.clear();
  bucket_size_ = 0;
}

template <typename Dtype>
void GradientSync<Dtype>::on_gradients_ready() {
  while (next_layer_ >= 0) Send(next_layer_);
  SendBucket();
  communicator_->Finish();
  first_iteration_ = false;
}

// Where another rank has gone in the meantime, means were never made of the last gradients.
template <typename Dtype>
void GradientSync<Dtype>::on_snapshot() {
  communicator_->Wait();
}

INSTANTIATE_CLASS(GradientSync);

}  // namespace caffe
