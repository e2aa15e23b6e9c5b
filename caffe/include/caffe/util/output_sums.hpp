#ifndef CAFFE_UTIL_OUTPUT_SUMS_HPP_
#define CAFFE_UTIL_OUTPUT_SUMS_HPP_

#include <algorithm>
#include <vector>

#include "caffe/blob.hpp"

namespace caffe {

/// Sums of a net's outputs and losses over batches, for their means. An output may have another
/// size in every batch; where it has no value, that counts as 0.
template <typename Dtype>
class OutputSums {
 public:
  void Add(const std::vector<Blob<Dtype>*>& outputs, double loss) {
    sums_.resize(outputs.size());
    for (size_t i = 0; i < outputs.size(); ++i) {
      const Dtype* values = outputs[i]->cpu_data();
      sums_[i].resize(std::max<size_t>(sums_[i].size(), outputs[i]->count()));
      for (int k = 0; k < outputs[i]->count(); ++k) sums_[i][k] += values[k];
    }
    loss_sum_ += loss;
    ++batches_;
  }

  double mean_loss() const { return loss_sum_ / batches_; }
  /// Calls visit(output's index, mean) for each value of the outputs, in their order.
  template <typename Visit>
  void ForEachMean(const Visit& visit) const {
    for (size_t i = 0; i < sums_.size(); ++i) {
      for (const double sum : sums_[i]) visit(i, sum / batches_);
    }
  }

 private:
  std::vector<std::vector<double>> sums_;
  double loss_sum_ = 0;
  int batches_ = 0;
};

}  // namespace caffe

#endif  // CAFFE_UTIL_OUTPUT_SUMS_HPP_
