#ifndef TESTS_GRADIENT_CHECK_HPP_
#define TESTS_GRADIENT_CHECK_HPP_

/// Compares the gradients of a layer with differences of what it computes forward, in double.
///
/// GradientChecker (caffe/test/test_gradient_check_util.hpp), which unit tests for Caffe 1.0 call,
/// does not do: it differentiates the sum of the squares of the tops, which layers that normalise
/// keep constant, or one element of a top after the other, each anew. Here all elements have random
/// weights. And the inputs are written before each Forward, as layers in place need it.

#include <algorithm>
#include <cmath>
#include <functional>
#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "layer_run.hpp"

namespace caffe_test {

struct GradientOptions {
  /// Bottoms to check; all of them where empty.
  std::vector<int> bottoms;
  bool check_bottoms = true;
  bool check_parameters = true;
  int tops = 1;
  bool in_place = false;
  caffe::Phase phase = caffe::TRAIN;
  /// The inputs, where normal numbers do not do (labels, probabilities, values away from a kink).
  Values values;
  double step = 1e-5;
  /// Of the larger of the gradient and 1.
  double tolerance = 1e-6;
};

/// The diffs of the parameters before a Backward, which adds its own to them.
constexpr double kDiffBefore = 0.5;

/// The layer types that CheckGradient has been called for in this program.
inline std::set<std::string>& CheckedTypes() {
  static std::set<std::string> types;
  return types;
}

/// Layers whose Backward needs what Forward leaves elsewhere than in blobs of the net, by a part of
/// their text. Classes derived from them leave it there themselves, as with Caffe 1.0, or have a
/// Backward of their own.
inline bool KeepsNotes(const std::string& layer_text) {
  for (const char* part :
       {"'BN'", "'BatchNorm'", "'CauchyLoss'", "'ContrastiveLoss'", "'Dropout'", "'EuclideanLoss'",
        "'GeometricLoss'", "'InfogainLoss'", "'LRN'", "'LSTM'", "'LSTMUnit'", "'MVN'", "'RNN'",
        "'SigmoidCrossEntropyLoss'", "'SoftmaxWithLoss'", "operation: MAX", "pool: STOCHASTIC"}) {
    if (layer_text.find(part) != std::string::npos) return true;
  }
  return false;
}

/// Expects that another object, which gets the tops of `run`'s Forward but has run none itself,
/// comes to the same gradients, as it has to where a derived class computes the tops.
inline void ExpectBackwardNeedsNoForward(const LayerRun<double>& run, LayerRun<double>* other,
                                         const std::vector<bool>& propagate_down) {
  for (size_t t = 0; t < run.top.size(); ++t) other->top[t]->CopyFrom(*run.top[t], false, true);
  other->Backward(propagate_down, kDiffBefore);
  const auto expect_equal = [](const Blob<double>& a, const Blob<double>& b) {
    for (int i = 0; i < a.count(); ++i) {
      EXPECT_NEAR(a.cpu_diff()[i], b.cpu_diff()[i], 1e-12) << "of Backward alone, element " << i;
    }
  };
  for (size_t b = 0; b < run.bottom.size(); ++b) {
    if (propagate_down[b]) expect_equal(*run.bottom[b], *other->bottom[b]);
  }
  for (size_t k = 0; k < run.layer->blobs().size(); ++k) {
    expect_equal(*run.layer->blobs()[k], *other->layer->blobs()[k]);
  }
}

/// Checks every element of one list of values and its gradient. `values` gives the list, to be
/// written to; it is asked anew for each change, since a copy on a GPU is out of date then.
inline void CheckElements(const std::string& what, LayerRun<double>* run,
                          const std::function<double*()>& values,
                          const std::vector<double>& gradient, const GradientOptions& options) {
  for (size_t i = 0; i < gradient.size(); ++i) {
    const double value = values()[i];
    values()[i] = value + options.step;
    const double above = run->Forward();
    values()[i] = value - options.step;
    const double below = run->Forward();
    values()[i] = value;
    const double estimate = (above - below) / (2 * options.step);
    const double margin =
        options.tolerance * std::max({1.0, std::fabs(estimate), std::fabs(gradient[i])});
    EXPECT_NEAR(gradient[i], estimate, margin) << what << ", element " << i;
  }
}

/// Checks a layer given as prototxt text on bottoms of these shapes, e.g.
/// CheckGradient("type: 'ReLU'", {{2, 3, 4, 5}}).
inline void CheckGradient(const std::string& layer_text, const Shapes& shapes,
                          const GradientOptions& options = {}) {
  SCOPED_TRACE(layer_text);
  LayerRun<double> run(layer_text, shapes, options.tops, options.in_place, options.values,
                       options.phase);
  CheckedTypes().insert(run.layer->type());
  std::vector<int> bottoms = options.bottoms;
  const bool all = options.check_bottoms && options.bottoms.empty();
  for (size_t b = 0; all && b < shapes.size(); ++b) bottoms.push_back(b);
  std::vector<bool> propagate_down(shapes.size(), false);
  for (const int b : bottoms) propagate_down[b] = true;
  run.Forward();
  run.Backward(propagate_down, kDiffBefore);
  // On a GPU, layers keep more: Embed and Filter its copies of their indices.
  const bool on_cpu = caffe::Caffe::mode() == caffe::Caffe::CPU;
  if (on_cpu && !options.in_place && !KeepsNotes(layer_text)) {
    LayerRun<double> other(layer_text, shapes, options.tops, false, options.values, options.phase);
    ExpectBackwardNeedsNoForward(run, &other, propagate_down);
  }

  const auto copy = [](const Blob<double>& blob) {
    return std::vector<double>(blob.cpu_diff(), blob.cpu_diff() + blob.count());
  };
  std::vector<std::vector<double>> bottom_diffs, parameter_diffs;
  for (const int b : bottoms) bottom_diffs.push_back(copy(*run.bottom[b]));
  for (const auto& blob : run.layer->blobs()) {
    parameter_diffs.push_back(copy(*blob));
    for (double& diff : parameter_diffs.back()) diff -= kDiffBefore;
  }
  for (size_t k = 0; k < bottoms.size(); ++k) {
    CheckElements(
        "bottom " + std::to_string(bottoms[k]), &run, [&] { return run.inputs[bottoms[k]].data(); },
        bottom_diffs[k], options);
  }
  for (size_t k = 0; options.check_parameters && k < parameter_diffs.size(); ++k) {
    CheckElements(
        "parameter " + std::to_string(k), &run,
        [&] { return run.layer->blobs()[k]->mutable_cpu_data(); }, parameter_diffs[k], options);
  }
}

}  // namespace caffe_test

#endif  // TESTS_GRADIENT_CHECK_HPP_
