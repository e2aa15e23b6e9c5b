#pragma once

#include "dcme/evaluate.hpp"

namespace dcme {

// An id below 1000: objects that nobody told apart.
inline bool is_group(const TruthRecord& truth) { return !is_instance(truth.id); }

inline bool in_range(const TruthRecord& truth, const EvaluationRange& range) {
  return truth.pixels >= range.min_pixels && truth.distance.metres <= range.max_distance &&
         truth.distance.confidence >= range.min_confidence;
}

inline double iou_of(const TruthRecord& truth, const PredictionRecord& prediction,
                     int64_t overlap) {
  return static_cast<double>(overlap) / (truth.pixels + prediction.pixels - overlap);
}

// Whether a prediction that matches nothing is not wrong either: more than `share` of it lies on
// void, on groups and on ground truth outside the range. A group outside the range counts twice, as
// in the benchmark's own code.
inline bool is_forgiven(const PredictionRecord& prediction, const std::vector<TruthRecord>& truths,
                        const EvaluationRange& range, double share) {
  int64_t pixels = prediction.void_pixels;
  for (const auto& overlap : prediction.overlaps) {
    const TruthRecord& truth = truths[overlap.truth];
    if (is_group(truth)) pixels += overlap.pixels;
    if (!in_range(truth, range)) pixels += overlap.pixels;
  }
  return static_cast<double>(pixels) / prediction.pixels > share;
}

}  // namespace dcme
