#include "caffe/util/hdf5.hpp"

#include <algorithm>
#include <climits>

#include "caffe/util/plain_text.hpp"
#include "util/hdf5_handle.hpp"

namespace caffe {

namespace {

string FileName(hid_t location) {
  const ssize_t length = H5Fget_name(location, nullptr, 0);
  if (length <= 0) return "the HDF5 file";
  string name(length + 1, '\0');
  H5Fget_name(location, &name[0], name.size());
  name.resize(length);
  return name;
}

[[noreturn]] void Fail(hid_t location, const string& dataset, const string& what) {
  LOG(FATAL) << FileName(location) + ": dataset '" + dataset + "' " + what;
}

// A file from elsewhere may name any file here; what is asked for has to be in the file itself.
const char kElsewhere[] =
    "lies in another file, which is not read (links to other files, external storage, virtual "
    "datasets); copy the values into this one";

herr_t RefuseLink(const char*, const char*, const char*, const char*, unsigned*, hid_t, void* led) {
  *static_cast<bool*>(led) = true;
  return -1;
}

// Properties for opening something in the file itself: links to other files fail, and are noted.
class InThisFile : public Hdf5Handle {
 public:
  explicit InThisFile(hid_t kind)
      : Hdf5Handle(H5Pcreate(kind), H5Pclose, "HDF5 has no room for properties") {
    CHECK(H5Pset_elink_cb(*this, RefuseLink, &led_elsewhere_) >= 0) << "HDF5 takes no properties";
  }
  bool led_elsewhere() const { return led_elsewhere_; }

