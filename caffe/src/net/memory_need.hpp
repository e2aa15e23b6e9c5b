#ifndef CAFFE_SRC_NET_MEMORY_NEED_HPP_
#define CAFFE_SRC_NET_MEMORY_NEED_HPP_

#include <string>
#include <vector>

#include "caffe/net.hpp"

namespace caffe {

/// What a net's blobs take at most at a time, in bytes; layers' own buffers are not counted.
struct MemoryNeed {
  double parameters = 0;
  /// Of all blobs between layers, for a batch of `batch`.
  double blobs = 0;
  int batch = 0;

  double total() const { return parameters + blobs; }
  /// The largest batch that `available` bytes have room for; 0 where there is none.
  int BatchFor(double available) const;
};

/// The need of a net of which blob b's data (diff) is freed after step data_end[b] (diff_end[b]) of
/// an iteration (net/liveness.hpp).
template <typename Dtype>
MemoryNeed MemoryNeedOf(const Net<Dtype>& net, const vector<int>& data_end,
                        const vector<int>& diff_end);

/// For an error: what the net needs, and the batch that would do.
string DescribeNeed(const string& net, const MemoryNeed& need, double available);
/// The same with "; " in front; empty for a net that is being built, of which it is not known yet.
template <typename Dtype>
string NeedOf(const Net<Dtype>& net, double available);

}  // namespace caffe

#endif  // CAFFE_SRC_NET_MEMORY_NEED_HPP_
