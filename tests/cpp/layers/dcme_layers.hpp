#ifndef TESTS_LAYERS_DCME_LAYERS_HPP_
#define TESTS_LAYERS_DCME_LAYERS_HPP_

#include <stdexcept>
#include <string>

#include <google/protobuf/text_format.h>
#include <gtest/gtest.h>

#include "caffe/blob.hpp"
#include "caffe/layer.hpp"
#include "errors.hpp"
#include "from_text.hpp"
#include "layer_case.hpp"

namespace dcme_test {

using caffe::Blob;
using caffe_test::ErrorOf;
using caffe_test::LayerCase;

// A layer's parameter: `text` in the syntax of LayerParameter, `own` in that of the DCME message.
// Where these tests are built for a Caffe without the message, `own` travels as param_str.
inline caffe::LayerParameter layer_parameter(const std::string& type, const std::string& own,
                                             const std::string& text = "") {
  auto parameter = caffe_test::FromText<caffe::LayerParameter>(text);
  parameter.set_name("layer");
  parameter.set_type(type);
#ifdef DCME_FOREIGN_CAFFE
  parameter.mutable_python_param()->set_param_str(own);
#else
  google::protobuf::Message* message = &parameter;
  const std::string field = type == "DCMELoss" ? "dcme_loss_param" : "dcme_data_param";
  message = message->GetReflection()->MutableMessage(
      message, message->GetDescriptor()->FindFieldByName(field));
  if (!google::protobuf::TextFormat::ParseFromString(own, message)) {
    throw std::invalid_argument("no " + field + ": " + own);
  }
#endif
  return parameter;
}

}  // namespace dcme_test

#endif  // TESTS_LAYERS_DCME_LAYERS_HPP_