 private:
  bool led_elsewhere_ = false;
};

bool HasValuesElsewhere(hid_t dataset) {
  const Hdf5Handle creation(H5Dget_create_plist(dataset), H5Pclose, "a dataset has no properties");
  return H5Pget_layout(creation) == H5D_VIRTUAL || H5Pget_external_count(creation) > 0;
}

// Throws where a dataset or its values are in another file.
void CheckIsInThisFile(hid_t location, const string& name) {
  const InThisFile access(H5P_DATASET_ACCESS);
  const hid_t id = H5Dopen2(location, name.c_str(), access);
  if (access.led_elsewhere()) Fail(location, name, kElsewhere);
  const Hdf5Handle dataset(id, H5Dclose,
                           FileName(location) + ": dataset '" + name + "' cannot be opened");
  if (HasValuesElsewhere(dataset)) Fail(location, name, kElsewhere);
}

Hdf5Handle OpenDataset(hid_t location, const string& name) {
  return Hdf5Handle(H5Dopen2(location, name.c_str(), H5P_DEFAULT), H5Dclose,
                    FileName(location) + ": dataset '" + name + "' cannot be opened");
}

// What a dataset is compressed with that this HDF5 knows nothing of, else nothing.
string MissingFilter(hid_t location, const string& name) {
  const Hdf5Handle dataset = OpenDataset(location, name);
  const Hdf5Handle creation(H5Dget_create_plist(dataset), H5Pclose, "a dataset has no properties");
  const int filters = H5Pget_nfilters(creation);
  for (int i = 0; i < filters; ++i) {
    char label[80] = "";
    size_t values = 0;
    unsigned flags = 0;
    unsigned config = 0;
    const H5Z_filter_t filter = H5Pget_filter2(creation, static_cast<unsigned>(i), &flags, &values,
                                               nullptr, sizeof(label) - 1, label, &config);
    if (filter < 0 || H5Zfilter_avail(filter) > 0) continue;
    return *label ? string(label) : "filter " + std::to_string(filter);
  }
  return "";
}

[[noreturn]] void FailToRead(hid_t location, const string& name) {
  const string filter = MissingFilter(location, name);
  if (filter.empty()) Fail(location, name, "cannot be read");
  Fail(
      location, name,
      "is compressed with " + filter + ", which this HDF5 library cannot read: store it with gzip");
}

struct DatasetInfo {
  vector<hsize_t> dims;
  H5T_class_t type = H5T_NO_CLASS;
  size_t value_size = 0;
};

// Bytes that the values take in the file.
uint64_t StoredBytes(hid_t location, const string& name) {
  const Hdf5Handle dataset = OpenDataset(location, name);
  const Hdf5Handle file(H5Iget_file_id(dataset), H5Fclose, "a dataset has no file");
  hsize_t file_size = 0;
  H5Fget_filesize(file, &file_size);
  // A damaged header may claim any size, but not more than the file has.
  return std::min<uint64_t>(H5Dget_storage_size(dataset), file_size);
}

DatasetInfo Inspect(hid_t location, const string& name, int min_dim, int max_dim) {
  if (H5LTfind_dataset(location, name.c_str()) <= 0) {
    Fail(location, name, "does not exist");
  }
  CheckIsInThisFile(location, name);
  DatasetInfo info;
  int dims = 0;
  if (H5LTget_dataset_ndims(location, name.c_str(), &dims) < 0) {
    Fail(location, name, "cannot be read");
  }
  if (dims < min_dim || dims > max_dim) {
    Fail(location, name,
         "has " + std::to_string(dims) + " axes; " + std::to_string(min_dim) + " to " +
             std::to_string(max_dim) + " are expected");
  }
  info.dims.resize(dims);
  if (H5LTget_dataset_info(location, name.c_str(), info.dims.data(), &info.type, &info.value_size) <
      0) {
    Fail(location, name, "cannot be read");
  }
  return info;
}

vector<int> PlausibleShape(hid_t location, const string& name, const DatasetInfo& info) {
  vector<int> shape;
  int64_t count = 1;
  for (const hsize_t dim : info.dims) {
    if (dim > INT_MAX || (count *= static_cast<int64_t>(dim)) > INT_MAX) {
      Fail(location, name, "has more values than a blob can hold (2^31 - 1)");
    }
    shape.push_back(static_cast<int>(dim));
  }
  // Deflate, the strongest usual filter, shrinks to about 1/1032 at best; small sets may be unset.
  const uint64_t claimed = static_cast<uint64_t>(count) * info.value_size;
  const uint64_t plausible = (uint64_t(1) << 20) + 1100 * StoredBytes(location, name);
  if (claimed > plausible) {
    Fail(location, name, "claims far more values than the file holds; it is damaged");
  }
  return shape;
}

void CheckClass(hid_t location, const string& name, H5T_class_t type) {
  if (type != H5T_FLOAT && type != H5T_INTEGER) {
    Fail(location, name, "holds no numbers but something else (strings, compounds ...)");
  }
}

// Throws where a dataset of texts holds pointers to them only.
void CheckFixedLength(hid_t location, const string& name) {
  const Hdf5Handle dataset = OpenDataset(location, name);
  const Hdf5Handle type(H5Dget_type(dataset), H5Tclose, "a dataset has no type");
  if (H5Tis_variable_str(type) > 0) {
    Fail(location, name, "holds a text of variable length; one of fixed length is needed");
  }
}

herr_t Read(hid_t file, const char* name, float* values) {
  return H5LTread_dataset_float(file, name, values);
}
herr_t Read(hid_t file, const char* name, double* values) {
  return H5LTread_dataset_double(file, name, values);
}
hid_t NativeType(float) { return H5T_NATIVE_FLOAT; }
hid_t NativeType(double) { return H5T_NATIVE_DOUBLE; }
hid_t NativeType(int) { return H5T_NATIVE_INT; }

string CannotWrite(hid_t location, const string& name) {
  return FileName(location) + ": dataset '" + name + "' cannot be written: is the disk full?";
}

// Properties of new datasets. Without times of creation in them, equal contents give equal files.
class Creation : public Hdf5Handle {
 public:
  explicit Creation(const string& failure)
      : Hdf5Handle(H5Pcreate(H5P_DATASET_CREATE), H5Pclose, failure) {
    CHECK(H5Pset_obj_track_times(*this, false) >= 0) << failure;
  }
};

// Brings written values to the file now. HDF5 keeps what is small until the dataset is closed, and
// that they cannot be written then is not seen any more.
void WriteValues(hid_t dataset, hid_t type, hid_t memory, hid_t place, const void* values,
                 const string& failure) {
  if (H5Dwrite(dataset, type, memory, place, H5P_DEFAULT, values) < 0 || H5Dflush(dataset) < 0) {
    LOG(FATAL) << failure;
  }
}

// A new dataset with its values.
void Write(hid_t location, const string& name, hid_t type, hid_t space, const void* values) {
  const string failure = CannotWrite(location, name);
  const Creation creation(failure);
  const Hdf5Handle dataset(
      H5Dcreate2(location, name.c_str(), type, space, H5P_DEFAULT, creation, H5P_DEFAULT), H5Dclose,
      failure);
  WriteValues(dataset, type, H5S_ALL, H5S_ALL, values, failure);
}

template <typename Number>
void WriteArray(hid_t location, const string& name, const vector<hsize_t>& dims,
                const Number* values) {
  const int axes = static_cast<int>(dims.size());
  const Hdf5Handle space(H5Screate_simple(axes, dims.data(), nullptr), H5Sclose,
                         CannotWrite(location, name));
  Write(location, name, NativeType(Number()), space, values);
}

string ShapeText(const vector<int>& shape) {
  PlainText text;
  for (size_t i = 0; i < shape.size(); ++i) text << (i ? " x " : "") << shape[i];
  return text.str();
}

}  // namespace

hid_t OpenGroup(hid_t parent, const string& name) {
  const Hdf5Silence quiet;
  const InThisFile access(H5P_GROUP_ACCESS);
  const hid_t group = H5Gopen2(parent, name.c_str(), access);
  if (access.led_elsewhere()) {
    LOG(FATAL) << FileName(parent) + ": group '" + name + "' " + kElsewhere;
  }
  return group;
}

template <typename Dtype>
void hdf5_load_nd_dataset_helper(hid_t file_id, const char* dataset_name_, int min_dim, int max_dim,
                                 Blob<Dtype>* blob, bool reshape) {
  const Hdf5Silence quiet;
  const DatasetInfo info = Inspect(file_id, dataset_name_, min_dim, max_dim);
  CheckClass(file_id, dataset_name_, info.type);
  const vector<int> shape = PlausibleShape(file_id, dataset_name_, info);
  if (reshape) {
    blob->Reshape(shape);
  } else if (shape != blob->shape()) {
    Fail(file_id, dataset_name_,
         "has shape " + ShapeText(shape) + "; the blob has " + ShapeText(blob->shape()));
  }
}

template <typename Dtype>
void hdf5_load_nd_dataset(hid_t file_id, const char* dataset_name_, int min_dim, int max_dim,
                          Blob<Dtype>* blob, bool reshape) {
  hdf5_load_nd_dataset_helper(file_id, dataset_name_, min_dim, max_dim, blob, reshape);
  const Hdf5Silence quiet;
  if (Read(file_id, dataset_name_, blob->mutable_cpu_data()) < 0) {
    FailToRead(file_id, dataset_name_);
  }
}

template <typename Dtype>
void hdf5_save_nd_dataset(const hid_t file_id, const string& dataset_name, const Blob<Dtype>& blob,
                          bool write_diff) {
  const Hdf5Silence quiet;
  const vector<hsize_t> dims(blob.shape().begin(), blob.shape().end());
  const Dtype* values = write_diff ? blob.cpu_diff() : blob.cpu_data();
  WriteArray(file_id, dataset_name, dims, values);
}

namespace {

// An empty dataset that can grow along its first axis.
void MakeGrowing(hid_t file, const string& name, hid_t type, const vector<hsize_t>& dims,
                 const string& failure) {
  const int axes = static_cast<int>(dims.size());
  vector<hsize_t> none = dims;
  none[0] = 0;
  vector<hsize_t> most = dims;
  most[0] = H5S_UNLIMITED;
  const Hdf5Handle space(H5Screate_simple(axes, none.data(), most.data()), H5Sclose, failure);
  const Creation creation(failure);
  H5Pset_chunk(creation, axes, dims.data());
  const Hdf5Handle dataset(
      H5Dcreate2(file, name.c_str(), type, space, H5P_DEFAULT, creation, H5P_DEFAULT), H5Dclose,
      failure);
}

}  // namespace

template <typename Dtype>
void hdf5_append_rows(hid_t file_id, const string& dataset_name, const Blob<Dtype>& blob) {
  const Hdf5Silence quiet;
  if (blob.num_axes() == 0 || blob.count() == 0) Fail(file_id, dataset_name, "gets an empty blob");
  const vector<hsize_t> rows(blob.shape().begin(), blob.shape().end());
  const int axes = blob.num_axes();
  const hid_t type = NativeType(Dtype());
  const string failure = CannotWrite(file_id, dataset_name);
  if (H5LTfind_dataset(file_id, dataset_name.c_str()) <= 0) {
    MakeGrowing(file_id, dataset_name, type, rows, failure);
  }
  vector<hsize_t> dims = Inspect(file_id, dataset_name, axes, axes).dims;
  if (!std::equal(rows.begin() + 1, rows.end(), dims.begin() + 1)) {
    Fail(file_id, dataset_name,
         "has rows of another shape than the blob of " + ShapeText(blob.shape()) +
             " that is to be added");
  }
  vector<hsize_t> start(axes, 0);
  start[0] = dims[0];
  dims[0] += rows[0];
  const Hdf5Handle dataset = OpenDataset(file_id, dataset_name);
  if (H5Dset_extent(dataset, dims.data()) < 0) LOG(FATAL) << failure;
  const Hdf5Handle memory(H5Screate_simple(axes, rows.data(), nullptr), H5Sclose, failure);
  const Hdf5Handle place(H5Dget_space(dataset), H5Sclose, failure);
  H5Sselect_hyperslab(place, H5S_SELECT_SET, start.data(), nullptr, rows.data(), nullptr);
  WriteValues(dataset, type, memory, place, blob.cpu_data(), failure);
}

#define INSTANTIATE_HDF5(Dtype)                                                                \
  template void hdf5_load_nd_dataset_helper<Dtype>(hid_t, const char*, int, int, Blob<Dtype>*, \
                                                   bool);                                      \
  template void hdf5_load_nd_dataset<Dtype>(hid_t, const char*, int, int, Blob<Dtype>*, bool); \
  template void hdf5_append_rows<Dtype>(hid_t, const string&, const Blob<Dtype>&);             \
  template void hdf5_save_nd_dataset<Dtype>(const hid_t, const string&, const Blob<Dtype>&, bool)
INSTANTIATE_HDF5(float);
INSTANTIATE_HDF5(double);
#undef INSTANTIATE_HDF5

int hdf5_load_int(hid_t loc_id, const string& dataset_name) {
  const Hdf5Silence quiet;
  const DatasetInfo info = Inspect(loc_id, dataset_name, 0, 1);
  if (!info.dims.empty() && info.dims[0] != 1) Fail(loc_id, dataset_name, "is no single number");
  CheckClass(loc_id, dataset_name, info.type);
  int value = 0;
  if (H5LTread_dataset_int(loc_id, dataset_name.c_str(), &value) < 0) {
    FailToRead(loc_id, dataset_name);
  }
  return value;
}

void hdf5_save_int(hid_t loc_id, const string& dataset_name, int i) {
  const Hdf5Silence quiet;
  WriteArray(loc_id, dataset_name, {1}, &i);
}

string hdf5_load_string(hid_t loc_id, const string& dataset_name) {
  const Hdf5Silence quiet;
  const DatasetInfo info = Inspect(loc_id, dataset_name, 0, 1);
  if (info.type != H5T_STRING || info.value_size > StoredBytes(loc_id, dataset_name)) {
    Fail(loc_id, dataset_name, "holds no text");
  }
  if (!info.dims.empty() && info.dims[0] != 1) Fail(loc_id, dataset_name, "is no single text");
  CheckFixedLength(loc_id, dataset_name);
  vector<char> text(info.value_size + 1, '\0');
  if (H5LTread_dataset_string(loc_id, dataset_name.c_str(), text.data()) < 0) {
    FailToRead(loc_id, dataset_name);
  }
  return string(text.data());
}

void hdf5_save_string(hid_t loc_id, const string& dataset_name, const string& s) {
  const Hdf5Silence quiet;
  const string failure = CannotWrite(loc_id, dataset_name);
  const Hdf5Handle type(H5Tcopy(H5T_C_S1), H5Tclose, failure);
  H5Tset_size(type, s.size() + 1);
  const Hdf5Handle space(H5Screate(H5S_SCALAR), H5Sclose, failure);
  Write(loc_id, dataset_name, type, space, s.c_str());
}

int hdf5_get_num_links(hid_t loc_id) {
  const Hdf5Silence quiet;
  H5G_info_t info;
  if (H5Gget_info(loc_id, &info) < 0) LOG(FATAL) << FileName(loc_id) + ": cannot list a group";
  return static_cast<int>(std::min<hsize_t>(info.nlinks, INT_MAX));
}

string hdf5_get_name_by_idx(hid_t loc_id, int idx) {
  const Hdf5Silence quiet;
  const auto name_at = [&](char* buffer, size_t size) {
    return H5Lget_name_by_idx(loc_id, ".", H5_INDEX_NAME, H5_ITER_INC, static_cast<hsize_t>(idx),
                              buffer, size, H5P_DEFAULT);
  };
  const ssize_t length = name_at(nullptr, 0);
  if (length < 0) {
    LOG(FATAL) << FileName(loc_id) + ": has no entry number " + std::to_string(idx);
  }
  string name(length + 1, '\0');
  name_at(&name[0], name.size());
  name.resize(length);
  return name;
}

}  // namespace caffe
