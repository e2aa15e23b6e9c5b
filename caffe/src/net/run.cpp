// Running a net forward and backward.
#include "caffe/net.hpp"
#include "core/loss_weights.hpp"
#include "core/outermost_run.hpp"
#include "net/layer_context.hpp"
#include "net/run_plan.hpp"

namespace caffe {

namespace {

/// Gives inputs and outputs the plain order, in which programs may keep pointers to them.
template <typename Dtype>
void MakeEndsPlain(const Net<Dtype>& net) {
  const auto make_plain = [&](const char* kind, int id) {
    At(
        net, [&] { return string(kind) + " '" + net.blob_names()[id] + "' in plain order: "; },
        [&] { MakePlain(*net.blobs()[id]); });
  };
  for (const int id : net.input_blob_indices()) make_plain("input", id);
  for (const int id : net.output_blob_indices()) make_plain("output", id);
}

/// Copies to the GPU, before the outermost run, what stays there after it: so that it does not lie
/// between the memory that comes and goes (core/device_memory.hpp).
template <typename Dtype>
void UploadWhatStays(const Net<Dtype>& net) {
  if (Caffe::mode() != Caffe::GPU || OutermostRun::IsRunning()) return;
  const auto upload = [](const Blob<Dtype>& blob) {
    if (blob.count() > 0 && blob.data()->head() == SyncedMemory::HEAD_AT_CPU) blob.gpu_data();
  };
  for (size_t i = 0; i < net.layers().size(); ++i) {
    InLayer(net, i, [&] {
      for (const auto& param : net.layers()[i]->blobs()) upload(*param);
    });
  }
  for (const int id : net.input_blob_indices()) {
    At(
        net, [&] { return "input '" + net.blob_names()[id] + "': "; },
        [&] { upload(*net.blobs()[id]); });
  }
}

}  // namespace

template <typename Dtype>
Dtype Net<Dtype>::ForwardFromTo(int start, int end) {
  CHECK_GE(start, 0) << ": layers count from 0";
  CHECK_LT(end, static_cast<int>(layers_.size())) << ": the net has fewer layers";
  plan_->fusion.CheckMode(name_);
  UploadWhatStays(*this);
  const OutermostRun outermost;
  Dtype loss = 0;
  for (int i = start; i <= end; ++i) {
    for (Callback* callback : before_forward_) callback->run(i);
    if (!is_fused(i)) {
      plan_->release.BeforeForward(i);
      loss += InLayer(*this, i, [&] { return layers_[i]->Forward(bottom_vecs_[i], top_vecs_[i]); });
    }
    if (debug_info_) ForwardDebugInfo(i);
    for (Callback* callback : after_forward_) callback->run(i);
    plan_->release.AfterForward(i);
  }
  plan_->shapes.Note(start, end);
  if (outermost) MakeEndsPlain(*this);
  return loss;
}

template <typename Dtype>
Dtype Net<Dtype>::ForwardFrom(int start) {
  return ForwardFromTo(start, static_cast<int>(layers_.size()) - 1);
}

template <typename Dtype>
Dtype Net<Dtype>::ForwardTo(int end) {
  return ForwardFromTo(0, end);
}

template <typename Dtype>
const vector<Blob<Dtype>*>& Net<Dtype>::Forward(Dtype* loss) {
  const Dtype total = ForwardFrom(0);
  if (loss) *loss = total;
  return net_output_blobs_;
}

template <typename Dtype>
const vector<Blob<Dtype>*>& Net<Dtype>::Forward(const vector<Blob<Dtype>*>& bottom, Dtype* loss) {
  CHECK_LE(bottom.size(), net_input_blobs_.size()) << ": more blobs than the net has inputs";
  for (size_t i = 0; i < bottom.size(); ++i) net_input_blobs_[i]->CopyFrom(*bottom[i]);
  return Forward(loss);
}

template <typename Dtype>
void Net<Dtype>::BackwardFromTo(int start, int end) {
  CHECK_GE(end, 0) << ": layers count from 0";
  CHECK_LT(start, static_cast<int>(layers_.size())) << ": the net has fewer layers";
  plan_->fusion.CheckMode(name_);
  plan_->shapes.Check(start, end);
  const OutermostRun outermost;
  for (int i = start; i >= end; --i) {
    for (Callback* callback : before_backward_) callback->run(i);
    if (layer_need_backward_[i] && !is_fused_backward(i)) {
      plan_->release.BeforeBackward(i);
      InLayer(*this, i, [&] {
        layers_[i]->Backward(top_vecs_[i], bottom_need_backward_[i], bottom_vecs_[i]);
      });
      if (debug_info_) BackwardDebugInfo(i);
    }
    for (Callback* callback : after_backward_) callback->run(i);
    plan_->release.AfterBackward(i);
  }
  if (outermost) MakeEndsPlain(*this);
}

template <typename Dtype>
void Net<Dtype>::BackwardFrom(int start) {
  BackwardFromTo(start, 0);
}

template <typename Dtype>
void Net<Dtype>::BackwardTo(int end) {
  BackwardFromTo(static_cast<int>(layers_.size()) - 1, end);
}

template <typename Dtype>
void Net<Dtype>::Backward() {
  BackwardFrom(static_cast<int>(layers_.size()) - 1);
  if (!debug_info_) return;
  Dtype asum_data = 0, asum_diff = 0, sumsq_data = 0, sumsq_diff = 0;
  for (const Blob<Dtype>* param : learnable_params_) {
    asum_data += param->asum_data();
    asum_diff += param->asum_diff();
    sumsq_data += param->sumsq_data();
    sumsq_diff += param->sumsq_diff();
  }
  LOG(ERROR) << "    [Backward] All net params (data, diff): "
             << "L1 norm = (" << asum_data << ", " << asum_diff << "); "
             << "L2 norm = (" << std::sqrt(sumsq_data) << ", " << std::sqrt(sumsq_diff) << ")";
}

template <typename Dtype>
Dtype Net<Dtype>::ForwardBackward() {
  return ForwardBackwardAround([] {});
}

template <typename Dtype>
Dtype Net<Dtype>::ForwardBackwardAround(const std::function<void()>& between) {
  UploadWhatStays(*this);
  const OutermostRun outermost;
  Dtype loss;
  Forward(&loss);
  between();
  Backward();
  if (outermost) MakeEndsPlain(*this);
  return loss;
}

template <typename Dtype>
void Net<Dtype>::Reshape() {
  for (size_t i = 0; i < layers_.size(); ++i) {
    InLayer(*this, i, [&] {
      layers_[i]->Reshape(bottom_vecs_[i], top_vecs_[i]);
      RenewLossWeights(*layers_[i], bottom_vecs_[i], top_vecs_[i]);
    });
  }
  plan_->shapes.Note(0, static_cast<int>(layers_.size()) - 1);
}

template <typename Dtype>
void Net<Dtype>::Update() {
  for (size_t i = 0; i < learnable_params_.size(); ++i) {
    if (debug_info_) UpdateDebugInfo(i);
    learnable_params_[i]->Update();
  }
}

template <typename Dtype>
void Net<Dtype>::ClearParamDiffs() {
  for (Blob<Dtype>* param : learnable_params_) {
    // Freed memory reads as zeros, and is taken again when activations have given theirs back.
    if (plan_->release.plan().releases) param->diff()->Release();
    if (param->diff()->released()) {
      param->diff()->Renew();
      continue;
    }
#ifndef CPU_ONLY
    if (Caffe::mode() == Caffe::GPU) {
      caffe_gpu_set(param->count(), Dtype(0), param->mutable_gpu_diff());
      continue;
    }
#endif
    caffe_set(param->count(), Dtype(0), param->mutable_cpu_diff());
  }
}

// ---- debug_info: mean absolute values, in the lines that users' scripts look for ----

namespace {

template <typename Dtype>
Dtype MeanAbsolute(Dtype asum, int count) {
  return count ? asum / count : Dtype(0);
}

}  // namespace

template <typename Dtype>
void Net<Dtype>::ForwardDebugInfo(const int layer_id) {
  const string head = "    [Forward] Layer " + layer_names_[layer_id];
  for (size_t i = 0; i < top_vecs_[layer_id].size(); ++i) {
    const Blob<Dtype>& blob = *top_vecs_[layer_id][i];
    LOG_IF(INFO, Caffe::root_solver())
        << head << ", top blob " << blob_names_[top_id_vecs_[layer_id][i]]
        << " data: " << MeanAbsolute(blob.asum_data(), blob.count());
  }
  for (const int id : param_id_vecs_[layer_id]) {
    LOG_IF(INFO, Caffe::root_solver())
        << head << ", param blob " << param_display_names_[id]
        << " data: " << MeanAbsolute(params_[id]->asum_data(), params_[id]->count());
  }
}

template <typename Dtype>
void Net<Dtype>::BackwardDebugInfo(const int layer_id) {
  const string head = "    [Backward] Layer " + layer_names_[layer_id];
  for (size_t i = 0; i < bottom_vecs_[layer_id].size(); ++i) {
    if (!bottom_need_backward_[layer_id][i]) continue;
    const Blob<Dtype>& blob = *bottom_vecs_[layer_id][i];
    LOG_IF(INFO, Caffe::root_solver())
        << head << ", bottom blob " << blob_names_[bottom_id_vecs_[layer_id][i]]
        << " diff: " << MeanAbsolute(blob.asum_diff(), blob.count());
  }
  for (size_t i = 0; i < param_id_vecs_[layer_id].size(); ++i) {
    if (!layers_[layer_id]->param_propagate_down(i)) continue;
    const int id = param_id_vecs_[layer_id][i];
    LOG_IF(INFO, Caffe::root_solver())
        << head << ", param blob " << i
        << " diff: " << MeanAbsolute(params_[id]->asum_diff(), params_[id]->count());
  }
}

template <typename Dtype>
void Net<Dtype>::UpdateDebugInfo(const int param_id) {
  const Blob<Dtype>& param = *learnable_params_[param_id];
  LOG_IF(INFO, Caffe::root_solver())
      << "    [Update] Param " << param_id
      << " data: " << MeanAbsolute(param.asum_data(), param.count())
      << "; diff: " << MeanAbsolute(param.asum_diff(), param.count());
}

#define INSTANTIATE(Dtype)                                                                       \
  template Dtype Net<Dtype>::ForwardFromTo(int, int);                                            \
  template Dtype Net<Dtype>::ForwardFrom(int);                                                   \
  template Dtype Net<Dtype>::ForwardTo(int);                                                     \
  template const vector<Blob<Dtype>*>& Net<Dtype>::Forward(Dtype*);                              \
  template const vector<Blob<Dtype>*>& Net<Dtype>::Forward(const vector<Blob<Dtype>*>&, Dtype*); \
  template void Net<Dtype>::BackwardFromTo(int, int);                                            \
  template void Net<Dtype>::BackwardFrom(int);                                                   \
  template void Net<Dtype>::BackwardTo(int);                                                     \
  template void Net<Dtype>::Backward();                                                          \
  template Dtype Net<Dtype>::ForwardBackward();                                                  \
  template Dtype Net<Dtype>::ForwardBackwardAround(const std::function<void()>&);                \
  template void Net<Dtype>::Reshape();                                                           \
  template void Net<Dtype>::Update();                                                            \
  template void Net<Dtype>::ClearParamDiffs();                                                   \
  template void Net<Dtype>::ForwardDebugInfo(const int);                                         \
  template void Net<Dtype>::BackwardDebugInfo(const int);                                        \
  template void Net<Dtype>::UpdateDebugInfo(const int)
INSTANTIATE(float);
INSTANTIATE(double);

}  // namespace caffe
