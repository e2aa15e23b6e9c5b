#ifndef TESTS_IN_MODE_HPP_
#define TESTS_IN_MODE_HPP_

#include "caffe/common.hpp"

namespace caffe_test {

/// Puts the thread into a mode for as long as it lives.
class InMode {
 public:
  explicit InMode(caffe::Caffe::Brew mode) : before_(caffe::Caffe::mode()) {
    caffe::Caffe::set_mode(mode);
  }
  ~InMode() { caffe::Caffe::set_mode(before_); }
  InMode(const InMode&) = delete;
  InMode& operator=(const InMode&) = delete;

 private:
  const caffe::Caffe::Brew before_;
};

}  // namespace caffe_test

#endif  // TESTS_IN_MODE_HPP_
