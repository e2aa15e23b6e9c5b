#ifndef CAFFE_UTIL_CLASS_LABELS_HPP_
#define CAFFE_UTIL_CLASS_LABELS_HPP_

#include <cstddef>
#include <vector>

#include <boost/optional.hpp>

#include "caffe/blob.hpp"
#include "caffe/util/host_device.hpp"
#include "caffe/util/host_flag.hpp"

namespace caffe {

/// Label values (on the host or the device) as class numbers.
template <typename Dtype>
struct LabelReader {
  /// What an ignored label, and one that is neither class nor ignored, reads as.
  static constexpr int kIgnored = -1;
  static constexpr int kBad = -2;

  const Dtype* values;
  int classes;
  bool ignores;
  Dtype ignored;

  LabelReader(const Dtype* values, int classes, boost::optional<int> ignore)
      : values(values),
        classes(classes),
        ignores(ignore.has_value()),
        ignored(static_cast<Dtype>(ignore.value_or(0))) {}

  CAFFE_HOST_DEVICE int operator()(std::ptrdiff_t i) const {
    const Dtype value = values[i];
    if (ignores && value == ignored) return kIgnored;
    return value > Dtype(-1) && value < Dtype(classes) ? static_cast<int>(value) : kBad;
  }
};

/// The class labels of a batch, checked and as integers: what classification losses and measures
/// read from their second bottom.
class ClassLabels {
 public:
  /// What an ignored label reads as.
  static constexpr int kIgnored = LabelReader<float>::kIgnored;

  /// Throws unless `blob` holds a label for each of `positions`.
  template <typename Dtype>
  static void CheckShape(const Blob<Dtype>& blob, int positions);
  /// Takes the labels of `blob`. Throws where one is neither in [0, classes) nor the one to ignore.
  template <typename Dtype>
  void Read(const Blob<Dtype>& blob, int classes, boost::optional<int> ignore = boost::none);

#ifndef CPU_ONLY
  // Kernels that read labels themselves write 1 + the position of one that is no class to
  // bad_label(). In training nobody waits for them: Read's error then comes a batch later.

  int* bad_label() { return bad_label_.device(); }
  /// Throws where kernels have found one since the last check.
  void CheckEarlierOnes(int classes);
  /// Throws where those just started find one in `blob`; waits for them, except while losses are
  /// queued.
  template <typename Dtype>
  void CheckThese(const Blob<Dtype>& blob, int classes, boost::optional<int> ignore);
#endif

  int operator[](std::ptrdiff_t i) const { return labels_[i]; }
  int count() const { return static_cast<int>(labels_.size()); }
  /// Labels that are not ignored.
  int valid_count() const { return valid_count_; }
  /// How many labels each class has.
  std::vector<int> Histogram(int classes) const;

 private:
  std::vector<int> labels_;
  int valid_count_ = 0;
  HostFlag bad_label_;
};

}  // namespace caffe

#endif  // CAFFE_UTIL_CLASS_LABELS_HPP_
