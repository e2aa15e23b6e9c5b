#include <algorithm>
#include <limits>

#include "benchmark_rules.hpp"
#include "dcme/evaluate.hpp"

namespace dcme {
namespace {

// Instances of any size and at any distance.
const EvaluationRange kAll = {0, std::numeric_limits<double>::infinity(),
                              -std::numeric_limits<double>::infinity()};

struct Pair {
  double iou;
  size_t truth, prediction;
};

// Pairs above the threshold, the best first; of equals the first listed.
std::vector<Pair> pairs_above(const std::vector<TruthRecord>& truths,
                              const std::vector<PredictionRecord>& predictions, double iou) {
  std::vector<Pair> pairs;
  for (size_t p = 0; p < predictions.size(); ++p) {
    for (const auto& overlap : predictions[p].overlaps) {
      const TruthRecord& truth = truths[overlap.truth];
      const double share = iou_of(truth, predictions[p], overlap.pixels);
      if (!is_group(truth) && share > iou) pairs.push_back({share, overlap.truth, p});
    }
  }
  std::sort(pairs.begin(), pairs.end(), [](const Pair& a, const Pair& b) {
    if (a.iou != b.iou) return a.iou > b.iou;
    return a.truth != b.truth ? a.truth < b.truth : a.prediction < b.prediction;
  });
  return pairs;
}

}  // namespace

MatchCounts count_matches(const ImageRecord& image, double iou) {
  MatchCounts counts;
  for (size_t k = 0; k < image.truths.size(); ++k) {
    const auto& truths = image.truths[k];
    const auto& predictions = image.predictions[k];
    std::vector<bool> truth_used(truths.size()), prediction_used(predictions.size());
    int64_t found = 0;
    for (const Pair& pair : pairs_above(truths, predictions, iou)) {
      if (truth_used[pair.truth] || prediction_used[pair.prediction]) continue;
      truth_used[pair.truth] = prediction_used[pair.prediction] = true;
      counts.iou_sum += pair.iou;
      ++found;
    }
    counts.found += found;
    for (size_t p = 0; p < predictions.size(); ++p) {
      if (!prediction_used[p] && !is_forgiven(predictions[p], truths, kAll, iou)) ++counts.invented;
    }
    counts.missed += std::count_if(truths.begin(), truths.end(),
                                   [](const TruthRecord& truth) { return !is_group(truth); }) -
                     found;
  }
  return counts;
}

}  // namespace dcme
