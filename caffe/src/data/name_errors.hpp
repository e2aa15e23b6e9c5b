#ifndef CAFFE_SRC_DATA_NAME_ERRORS_HPP_
#define CAFFE_SRC_DATA_NAME_ERRORS_HPP_

#include <string>

#include "caffe/common.hpp"

namespace caffe {

/// Calls `use`. Where that throws Error, the one thrown here says what it was about: `name()`.
template <typename Name, typename Use>
void NameErrors(const Name& name, const Use& use) {
  try {
    use();
  } catch (const Error& e) {
    throw Error(name() + ": " + e.what());
  }
}

}  // namespace caffe

#endif  // CAFFE_SRC_DATA_NAME_ERRORS_HPP_
