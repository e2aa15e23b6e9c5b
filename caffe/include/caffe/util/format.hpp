#ifndef CAFFE_UTIL_FORMAT_HPP_
#define CAFFE_UTIL_FORMAT_HPP_

#include <iomanip>
#include <string>

#include "caffe/util/plain_text.hpp"

namespace caffe {

/// The number in decimal, filled up with zeros to at least `numberOfLeadingZeros` characters.
inline std::string format_int(int n, int numberOfLeadingZeros = 0) {
  PlainText text;
  text << std::setw(numberOfLeadingZeros) << std::setfill('0') << n;
  return text.str();
}

/// An output of a net as logs show it, e.g. "loss = 0.5 (* 2 = 1 loss)"; without the part in
/// parentheses where its loss_weight is 0.
inline std::string OutputText(const std::string& name, double value, double loss_weight) {
  PlainText text;
  text << name << " = " << value;
  if (loss_weight != 0) text << " (* " << loss_weight << " = " << loss_weight * value << " loss)";
  return text.str();
}

}  // namespace caffe

#endif  // CAFFE_UTIL_FORMAT_HPP_
