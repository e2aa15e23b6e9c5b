#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>

#include "caffe/util/io.hpp"

namespace caffe {

void MakeTempDir(string* temp_dirname) {
  string name = (std::filesystem::temp_directory_path() / "caffe-XXXXXX").string();
  if (!mkdtemp(&name[0])) {
    LOG(FATAL) << "cannot make the folder " << name << ": " << std::strerror(errno);
  }
  *temp_dirname = name;
}

void MakeTempFilename(string* temp_filename) {
  string folder;
  MakeTempDir(&folder);
  *temp_filename = folder + "/file";
}

}  // namespace caffe
