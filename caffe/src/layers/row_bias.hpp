#ifndef CAFFE_SRC_LAYERS_ROW_BIAS_HPP_
#define CAFFE_SRC_LAYERS_ROW_BIAS_HPP_

/// Biases of matrices on the CPU: one for each column.

#include <algorithm>
#include <cstddef>

#include "caffe/blob.hpp"
#include "core/per_channel.hpp"
#include "util/rows.hpp"

namespace caffe {

/// Makes every row of y the bias.
template <typename Dtype>
void FillWithBias(int rows, const Blob<Dtype>& bias, Dtype* y) {
  const Dtype* values = bias.cpu_data();
  const int length = bias.count();
  ForRows(rows, length,
          [=](std::ptrdiff_t row) { std::copy(values, values + length, y + row * length); });
}

/// Adds the sums of the columns of dy to the diff of the bias.
template <typename Dtype>
void AddBiasDiff(int rows, const Dtype* dy, Blob<Dtype>* bias) {
  AddSums(SumPerChannel(ChannelLayout{rows, bias->count(), 1, 1, 1}, dy), bias->mutable_cpu_diff());
}

}  // namespace caffe

#endif  // CAFFE_SRC_LAYERS_ROW_BIAS_HPP_
