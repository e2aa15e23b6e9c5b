// Layers and blobs of a net by their names and numbers.
#include "caffe/net.hpp"
#include "caffe/util/names.hpp"
#include "net/run_plan.hpp"

namespace caffe {

template <typename Dtype>
const vector<int>& Net<Dtype>::top_ids(int i) const {
  CHECK(0 <= i && i < static_cast<int>(top_id_vecs_.size())) << "the net has no layer " << i;
  return top_id_vecs_[i];
}

template <typename Dtype>
const vector<int>& Net<Dtype>::bottom_ids(int i) const {
  CHECK(0 <= i && i < static_cast<int>(bottom_id_vecs_.size())) << "the net has no layer " << i;
  return bottom_id_vecs_[i];
}

template <typename Dtype>
bool Net<Dtype>::is_fused(int layer_id) const {
  return plan_->fusion.fused[layer_id];
}

template <typename Dtype>
bool Net<Dtype>::is_fused_backward(int layer_id) const {
  return plan_->fusion.fused_backward[layer_id];
}

template <typename Dtype>
bool Net<Dtype>::has_blob(const string& blob_name) const {
  return blob_names_index_.count(blob_name) > 0;
}

template <typename Dtype>
const shared_ptr<Blob<Dtype>> Net<Dtype>::blob_by_name(const string& blob_name) const {
  const auto found = blob_names_index_.find(blob_name);
  if (found != blob_names_index_.end()) return blobs_[found->second];
  LOG(WARNING) << "Unknown blob name " << blob_name << DidYouMean(blob_name, blob_names_);
  return shared_ptr<Blob<Dtype>>();
}

template <typename Dtype>
bool Net<Dtype>::has_layer(const string& layer_name) const {
  return layer_names_index_.count(layer_name) > 0;
}

template <typename Dtype>
const shared_ptr<Layer<Dtype>> Net<Dtype>::layer_by_name(const string& layer_name) const {
  const auto found = layer_names_index_.find(layer_name);
  if (found != layer_names_index_.end()) return layers_[found->second];
  LOG(WARNING) << "Unknown layer name " << layer_name << DidYouMean(layer_name, layer_names_);
  return shared_ptr<Layer<Dtype>>();
}

#define INSTANTIATE(Dtype)                                                              \
  template bool Net<Dtype>::is_fused(int) const;                                        \
  template bool Net<Dtype>::is_fused_backward(int) const;                               \
  template const vector<int>& Net<Dtype>::top_ids(int) const;                           \
  template const vector<int>& Net<Dtype>::bottom_ids(int) const;                        \
  template bool Net<Dtype>::has_blob(const string&) const;                              \
  template const shared_ptr<Blob<Dtype>> Net<Dtype>::blob_by_name(const string&) const; \
  template bool Net<Dtype>::has_layer(const string&) const;                             \
  template const shared_ptr<Layer<Dtype>> Net<Dtype>::layer_by_name(const string&) const
INSTANTIATE(float);
INSTANTIATE(double);

}  // namespace caffe
