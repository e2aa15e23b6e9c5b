#ifndef TESTS_RUNTIME_FILES_HPP_
#define TESTS_RUNTIME_FILES_HPP_

#include <fstream>
#include <sstream>
#include <string>

#include <signal.h>
#include <sys/resource.h>

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

/// A file that opens like any other, and whose first bytes cannot be read.
inline const char kUnreadable[] = "/proc/self/mem";

/// As on a full disk, no file grows beyond `bytes` while this lives.
class FullDisk {
 public:
  explicit FullDisk(rlim_t bytes) : handler_(signal(SIGXFSZ, SIG_IGN)) {
    getrlimit(RLIMIT_FSIZE, &before_);
    rlimit limit = before_;
    limit.rlim_cur = bytes;
    setrlimit(RLIMIT_FSIZE, &limit);
  }
  ~FullDisk() {
    setrlimit(RLIMIT_FSIZE, &before_);
    signal(SIGXFSZ, handler_);
  }
  FullDisk(const FullDisk&) = delete;
  FullDisk& operator=(const FullDisk&) = delete;

 private:
  rlimit before_;
  sighandler_t handler_;
};

}  // namespace caffe_test

#endif  // TESTS_RUNTIME_FILES_HPP_
