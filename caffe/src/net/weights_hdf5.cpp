// Parameters in and out of a net's HDF5 files: data/<layer>/<number>, and diff likewise.
#include <algorithm>
#include <memory>

#include "caffe/util/hdf5.hpp"
#include "net/weights.hpp"
#include "util/hdf5_handle.hpp"

namespace caffe {

namespace {

// A layer's name as a path: parts of it that slashes separate are groups in one another.
vector<string> Ancestors(const string& name) {
  vector<string> paths;
  for (size_t at = name.find('/', 1); at != string::npos; at = name.find('/', at + 1)) {
    paths.push_back(name.substr(0, at));
  }
  paths.push_back(name);
  return paths;
}

bool Exists(hid_t parent, const string& name) {
  for (const string& path : Ancestors(name)) {
    if (H5Lexists(parent, path.c_str(), H5P_DEFAULT) <= 0) return false;
  }
  return true;
}

// The group of a layer, of which another layer's name may have made a part.
hid_t MakeGroup(hid_t parent, const string& name) {
  if (Exists(parent, name)) return H5Gopen2(parent, name.c_str(), H5P_DEFAULT);
  const Hdf5Handle with_ancestors(H5Pcreate(H5P_LINK_CREATE), H5Pclose, "no properties of links");
  H5Pset_create_intermediate_group(with_ancestors, 1);
  return H5Gcreate2(parent, name.c_str(), with_ancestors, H5P_DEFAULT, H5P_DEFAULT);
}

// Parameter `number` of a layer, which is stored in the layer's group.
template <typename Dtype>
struct StoredBlob {
  string layer;
  int number;
  Blob<Dtype>* blob;
};

template <typename Dtype>
void CheckFits(hid_t group, const string& file, const StoredBlob<Dtype>& parameter, Phase phase) {
  const string dataset = std::to_string(parameter.number);
  Blob<Dtype> stored;  // for its shape: no memory is taken
  hdf5_load_nd_dataset_helper(group, dataset.c_str(), 0, kMaxBlobAxes, &stored, true);
  if (stored.shape() != parameter.blob->shape()) {
    FailShape(file + ": ", parameter.layer, parameter.number, phase, *parameter.blob, stored);
  }
}

class LayerGroup : public Hdf5Handle {
 public:
  LayerGroup(hid_t data, const string& layer, const string& file)
      : Hdf5Handle(OpenGroup(data, layer), H5Gclose,
                   file + ": 'data/" + layer + "' is not a group") {}
};

// Lists what is in the file, and says what is for none of the net's layers.
void ListLayers(hid_t data, const string& file, const vector<string>& layers,
                vector<string>* listed) {
  for (int i = 0; i < hdf5_get_num_links(data); ++i) {
    const string name = hdf5_get_name_by_idx(data, i);
    const LayerGroup group(data, name, file);
    if (hdf5_get_num_links(group) > 0) listed->push_back(name);
    const bool known = std::any_of(layers.begin(), layers.end(), [&](const string& layer) {
      return (layer + "/").compare(0, name.size() + 1, name + "/") == 0;
    });
    LOG_IF(INFO, !known && Caffe::root_solver()) << "Ignoring source layer " << name;
  }
}

}  // namespace

// As with messages, all is checked before any of it is copied.
template <typename Dtype>
vector<string> Net<Dtype>::CopyTrainedLayersFromHDF5(const string& trained_filename) {
  const Hdf5File file(trained_filename, H5F_ACC_RDONLY);
  const Hdf5Silence silence;
  const Hdf5Handle data(OpenGroup(file.id(), "data"), H5Gclose,
                        trained_filename + " holds no weights (no group 'data')");
  Transfer transfer;
  ListLayers(data, trained_filename, layer_names_, &transfer.offered);
  vector<StoredBlob<Dtype>> copies;
  for (const auto& layer : layer_names_index_) {
    const string& name = layer.first;
    if (!Exists(data, name)) continue;
    const vector<shared_ptr<Blob<Dtype>>>& blobs = layers_[layer.second]->blobs();
    const LayerGroup group(data, name, trained_filename);
    CHECK(!Exists(group, std::to_string(blobs.size())))
        << trained_filename << ": " << LayerText(name) << " has fewer parameter blobs in the net"
        << RemedyForWeights(phase_);
    for (size_t i = 0; i < blobs.size(); ++i) {
      if (!Exists(group, std::to_string(i))) {
        // Parameters that belong to another layer are stored there only.
        CHECK(param_owners_[param_id_vecs_[layer.second][i]] >= 0)
            << trained_filename << " lacks parameter " << i << " of " << LayerText(name);
        continue;
      }
      copies.push_back({name, static_cast<int>(i), blobs[i].get()});
      CheckFits(group, trained_filename, copies.back(), phase_);
    }
    if (!blobs.empty()) transfer.taken.push_back(name);
  }
  for (const StoredBlob<Dtype>& copy : copies) {
    const LayerGroup group(data, copy.layer, trained_filename);
    hdf5_load_nd_dataset(group, std::to_string(copy.number).c_str(), 0, kMaxBlobAxes, copy.blob);
  }
  transfer.Finish(LayersWithParams(*this));
  return transfer.taken;
}

template <typename Dtype>
void Net<Dtype>::ToHDF5(const string& filename, bool write_diff) const {
  const Hdf5Silence silence;
  WriteHdf5File(filename, [&](hid_t file) {
    const Hdf5Handle data(MakeGroup(file, "data"), H5Gclose, filename + ": group 'data'");
    std::unique_ptr<Hdf5Handle> diff;
    if (write_diff) {
      diff.reset(new Hdf5Handle(MakeGroup(file, "diff"), H5Gclose, filename + ": group 'diff'"));
    }
    for (size_t i = 0; i < layers_.size(); ++i) {
      const string& name = layer_names_[i];
      const string error = filename + ": group of " + LayerText(name);
      const Hdf5Handle layer_data(MakeGroup(data, name), H5Gclose, error);
      std::unique_ptr<Hdf5Handle> layer_diff;
      if (diff) layer_diff.reset(new Hdf5Handle(MakeGroup(*diff, name), H5Gclose, error));
      for (size_t j = 0; j < layers_[i]->blobs().size(); ++j) {
        const int id = param_id_vecs_[i][j];
        const string dataset = std::to_string(j);
        if (param_owners_[id] < 0) hdf5_save_nd_dataset<Dtype>(layer_data, dataset, *params_[id]);
        if (diff) hdf5_save_nd_dataset<Dtype>(*layer_diff, dataset, *params_[id], true);
      }
    }
  });
}

#define INSTANTIATE(Dtype)                                                      \
  template vector<string> Net<Dtype>::CopyTrainedLayersFromHDF5(const string&); \
  template void Net<Dtype>::ToHDF5(const string&, bool) const
INSTANTIATE(float);
INSTANTIATE(double);

}  // namespace caffe
