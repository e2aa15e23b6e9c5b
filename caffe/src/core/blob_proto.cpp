// Blobs as messages of caffe.proto.
#include "core/blob_proto.hpp"

#include <algorithm>

#include "caffe/blob.hpp"

namespace caffe {

namespace {

bool HasLegacyShape(const BlobProto& proto) {
  return proto.has_num() || proto.has_channels() || proto.has_height() || proto.has_width();
}

void CheckValues(int stored, int elements) {
  CHECK(stored == elements) << "a blob message holds " << stored << " values for a shape of "
                            << elements << " elements";
}

// The values of a message, whichever precision they have; false where it holds none.
template <typename Dtype, typename Values, typename DoubleValues>
bool ReadValues(const Values& values, const DoubleValues& doubles, int count, Dtype* to) {
  if (doubles.size() > 0) {
    CheckValues(doubles.size(), count);
    std::copy(doubles.begin(), doubles.end(), to);
    return true;
  }
  if (values.size() > 0) {
    CheckValues(values.size(), count);
    std::copy(values.begin(), values.end(), to);
    return true;
  }
  return false;
}

}  // namespace

vector<int> CheckedShape(const BlobProto& proto) {
  Blob<float> claimed;  // takes memory when it is first used
  if (HasLegacyShape(proto)) {
    claimed.Reshape(proto.num(), proto.channels(), proto.height(), proto.width());
  } else {
    claimed.Reshape(proto.shape());
  }
  CheckValues(std::max(proto.data_size(), proto.double_data_size()), claimed.count());
  const int diffs = std::max(proto.diff_size(), proto.double_diff_size());
  if (diffs > 0) CheckValues(diffs, claimed.count());
  return claimed.shape();
}

template <typename Dtype>
bool Blob<Dtype>::ShapeEquals(const BlobProto& other) {
  if (HasLegacyShape(other)) {
    // Old files write every shape with four axes, ones in front.
    return num_axes() <= 4 && LegacyShape(-4) == other.num() &&
           LegacyShape(-3) == other.channels() && LegacyShape(-2) == other.height() &&
           LegacyShape(-1) == other.width();
  }
  const auto& dims = other.shape().dim();
  return std::equal(dims.begin(), dims.end(), shape_.begin(), shape_.end());
}

template <typename Dtype>
void Blob<Dtype>::FromProto(const BlobProto& proto, bool reshape) {
  if (reshape) {
    Reshape(CheckedShape(proto));
  } else {
    CHECK(ShapeEquals(proto)) << "the message's blob has another shape than " << shape_string();
  }
  if (count_ > 0 && !ReadValues(proto.data(), proto.double_data(), count_, mutable_cpu_data())) {
    LOG(FATAL) << "a blob message of shape " << shape_string() << " has no values";
  }
  if (proto.diff_size() + proto.double_diff_size() > 0) {
    ReadValues(proto.diff(), proto.double_diff(), count_, mutable_cpu_diff());
  }
}

template <>
void Blob<float>::ToProto(BlobProto* proto, bool write_diff) const {
  proto->Clear();
  for (const int dim : shape_) proto->mutable_shape()->add_dim(dim);
  proto->mutable_data()->Add(cpu_data(), cpu_data() + count_);
  if (write_diff) proto->mutable_diff()->Add(cpu_diff(), cpu_diff() + count_);
}

template <>
void Blob<double>::ToProto(BlobProto* proto, bool write_diff) const {
  proto->Clear();
  for (const int dim : shape_) proto->mutable_shape()->add_dim(dim);
  proto->mutable_double_data()->Add(cpu_data(), cpu_data() + count_);
  if (write_diff) proto->mutable_double_diff()->Add(cpu_diff(), cpu_diff() + count_);
}

#define INSTANTIATE_MESSAGES(Dtype)                         \
  template bool Blob<Dtype>::ShapeEquals(const BlobProto&); \
  template void Blob<Dtype>::FromProto(const BlobProto&, bool)
INSTANTIATE_MESSAGES(float);
INSTANTIATE_MESSAGES(double);
INSTANTIATE_MESSAGES(int);
INSTANTIATE_MESSAGES(unsigned int);

}  // namespace caffe
