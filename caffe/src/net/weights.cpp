// Parameters in and out of a net: other nets, .caffemodel and HDF5 files.
#include <algorithm>
#include <memory>
#include <set>

#include "caffe/net.hpp"
#include "caffe/util/atomic_file.hpp"
#include "caffe/util/hdf5.hpp"
#include "caffe/util/names.hpp"
#include "caffe/util/upgrade_proto.hpp"
#include "util/hdf5_handle.hpp"

namespace caffe {

namespace {

bool IsHdf5(const string& file) {
  const Hdf5Silence quiet;
  return H5Fis_hdf5(file.c_str()) > 0;
}

// What to do about parameters that do not fit; ends every such message.
const char kRemedy[] =
    "; these may be weights of another net. To learn this layer's parameters from scratch instead "
    "of copying them, rename the layer";

template <typename Dtype>
vector<string> LayersWithParams(const Net<Dtype>& net) {
  vector<string> names;
  for (size_t i = 0; i < net.layers().size(); ++i) {
    if (!net.layers()[i]->blobs().empty()) names.push_back(net.layer_names()[i]);
  }
  return names;
}

// Which of a file's layers with parameters a net took over; tells a wrong file from a partial one.
struct Transfer {
  vector<string> offered;
  vector<string> taken;

  void Finish(const vector<string>& wanted) const {
    if (!Caffe::root_solver()) return;
    if (taken.empty() && !offered.empty() && !wanted.empty()) {
      LOG(WARNING) << "These may be weights of another net: none of their " << offered.size()
                   << " layers ('" << offered.front() << "', ...) is a layer of this one ('"
                   << wanted.front() << "', ...), which keeps the parameters it has.";
      return;
    }
    string left;
    const std::set<string> mine(taken.begin(), taken.end());
    for (const string& name : wanted) {
      if (mine.count(name) == 0) left += (left.empty() ? "" : ", ") + name;
    }
    LOG_IF(INFO, !left.empty()) << "Layers with no parameters in these weights keep their own: "
                                << left;
  }
};

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

template <typename Dtype>
[[noreturn]] void FailShape(const string& where, const string& layer, int i,
                            const Blob<Dtype>& blob, const Blob<Dtype>& stored) {
  throw Error(where + "parameter " + std::to_string(i) + " of layer '" + layer + "' has shape " +
              blob.shape_string() + " in the net, " + stored.shape_string() + " in the weights" +
              kRemedy);
}

template <typename Dtype>
void CopyBlob(const LayerParameter& source, int i, Layer<Dtype>* layer) {
  Blob<Dtype>& blob = *layer->blobs()[i];
  const bool same_shape = blob.ShapeEquals(source.blobs(i));
  Blob<Dtype> stored;
  try {
    (same_shape ? blob : stored).FromProto(source.blobs(i), !same_shape);
  } catch (const Error& error) {
    throw Error("parameter " + std::to_string(i) + " of layer '" + source.name() +
                "': " + error.what());
  }
  if (same_shape) return;
  if (!IsFullyConnectedOf(source, stored, *layer, blob)) {
    FailShape("", source.name(), i, blob, stored);
  }
  LOG_IF(INFO, Caffe::root_solver()) << "Fully connected weights of '" << source.name()
                                     << "' become a convolution's of " << blob.shape_string();
  caffe_copy(blob.count(), stored.cpu_data(), blob.mutable_cpu_data());
}

template <typename Dtype>
void CopyFromHdf5(hid_t group, const string& file, const string& layer, int i, Blob<Dtype>* blob) {
  const string dataset = std::to_string(i);
  Blob<Dtype> stored;  // for its shape: no memory is taken
  hdf5_load_nd_dataset_helper(group, dataset.c_str(), 0, kMaxBlobAxes, &stored, true);
  if (stored.shape() != blob->shape()) FailShape(file + ": ", layer, i, *blob, stored);
  hdf5_load_nd_dataset(group, dataset.c_str(), 0, kMaxBlobAxes, blob);
}

template <typename Dtype>
void CopyLayer(const LayerParameter& source, Layer<Dtype>* layer) {
  if (static_cast<int>(layer->blobs().size()) != source.blobs_size()) {
    LOG(FATAL) << "layer '" << source.name() << "' (" << layer->type() << ") has "
               << layer->blobs().size() << " parameter blobs in the net, " << source.blobs_size()
               << " in the weights" << kRemedy;
  }
  for (int i = 0; i < source.blobs_size(); ++i) CopyBlob(source, i, layer);
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
        << ": layer '" << name << "' has another number of parameter blobs in the other net";
    for (size_t j = 0; j < mine.size(); ++j) {
      CHECK(mine[j]->shape() == theirs[j]->shape())
          << "cannot share parameter " << j << " of layer '" << name << "': shape "
          << theirs[j]->shape_string() << " there, " << mine[j]->shape_string() << " here";
      mine[j]->ShareData(*theirs[j]);
    }
  }
}

template <typename Dtype>
vector<string> Net<Dtype>::CopyTrainedLayersFrom(const NetParameter& param) {
  Transfer transfer;
  for (const LayerParameter& source : param.layer()) {
    if (source.blobs_size() > 0) transfer.offered.push_back(source.name());
    const auto found = layer_names_index_.find(source.name());
    if (found == layer_names_index_.end()) {
      LOG_IF(INFO, Caffe::root_solver()) << "Ignoring source layer " << source.name();
      continue;
    }
    CopyLayer(source, layers_[found->second].get());
    if (source.blobs_size() > 0) transfer.taken.push_back(source.name());
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
vector<string> Net<Dtype>::CopyTrainedLayersFromHDF5(const string& trained_filename) {
  const Hdf5File file(trained_filename, H5F_ACC_RDONLY);
  const Hdf5Silence silence;
  const Hdf5Handle data(H5Gopen2(file.id(), "data", H5P_DEFAULT), H5Gclose,
                        trained_filename + " holds no weights (no group 'data')");
  Transfer transfer;
  for (int i = 0; i < hdf5_get_num_links(data); ++i) {
    const string name = hdf5_get_name_by_idx(data, i);
    const Hdf5Handle group(H5Gopen2(data, name.c_str(), H5P_DEFAULT), H5Gclose,
                           trained_filename + ": 'data/" + name + "' is not a group");
    const int stored = hdf5_get_num_links(group);
    if (stored > 0) transfer.offered.push_back(name);
    const auto found = layer_names_index_.find(name);
    if (found == layer_names_index_.end()) {
      LOG_IF(INFO, Caffe::root_solver()) << "Ignoring source layer " << name;
      continue;
    }
    auto& blobs = layers_[found->second]->blobs();
    CHECK_LE(stored, static_cast<int>(blobs.size()))
        << ": " << trained_filename << ": layer '" << name << "' has fewer parameter blobs"
        << kRemedy;
    for (size_t j = 0; j < blobs.size(); ++j) {
      const string dataset = std::to_string(j);
      if (!H5Lexists(group, dataset.c_str(), H5P_DEFAULT)) {
        // Parameters that belong to another layer are stored there only.
        CHECK(param_owners_[param_id_vecs_[found->second][j]] >= 0)
            << trained_filename << " lacks parameter " << j << " of layer '" << name << "'";
        continue;
      }
      CopyFromHdf5(group, trained_filename, name, static_cast<int>(j), blobs[j].get());
    }
    if (!blobs.empty()) transfer.taken.push_back(name);
  }
  transfer.Finish(LayersWithParams(*this));
  return transfer.taken;
}

template <typename Dtype>
void Net<Dtype>::ToProto(NetParameter* param, bool write_diff) const {
  param->Clear();
  param->set_name(name_);
  for (const auto& layer : layers_) layer->ToProto(param->add_layer(), write_diff);
}

template <typename Dtype>
void Net<Dtype>::ToHDF5(const string& filename, bool write_diff) const {
  const Hdf5Silence silence;
  AtomicFile target(filename);
  Hdf5File file(target.temp_name(), H5F_ACC_TRUNC);
  {
    const auto make_group = [](hid_t parent, const string& name) {
      return H5Gcreate2(parent, name.c_str(), H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    };
    const Hdf5Handle data(make_group(file.id(), "data"), H5Gclose, filename + ": group 'data'");
    std::unique_ptr<Hdf5Handle> diff;
    if (write_diff) {
      diff.reset(
          new Hdf5Handle(make_group(file.id(), "diff"), H5Gclose, filename + ": group 'diff'"));
    }
    for (size_t i = 0; i < layers_.size(); ++i) {
      const string& name = layer_names_[i];
      const string error = filename + ": group of layer '" + name + "'";
      const Hdf5Handle layer_data(make_group(data, name), H5Gclose, error);
      std::unique_ptr<Hdf5Handle> layer_diff;
      if (diff) layer_diff.reset(new Hdf5Handle(make_group(*diff, name), H5Gclose, error));
      for (size_t j = 0; j < layers_[i]->blobs().size(); ++j) {
        const int id = param_id_vecs_[i][j];
        const string dataset = std::to_string(j);
        if (param_owners_[id] < 0) hdf5_save_nd_dataset<Dtype>(layer_data, dataset, *params_[id]);
        if (diff) hdf5_save_nd_dataset<Dtype>(*layer_diff, dataset, *params_[id], true);
      }
    }
  }
  file.Close();
  target.Commit();
}

#define INSTANTIATE(Dtype)                                                             \
  template void Net<Dtype>::ShareTrainedLayersWith(const Net*);                        \
  template vector<string> Net<Dtype>::CopyTrainedLayersFrom(const NetParameter&);      \
  template vector<string> Net<Dtype>::CopyTrainedLayersFrom(const string&);            \
  template vector<string> Net<Dtype>::CopyTrainedLayersFromBinaryProto(const string&); \
  template vector<string> Net<Dtype>::CopyTrainedLayersFromHDF5(const string&);        \
  template void Net<Dtype>::ToProto(NetParameter*, bool) const;                        \
  template void Net<Dtype>::ToHDF5(const string&, bool) const
INSTANTIATE(float);
INSTANTIATE(double);

}  // namespace caffe
