#ifndef CAFFE_UTIL_HDF5_HPP_
#define CAFFE_UTIL_HDF5_HPP_

/// Blobs, integers and strings in HDF5 files. All functions throw Error with the dataset's name;
/// sizes that a file claims are checked before memory is taken for them.

#include <string>

#include "caffe/blob.hpp"
#include "hdf5.h"
#include "hdf5_hl.h"

namespace caffe {

/// Opens a file for reading (H5F_ACC_RDONLY) or creates it (H5F_ACC_TRUNC), and closes it.
class Hdf5File {
 public:
  Hdf5File(const string& path, unsigned flags);
  ~Hdf5File();

  hid_t id() const { return id_; }
  /// Writes what HDF5 still holds; Close() then ends the use of the file. Of a file that was
  /// written call one of them at the end: it throws Error where the destructor could not tell of a
  /// full disk.
  void Flush();
  void Close();

 private:
  string CannotFinish() const;

  string path_;
  hid_t id_;

  DISABLE_COPY_AND_ASSIGN(Hdf5File);
};

/// Checks that a dataset exists, has between min_dim and max_dim axes and numbers for values, and
/// gives the blob its shape: by Reshape where `reshape`, else it has to have it already.
template <typename Dtype>
void hdf5_load_nd_dataset_helper(hid_t file_id, const char* dataset_name_, int min_dim, int max_dim,
                                 Blob<Dtype>* blob, bool reshape);

/// Reads a dataset of floating point or whole numbers into a blob's data.
template <typename Dtype>
void hdf5_load_nd_dataset(hid_t file_id, const char* dataset_name_, int min_dim, int max_dim,
                          Blob<Dtype>* blob, bool reshape = false);

/// Writes a blob's data (or diff) as a dataset of its shape and precision.
template <typename Dtype>
void hdf5_save_nd_dataset(const hid_t file_id, const string& dataset_name, const Blob<Dtype>& blob,
                          bool write_diff = false);

/// Adds a blob's data to a dataset along the first axis; makes the dataset where it does not exist.
template <typename Dtype>
void hdf5_append_rows(hid_t file_id, const string& dataset_name, const Blob<Dtype>& blob);

int hdf5_load_int(hid_t loc_id, const string& dataset_name);
void hdf5_save_int(hid_t loc_id, const string& dataset_name, int i);
string hdf5_load_string(hid_t loc_id, const string& dataset_name);
void hdf5_save_string(hid_t loc_id, const string& dataset_name, const string& s);

/// Number of datasets and groups inside a group, and their names in increasing order.
int hdf5_get_num_links(hid_t loc_id);
string hdf5_get_name_by_idx(hid_t loc_id, int idx);

}  // namespace caffe

#endif  // CAFFE_UTIL_HDF5_HPP_
