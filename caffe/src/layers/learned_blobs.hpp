#ifndef CAFFE_SRC_LAYERS_LEARNED_BLOBS_HPP_
#define CAFFE_SRC_LAYERS_LEARNED_BLOBS_HPP_

/// Makes the learnable blobs of a layer, or checks those that came with its message.

#include <memory>
#include <string>
#include <vector>

#include "caffe/filler.hpp"

namespace caffe {

struct BlobSpec {
  const char* name;
  vector<int> shape;
  FillerParameter filler;
};

/// Where `blobs` is empty, makes and fills them; else their number and shapes must be the ones
/// specified.
template <typename Dtype>
void SetUpLearnedBlobs(const vector<BlobSpec>& specs, vector<shared_ptr<Blob<Dtype>>>* blobs) {
  if (blobs->empty()) {
    for (const BlobSpec& spec : specs) {
      blobs->emplace_back(new Blob<Dtype>(spec.shape));
      std::unique_ptr<Filler<Dtype>>(GetFiller<Dtype>(spec.filler))->Fill(blobs->back().get());
    }
    return;
  }
  CHECK_EQ(blobs->size(), specs.size())
      << " blobs came with the layer's message; it needs " << specs.size();
  for (size_t i = 0; i < specs.size(); ++i) {
    CHECK((*blobs)[i]->shape() == specs[i].shape)
        << "the " << specs[i].name << " that came with the layer's message have shape "
        << (*blobs)[i]->shape_string() << ", the layer needs "
        << Blob<Dtype>(specs[i].shape).shape_string();
  }
}

/// A constant filler, for blobs whose message names none.
inline FillerParameter ConstantFillerParam(float value) {
  FillerParameter param;
  param.set_type("constant");
  param.set_value(value);
  return param;
}

}  // namespace caffe

#endif  // CAFFE_SRC_LAYERS_LEARNED_BLOBS_HPP_
