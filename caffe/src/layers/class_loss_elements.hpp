#ifndef CAFFE_SRC_LAYERS_CLASS_LOSS_ELEMENTS_HPP_
#define CAFFE_SRC_LAYERS_CLASS_LOSS_ELEMENTS_HPP_

/// Losses of class probabilities, position by position, and the diffs of the scores that the
/// probabilities are the softmax of; shared by CPU and GPU. The label of a position that does not
/// count is negative.

#include <cfloat>
#include <cmath>

#include "caffe/util/host_device.hpp"
#include "layers/softmax_elements.hpp"

namespace caffe {

/// -log p, for which p is taken to be at least `least`, and its diff.
template <typename Dtype>
CAFFE_HOST_DEVICE Dtype LogLoss(Dtype p, Dtype least) {
  return -std::log(Larger(p, least));
}
template <typename Dtype>
CAFFE_HOST_DEVICE Dtype LogLossDiff(Dtype scale, Dtype p, Dtype least) {
  return -scale / Larger(p, least);
}

/// SoftmaxWithLoss: -weight log p[label].
template <typename Dtype>
struct WeightedLogLoss {
  ClassesOf at;
  const Dtype* prob;
  const Dtype* weights;  // of classes; null: all 1

  CAFFE_HOST_DEVICE Dtype Weight(int label) const { return weights ? weights[label] : Dtype(1); }
  CAFFE_HOST_DEVICE Dtype Loss(int position, int label) const {
    if (label < 0) return 0;
    const Dtype p = prob[at.First(position) + label * at.inner];
    return Weight(label) * LogLoss(p, Dtype(FLT_MIN));
  }
  /// What Factored multiplies by at a position.
  CAFFE_HOST_DEVICE Dtype Factor(Dtype scale, int label) const {
    return label < 0 ? Dtype(0) : scale * Weight(label);
  }
  CAFFE_HOST_DEVICE static Dtype Factored(Dtype factor, Dtype p, bool is_label) {
    return factor * (p - (is_label ? 1 : 0));
  }
  /// The diff of the score of class c, whose probability is p, times `scale`.
  CAFFE_HOST_DEVICE Dtype Diff(Dtype scale, Dtype p, int label, int c) const {
    return Factored(Factor(scale, label), p, label == c);
  }
};

/// InfogainLoss: -sum_c H[label, c] log p[c], where H is `gain`, with its rows' sums.
template <typename Dtype>
struct GainLoss {
  ClassesOf at;
  Dtype least;
  const Dtype* prob;
  const Dtype* gain;
  const Dtype* row_sums;

  CAFFE_HOST_DEVICE Dtype Loss(int position, int label) const {
    if (label < 0) return 0;
    const Dtype* p = prob + at.First(position);
    const Dtype* row = gain + label * at.classes;
    Dtype loss = 0;
    for (int c = 0; c < at.classes; ++c) loss += row[c] * LogLoss(p[c * at.inner], least);
    return loss;
  }
  /// The diff of the score of class c, whose probability is p, times `scale`.
  CAFFE_HOST_DEVICE Dtype Diff(Dtype scale, Dtype p, int label, int c) const {
    if (label < 0) return 0;
    return scale * (p * row_sums[label] - gain[label * at.classes + c]);
  }
};

// ---- weight_by_label_freqs: the median of the counts of the classes that there are, over a
// class's own ----

/// Finds the two in the middle of the counts that are not 0, by their ranks.
struct MiddleOfCounts {
  int classes;
  const double* counts;
  double* middle;
  CAFFE_HOST_DEVICE void operator()(int c) const {
    if (counts[c] == 0) return;
    int present = 0, rank = 0;
    for (int k = 0; k < classes; ++k) {
      present += counts[k] > 0;
      rank += counts[k] > 0 && (counts[k] < counts[c] || (counts[k] == counts[c] && k < c));
    }
    if (rank == (present - 1) / 2) middle[0] = counts[c];
    if (rank == present / 2) middle[1] = counts[c];
  }
};

template <typename Dtype>
struct WeightByCount {
  const double* counts;
  const double* middle;
  Dtype* weights;
  CAFFE_HOST_DEVICE void operator()(int c) const {
    const Dtype median = static_cast<Dtype>((middle[0] + middle[1]) / 2);
    weights[c] = counts[c] > 0 ? median / static_cast<Dtype>(counts[c]) : Dtype(1);
  }
};

}  // namespace caffe

#endif  // CAFFE_SRC_LAYERS_CLASS_LOSS_ELEMENTS_HPP_
