#ifndef TESTS_RUNTIME_FILES_HPP_
#define TESTS_RUNTIME_FILES_HPP_

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

#include "caffe/util/io.hpp"
#include "errors.hpp"

namespace caffe_test {

// A folder that vanishes with the object.
class TemporaryFolder {
 public:
  TemporaryFolder() { caffe::MakeTempDir(&path_); }
  ~TemporaryFolder() { std::filesystem::remove_all(path_); }
  std::string operator/(const std::string& name) const { return path_ + "/" + name; }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

inline void Write(const std::string& path, const std::string& contents) {
  std::ofstream(path, std::ios::binary) << contents;
}

inline std::string Contents(const std::string& path) {
  std::ostringstream text;
  text << std::ifstream(path, std::ios::binary).rdbuf();
  return text.str();
}

}  // namespace caffe_test

#endif  // TESTS_RUNTIME_FILES_HPP_
