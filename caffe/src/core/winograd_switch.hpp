#ifndef CAFFE_SRC_CORE_WINOGRAD_SWITCH_HPP_
#define CAFFE_SRC_CORE_WINOGRAD_SWITCH_HPP_

#include <cstdlib>
#include <cstring>

namespace caffe {

/// Whether convolutions may be computed by our code for Winograd's algorithm, on the CPU and on the
/// GPU: CAFFE_WINOGRAD=0 in the environment turns it off. What cuDNN offers of it stays.
inline bool MayUseWinograd() {
  const char* value = std::getenv("CAFFE_WINOGRAD");
  return !value || std::strcmp(value, "0") != 0;
}

}  // namespace caffe

#endif  // CAFFE_SRC_CORE_WINOGRAD_SWITCH_HPP_
