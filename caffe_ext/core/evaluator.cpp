#include <algorithm>
#include <limits>

#include "benchmark_rules.hpp"
#include "dcme/evaluate.hpp"

namespace dcme {
namespace {

// The thresholds to the last bit as NumPy's arange(0.5, 1, 0.05) makes them: IoUs that are round
// numbers do occur and are compared with them.
std::vector<double> iou_thresholds() {
  constexpr int kCount = 10;
  const double step = (0.5 + 0.05) - 0.5;
  std::vector<double> thresholds(kCount);
  for (int i = 0; i < kCount; ++i) thresholds[i] = 0.5 + i * step;
  return thresholds;
}

bool counts(const TruthRecord& truth, const EvaluationRange& range) {
  return !is_group(truth) && in_range(truth, range);
}

}  // namespace

Evaluator::Evaluator(EvaluationOptions options)
    : options_(std::move(options)), thresholds_(iou_thresholds()) {
  require(!options_.ranges.empty(), "the evaluation needs at least one range of ground truth");
  class_names_ = options_.classes.names();
  if (options_.class_agnostic) class_names_ = {"instance"};
  tallies_.resize(options_.ranges.size() * class_names_.size() * thresholds_.size());
  predictions_.resize(class_names_.size());
  counted_.resize(options_.ranges.size(), std::vector<int64_t>(class_names_.size()));
}

Evaluator::Tally& Evaluator::tally(size_t range, size_t class_index, size_t threshold) {
  return tallies_[(range * class_names_.size() + class_index) * thresholds_.size() + threshold];
}

void Evaluator::add(const ImageRecord& image) {
  require(image.truths.size() == class_names_.size(),
          "the image was compared for other classes than are evaluated");
  const std::lock_guard<std::mutex> lock(mutex_);
  for (size_t k = 0; k < class_names_.size(); ++k) {
    const auto& truths = image.truths[k];
    const auto& predictions = image.predictions[k];
    predictions_[k] += static_cast<int64_t>(predictions.size());
    for (size_t r = 0; r < options_.ranges.size(); ++r) {
      const EvaluationRange& range = options_.ranges[r];
      counted_[r][k] += std::count_if(truths.begin(), truths.end(), [&](const TruthRecord& truth) {
        return counts(truth, range);
      });
      for (size_t t = 0; t < thresholds_.size(); ++t) {
        add_class(truths, predictions, range, thresholds_[t], tally(r, k, t));
      }
    }
  }
}

void Evaluator::add_class(const std::vector<TruthRecord>& truths,
                          const std::vector<PredictionRecord>& predictions,
                          const EvaluationRange& range, double threshold, Tally& tally) const {
  // The confidences of an instance's matches: all but the highest end up as wrong answers.
  constexpr double kUnmatched = -std::numeric_limits<double>::infinity();
  std::vector<double> best(truths.size(), kUnmatched);
  std::vector<bool> matched(truths.size());
  for (const PredictionRecord& prediction : predictions) {
    bool found = false;
    for (const auto& overlap : prediction.overlaps) {
      const TruthRecord& truth = truths[overlap.truth];
      if (!(iou_of(truth, prediction, overlap.pixels) > threshold)) continue;
      found = true;
      if (!counts(truth, range)) continue;
      double loser = prediction.confidence;
      if (matched[overlap.truth]) {
        if (loser > best[overlap.truth]) std::swap(loser, best[overlap.truth]);
        tally.answers.push_back({loser, false});
      } else {
        matched[overlap.truth] = true;
        best[overlap.truth] = prediction.confidence;
      }
    }
    if (!found && !is_forgiven(prediction, truths, range, threshold)) {
      tally.answers.push_back({prediction.confidence, false});
    }
  }
  for (size_t i = 0; i < truths.size(); ++i) {
    if (!counts(truths[i], range)) continue;
    if (matched[i]) {
      tally.answers.push_back({best[i], true});
    } else {
      ++tally.missed;
    }
  }
}

// Precision over recall, from the lowest confidence up. Between neighbouring points of the curve
// the recall is split half and half; the curve ends at (precision 1, recall 0).
double Evaluator::average_precision(const Tally& tally) {
  std::vector<Tally::Answer> answers = tally.answers;
  std::sort(answers.begin(), answers.end(), [](const Tally::Answer& a, const Tally::Answer& b) {
    return a.confidence < b.confidence;
  });
  int64_t right = std::count_if(answers.begin(), answers.end(),
                                [](const Tally::Answer& answer) { return answer.right; });
  const double truths = static_cast<double>(right + tally.missed);
  std::vector<double> precision, recall;
  for (size_t i = 0; i < answers.size();) {
    precision.push_back(static_cast<double>(right) / static_cast<double>(answers.size() - i));
    recall.push_back(static_cast<double>(right) / truths);
    // Answers of one confidence are accepted or refused together.
    const double confidence = answers[i].confidence;
    for (; i < answers.size() && answers[i].confidence == confidence; ++i)
      right -= answers[i].right;
  }
  precision.push_back(1);
  recall.push_back(0);
  double ap = 0;
  for (size_t i = 0; i < recall.size(); ++i) {
    const double before = recall[i == 0 ? 0 : i - 1];
    const double after = i + 1 < recall.size() ? recall[i + 1] : 0;
    ap += precision[i] * 0.5 * (before - after);
  }
  return ap;
}

EvaluationResult Evaluator::results() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  EvaluationResult result;
  result.classes = class_names_;
  result.thresholds = thresholds_;
  result.truths = counted_[0];
  result.predictions = predictions_;
  size_t next = 0;
  for (size_t r = 0; r < options_.ranges.size(); ++r) {
    result.ap.emplace_back();
    for (size_t k = 0; k < class_names_.size(); ++k) {
      result.ap[r].emplace_back();
      for (size_t t = 0; t < thresholds_.size(); ++t, ++next) {
        double ap = std::numeric_limits<double>::quiet_NaN();
        if (counted_[r][k] > 0) ap = average_precision(tallies_[next]);
        result.ap[r][k].push_back(ap);
      }
    }
  }
  return result;
}

}  // namespace dcme
