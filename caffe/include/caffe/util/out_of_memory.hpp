#ifndef CAFFE_UTIL_OUT_OF_MEMORY_HPP_
#define CAFFE_UTIL_OUT_OF_MEMORY_HPP_

#include <new>
#include <string>

namespace caffe {

/// A std::bad_alloc that says where the host's memory ran out and what to do.
class OutOfMemory : public std::bad_alloc {
 public:
  explicit OutOfMemory(const std::string& where)
      : what_(where + "out of memory: use a smaller batch or input") {}
  /// One of which it is known by now that it was in `where`, too.
  OutOfMemory(const std::string& where, const OutOfMemory& error) : what_(where + error.what_) {}
  const char* what() const noexcept override { return what_.c_str(); }

 private:
  std::string what_;
};

}  // namespace caffe

#endif  // CAFFE_UTIL_OUT_OF_MEMORY_HPP_
