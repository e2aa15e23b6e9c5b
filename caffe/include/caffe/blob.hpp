#ifndef CAFFE_BLOB_HPP_
#define CAFFE_BLOB_HPP_

#include <algorithm>
#include <string>
#include <vector>

#include <boost/enable_shared_from_this.hpp>

#include "caffe/common.hpp"
#include "caffe/proto/caffe.pb.h"
#include "caffe/syncedmem.hpp"

const int kMaxBlobAxes = 32;

namespace caffe {

/// An N-dimensional array (row-major) of values and of their gradients ("diff").
///
/// What nets pass between layers, and what layers keep as parameters. The usual image blob is
/// N x C x H x W. Values and diffs live in SyncedMemory, so either can be on the host or the GPU.
/// Layers are handed plain pointers; who wants to keep a blob of a net asks it for a shared one.
template <typename Dtype>
class Blob : public boost::enable_shared_from_this<Blob<Dtype>> {
 public:
  Blob() = default;
  /// num x channels x height x width.
  explicit Blob(const int num, const int channels, const int height, const int width);
  explicit Blob(const vector<int>& shape);

  void Reshape(const int num, const int channels, const int height, const int width);
  /// Changes the shape; memory is only replaced when the new count does not fit into it.
  void Reshape(const vector<int>& shape);
  void Reshape(const BlobShape& shape);
  void ReshapeLike(const Blob& other);

  /// E.g. "2 3 4 5 (120)".
  string shape_string() const;
  const vector<int>& shape() const { return shape_; }
  /// Size of an axis; negative ones count from the end.
  int shape(int index) const { return shape_[CanonicalAxisIndex(index)]; }
  int num_axes() const { return static_cast<int>(shape_.size()); }
  int count() const { return count_; }
  /// Product of the axes in [start_axis, end_axis).
  int count(int start_axis, int end_axis) const;
  int count(int start_axis) const { return count(start_axis, num_axes()); }
  /// Turns a negative axis into the one it means; throws when there is no such axis.
  int CanonicalAxisIndex(int axis_index) const;

  int num() const { return LegacyShape(0); }
  int channels() const { return LegacyShape(1); }
  int height() const { return LegacyShape(2); }
  int width() const { return LegacyShape(3); }
  /// Axis of the 4-D view; axes that the blob does not have count as 1.
  int LegacyShape(int index) const;

  /// Index of an element in the flat array. An index may be the axis's size, for the end of a
  /// range; throws where it is beyond that. Indices in a vector are those of elements only.
  int offset(const int n, const int c = 0, const int h = 0, const int w = 0) const;
  int offset(const vector<int>& indices) const;

  /// Copies data (or diff); a different shape is an error unless `reshape`.
  void CopyFrom(const Blob<Dtype>& source, bool copy_diff = false, bool reshape = false);

  Dtype data_at(const int n, const int c, const int h, const int w) const {
    return cpu_data()[ElementOffset(n, c, h, w)];
  }
  Dtype diff_at(const int n, const int c, const int h, const int w) const {
    return cpu_diff()[ElementOffset(n, c, h, w)];
  }
  Dtype data_at(const vector<int>& index) const { return cpu_data()[offset(index)]; }
  Dtype diff_at(const vector<int>& index) const { return cpu_diff()[offset(index)]; }

  const shared_ptr<SyncedMemory>& data() const;
  const shared_ptr<SyncedMemory>& diff() const;

  const Dtype* cpu_data() const;
  /// Uses the caller's memory, count() values, and keeps `owner` as long. Where the blob's memory
  /// was for more values than that, the diff gets new memory as well, and loses what it held.
  void set_cpu_data(Dtype* data, const shared_ptr<void>& owner = shared_ptr<void>());
  const int* gpu_shape() const;
  const Dtype* gpu_data() const;
  void set_gpu_data(Dtype* data, const shared_ptr<void>& owner = shared_ptr<void>());
  const Dtype* cpu_diff() const;
  const Dtype* gpu_diff() const;
  Dtype* mutable_cpu_data();
  Dtype* mutable_gpu_data();
  Dtype* mutable_cpu_diff();
  Dtype* mutable_gpu_diff();

  /// data -= diff.
  void Update();
  /// Reads shape and contents from a message; `reshape` false: the shape must be the blob's own.
  void FromProto(const BlobProto& proto, bool reshape = true);
  void ToProto(BlobProto* proto, bool write_diff = false) const;

  Dtype asum_data() const;
  Dtype asum_diff() const;
  Dtype sumsq_data() const;
  Dtype sumsq_diff() const;
  void scale_data(Dtype scale_factor);
  void scale_diff(Dtype scale_factor);

  /// Makes this blob use the other's memory; the counts must agree.
  void ShareData(const Blob& other);
  void ShareDiff(const Blob& other);

  /// Whether the message has the blob's shape (legacy 4-D messages included).
  bool ShapeEquals(const BlobProto& other);

 protected:
  /// As offset, but throws where no element is there.
  int ElementOffset(int n, int c, int h, int w) const;

  shared_ptr<SyncedMemory> data_;
  shared_ptr<SyncedMemory> diff_;
  /// The shape as ints, for GPU kernels; made when asked for.
  mutable shared_ptr<SyncedMemory> shape_data_;
  vector<int> shape_;
  int count_ = 0;

  DISABLE_COPY_AND_ASSIGN(Blob);
};

}  // namespace caffe

#endif  // CAFFE_BLOB_HPP_
