#include <cmath>
#include <cstring>
#include <limits>

#include "dcme/evaluate.hpp"
#include "runs.hpp"

namespace dcme {
namespace {

constexpr int kIds = 1 << 16;

// First index from `begin` on where row[] is non-zero (or `cols`), eight pixels a step.
int next_set(const uint8_t* row, int begin, int cols) {
  int c = begin;
  for (; c + 8 <= cols; c += 8) {
    uint64_t eight;
    std::memcpy(&eight, row + c, sizeof eight);
    if (eight != 0) break;
  }
  while (c < cols && row[c] == 0) ++c;
  return c;
}

// Whether any of eight bytes is zero.
bool has_zero_byte(uint64_t eight) {
  return ((eight - 0x0101010101010101ull) & ~eight & 0x8080808080808080ull) != 0;
}

int next_clear(const uint8_t* row, int begin, int cols) {
  int c = begin;
  for (; c + 8 <= cols; c += 8) {
    uint64_t eight;
    std::memcpy(&eight, row + c, sizeof eight);
    if (has_zero_byte(eight)) break;
  }
  while (c < cols && row[c] != 0) ++c;
  return c;
}

}  // namespace

EvaluationRange EvaluationOptions::everything() {
  const double infinity = std::numeric_limits<double>::infinity();
  return {100, infinity, -infinity};
}

EvaluationRange EvaluationOptions::within(double metres) { return {1000, metres, 0.5}; }

ImageMatcher::ImageMatcher(const EvaluationOptions& options, Plane<const uint16_t> ids,
                           const std::map<int, InstanceDistance>& distances)
    : ids_(ids),
      class_agnostic_(options.class_agnostic),
      class_of_label_(kIds / kFirstInstanceId + 1, -1),
      label_occurs_(kIds / kFirstInstanceId + 1),
      is_void_(kIds),
      truth_of_id_(kIds, -1),
      class_of_id_(kIds, -1),
      counts_(kIds) {
  const int classes = options.class_agnostic ? 1 : options.classes.size();
  record_.truths.resize(classes);
  record_.predictions.resize(classes);
  for (int k = 0; k < options.classes.size(); ++k) {
    class_of_label_[options.classes.labels()[k]] = options.class_agnostic ? 0 : k;
  }
  for (int id : options.void_ids) {
    if (id >= 0 && id < kIds) is_void_[id] = 1;
  }
  for_each_run(ids, [&](int, int begin, int end, int id) { counts_[id] += end - begin; });
  for (int id = 0; id < kIds; ++id) {
    if (counts_[id] == 0) continue;
    // An id below 1000 is a label by itself: a group of objects that nobody separated.
    const int label = is_instance(id) ? label_of(id) : id;
    const int k = truth_class(label);
    if (is_instance(id)) label_occurs_[label] = true;
    if (k >= 0) {
      const auto distance = distances.find(id);
      class_of_id_[id] = k;
      truth_of_id_[id] = static_cast<int>(record_.truths[k].size());
      record_.truths[k].push_back(
          {id, counts_[id], distance == distances.end() ? InstanceDistance{} : distance->second});
    }
    counts_[id] = 0;
  }
}

int ImageMatcher::truth_class(int label) const {
  const bool known = label >= 0 && label < static_cast<int>(class_of_label_.size());
  return known ? class_of_label_[label] : -1;
}

std::vector<int> ImageMatcher::truth_labels() const {
  std::vector<int> labels;
  for (size_t label = 0; label < label_occurs_.size(); ++label) {
    if (label_occurs_[label]) labels.push_back(static_cast<int>(label));
  }
  return labels;
}

void ImageMatcher::check(int rows, int cols, double confidence) const {
  if (!ids_.same_size(rows, cols)) {
    throw std::invalid_argument("a predicted mask is " + size_text(rows, cols) +
                                " but its ground truth " + size_text(ids_.rows, ids_.cols) +
                                " (dcme decode --size brings masks to it)");
  }
  require(!std::isnan(confidence), "the confidence of a prediction is not a number");
}

void ImageMatcher::add_mask(Plane<const uint8_t> mask, int label, double confidence) {
  check(mask.rows, mask.cols, confidence);
  const int k = predicted_class(label);
  if (k < 0) return;
  for (int r = 0; r < mask.rows; ++r) {
    const uint8_t* row = mask.row(r);
    for (int begin = next_set(row, 0, mask.cols); begin < mask.cols;) {
      const int end = next_clear(row, begin, mask.cols);
      count(r, begin, end);
      begin = next_set(row, end, mask.cols);
    }
  }
  finish(k, confidence);
}

void ImageMatcher::add_spans(const std::vector<Span>& spans, int rows, int cols, int label,
                             double confidence) {
  check(rows, cols, confidence);
  const int k = predicted_class(label);
  if (k < 0) return;
  for (const Span& span : spans) count(span.row, span.begin, span.end);
  finish(k, confidence);
}

void ImageMatcher::add_label_map(Plane<const int32_t> map, const std::vector<int>& labels,
                                 const std::vector<double>& confidences) {
  require(confidences.size() == labels.size(), "labels and confidences must be as many");
  const auto spans = spans_of(map, labels.size());
  for (size_t k = 0; k < labels.size(); ++k) {
    add_spans(spans[k], map.rows, map.cols, labels[k], confidences[k]);
  }
}

void ImageMatcher::count(int row, int begin, int end) {
  const uint16_t* ids = ids_.row(row);
  while (begin < end) {
    const int run = run_end(ids, begin, end);
    const int id = ids[begin];
    if (counts_[id] == 0) touched_.push_back(id);
    counts_[id] += run - begin;
    begin = run;
  }
}

void ImageMatcher::finish(int class_index, double confidence) {
  PredictionRecord prediction{confidence, 0, 0, {}};
  for (int id : touched_) {
    prediction.pixels += counts_[id];
    if (is_void_[id]) prediction.void_pixels += counts_[id];
    if (class_of_id_[id] == class_index) {
      prediction.overlaps.push_back({static_cast<size_t>(truth_of_id_[id]), counts_[id]});
    }
    counts_[id] = 0;
  }
  touched_.clear();
  if (prediction.pixels > 0) record_.predictions[class_index].push_back(std::move(prediction));
}

}  // namespace dcme
