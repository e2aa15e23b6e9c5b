#ifndef CAFFE_TEST_TEST_GRADIENT_CHECK_UTIL_H_
#define CAFFE_TEST_TEST_GRADIENT_CHECK_UTIL_H_

/// The check of a layer's gradients that unit tests written for Caffe 1.0 call.

#include <algorithm>
#include <cmath>
#include <vector>

#include <gtest/gtest.h>

#include "caffe/layer.hpp"
#include "caffe/net.hpp"

namespace caffe {

/// Compares what Backward computes with central differences of what Forward computes.
///
/// A function of the tops is differentiated with regard to the parameters and to bottoms:
/// check_bottom -1 takes all of them, -2 none, other numbers that one. Every difference has to
/// agree with the gradient within `threshold`, times the larger of both where that is above 1.
template <typename Dtype>
class GradientChecker {
 public:
  /// Elements whose absolute values are within kink_range of `kink` are not compared. Before each
  /// Forward the random generator gets the seed anew.
  GradientChecker(const Dtype stepsize, const Dtype threshold, const unsigned int seed = 1701,
                  const Dtype kink = 0, const Dtype kink_range = -1)
      : step_(stepsize), threshold_(threshold), seed_(seed), kink_(kink), kink_range_(kink_range) {}

  /// Sets the layer up and differentiates half the sum of the squares of all tops.
  void CheckGradient(Layer<Dtype>* layer, const vector<Blob<Dtype>*>& bottom,
                     const vector<Blob<Dtype>*>& top, int check_bottom = -1) {
    layer->SetUp(bottom, top);
    CheckGradientSingle(layer, bottom, top, check_bottom, kAllTops, 0);
  }

  /// Sets the layer up and differentiates each element of each top.
  void CheckGradientExhaustive(Layer<Dtype>* layer, const vector<Blob<Dtype>*>& bottom,
                               const vector<Blob<Dtype>*>& top, int check_bottom = -1) {
    layer->SetUp(bottom, top);
    CHECK(!top.empty()) << "a layer without tops has no gradient";
    for (size_t t = 0; t < top.size(); ++t) {
      for (int i = 0; i < top[t]->count(); ++i) {
        CheckGradientSingle(layer, bottom, top, check_bottom, static_cast<int>(t), i);
      }
    }
  }

  /// The same for layers without parameters in which element i of each top depends on no others
  /// than the elements i of the bottoms.
  void CheckGradientEltwise(Layer<Dtype>* layer, const vector<Blob<Dtype>*>& bottom,
                            const vector<Blob<Dtype>*>& top) {
    layer->SetUp(bottom, top);
    CHECK(!bottom.empty() && !top.empty()) << "bottoms and tops are needed";
    for (size_t t = 0; t < top.size(); ++t) {
      for (int i = 0; i < top[t]->count(); ++i) {
        CheckGradientSingle(layer, bottom, top, -1, static_cast<int>(t), i, true);
      }
    }
  }

  /// Differentiates one element of a top (or, where top_id is -1, half the sum of squares of all).
  void CheckGradientSingle(Layer<Dtype>* layer, const vector<Blob<Dtype>*>& bottom,
                           const vector<Blob<Dtype>*>& top, int check_bottom, int top_id,
                           int top_data_id, bool element_wise = false) {
    CHECK_LT(check_bottom, static_cast<int>(bottom.size())) << ": there is no such bottom to check";
    vector<bool> propagate_down(bottom.size(), check_bottom == -1);
    if (check_bottom >= 0) propagate_down[check_bottom] = true;
    vector<Blob<Dtype>*> variables;
    for (const shared_ptr<Blob<Dtype>>& parameter : layer->blobs()) {
      CHECK(!element_wise) << layer->type()
                           << " has parameters: it does not work element by element";
      // Backward adds to the diffs of parameters.
      caffe_set(parameter->count(), Dtype(0), parameter->mutable_cpu_diff());
      variables.push_back(parameter.get());
    }
    for (size_t b = 0; b < bottom.size(); ++b) {
      CHECK(!element_wise || bottom[b]->count() == top[top_id]->count())
          << "bottom " << b << " has not one element for each of the top";
      if (propagate_down[b]) variables.push_back(bottom[b]);
    }
    CHECK(!variables.empty()) << "neither parameters nor bottoms are to be checked";

    const auto objective = [&] {
      Caffe::set_random_seed(seed_);
      layer->Forward(bottom, top);
      return Objective(top, top_id, top_data_id);
    };
    objective();
    layer->Backward(top, propagate_down, bottom);
    // Later runs of Forward may change diffs.
    vector<vector<Dtype>> gradients;
    for (const Blob<Dtype>* blob : variables) {
      gradients.emplace_back(blob->cpu_diff(), blob->cpu_diff() + blob->count());
    }
    for (size_t v = 0; v < variables.size(); ++v) {
      for (int i = 0; i < variables[v]->count(); ++i) {
        const bool connected = !element_wise || i == top_data_id;
        const Dtype value = variables[v]->cpu_data()[i];
        const Dtype difference = connected ? Difference(i, objective, variables[v]) : Dtype(0);
        if (std::fabs(std::fabs(value) - kink_) <= kink_range_) continue;
        const Dtype gradient = gradients[v][i];
        const Dtype scale =
            std::max({std::fabs(gradient), std::fabs(difference), static_cast<Dtype>(1)});
        EXPECT_NEAR(gradient, difference, threshold_ * scale)
            << "of top " << top_id << ", element " << top_data_id << ", by element " << i
            << " of blob " << v << " (parameters first), where it is " << value;
      }
    }
  }

  /// Checks each layer of a net by itself. The net's inputs are filled by the caller.
  void CheckGradientNet(const Net<Dtype>& net, const vector<Blob<Dtype>*>& /*input*/) {
    for (size_t i = 0; i < net.layers().size(); ++i) {
      CheckGradientExhaustive(net.layers()[i].get(), net.bottom_vecs()[i], net.top_vecs()[i]);
    }
  }

 private:
  static constexpr int kAllTops = -1;

  // The function of the tops that is differentiated; leaves its gradient in their diffs.
  // In double, since sums of many floats would not tell a small step.
  static double Objective(const vector<Blob<Dtype>*>& top, int top_id, int top_data_id) {
    double sum = 0;
    for (Blob<Dtype>* blob : top) {
      const Dtype* y = blob->cpu_data();
      Dtype* dy = blob->mutable_cpu_diff();
      for (int i = 0; i < blob->count(); ++i) {
        dy[i] = top_id == kAllTops ? y[i] : Dtype(0);
        sum += static_cast<double>(dy[i]) * y[i] / 2;
      }
    }
    if (top_id == kAllTops) return sum;
    // With a factor, layers that forget their top's diff are found.
    const double factor = 2;
    top[top_id]->mutable_cpu_diff()[top_data_id] = static_cast<Dtype>(factor);
    return factor * top[top_id]->cpu_data()[top_data_id];
  }

  template <typename Function>
  Dtype Difference(int i, const Function& objective, Blob<Dtype>* variable) const {
    const Dtype value = variable->cpu_data()[i];
    variable->mutable_cpu_data()[i] = value + step_;
    const double above = objective();
    variable->mutable_cpu_data()[i] = value - step_;
    const double below = objective();
    variable->mutable_cpu_data()[i] = value;
    return static_cast<Dtype>((above - below) / (2 * step_));
  }

  Dtype step_;
  Dtype threshold_;
  unsigned int seed_;
  Dtype kink_;
  Dtype kink_range_;
};

}  // namespace caffe

#endif  // CAFFE_TEST_TEST_GRADIENT_CHECK_UTIL_H_
