#ifndef TESTS_SAME_AS_REFERENCE_HPP_
#define TESTS_SAME_AS_REFERENCE_HPP_

/// Compares a layer's float implementation, whichever way and wherever it computes, with the plain
/// one in double on the CPU.

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "in_mode.hpp"
#include "layer_run.hpp"

namespace caffe_test {

/// Expects |got - expected| <= tolerance * the largest |expected|.
inline void ExpectClose(const std::string& what, const float* got, const double* expected,
                        int count, double tolerance) {
  double largest = 1e-3;
  for (int i = 0; i < count; ++i) largest = std::max(largest, std::fabs(expected[i]));
  int wrong = 0;
  for (int i = 0; i < count && wrong < 3; ++i) {
    const bool close = std::fabs(got[i] - expected[i]) <= tolerance * largest;
    EXPECT_TRUE(close) << what << ", element " << i << ": " << got[i] << " instead of "
                       << expected[i];
    wrong += !close;
  }
}

/// Runs the layer in float and in double, forward and backward, twice (so that a second pass over
/// kept memory is checked too), and compares tops, bottom diffs, parameters and their diffs. The
/// libraries of a GPU are free to add in another order: there the tolerance is at least 1e-4.
inline void ExpectSameAsReference(const std::string& layer_text, const Shapes& shapes, int tops = 1,
                                  bool in_place = false, caffe::Phase phase = caffe::TRAIN,
                                  double tolerance = 2e-5) {
  SCOPED_TRACE(layer_text);
  LayerRun<float> fast(layer_text, shapes, tops, in_place, {}, phase);
  if (caffe::Caffe::mode() == caffe::Caffe::GPU) tolerance = std::max(tolerance, 1e-4);
  const auto on_cpu = [](const auto& run) {
    const InMode in_cpu_mode(caffe::Caffe::CPU);
    return run();
  };
  const auto made = on_cpu([&] {
    return std::make_unique<LayerRun<double>>(layer_text, shapes, tops, in_place, Values(), phase);
  });
  LayerRun<double>& reference = *made;
  const std::vector<bool> propagate_down(shapes.size(), true);
  for (int pass = 0; pass < 2; ++pass) {
    fast.Forward();
    on_cpu([&] { return reference.Forward(); });
    for (size_t t = 0; t < fast.top.size(); ++t) {
      ASSERT_EQ(fast.top[t]->shape(), reference.top[t]->shape());
      ExpectClose("top " + std::to_string(t), fast.top[t]->cpu_data(), reference.top[t]->cpu_data(),
                  fast.top[t]->count(), tolerance);
    }
    fast.Backward(propagate_down);
    on_cpu([&] { return reference.Backward(propagate_down); });
    for (size_t b = 0; b < fast.bottom.size(); ++b) {
      ExpectClose("diff of bottom " + std::to_string(b), fast.bottom[b]->cpu_diff(),
                  reference.bottom[b]->cpu_diff(), fast.bottom[b]->count(), tolerance);
    }
    for (size_t p = 0; p < fast.layer->blobs().size(); ++p) {
      ExpectClose("parameter " + std::to_string(p), fast.layer->blobs()[p]->cpu_data(),
                  reference.layer->blobs()[p]->cpu_data(), fast.layer->blobs()[p]->count(),
                  tolerance);
      ExpectClose("diff of parameter " + std::to_string(p), fast.layer->blobs()[p]->cpu_diff(),
                  reference.layer->blobs()[p]->cpu_diff(), fast.layer->blobs()[p]->count(),
                  tolerance);
    }
  }
}

}  // namespace caffe_test

#endif  // TESTS_SAME_AS_REFERENCE_HPP_
