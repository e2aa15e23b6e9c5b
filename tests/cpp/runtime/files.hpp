#ifndef TESTS_RUNTIME_FILES_HPP_
#define TESTS_RUNTIME_FILES_HPP_

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

#include <gtest/gtest.h>

#include "caffe/util/io.hpp"

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

// The message of the Error that `act` throws; a failure where it throws none.
template <typename Act>
std::string ErrorOf(const Act& act) {
  try {
    act();
  } catch (const caffe::Error& e) {
    return e.what();
  }
  ADD_FAILURE() << "no error";
  return "";
}

inline bool Contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace caffe_test

#define EXPECT_ERROR_NAMES(statement, part)                                          \
  do {                                                                               \
    const std::string message = caffe_test::ErrorOf([&] { statement; });             \
    EXPECT_TRUE(caffe_test::Contains(message, part)) << "the error is: " << message; \
  } while (false)

#endif  // TESTS_RUNTIME_FILES_HPP_
