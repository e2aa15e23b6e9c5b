#ifndef TESTS_RUNTIME_BLOB_VALUES_HPP_
#define TESTS_RUNTIME_BLOB_VALUES_HPP_

#include <vector>

#include "caffe/blob.hpp"

namespace caffe_test {

inline std::vector<float> ValuesOf(const caffe::Blob<float>& blob) {
  return {blob.cpu_data(), blob.cpu_data() + blob.count()};
}

}  // namespace caffe_test

#endif  // TESTS_RUNTIME_BLOB_VALUES_HPP_
