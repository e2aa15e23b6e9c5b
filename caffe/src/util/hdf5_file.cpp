#include <fstream>

#include "caffe/util/atomic_file.hpp"
#include "caffe/util/hdf5.hpp"
#include "util/hdf5_handle.hpp"

namespace caffe {

namespace {

// At the end of a process HDF5 tries once more to write a file that the disk had no room for, and
// crashes. All our files are closed by then. To be said before anything else is asked of HDF5.
const herr_t kNothingAtExit = H5dont_atexit();

}  // namespace

Hdf5File::Hdf5File(const string& path, unsigned flags) : path_(path) {
  const Hdf5Silence quiet;
  const bool create = flags & H5F_ACC_TRUNC;
  id_ = create ? H5Fcreate(path.c_str(), flags, H5P_DEFAULT, H5P_DEFAULT)
               : H5Fopen(path.c_str(), flags, H5P_DEFAULT);
  if (id_ >= 0) return;
  if (create) LOG(FATAL) << "cannot write the HDF5 file " << path;
  const bool exists = std::ifstream(path).good();
  LOG(FATAL) << path << ": " << (exists ? "is no HDF5 file, or a damaged one" : "cannot be opened");
}

Hdf5File::~Hdf5File() {
  const Hdf5Silence quiet;
  if (id_ >= 0) H5Fclose(id_);
}

void Hdf5File::Flush() {
  const Hdf5Silence quiet;
  CHECK(H5Fflush(id_, H5F_SCOPE_GLOBAL) >= 0) << CannotFinish();
}

void Hdf5File::Close() {
  Flush();
  const hid_t id = id_;
  id_ = -1;
  const Hdf5Silence quiet;
  CHECK(H5Fclose(id) >= 0) << CannotFinish();
}

string Hdf5File::CannotFinish() const {
  return "cannot write all of the HDF5 file " + path_ + ": is the disk full?";
}

void WriteHdf5File(const string& path, const std::function<void(hid_t file)>& fill) {
  AtomicFile target(path);
  try {
    Hdf5File file(target.temp_name(), H5F_ACC_TRUNC);
    fill(file.id());
    file.Close();
  } catch (const Error& error) {
    // Nobody knows the temporary name.
    string message = error.what();
    const size_t name = message.find(target.temp_name());
    if (name != string::npos) message.replace(name, target.temp_name().size(), path);
    throw Error(message);
  }
  target.Commit();
}

}  // namespace caffe
