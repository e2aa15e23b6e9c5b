#include "caffe/blob.hpp"

#include <limits>

#include "caffe/util/math_functions.hpp"
#include "caffe/util/plain_text.hpp"

namespace caffe {

template <typename Dtype>
Blob<Dtype>::Blob(const int num, const int channels, const int height, const int width) {
  Reshape(num, channels, height, width);
}

template <typename Dtype>
Blob<Dtype>::Blob(const vector<int>& shape) {
  Reshape(shape);
}

template <typename Dtype>
void Blob<Dtype>::Reshape(const int num, const int channels, const int height, const int width) {
  Reshape(vector<int>{num, channels, height, width});
}

template <typename Dtype>
void Blob<Dtype>::Reshape(const vector<int>& shape) {
  CHECK_LE(shape.size(), static_cast<size_t>(kMaxBlobAxes)) << " axes are more than a blob has";
  int64_t count = 1;
  for (const int dim : shape) {
    CHECK_GE(dim, 0) << " is no size of a blob's axis";
    count *= dim;
    CHECK_LE(count, std::numeric_limits<int>::max()) << " blob elements are too many to index";
  }
  count_ = static_cast<int>(count);
  if (shape != shape_) {
    shape_ = shape;
    shape_data_.reset();
  }
  // Memory that is shared with another blob may be smaller than what this one had.
  const size_t bytes = count_ * sizeof(Dtype);
  if (!data_ || bytes > data_->size()) data_.reset(new SyncedMemory(bytes));
  if (!diff_ || bytes > diff_->size()) diff_.reset(new SyncedMemory(bytes));
}

template <typename Dtype>
void Blob<Dtype>::Reshape(const BlobShape& shape) {
  CHECK_LE(shape.dim_size(), kMaxBlobAxes) << " axes are more than a blob has";
  vector<int> dims;
  for (const int64_t dim : shape.dim()) {
    CHECK(dim >= 0 && dim <= std::numeric_limits<int>::max())
        << dim << " is no size of a blob's axis";
    dims.push_back(static_cast<int>(dim));
  }
  Reshape(dims);
}

template <typename Dtype>
void Blob<Dtype>::ReshapeLike(const Blob& other) {
  Reshape(other.shape());
}

template <typename Dtype>
string Blob<Dtype>::shape_string() const {
  PlainText text;
  for (const int dim : shape_) text << dim << " ";
  text << "(" << count_ << ")";
  return text.str();
}

template <typename Dtype>
int Blob<Dtype>::count(int start_axis, int end_axis) const {
  CHECK(0 <= start_axis && start_axis <= end_axis && end_axis <= num_axes())
      << "a blob of shape " << shape_string() << " has no axes " << start_axis << " to "
      << end_axis - 1;
  int64_t count = 1;
  for (int axis = start_axis; axis < end_axis; ++axis) {
    count *= shape_[axis];
    // Where another axis is empty, all of them together did not say so.
    CHECK_LE(count, std::numeric_limits<int>::max())
        << " elements in axes " << start_axis << " to " << end_axis - 1 << " of a blob of shape "
        << shape_string() << " are too many to index";
  }
  return static_cast<int>(count);
}

template <typename Dtype>
int Blob<Dtype>::CanonicalAxisIndex(int axis_index) const {
  CHECK(-num_axes() <= axis_index && axis_index < num_axes())
      << "a blob of shape " << shape_string() << " has " << num_axes() << " axes, and no axis "
      << axis_index;
  return axis_index < 0 ? axis_index + num_axes() : axis_index;
}

template <typename Dtype>
int Blob<Dtype>::LegacyShape(int index) const {
  CHECK_LE(num_axes(), 4) << " axes: num, channels, height and width exist up to four";
  CHECK(-4 <= index && index < 4) << "axis " << index << " of the four of an image blob";
  if (index >= num_axes() || index < -num_axes()) return 1;
  return shape(index);
}

template <typename Dtype>
int Blob<Dtype>::offset(const int n, const int c, const int h, const int w) const {
  const int sizes[] = {num(), channels(), height(), width()};
  CHECK(0 <= n && n <= sizes[0] && 0 <= c && c <= sizes[1] && 0 <= h && h <= sizes[2] && 0 <= w &&
        w <= sizes[3])
      << "a blob of shape " << shape_string() << " has no index (" << n << ", " << c << ", " << h
      << ", " << w << ")";
  return ((n * sizes[1] + c) * sizes[2] + h) * sizes[3] + w;
}

template <typename Dtype>
int Blob<Dtype>::ElementOffset(int n, int c, int h, int w) const {
  const int element = offset(n, c, h, w);
  CHECK(element < count_) << "a blob of shape " << shape_string() << " ends before (" << n << ", "
                          << c << ", " << h << ", " << w << ")";
  return element;
}

template <typename Dtype>
int Blob<Dtype>::offset(const vector<int>& indices) const {
  CHECK_LE(static_cast<int>(indices.size()), num_axes()) << " indices into " << shape_string();
  int offset = 0;
  for (int axis = 0; axis < num_axes(); ++axis) {
    const int index = axis < static_cast<int>(indices.size()) ? indices[axis] : 0;
    CHECK(0 <= index && index < shape_[axis])
        << "axis " << axis << " of a blob of shape " << shape_string() << " has no index " << index;
    offset = offset * shape_[axis] + index;
  }
  return offset;
}

template <typename Dtype>
void Blob<Dtype>::CopyFrom(const Blob& source, bool copy_diff, bool reshape) {
  // A new blob has the shape of a single number, which has no axes, but no element yet.
  if (source.shape() != shape_ || source.count() != count_) {
    CHECK(reshape) << "cannot copy a blob of shape " << source.shape_string()
                   << " into one of shape " << shape_string() << ": reshape it first";
    ReshapeLike(source);
  }
  const bool gpu = Caffe::mode() == Caffe::GPU;
  const Dtype* from = copy_diff ? (gpu ? source.gpu_diff() : source.cpu_diff())
                                : (gpu ? source.gpu_data() : source.cpu_data());
  Dtype* to = copy_diff ? (gpu ? mutable_gpu_diff() : mutable_cpu_diff())
                        : (gpu ? mutable_gpu_data() : mutable_cpu_data());
  caffe_copy(count_, from, to);
}

// ---- memory ----

namespace {

const shared_ptr<SyncedMemory>& Allocated(const shared_ptr<SyncedMemory>& memory) {
  CHECK(memory) << "the blob has no shape yet: reshape it before its memory is used";
  return memory;
}

// A caller's memory holds what the shape needs: memory kept for a larger one would not do.
void FitMemory(size_t bytes, shared_ptr<SyncedMemory>* data, shared_ptr<SyncedMemory>* diff) {
  if (Allocated(*data)->size() == bytes) return;
  data->reset(new SyncedMemory(bytes));
  diff->reset(new SyncedMemory(bytes));
}

}  // namespace

template <typename Dtype>
const shared_ptr<SyncedMemory>& Blob<Dtype>::data() const {
  return Allocated(data_);
}

template <typename Dtype>
const shared_ptr<SyncedMemory>& Blob<Dtype>::diff() const {
  return Allocated(diff_);
}

template <typename Dtype>
const Dtype* Blob<Dtype>::cpu_data() const {
  return static_cast<const Dtype*>(data()->cpu_data());
}

template <typename Dtype>
const Dtype* Blob<Dtype>::gpu_data() const {
  return static_cast<const Dtype*>(data()->gpu_data());
}

template <typename Dtype>
const Dtype* Blob<Dtype>::cpu_diff() const {
  return static_cast<const Dtype*>(diff()->cpu_data());
}

template <typename Dtype>
const Dtype* Blob<Dtype>::gpu_diff() const {
  return static_cast<const Dtype*>(diff()->gpu_data());
}

template <typename Dtype>
Dtype* Blob<Dtype>::mutable_cpu_data() {
  return static_cast<Dtype*>(data()->mutable_cpu_data());
}

template <typename Dtype>
Dtype* Blob<Dtype>::mutable_gpu_data() {
  return static_cast<Dtype*>(data()->mutable_gpu_data());
}

template <typename Dtype>
Dtype* Blob<Dtype>::mutable_cpu_diff() {
  return static_cast<Dtype*>(diff()->mutable_cpu_data());
}

template <typename Dtype>
Dtype* Blob<Dtype>::mutable_gpu_diff() {
  return static_cast<Dtype*>(diff()->mutable_gpu_data());
}

template <typename Dtype>
void Blob<Dtype>::set_cpu_data(Dtype* data, const shared_ptr<void>& owner) {
  FitMemory(count_ * sizeof(Dtype), &data_, &diff_);
  data_->set_cpu_data(data, owner);
}

template <typename Dtype>
void Blob<Dtype>::set_gpu_data(Dtype* data, const shared_ptr<void>& owner) {
  FitMemory(count_ * sizeof(Dtype), &data_, &diff_);
  data_->set_gpu_data(data, owner);
}

template <typename Dtype>
const int* Blob<Dtype>::gpu_shape() const {
  if (!shape_data_) {
    shape_data_.reset(new SyncedMemory(shape_.size() * sizeof(int)));
    std::copy(shape_.begin(), shape_.end(), static_cast<int*>(shape_data_->mutable_cpu_data()));
  }
  return static_cast<const int*>(shape_data_->gpu_data());
}

template <typename Dtype>
void Blob<Dtype>::ShareData(const Blob& other) {
  CHECK_EQ(count_, other.count()) << ": only blobs of one size can share memory";
  data_ = other.data();
}

template <typename Dtype>
void Blob<Dtype>::ShareDiff(const Blob& other) {
  CHECK_EQ(count_, other.count()) << ": only blobs of one size can share memory";
  diff_ = other.diff();
}

INSTANTIATE_CLASS(Blob);
template class Blob<int>;
template class Blob<unsigned int>;

}  // namespace caffe
