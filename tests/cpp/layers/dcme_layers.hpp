#ifndef TESTS_LAYERS_DCME_LAYERS_HPP_
#define TESTS_LAYERS_DCME_LAYERS_HPP_

#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include <google/protobuf/text_format.h>
#include <gtest/gtest.h>

#include "caffe/blob.hpp"
#include "caffe/layer.hpp"

namespace dcme_test {

using caffe::Blob;

// A layer's parameter: `text` in the syntax of LayerParameter, `own` in that of the DCME message.
// Where these tests are built for a Caffe without the message, `own` travels as param_str.
inline caffe::LayerParameter layer_parameter(const std::string& type, const std::string& own,
                                             const std::string& text = "") {
  caffe::LayerParameter parameter;
  if (!google::protobuf::TextFormat::ParseFromString(text, &parameter)) {
    throw std::invalid_argument("no layer parameter: " + text);
  }
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

// The message of the exception that `action` throws; empty if it throws none.
template <typename Action>
std::string error_of(const Action& action) {
  try {
    action();
  } catch (const std::exception& error) {
    return error.what();
  }
  return "";
}

#define EXPECT_ERROR(action, part)                                                \
  EXPECT_NE(::dcme_test::error_of([&] { action; }).find(part), std::string::npos) \
      << "error: '" << ::dcme_test::error_of([&] { action; }) << "'"

// A layer with blobs of its own.
template <typename Dtype>
struct LayerUnderTest {
  explicit LayerUnderTest(const caffe::LayerParameter& parameter, int tops = 1)
      : layer(caffe::LayerRegistry<Dtype>::CreateLayer(parameter)) {
    for (int t = 0; t < tops; ++t) add(&top);
  }

  Blob<Dtype>* add_bottom(const std::vector<int>& shape, const std::vector<Dtype>& values) {
    Blob<Dtype>* blob = add(&bottom);
    blob->Reshape(shape);
    std::copy(values.begin(), values.end(), blob->mutable_cpu_data());
    return blob;
  }

  Dtype set_up_and_forward() {
    layer->SetUp(bottom, top);
    return layer->Forward(bottom, top);
  }
  void backward(bool target_too = false) {
    std::vector<bool> down(bottom.size(), false);
    down[0] = true;
    down[1] = target_too;
    layer->Backward(top, down, bottom);
  }

  boost::shared_ptr<caffe::Layer<Dtype>> layer;
  std::vector<Blob<Dtype>*> bottom, top;

 private:
  Blob<Dtype>* add(std::vector<Blob<Dtype>*>* list) {
    blobs_.push_back(std::make_unique<Blob<Dtype>>());
    list->push_back(blobs_.back().get());
    return blobs_.back().get();
  }

  std::vector<std::unique_ptr<Blob<Dtype>>> blobs_;
};

}  // namespace dcme_test

#endif  // TESTS_LAYERS_DCME_LAYERS_HPP_
