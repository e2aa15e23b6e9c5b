#include "dcme_parameters.hpp"

#include <string>

#include <google/protobuf/io/tokenizer.h>
#include <google/protobuf/text_format.h>

#include "caffe/common.hpp"

namespace dcme {

namespace {

// Keeps the first complaint of the text parser.
class FirstError : public google::protobuf::io::ErrorCollector {
 public:
#if GOOGLE_PROTOBUF_VERSION >= 4022000
  void RecordError(int line, int column, absl::string_view message) override {
    keep(line, column, std::string(message));
  }
#else
  void AddError(int line, int column, const std::string& message) override {
    keep(line, column, message);
  }
#endif

  std::string text;

 private:
  void keep(int line, int column, const std::string& message) {
    if (!text.empty()) return;
    text = "line " + std::to_string(line + 1) + ", column " + std::to_string(column + 1) + ": " +
           message;
  }
};

template <typename Message>
Message parse(const caffe::LayerParameter& layer) {
  Message message;
  FirstError error;
  google::protobuf::TextFormat::Parser parser;
  parser.RecordErrorsTo(&error);
  CHECK(parser.ParseFromString(layer.python_param().param_str(), &message))
      << error_head(layer) << "python_param.param_str is no " << Message().GetTypeName() << ": "
      << error.text;
  return message;
}

}  // namespace

DataParameter data_parameters(const caffe::LayerParameter& layer) {
#ifndef DCME_FOREIGN_CAFFE
  if (!layer.has_python_param()) return layer.dcme_data_param();
#endif
  return parse<DataParameter>(layer);
}

LossParameter loss_parameters(const caffe::LayerParameter& layer) {
#ifndef DCME_FOREIGN_CAFFE
  if (!layer.has_python_param()) return layer.dcme_loss_param();
#endif
  return parse<LossParameter>(layer);
}

}  // namespace dcme
