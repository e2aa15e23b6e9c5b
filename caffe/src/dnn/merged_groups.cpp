#include "dnn/merged_groups.hpp"

#include <algorithm>

#include <boost/make_shared.hpp>

namespace caffe {
namespace dnn {

namespace {

// Groups to merge, so that the channels of a merged one fill blocks on both sides; 1: none.
int GroupsInOne(const ConvolutionGeometry& g) {
  const int kBlock = 16, kMost = 8;
  const int ins = g.image_channels / g.groups, outs = g.feature_channels / g.groups;
  for (int n = 2; n <= std::min(kMost, g.groups); ++n) {
    if (g.groups % n == 0 && n * ins % kBlock == 0 && n * outs % kBlock == 0) return n;
  }
  return 1;
}

class MergedGroups : public Convolution<float> {
 public:
  /// wide: the same convolution, but for the groups, of which each is `merged` of these.
  MergedGroups(const ConvolutionGeometry& g, int merged, const shared_ptr<Convolution<float>>& wide)
      : features_(g.feature_channels),
        features_of_group_(g.feature_channels / g.groups),
        merged_(merged),
        wide_(wide) {
    const int ins = merged * g.image_channels / g.groups;
    weights_.Reshape({features_, ins, g.kernel[0], g.kernel[1]});
    std::fill_n(weights_.mutable_cpu_data(), weights_.count(), 0.f);
  }

  void ToFeatures(Values<float> image, const Parameters<float>& parameters,
                  Values<float> features) override {
    Widen(*parameters.weights);
    Parameters<float> wide = parameters;
    wide.weights = &weights_;
    wide_->ToFeatures(image, wide, features);
  }

  void ToImage(Values<float> features, const Blob<float>& weights, Values<float> image) override {
    Widen(weights);
    wide_->ToImage(features, weights_, image);
  }

  void AddWeightDiff(Values<float> image, Values<float> features, Blob<float>* weights,
                     Blob<float>* bias) override {
    std::fill_n(weights_.mutable_cpu_diff(), weights_.count(), 0.f);
    wide_->AddWeightDiff(image, features, &weights_, bias);
    const float* from = weights_.cpu_diff();
    float* to = weights->mutable_cpu_diff();
    EachFeature([&](std::ptrdiff_t narrow, std::ptrdiff_t wide, int length) {
      for (int i = 0; i < length; ++i) to[narrow + i] += from[wide + i];
    });
  }

 private:
  void Widen(const Blob<float>& weights) {
    const float* from = weights.cpu_data();
    float* to = weights_.mutable_cpu_data();
    EachFeature([&](std::ptrdiff_t narrow, std::ptrdiff_t wide, int length) {
      std::copy_n(from + narrow, length, to + wide);
    });
  }

  // body(where a feature's weights begin, where they begin in the wide ones, how many).
  template <typename Body>
  void EachFeature(const Body& body) const {
    const int length = weights_.count(1) / merged_;
    for (std::ptrdiff_t f = 0; f < features_; ++f) {
      body(f * length, (f * merged_ + f / features_of_group_ % merged_) * length, length);
    }
  }

  int features_, features_of_group_, merged_;
  shared_ptr<Convolution<float>> wide_;
  Blob<float> weights_;
};

}  // namespace

shared_ptr<Convolution<float>> MergeGroups(const ConvolutionGeometry& geometry) {
  const int merged = GroupsInOne(geometry);
  if (merged == 1) return nullptr;
  ConvolutionGeometry wide = geometry;
  wide.groups /= merged;
  // The wide weights are another copy of the layer's, and made anew for every use.
  wide.keep_weights = false;
  const auto convolution = Convolution<float>::Create(wide);
  if (!convolution) return nullptr;
  return boost::make_shared<MergedGroups>(geometry, merged, convolution);
}

}  // namespace dnn
}  // namespace caffe
