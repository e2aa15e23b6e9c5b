#ifndef TESTS_RUNTIME_AS_LARGE_HPP_
#define TESTS_RUNTIME_AS_LARGE_HPP_

#include "core/large_blobs.hpp"

namespace caffe_test {

/// Lets nets treat all blobs as large ones for as long as it lives.
class AsLarge {
 public:
  AsLarge() : before_(caffe::LargeBlobs::Get()) { caffe::LargeBlobs::Get() = {0, 0, 4096}; }
  ~AsLarge() { caffe::LargeBlobs::Get() = before_; }
  AsLarge(const AsLarge&) = delete;
  AsLarge& operator=(const AsLarge&) = delete;

 private:
  const caffe::LargeBlobs before_;
};

}  // namespace caffe_test

#endif  // TESTS_RUNTIME_AS_LARGE_HPP_
