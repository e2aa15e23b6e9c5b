#ifndef TESTS_LAYER_CASE_HPP_
#define TESTS_LAYER_CASE_HPP_

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "errors.hpp"
#include "layer_run.hpp"

namespace caffe_test {

using Shape = std::vector<int>;

/// A layer on blobs with chosen values; LayerRun takes random ones.
template <typename Dtype>
class LayerCase {
 public:
  explicit LayerCase(const caffe::LayerParameter& param, int tops = 1)
      : layer(caffe::LayerRegistry<Dtype>::CreateLayer(param)) {
    for (int i = 0; i < tops; ++i) top.push_back(blobs_.New());
  }
  explicit LayerCase(const std::string& prototxt, int tops = 1)
      : LayerCase(FromText<caffe::LayerParameter>(prototxt), tops) {}

  /// Adds a bottom with values, row by row; without values, some that differ from each other.
  LayerCase& Bottom(const Shape& shape, const std::vector<Dtype>& values = {}) {
    Blob<Dtype>* blob = blobs_.New();
    blob->Reshape(shape);
    Dtype* data = blob->mutable_cpu_data();
    const int number = static_cast<int>(bottom.size());
    for (int i = 0; i < blob->count(); ++i) {
      data[i] = values.empty() ? Dtype((i * 37 + number * 11) % 101 - 50) / 25 : values.at(i);
    }
    bottom.push_back(blob);
    return *this;
  }
  /// Makes the layer work in place.
  LayerCase& InPlace() {
    top[0] = bottom[0];
    return *this;
  }

  /// Sets the layer up and runs it; returns the weighted loss.
  Dtype Forward() {
    layer->SetUp(bottom, top);
    return layer->Forward(bottom, top);
  }
  /// Runs backward for the bottoms named, with this diff of the first top (else as it is).
  LayerCase& Backward(const std::vector<Dtype>& top_diff = {},
                      const std::vector<bool>& propagate_down = {true}) {
    for (size_t i = 0; i < top_diff.size(); ++i) top[0]->mutable_cpu_diff()[i] = top_diff[i];
    std::vector<bool> down = propagate_down;
    down.resize(bottom.size(), false);
    layer->Backward(top, down, bottom);
    return *this;
  }

  std::vector<Dtype> Values(int which = 0) const {
    return Copy(top[which]->cpu_data(), *top[which]);
  }
  std::vector<Dtype> Diff(int which = 0) const {
    return Copy(bottom[which]->cpu_diff(), *bottom[which]);
  }
  Shape TopShape(int which = 0) const { return top[which]->shape(); }

  caffe::shared_ptr<caffe::Layer<Dtype>> layer;
  std::vector<Blob<Dtype>*> bottom;
  std::vector<Blob<Dtype>*> top;

 private:
  static std::vector<Dtype> Copy(const Dtype* from, const Blob<Dtype>& blob) {
    return std::vector<Dtype>(from, from + blob.count());
  }

  BlobPool<Dtype> blobs_;
};

/// Expects two lists of numbers to agree to 1e-6 of the larger.
template <typename Dtype>
void ExpectNear(const std::vector<Dtype>& got, const std::vector<Dtype>& expected) {
  ASSERT_EQ(got.size(), expected.size());
  for (size_t i = 0; i < got.size(); ++i) {
    EXPECT_NEAR(got[i], expected[i], 1e-6 * std::max<double>(1, std::abs(expected[i])))
        << "at " << i;
  }
}

}  // namespace caffe_test

#endif  // TESTS_LAYER_CASE_HPP_
