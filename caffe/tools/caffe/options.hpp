#ifndef CAFFE_TOOLS_CAFFE_OPTIONS_HPP_
#define CAFFE_TOOLS_CAFFE_OPTIONS_HPP_

#include <memory>
#include <string>
#include <vector>

#include "caffe/proto/caffe.pb.h"
#include "caffe/trace.hpp"
#include "caffe/util/names.hpp"

namespace caffe {
namespace tools {

/// The values of the flags, whichever commands take them.
struct Options {
  string solver;
  string model;
  string weights;
  string snapshot;
  string gpu;
  string phase;
  string stage;
  string precision;
  string trace;
  string sigint_effect = "stop";
  string sighup_effect = "snapshot";
  int level = 0;
  int iterations = 50;
  vector<string> plugins;

  vector<string> stages() const { return SplitNames(stage); }
};

/// Puts what --precision says into a net's or a solver's parameters.
template <typename Parameters>
void SetPrecision(const Options& options, Parameters* param) {
  if (options.precision.empty()) return;
  caffe::Precision precision = FP32;
  if (!Precision_Parse(options.precision, &precision)) {
    LOG(FATAL) << "--precision=" << options.precision << ": use FP32, TF32, BF16 or FP16";
  }
  param->set_precision(precision);
}

/// The file of --trace, or null.
inline std::unique_ptr<Trace> MakeTrace(const Options& options) {
  return options.trace.empty() ? nullptr : std::make_unique<Trace>(options.trace);
}

}  // namespace tools
}  // namespace caffe

#endif  // CAFFE_TOOLS_CAFFE_OPTIONS_HPP_
