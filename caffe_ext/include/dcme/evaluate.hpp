#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "dcme/classes.hpp"
#include "dcme/instances.hpp"

namespace dcme {

// Average precision of instance masks by the rules of the Cityscapes benchmark, whose reference is
// evalInstanceLevelSemanticLabeling of cityscapesScripts. In short:
// - a prediction matches ground truth of its class if their IoU is above a threshold;
// - of several matches of one instance only the most confident is right, the others are wrong;
// - unmatched predictions are wrong unless more than the threshold's share of them lies on void,
//   groups or instances that are left out (too small, too far);
// - AP integrates precision over recall stepwise, averaged over 10 thresholds 0.50 ... 0.95.

// Which ground truth counts: with at least min_pixels pixels, not farther than max_distance metres,
// its distance measured on at least min_confidence of its pixels.
struct EvaluationRange {
  int64_t min_pixels;
  double max_distance;
  double min_confidence;
};

struct EvaluationOptions {
  ClassMap classes = ClassMap::cityscapes();
  // Values of the ground truth map that mean "no statement"; predictions on them are forgiven.
  std::vector<int> void_ids = {0, 1, 2, 3, 4, 5, 6, 9, 10, 14, 15, 16, 18, 29, 30};
  // Takes all classes for one: how well are objects found, whatever they are called?
  bool class_agnostic = false;
  std::vector<EvaluationRange> ranges = {everything()};

  static EvaluationRange everything();           // at least 100 pixels, any distance
  static EvaluationRange within(double metres);  // at least 1000 pixels, distance known on half
};

// Distance of a ground truth instance: median in metres, and the share of its pixels that have one.
struct InstanceDistance {
  double metres = -1;
  double confidence = 0;
};

// The stereo camera of an image: baseline in metres, focal length in pixels.
struct StereoCamera {
  double baseline;
  double focal_length;
};

// The distance of every instance that has one, from a disparity image as Cityscapes stores it
// (256 * disparity + 1 in pixels; 0 = not measured) of the instance map's size. Another size or a
// camera without extent throws std::invalid_argument.
std::map<int, InstanceDistance> instance_distances(Plane<const uint16_t> ids,
                                                   Plane<const uint16_t> disparity,
                                                   const StereoCamera& camera);

// What one ground truth instance or group and one prediction look like to the rules.
struct TruthRecord {
  int id;
  int64_t pixels;
  InstanceDistance distance;
};
struct PredictionRecord {
  struct Overlap {
    size_t truth;  // index into the truths of the same class
    int64_t pixels;
  };
  double confidence;
  int64_t pixels;
  int64_t void_pixels;
  std::vector<Overlap> overlaps;
};

// All that the evaluation keeps of an image: numbers, no pixels. [class index]
struct ImageRecord {
  std::vector<std::vector<TruthRecord>> truths;
  std::vector<std::vector<PredictionRecord>> predictions;
};

// Compares the predictions of one image with its ground truth, one mask at a time.
class ImageMatcher {
 public:
  // ids must stay alive as long as the matcher. distances: by instance id; may be empty.
  ImageMatcher(const EvaluationOptions& options, Plane<const uint16_t> ids,
               const std::map<int, InstanceDistance>& distances = {});

  // A predicted mask (non-zero = in it) of a class label with its confidence. Labels that are no
  // class (unless classes do not matter) and empty masks are passed over. Another size than the
  // ground truth's and a confidence that is not a number throw std::invalid_argument.
  void add_mask(Plane<const uint8_t> mask, int label, double confidence);
  // The same for the masks that are the values 1..labels.size() of a label map.
  void add_label_map(Plane<const int32_t> map, const std::vector<int>& labels,
                     const std::vector<double>& confidences);
  // The same for the mask kept as spans in an image of rows x cols.
  void add_spans(const std::vector<Span>& spans, int rows, int cols, int label, double confidence);

