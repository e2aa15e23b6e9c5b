#include <utility>

#include "dcme/evaluate.hpp"

namespace dcme {

LabelMapMatcher::LabelMapMatcher(Plane<const int32_t> truth, Plane<const int32_t> silent)
    : truth_(truth), silent_(silent), record_{{{}}, {{}}} {
  for (const LabelOverlap& object : label_overlaps(truth, truth)) {
    if (object.a == 0) continue;
    // Ids of instances, one after the other: to count_matches other ids are groups.
    const int index = static_cast<int>(truth_of_label_.size());
    truth_of_label_[object.a] = index;
    record_.truths[0].push_back({kFirstInstanceId + index, object.pixels, {}});
  }
}

void LabelMapMatcher::add(Plane<const int32_t> predicted) {
  std::map<int32_t, PredictionRecord> predictions;  // by label
  for (const LabelOverlap& overlap : label_overlaps(truth_, predicted)) {
    if (overlap.b == 0) continue;
    PredictionRecord& prediction = predictions[overlap.b];
    prediction.pixels += overlap.pixels;
    if (overlap.a == 0) continue;
    prediction.overlaps.push_back({truth_of_label_.at(overlap.a), overlap.pixels});
  }
  if (silent_.data != nullptr) {
    for (const LabelOverlap& overlap : label_overlaps(silent_, predicted)) {
      if (overlap.a != 0 && overlap.b != 0) predictions[overlap.b].void_pixels += overlap.pixels;
    }
  }
  for (auto& [label, prediction] : predictions) {
    record_.predictions[0].push_back(std::move(prediction));
  }
}

}  // namespace dcme
