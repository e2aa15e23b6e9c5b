#include "dcme/evaluate_files.hpp"

#include <algorithm>
#include <stdexcept>

#include "dcme/grey_png.hpp"

namespace dcme {
namespace {

using Distances = std::map<int, InstanceDistance>;

// 0 stays 0 and everything else becomes 255.
GreyImage with_8_bits(const GreyImage& wide) {
  GreyImage narrow;
  narrow.rows = wide.rows;
  narrow.cols = wide.cols;
  const Plane<const uint16_t> words = wide.words();
  narrow.values.resize(words.size());
  std::transform(words.data, words.data + words.size(), narrow.values.begin(),
                 [](uint16_t value) { return static_cast<uint8_t>(value ? 255 : 0); });
  return narrow;
}

// Compares an image's predictions, which `predict` adds to the matchers it is given, with its
// ground truth file and adds the outcome to all evaluators.
template <typename Predict>
Comparison compare(const std::vector<Evaluator*>& evaluators, const std::string& truth_path,
                   const Distances& distances, const std::vector<double>& ious, Predict predict) {
  require(!evaluators.empty(), "files are added to at least one evaluator");
  GreyImage truth;
  read_grey_png(truth_path, truth);
  if (!truth.is_16_bit) {
    throw std::invalid_argument(truth_path +
                                ": has 8 bits; ids 1000 * label + k of a ground truth need 16");
  }
  std::vector<ImageMatcher> matchers;
  for (const Evaluator* evaluator : evaluators) {
    matchers.emplace_back(evaluator->options(), truth.words(), distances);
  }
  EvaluationOptions agnostic = evaluators[0]->options();
  agnostic.class_agnostic = true;
  matchers.emplace_back(agnostic, truth.words());
  predict(matchers);
  for (size_t i = 0; i < evaluators.size(); ++i) evaluators[i]->add(matchers[i].record());
  std::vector<MatchCounts> counts;
  for (double iou : ious) counts.push_back(count_matches(matchers.back().record(), iou));
  return {matchers.back().truth_labels(), counts};
}

}  // namespace

Comparison evaluate_files(const std::vector<Evaluator*>& evaluators, const std::string& truth_path,
                          const std::vector<MaskFile>& predictions, const Distances& distances,
                          const std::vector<double>& ious) {
  return compare(evaluators, truth_path, distances, ious, [&](std::vector<ImageMatcher>& matchers) {
    GreyImage mask;
    for (const auto& [path, label, confidence] : predictions) {
      read_grey_png(path, mask);
      if (mask.is_16_bit) mask = with_8_bits(mask);
      try {
        for (ImageMatcher& matcher : matchers) matcher.add_mask(mask.bytes(), label, confidence);
      } catch (const std::invalid_argument& error) {
        throw std::invalid_argument(path + ": " + error.what());
      }
    }
  });
}

Comparison evaluate_label_map(const std::vector<Evaluator*>& evaluators,
                              const std::string& truth_path, Plane<const int32_t> map,
                              const std::vector<int>& labels,
                              const std::vector<double>& confidences, const Distances& distances,
                              const std::vector<double>& ious) {
  return compare(evaluators, truth_path, distances, ious, [&](std::vector<ImageMatcher>& matchers) {
    for (ImageMatcher& matcher : matchers) matcher.add_label_map(map, labels, confidences);
  });
}

}  // namespace dcme
