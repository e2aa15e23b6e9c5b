#ifndef CAFFE_SRC_LAYERS_BROADCAST_HPP_
#define CAFFE_SRC_LAYERS_BROADCAST_HPP_

/// How Scale and Bias stretch a small blob over a large one: its axes are those of the large blob
/// from `axis` on.

#include <algorithm>

#include "core/channel_layout.hpp"
#include "core/per_channel.hpp"

namespace caffe {

/// Shape of a learned operand: num_axes axes of the blob from `axis` on (-1: all the rest).
template <typename Dtype>
vector<int> OperandShape(const Blob<Dtype>& blob, int axis, int num_axes) {
  CHECK_GE(num_axes, -1) << " is no number of axes: give one, or -1 for all that follow `axis`";
  const int first = axis == blob.num_axes() && num_axes == 0 ? axis : blob.CanonicalAxisIndex(axis);
  const int rest = blob.num_axes() - first;
  CHECK_LE(num_axes, rest) << ": `axis` and `num_axes` reach beyond the bottom, "
                           << blob.shape_string();
  const auto begin = blob.shape().begin() + first;
  return vector<int>(begin, begin + (num_axes < 0 ? rest : num_axes));
}

/// The large blob with the small one's elements as its channels: outer x elements x inner, or,
/// where these are the blob's own channels, the order it is kept in. A scalar ignores `axis`.
template <typename Dtype>
ChannelLayout BroadcastLayout(const Blob<Dtype>& blob, const ChannelLayout& kept, int axis,
                              const Blob<Dtype>& operand) {
  const int first = operand.num_axes() == 0 ? 0 : blob.CanonicalAxisIndex(axis);
  const int last = first + operand.num_axes();
  CHECK_LE(last, blob.num_axes()) << ": an operand of shape " << operand.shape_string()
                                  << " from axis " << axis << " on reaches beyond the bottom, "
                                  << blob.shape_string();
  for (int i = first; i < last; ++i) {
    CHECK_EQ(blob.shape(i), operand.shape(i - first))
        << ": axis " << i << " of the bottom and axis " << i - first << " of the operand differ";
  }
  if (first == 1 && last == 2 && !kept.plain()) return kept;
  return {blob.count(0, first), operand.count(), blob.count(last), 1, 1};
}

/// Whether an operand has a value for each channel of a blob whose channels are axis 1.
template <typename Dtype>
bool IsPerChannel(const Blob<Dtype>& operand, int axis) {
  return axis == 1 && operand.num_axes() == 1;
}

/// Writes sums as an operand's diff, or adds them to it.
template <typename Dtype>
void StoreSums(const vector<double>& sums, bool add, Blob<Dtype>* operand) {
  Dtype* diff = operand->mutable_cpu_diff();
  if (!add) std::fill(diff, diff + operand->count(), Dtype(0));
  AddSums(sums, diff);
}

}  // namespace caffe

#endif  // CAFFE_SRC_LAYERS_BROADCAST_HPP_