  const ImageRecord& record() const { return record_; }
  // The class labels of the instances in the ground truth, whether they are evaluated or not.
  std::vector<int> truth_labels() const;

 private:
  int truth_class(int label) const;
  int predicted_class(int label) const { return class_agnostic_ ? 0 : truth_class(label); }
  void check(int rows, int cols, double confidence) const;
  void count(int row, int begin, int end);
  void finish(int class_index, double confidence);

  Plane<const uint16_t> ids_;
  bool class_agnostic_;
  std::vector<int> class_of_label_;  // -1: no class
  std::vector<bool> label_occurs_;
  std::vector<uint8_t> is_void_;  // by id
  std::vector<int> truth_of_id_;  // index within its class; -1: none
  std::vector<int> class_of_id_;  // -1: none
  std::vector<int64_t> counts_;   // by id, of the mask in work
  std::vector<int> touched_;      // ids with counts
  ImageRecord record_;
};

// AP by [range][class][threshold]; NaN where a class has no ground truth.
struct EvaluationResult {
  std::vector<std::string> classes;
  std::vector<double> thresholds;
  std::vector<std::vector<std::vector<double>>> ap;
  std::vector<int64_t> truths, predictions;  // by class; truths that count in the first range
};

// Gathers images in any order, from any number of threads; memory grows by some numbers for each
// prediction only.
class Evaluator {
 public:
  explicit Evaluator(EvaluationOptions options);

  const EvaluationOptions& options() const { return options_; }
  void add(const ImageRecord& image);
  EvaluationResult results() const;

 private:
  // What counts for one range, class and threshold: the confidences of right and wrong answers.
  struct Tally {
    struct Answer {
      double confidence;
      bool right;
    };
    std::vector<Answer> answers;
    int64_t missed = 0;  // ground truth without a match
  };

  void add_class(const std::vector<TruthRecord>& truths,
                 const std::vector<PredictionRecord>& predictions, const EvaluationRange& range,
                 double threshold, Tally& tally) const;
  Tally& tally(size_t range, size_t class_index, size_t threshold);
  static double average_precision(const Tally& tally);

  EvaluationOptions options_;
  std::vector<std::string> class_names_;
  std::vector<double> thresholds_;
  std::vector<Tally> tallies_;                 // by range, class, threshold
  std::vector<int64_t> predictions_;           // by class
  std::vector<std::vector<int64_t>> counted_;  // truths by range, class
  mutable std::mutex mutex_;
};

// Objects found, invented and missed at IoU > iou, and the sum of the IoUs of those found.
struct MatchCounts {
  int64_t found = 0, invented = 0, missed = 0;
  double iou_sum = 0;
};

// Matches the predictions of an image with its instances (no groups) of the same class one to one,
// pairs of the highest IoU first. A prediction without a match is invented unless more than `iou`
// of it lies on void or groups.
MatchCounts count_matches(const ImageRecord& image, double iou);

// Pixels that a label of one map shares with a label of another.
struct LabelOverlap {
  int32_t a, b;
  int64_t pixels;
};

// All pairs of labels of two maps of equal size that meet, 0 included, sorted by a, then b.
std::vector<LabelOverlap> label_overlaps(Plane<const int32_t> a, Plane<const int32_t> b);

// Compares label maps with the true one, for count_matches: each value but 0 is an object.
class LabelMapMatcher {
 public:
  // silent: where it is not 0, the truth says nothing; without data there is no such place. Both
  // maps must stay alive as long as the matcher.
  LabelMapMatcher(Plane<const int32_t> truth, Plane<const int32_t> silent);

  // The predictions of one map. Those of further maps may overlap them.
  void add(Plane<const int32_t> predicted);

  // All objects as if of one class. Truths are in the order of their labels, predictions in that of
  // maps and labels.
  const ImageRecord& record() const { return record_; }

 private:
  Plane<const int32_t> truth_, silent_;
  std::map<int32_t, size_t> truth_of_label_;  // index in the record
  ImageRecord record_;
};

}  // namespace dcme
