#ifndef CAFFE_SRC_UTIL_AMOUNT_TEXT_HPP_
#define CAFFE_SRC_UTIL_AMOUNT_TEXT_HPP_

#include <cstdint>
#include <string>

namespace caffe {

/// An amount of memory for a message, in whole MiB; in KiB where it is less than one.
inline std::string BytesText(double bytes) {
  const double mib = 1 << 20, kib = 1 << 10;
  if (bytes >= mib) return std::to_string(static_cast<std::int64_t>(bytes / mib)) + " MiB";
  return std::to_string(static_cast<std::int64_t>(bytes / kib)) + " KiB";
}

}  // namespace caffe

#endif  // CAFFE_SRC_UTIL_AMOUNT_TEXT_HPP_
