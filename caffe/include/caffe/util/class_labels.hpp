#ifndef CAFFE_UTIL_CLASS_LABELS_HPP_
#define CAFFE_UTIL_CLASS_LABELS_HPP_

#include <optional>
#include <vector>

#include "caffe/blob.hpp"

namespace caffe {

/// The class labels of a batch, checked and as integers: what classification losses and measures
/// read from their second bottom.
class ClassLabels {
 public:
  /// What an ignored label reads as.
  static constexpr int kIgnored = -1;

  /// Throws unless `blob` holds a label for each of `positions`.
  template <typename Dtype>
  static void CheckShape(const Blob<Dtype>& blob, int positions);
  /// Takes the labels of `blob`. Throws where one is neither in [0, classes) nor the one to ignore.
  template <typename Dtype>
  void Read(const Blob<Dtype>& blob, int classes, std::optional<int> ignore = std::nullopt);

  int operator[](std::ptrdiff_t i) const { return labels_[i]; }
  int count() const { return static_cast<int>(labels_.size()); }
  /// Labels that are not ignored.
  int valid_count() const { return valid_count_; }
  /// How many labels each class has.
  std::vector<int> Histogram(int classes) const;

 private:
  std::vector<int> labels_;
  int valid_count_ = 0;
};

}  // namespace caffe

#endif  // CAFFE_UTIL_CLASS_LABELS_HPP_
