#ifndef TESTS_LAYER_RUN_HPP_
#define TESTS_LAYER_RUN_HPP_

/// A layer made from prototxt text with random inputs, run on its own.

#include <functional>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "caffe/blob.hpp"
#include "caffe/layer.hpp"
#include "from_text.hpp"

namespace caffe_test {

using caffe::Blob;
using Shapes = std::vector<std::vector<int>>;

/// Makes the value of element i of bottom b from a normally distributed number.
using Values = std::function<double(double normal, int b, int i)>;

/// Blobs that live as long as it.
template <typename Dtype>
class BlobPool {
 public:
  Blob<Dtype>* New() {
    blobs_.push_back(std::make_unique<Blob<Dtype>>());
    return blobs_.back().get();
  }

 private:
  std::vector<std::unique_ptr<Blob<Dtype>>> blobs_;
};

/// A layer with blobs of its own. Inputs, parameters and top diffs are random, but the same for
/// every layer with these shapes: two precisions, or two implementations, can be compared.
template <typename Dtype>
class LayerRun {
 public:
  LayerRun(const std::string& layer_text, const Shapes& shapes, int tops = 1, bool in_place = false,
           const Values& values = {}, caffe::Phase phase = caffe::TRAIN)
      : generator_(1701) {
    caffe::LayerParameter param = FromText<caffe::LayerParameter>(layer_text);
    if (!param.has_phase()) param.set_phase(phase);
    for (size_t b = 0; b < shapes.size(); ++b) {
      bottom.push_back(blobs_.New());
      bottom[b]->Reshape(shapes[b]);
      inputs.push_back(Normal(bottom[b]->count()));
      for (size_t i = 0; values && i < inputs[b].size(); ++i) {
        inputs[b][i] = Dtype(values(inputs[b][i], b, i));
      }
    }
    for (int t = 0; t < tops; ++t) top.push_back(in_place ? bottom[t] : blobs_.New());
    SetInputs();
    caffe::Caffe::set_random_seed(1701);
    layer = caffe::LayerRegistry<Dtype>::CreateLayer(param);
    layer->SetUp(bottom, top);
    for (const auto& blob : layer->blobs()) {
      const std::vector<Dtype> random = Normal(blob->count());
      std::copy(random.begin(), random.end(), blob->mutable_cpu_data());
    }
    for (const Blob<Dtype>* blob : top) top_diffs.push_back(Normal(blob->count()));
  }

  /// Runs forward from the inputs; the result is the loss, or where there is none the sum of the
  /// tops times top_diffs (of which these are the gradient).
  double Forward() {
    SetInputs();
    caffe::Caffe::set_random_seed(1701);
    double objective = layer->Forward(bottom, top);
    for (size_t t = 0; t < top.size() && !IsLoss(); ++t) {
      const Dtype* y = top[t]->cpu_data();
      for (int i = 0; i < top[t]->count(); ++i) objective += double(y[i]) * top_diffs[t][i];
    }
    return objective;
  }

  /// Runs backward, which adds to the diffs of the parameters: before it, these are `before`.
  void Backward(const std::vector<bool>& propagate_down, Dtype before = 0) {
    for (size_t t = 0; t < top.size() && !IsLoss(); ++t) {
      std::copy(top_diffs[t].begin(), top_diffs[t].end(), top[t]->mutable_cpu_diff());
    }
    for (const auto& blob : layer->blobs()) {
      caffe::caffe_set(blob->count(), before, blob->mutable_cpu_diff());
    }
    layer->Backward(top, propagate_down, bottom);
  }

  bool IsLoss() const {
    for (size_t t = 0; t < top.size(); ++t) {
      if (layer->loss(t) != Dtype(0)) return true;
    }
    return false;
  }

  caffe::shared_ptr<caffe::Layer<Dtype>> layer;
  std::vector<Blob<Dtype>*> bottom, top;
  std::vector<std::vector<Dtype>> inputs, top_diffs;

 private:
  std::vector<Dtype> Normal(int count) {
    std::normal_distribution<double> normal;
    std::vector<Dtype> values(count);
    for (Dtype& value : values) value = Dtype(float(normal(generator_)));
    return values;
  }

  void SetInputs() {
    for (size_t b = 0; b < bottom.size(); ++b) {
      std::copy(inputs[b].begin(), inputs[b].end(), bottom[b]->mutable_cpu_data());
    }
  }

  std::mt19937 generator_;
  BlobPool<Dtype> blobs_;
};

}  // namespace caffe_test

#endif  // TESTS_LAYER_RUN_HPP_
