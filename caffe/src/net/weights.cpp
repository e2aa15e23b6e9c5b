// Parameters in and out of a net: other nets, messages and .caffemodel files.
#include "net/weights.hpp"

#include <utility>

#include "caffe/net.hpp"
#include "caffe/util/names.hpp"
#include "caffe/util/upgrade_proto.hpp"
#include "core/blob_proto.hpp"
#include "util/hdf5_handle.hpp"

namespace caffe {

namespace {

// A fully connected layer is a convolution whose kernel covers its input; the values have the same
// order. So the weights of a classifier (fc6 of VGG-16) fit the convolution made of it.
template <typename Dtype>
bool IsFullyConnectedOf(const LayerParameter& source, const Blob<Dtype>& stored,
                        const Layer<Dtype>& layer, const Blob<Dtype>& weight) {
  return source.type() == "InnerProduct" && !source.inner_product_param().transpose() &&
         string(layer.type()) == "Convolution" && stored.num_axes() >= 2 &&
         weight.num_axes() >= 2 && stored.count() == weight.count() &&
         stored.shape(-2) == weight.shape(0) && stored.shape(-1) == weight.count(1);
}

/// Throws Error unless a message's blobs fit the layer's.
template <typename Dtype>
void CheckFits(const LayerParameter& source, Layer<Dtype>& layer) {
  const Phase phase = layer.layer_param().phase();
  if (static_cast<int>(layer.blobs().size()) != source.blobs_size()) {
    LOG(FATAL) << LayerText(source.name(), layer.type()) << " has " << layer.blobs().size()
               << " parameter blobs in the net, " << source.blobs_size() << " in the weights"
               << RemedyForWeights(phase);
  }
  for (int i = 0; i < source.blobs_size(); ++i) {
    Blob<Dtype>& blob = *layer.blobs()[i];
    Blob<Dtype> stored;  // for its shape: no memory is taken
    try {
      stored.Reshape(CheckedShape(source.blobs(i)));
    } catch (const Error& error) {
      throw Error("parameter " + std::to_string(i) + " of " + LayerText(source.name()) + ": " +
                  error.what());
    }
    if (!blob.ShapeEquals(source.blobs(i)) && !IsFullyConnectedOf(source, stored, layer, blob)) {
      FailShape("", source.name(), i, phase, blob, stored);
    }
  }
}

template <typename Dtype>
void CopyBlob(const LayerParameter& source, int i, Blob<Dtype>* blob) {
  if (blob->ShapeEquals(source.blobs(i))) return blob->FromProto(source.blobs(i), false);
  LOG_IF(INFO, Caffe::root_solver()) << "Fully connected weights of '" << source.name()
                                     << "' become a convolution's of " << blob->shape_string();
  Blob<Dtype> stored;
  stored.FromProto(source.blobs(i));
  caffe_copy(blob->count(), stored.cpu_data(), blob->mutable_cpu_data());
}

}  // namespace

template <typename Dtype>
void Net<Dtype>::ShareTrainedLayersWith(const Net* other) {
  for (size_t i = 0; i < other->layers().size(); ++i) {
    const string& name = other->layer_names()[i];
    const auto found = layer_names_index_.find(name);
    if (found == layer_names_index_.end()) {
      LOG_IF(INFO, Caffe::root_solver()) << "Ignoring source layer " << name;
      continue;
    }
    auto& mine = layers_[found->second]->blobs();
    const auto& theirs = other->layers()[i]->blobs();
    CHECK_EQ(mine.size(), theirs.size())
        << ": " << LayerText(name) << " has another number of parameter blobs in the other net";
    for (size_t j = 0; j < mine.size(); ++j) {
      CHECK(mine[j]->shape() == theirs[j]->shape())
          << "cannot share parameter " << j << " of " << LayerText(name) << ": shape "
          << theirs[j]->shape_string() << " there, " << mine[j]->shape_string() << " here";
      mine[j]->ShareData(*theirs[j]);
    }
  }
}

// All is checked before any of it is copied: weights that do not fit leave the net as it was.
template <typename Dtype>
vector<string> Net<Dtype>::CopyTrainedLayersFrom(const NetParameter& param) {
  Transfer transfer;
  vector<std::pair<const LayerParameter*, Layer<Dtype>*>> copies;
  for (const LayerParameter& source : param.layer()) {
    if (source.blobs_size() > 0) transfer.offered.push_back(source.name());
    const auto found = layer_names_index_.find(source.name());
    if (found == layer_names_index_.end()) {
      LOG_IF(INFO, Caffe::root_solver()) << "Ignoring source layer " << source.name();
      continue;
    }
    copies.emplace_back(&source, layers_[found->second].get());
    CheckFits(source, *copies.back().second);
    if (source.blobs_size() > 0) transfer.taken.push_back(source.name());
  }
  for (const auto& copy : copies) {
    for (int i = 0; i < copy.first->blobs_size(); ++i) {
      CopyBlob(*copy.first, i, copy.second->blobs()[i].get());
    }
  }
  transfer.Finish(LayersWithParams(*this));
  return transfer.taken;
}

template <typename Dtype>
vector<string> Net<Dtype>::CopyTrainedLayersFrom(const string& trained_filename) {
  if (EndsWith(trained_filename, ".h5") || IsHdf5(trained_filename)) {
    return CopyTrainedLayersFromHDF5(trained_filename);
  }
  return CopyTrainedLayersFromBinaryProto(trained_filename);
}

template <typename Dtype>
vector<string> Net<Dtype>::CopyTrainedLayersFromBinaryProto(const string& trained_filename) {
  NetParameter param;
  ReadNetParamsFromBinaryFileOrDie(trained_filename, &param);
  try {
    return CopyTrainedLayersFrom(param);
  } catch (const Error& error) {
    throw Error(trained_filename + ": " + error.what());
  }
}

template <typename Dtype>
void Net<Dtype>::ToProto(NetParameter* param, bool write_diff) const {
  param->Clear();
  param->set_name(name_);
  for (const auto& layer : layers_) layer->ToProto(param->add_layer(), write_diff);
}

#define INSTANTIATE(Dtype)                                                             \
  template void Net<Dtype>::ShareTrainedLayersWith(const Net*);                        \
  template vector<string> Net<Dtype>::CopyTrainedLayersFrom(const NetParameter&);      \
  template vector<string> Net<Dtype>::CopyTrainedLayersFrom(const string&);            \
  template vector<string> Net<Dtype>::CopyTrainedLayersFromBinaryProto(const string&); \
  template void Net<Dtype>::ToProto(NetParameter*, bool) const
INSTANTIATE(float);
INSTANTIATE(double);

}  // namespace caffe
