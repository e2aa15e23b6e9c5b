#ifndef CAFFE_SRC_UTIL_HDF5_HANDLE_HPP_
#define CAFFE_SRC_UTIL_HDF5_HANDLE_HPP_

#include <functional>
#include <string>

#include <hdf5.h>

#include "caffe/common.hpp"

namespace caffe {

/// Closes an HDF5 object (file, group, ...) when it goes out of scope.
class Hdf5Handle {
 public:
  using Closer = herr_t (*)(hid_t);

  /// Throws Error(`otherwise`) where the id is not valid.
  Hdf5Handle(hid_t id, Closer closer, const string& otherwise) : id_(id), closer_(closer) {
    CHECK(id_ >= 0) << otherwise;
  }
  ~Hdf5Handle() { closer_(id_); }
  operator hid_t() const { return id_; }

 private:
  hid_t id_;
  Closer closer_;

  DISABLE_COPY_AND_ASSIGN(Hdf5Handle);
};

/// Opens a group of a file: an id to be closed with H5Gclose, below 0 where there is none. Throws
/// Error naming the file where the group is a link to another file.
hid_t OpenGroup(hid_t parent, const string& name);

/// Makes an HDF5 file appear whole or not at all: `fill` writes into it. Throws Error naming
/// `path`.
void WriteHdf5File(const string& path, const std::function<void(hid_t file)>& fill);

/// Keeps HDF5 from printing its error stack; errors are reported as exceptions instead.
class Hdf5Silence {
 public:
  Hdf5Silence() {
    H5Eget_auto2(H5E_DEFAULT, &function_, &data_);
    H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr);
  }
  ~Hdf5Silence() { H5Eset_auto2(H5E_DEFAULT, function_, data_); }

 private:
  H5E_auto2_t function_ = nullptr;
  void* data_ = nullptr;

  DISABLE_COPY_AND_ASSIGN(Hdf5Silence);
};

/// Whether HDF5 knows the file as one of its own; false where it cannot be read.
inline bool IsHdf5(const std::string& file) {
  const Hdf5Silence quiet;
  return H5Fis_hdf5(file.c_str()) > 0;
}

}  // namespace caffe

#endif  // CAFFE_SRC_UTIL_HDF5_HANDLE_HPP_
