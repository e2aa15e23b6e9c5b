#ifndef TESTS_RUNTIME_FILES_HPP_
#define TESTS_RUNTIME_FILES_HPP_

#include <fstream>
#include <sstream>
#include <string>

#include "errors.hpp"
#include "temporary_folder.hpp"

namespace caffe_test {

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
