#pragma once

#include <map>
#include <string>
#include <vector>

#include "dcme/evaluate.hpp"

namespace dcme {

// A predicted mask, a PNG of 8 or 16 bits (non-zero = in it), of a class label with its confidence.
struct MaskFile {
  std::string path;
  int label;
  double confidence;
};

// What is told of an image beside what evaluators gather: the labels of the instances in its ground
// truth, and the match counts, regardless of classes, at each IoU that was asked for.
struct Comparison {
  std::vector<int> truth_labels;
  std::vector<MatchCounts> counts;
};

// Compares an image's predicted masks with its ground truth, a 16-bit instance map in a PNG, and
// adds the outcome to all evaluators, of which there is at least one. distances: as ImageMatcher
// takes them. Throws std::invalid_argument, with the path of the file that is wrong.
Comparison evaluate_files(const std::vector<Evaluator*>& evaluators, const std::string& truth_path,
                          const std::vector<MaskFile>& predictions,
                          const std::map<int, InstanceDistance>& distances,
                          const std::vector<double>& ious);

// The same of predictions that are the values 1..K of a label map; labels and confidences: of each.
Comparison evaluate_label_map(const std::vector<Evaluator*>& evaluators,
                              const std::string& truth_path, Plane<const int32_t> map,
                              const std::vector<int>& labels,
                              const std::vector<double>& confidences,
                              const std::map<int, InstanceDistance>& distances,
                              const std::vector<double>& ious);

}  // namespace dcme
