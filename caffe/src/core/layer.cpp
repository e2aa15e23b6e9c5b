#include "caffe/layer.hpp"

#include <algorithm>

#include "core/loss_weights.hpp"
#include "core/outermost_run.hpp"
#include "core/queued_loss.hpp"

namespace caffe {

namespace {

template <typename Dtype>
void MakeAllPlain(const vector<Blob<Dtype>*>& bottom, const vector<Blob<Dtype>*>& top,
                  const vector<shared_ptr<Blob<Dtype>>>& parameters) {
  for (const Blob<Dtype>* blob : bottom) MakePlain(*blob);
  for (const Blob<Dtype>* blob : top) MakePlain(*blob);
  for (const auto& blob : parameters) MakePlain(*blob);
}

// Lets the layer shape its tops. One that is a bottom as well keeps its count: otherwise the layer
// would read what it has yet to write, or what is not there.
template <typename Dtype>
void ReshapeTops(const vector<Blob<Dtype>*>& bottom, const vector<Blob<Dtype>*>& top,
                 Layer<Dtype>* layer) {
  vector<pair<const Blob<Dtype>*, int>> in_place;
  for (const Blob<Dtype>* blob : bottom) {
    if (std::find(top.begin(), top.end(), blob) != top.end()) {
      in_place.emplace_back(blob, blob->count());
    }
  }
  layer->Reshape(bottom, top);
  for (const auto& before : in_place) {
    if (before.first->count() == before.second) continue;
    LOG(FATAL) << layer->type() << " cannot work in place: its top has shape "
               << before.first->shape_string() << ", its bottom has " << before.second
               << " elements; give the top a new name";
  }
}

// What a top adds to the loss: its loss weight stands in every element of the diff. Nothing where
// the loss of a whole run is gathered on the GPU.
template <typename Dtype>
Dtype LossOf(const Blob<Dtype>& top) {
  const int count = top.count();
#ifndef CPU_ONLY
  if (Caffe::mode() == Caffe::GPU) {
    if (auto* queue = QueuedLoss<Dtype>::Current()) {
      queue->Add(top);
      return 0;
    }
    // Whoever looks at the loss reads it on the host: one wait for both.
    if (count == 1) return top.cpu_data()[0] * top.cpu_diff()[0];
    Dtype loss = 0;
    if (count > 1) caffe_gpu_dot(count, top.gpu_data(), top.gpu_diff(), &loss);
    return loss;
  }
#endif
  return caffe_cpu_dot(count, top.cpu_data(), top.cpu_diff());
}

}  // namespace

template <typename Dtype>
Layer<Dtype>::Layer(const LayerParameter& param) : layer_param_(param), phase_(param.phase()) {
  for (const BlobProto& stored : param.blobs()) {
    blobs_.emplace_back(new Blob<Dtype>());
    blobs_.back()->FromProto(stored);
  }
  // Not twice: to clear the field would keep its memory.
  google::protobuf::RepeatedPtrField<BlobProto>().Swap(layer_param_.mutable_blobs());
}

template <typename Dtype>
void Layer<Dtype>::SetUp(const vector<Blob<Dtype>*>& bottom, const vector<Blob<Dtype>*>& top) {
  CheckBlobCounts(bottom, top);
  LayerSetUp(bottom, top);
  ReshapeTops(bottom, top, this);
  SetLossWeights(top);
}

template <typename Dtype>
Dtype Layer<Dtype>::Forward(const vector<Blob<Dtype>*>& bottom, const vector<Blob<Dtype>*>& top) {
  const OutermostRun outermost;
  ReshapeTops(bottom, top, this);
  RenewLossWeights(*this, bottom, top);
  if (Caffe::mode() == Caffe::GPU) {
    Forward_gpu(bottom, top);
  } else {
    Forward_cpu(bottom, top);
  }
  Dtype loss = 0;
  for (size_t i = 0; i < top.size(); ++i) {
    if (this->loss(i) != Dtype(0)) loss += LossOf(*top[i]);
  }
  if (outermost) MakeAllPlain(bottom, top, blobs_);
  return loss;
}

template <typename Dtype>
void Layer<Dtype>::Backward(const vector<Blob<Dtype>*>& top, const vector<bool>& propagate_down,
                            const vector<Blob<Dtype>*>& bottom) {
  const OutermostRun outermost;
  if (Caffe::mode() == Caffe::GPU) {
    Backward_gpu(top, propagate_down, bottom);
  } else {
    Backward_cpu(top, propagate_down, bottom);
  }
  if (outermost) MakeAllPlain(bottom, top, blobs_);
}

template <typename Dtype>
void Layer<Dtype>::ToProto(LayerParameter* param, bool write_diff) {
  param->CopyFrom(layer_param_);
  param->clear_blobs();
  for (const auto& blob : blobs_) blob->ToProto(param->add_blobs(), write_diff);
}

template <typename Dtype>
void Layer<Dtype>::set_loss(const int top_index, const Dtype value) {
  if (top_index >= static_cast<int>(loss_.size())) loss_.resize(top_index + 1, Dtype(0));
  loss_[top_index] = value;
}

template <typename Dtype>
void Layer<Dtype>::set_param_propagate_down(const int param_id, const bool value) {
  if (param_id >= static_cast<int>(param_propagate_down_.size())) {
    param_propagate_down_.resize(param_id + 1, true);
  }
  param_propagate_down_[param_id] = value;
}

namespace {

void CheckCount(const char* type, const char* kind, int got, int exact, int least, int most) {
  const auto check = [&](bool fits, const char* bound, int number) {
    CHECK(number < 0 || fits) << type << " takes " << bound << number << " " << kind
                              << " blob(s), and is given " << got;
  };
  check(got == exact, "exactly ", exact);
  check(got >= least, "at least ", least);
  check(got <= most, "at most ", most);
}

}  // namespace

template <typename Dtype>
void Layer<Dtype>::CheckBlobCounts(const vector<Blob<Dtype>*>& bottom,
                                   const vector<Blob<Dtype>*>& top) {
  const int bottoms = static_cast<int>(bottom.size());
  const int tops = static_cast<int>(top.size());
  CheckCount(type(), "bottom", bottoms, ExactNumBottomBlobs(), MinBottomBlobs(), MaxBottomBlobs());
  CheckCount(type(), "top", tops, ExactNumTopBlobs(), MinTopBlobs(), MaxTopBlobs());
  if (EqualNumBottomTopBlobs()) {
    CHECK(bottoms == tops) << type() << " has as many top blobs as bottom blobs, and is given "
                           << tops << " for " << bottoms;
  }
}

template <typename Dtype>
void Layer<Dtype>::SetLossWeights(const vector<Blob<Dtype>*>& top) {
  const int weights = layer_param_.loss_weight_size();
  if (weights == 0) return;
  CHECK_EQ(static_cast<int>(top.size()), weights)
      << ": give each top its loss_weight, or none of them";
  for (int i = 0; i < weights; ++i) {
    const Dtype weight = layer_param_.loss_weight(i);
    if (weight == Dtype(0)) continue;
    set_loss(i, weight);
    FillLossWeight(weight, top[i]);
  }
}

INSTANTIATE_CLASS(Layer);

}  // namespace caffe
