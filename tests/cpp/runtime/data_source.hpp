#ifndef TESTS_RUNTIME_DATA_SOURCE_HPP_
#define TESTS_RUNTIME_DATA_SOURCE_HPP_

#include <string>
#include <vector>

#include "caffe/layer.hpp"
#include "caffe/layer_factory.hpp"
#include "caffe/util/io.hpp"
#include "runtime/blob_values.hpp"

namespace caffe_test {

using caffe::Blob;
using caffe::Caffe;
using caffe::Layer;
using caffe::LayerParameter;

using Values = std::vector<float>;

// A data layer with its tops.
class DataSource {
 public:
  DataSource(const std::string& prototxt, int tops, unsigned seed = 1701) : blobs_(tops) {
    LayerParameter param;
    caffe::ParseProtoTextOrDie(prototxt, "layer", &param);
    for (Blob<float>& blob : blobs_) tops_.push_back(&blob);
    Caffe::set_random_seed(seed);
    layer_ = caffe::LayerRegistry<float>::CreateLayer(param);
    layer_->SetUp({}, tops_);
  }

  Layer<float>& layer() { return *layer_; }
  const Blob<float>& top(int i) { return blobs_[i]; }
  void Forward() { layer_->Forward({}, tops_); }
  // The last top's values in the next `batches` batches, one after the other.
  Values Labels(int batches) {
    Values all;
    for (int i = 0; i < batches; ++i) {
      Forward();
      const Values last = ValuesOf(*tops_.back());
      all.insert(all.end(), last.begin(), last.end());
    }
    return all;
  }

 private:
  std::vector<Blob<float>> blobs_;
  std::vector<Blob<float>*> tops_;
  caffe::shared_ptr<Layer<float>> layer_;
};

}  // namespace caffe_test

#endif  // TESTS_RUNTIME_DATA_SOURCE_HPP_
