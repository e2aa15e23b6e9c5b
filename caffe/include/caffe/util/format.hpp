#ifndef CAFFE_UTIL_FORMAT_HPP_
#define CAFFE_UTIL_FORMAT_HPP_

#include <iomanip>
#include <sstream>
#include <string>

namespace caffe {

/// The number in decimal, filled up with zeros to at least `numberOfLeadingZeros` characters.
inline std::string format_int(int n, int numberOfLeadingZeros = 0) {
  std::ostringstream text;
  text << std::setw(numberOfLeadingZeros) << std::setfill('0') << n;
  return text.str();
}

}  // namespace caffe

#endif  // CAFFE_UTIL_FORMAT_HPP_
