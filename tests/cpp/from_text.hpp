#ifndef TESTS_FROM_TEXT_HPP_
#define TESTS_FROM_TEXT_HPP_

#include <string>

#include <google/protobuf/text_format.h>

#include "caffe/common.hpp"

namespace caffe_test {

/// The message of a prototxt; an Error where it is none of this type.
template <typename Message>
Message FromText(const std::string& text) {
  Message message;
  CHECK(google::protobuf::TextFormat::ParseFromString(text, &message)) << text;
  return message;
}

}  // namespace caffe_test

#endif  // TESTS_FROM_TEXT_HPP_
