#include <gtest/gtest.h>

#include "caffe/util/blob_copies.hpp"

namespace caffe {
namespace {

TEST(BlobCopies, HaveShapesAndDataOfTheOriginals) {
  vector<shared_ptr<Blob<float>>> from, to;
  // More than one kernel takes on a GPU.
  for (int i = 0; i < 200; ++i) {
    from.push_back(shared_ptr<Blob<float>>(new Blob<float>(vector<int>{1 + i * 7 % 300})));
    to.push_back(shared_ptr<Blob<float>>(new Blob<float>()));
    for (int k = 0; k < from[i]->count(); ++k) from[i]->mutable_cpu_data()[k] = i + k / 1000.f;
  }
  CopyBlobs(from, to);
  for (int i = 0; i < 200; ++i) {
    ASSERT_EQ(to[i]->shape(), from[i]->shape());
    for (int k = 0; k < to[i]->count(); ++k) {
      ASSERT_EQ(to[i]->cpu_data()[k], from[i]->cpu_data()[k]) << i << " " << k;
    }
  }
}

TEST(BlobCopies, OfASingleNumberHaveItsElement) {
  Blob<float> number(vector<int>{}), copy;
  number.mutable_cpu_data()[0] = 3;
  copy.CopyFrom(number, false, true);
  EXPECT_EQ(copy.count(), 1);
  EXPECT_EQ(copy.cpu_data()[0], 3);
}

}  // namespace
}  // namespace caffe
