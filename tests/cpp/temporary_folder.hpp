#ifndef TESTS_TEMPORARY_FOLDER_HPP_
#define TESTS_TEMPORARY_FOLDER_HPP_

#include <filesystem>
#include <stdexcept>
#include <string>

#include <stdlib.h>

namespace caffe_test {

/// A folder that vanishes with the object.
class TemporaryFolder {
 public:
  TemporaryFolder() : path_((std::filesystem::temp_directory_path() / "test-XXXXXX").string()) {
    if (!mkdtemp(path_.data())) throw std::runtime_error("cannot make the folder " + path_);
  }
  ~TemporaryFolder() { std::filesystem::remove_all(path_); }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  std::string operator/(const std::string& name) const { return path_ + "/" + name; }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

}  // namespace caffe_test

#endif  // TESTS_TEMPORARY_FOLDER_HPP_
