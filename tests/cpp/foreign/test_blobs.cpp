// Blobs and their memory, as outside code uses them.

#include <vector>

#include "caffe/caffe.hpp"
#include "caffe/util/math_functions.hpp"
#include "foreign.hpp"

namespace caffe {

TEST(SyncedMemoryTest, TellsWhereItsContentsAre) {
  SyncedMemory memory(8);
  EXPECT_EQ(SyncedMemory::UNINITIALIZED, memory.head());
  EXPECT_EQ(8u, memory.size());
  const char* read = static_cast<const char*>(memory.cpu_data());
  EXPECT_EQ(SyncedMemory::HEAD_AT_CPU, memory.head());
  for (int i = 0; i < 8; ++i) EXPECT_EQ(0, read[i]);
  caffe_memset(memory.size(), 3, memory.mutable_cpu_data());
  EXPECT_EQ(SyncedMemory::HEAD_AT_CPU, memory.head());
  EXPECT_EQ(3, static_cast<const char*>(memory.cpu_data())[7]);
  char own[8] = {1, 2, 3, 4, 5, 6, 7, 8};
  memory.set_cpu_data(own);
  EXPECT_EQ(own, memory.cpu_data());
  EXPECT_EQ(own, memory.mutable_cpu_data());
}

template <typename Dtype>
class BlobUseTest : public ::testing::Test {};
TYPED_TEST_SUITE(BlobUseTest, FloatAndDouble, );

TYPED_TEST(BlobUseTest, StartsEmpty) {
  Blob<TypeParam> blob;
  EXPECT_EQ(0, blob.num_axes());
  EXPECT_EQ(0, blob.count());
  EXPECT_EQ(0, blob.asum_data());
  EXPECT_EQ(0, blob.asum_diff());
  EXPECT_EQ(0, blob.sumsq_data());
  EXPECT_EQ(0, blob.sumsq_diff());
  blob.scale_data(2);
  blob.scale_diff(2);
  blob.Reshape(std::vector<int>());
  EXPECT_EQ(1, blob.count());
  blob.mutable_cpu_data()[0] = 4;
  EXPECT_EQ(4, blob.cpu_data()[0]);
}

TYPED_TEST(BlobUseTest, HasFourAxesForOldCode) {
  Blob<TypeParam> blob(2, 3, 4, 5);
  EXPECT_EQ(2, blob.num());
  EXPECT_EQ(3, blob.channels());
  EXPECT_EQ(4, blob.height());
  EXPECT_EQ(5, blob.width());
  EXPECT_EQ(119, blob.offset(1, 2, 3, 4));
  EXPECT_EQ(60, blob.offset(1));
  // The end of a range is an index as well.
  EXPECT_EQ(120, blob.offset(2));
  EXPECT_EQ(60, blob.offset(0, 3));
  EXPECT_THROW(blob.offset(3), Error);
  EXPECT_THROW(blob.offset(0, -1), Error);
  EXPECT_THROW(blob.offset(0, 0, 5), Error);
  EXPECT_THROW(blob.offset(0, 0, 0, 6), Error);
  EXPECT_EQ("2 3 4 5 (120)", blob.shape_string());
  EXPECT_EQ(20, blob.count(2));
  EXPECT_EQ(12, blob.count(1, 3));
  EXPECT_EQ(3, blob.CanonicalAxisIndex(-1));
  EXPECT_EQ(4, blob.shape(-2));
  EXPECT_THROW(blob.shape(4), Error);
  blob.Reshape(std::vector<int>(2, 7));
  EXPECT_EQ(7, blob.num());
  EXPECT_EQ(7, blob.channels());
  EXPECT_EQ(1, blob.height());
  EXPECT_EQ(1, blob.LegacyShape(-4));
  blob.Reshape(std::vector<int>(5, 1));
  EXPECT_THROW(blob.num(), Error);
}

TYPED_TEST(BlobUseTest, RefusesShapesThatAreNone) {
  Blob<TypeParam> blob;
  EXPECT_THROW(blob.Reshape(std::vector<int>{2, -1}), Error);
  EXPECT_THROW(blob.Reshape(std::vector<int>{1 << 16, 1 << 15}), Error);
  EXPECT_THROW(blob.Reshape(std::vector<int>(33, 1)), Error);
  BlobShape shape;
  shape.add_dim(-1);
  EXPECT_THROW(blob.Reshape(shape), Error);
  shape.set_dim(0, int64_t(1) << 31);
  EXPECT_THROW(blob.Reshape(shape), Error);
  shape.set_dim(0, 3);
  for (int i = 1; i < 32; ++i) shape.add_dim(1);
  blob.Reshape(shape);
  EXPECT_EQ(3, blob.count());
  shape.add_dim(1);
  EXPECT_THROW(blob.Reshape(shape), Error);
  // Memory is taken when it is used.
  blob.Reshape(std::vector<int>{0x7fffffff});
  EXPECT_EQ(0x7fffffff, blob.count());
  shape.Clear();
  shape.add_dim(0x7fffffff);
  shape.add_dim(0);
  shape.add_dim(2);
  blob.Reshape(shape);
  EXPECT_EQ(0, blob.count());
  EXPECT_EQ(0x7fffffff, blob.count(0, 1));
  EXPECT_EQ(0, blob.count(1, 3));
  blob.Reshape(std::vector<int>{0, 0x7fffffff, 2});
  EXPECT_THROW(blob.count(1), Error);
}

TYPED_TEST(BlobUseTest, KnowsItsAxes) {
  Blob<TypeParam> blob(std::vector<int>{2, 3, 4});
  EXPECT_EQ(1, blob.count(3));
  EXPECT_EQ(1, blob.count(1, 1));
  EXPECT_EQ(24, blob.count(0, 3));
  EXPECT_THROW(blob.count(-1, 2), Error);
  EXPECT_THROW(blob.count(2, 1), Error);
  EXPECT_THROW(blob.count(0, 4), Error);
  EXPECT_THROW(blob.count(4), Error);
  EXPECT_EQ(0, blob.CanonicalAxisIndex(-3));
  EXPECT_EQ(0, blob.CanonicalAxisIndex(0));
  EXPECT_THROW(blob.CanonicalAxisIndex(3), Error);
  EXPECT_THROW(blob.CanonicalAxisIndex(-4), Error);
  EXPECT_EQ(1, blob.LegacyShape(3));
  EXPECT_EQ(1, blob.LegacyShape(-4));
  EXPECT_EQ(2, blob.LegacyShape(-3));
  EXPECT_EQ(4, blob.LegacyShape(2));
  EXPECT_THROW(blob.LegacyShape(4), Error);
  EXPECT_THROW(blob.LegacyShape(-5), Error);
  EXPECT_EQ(0, blob.offset(std::vector<int>()));
  EXPECT_EQ(12, blob.offset(std::vector<int>{1}));
  EXPECT_EQ(23, blob.offset(std::vector<int>{1, 2, 3}));
  EXPECT_THROW(blob.offset(std::vector<int>{1, 2, 3, 0}), Error);
  EXPECT_THROW(blob.offset(std::vector<int>{2}), Error);
  EXPECT_THROW(blob.offset(std::vector<int>{0, -1}), Error);
  EXPECT_THROW(blob.data_at(std::vector<int>{0, 0, 4}), Error);
  EXPECT_THROW(blob.data_at(2, 0, 0, 0), Error);
  EXPECT_THROW(blob.diff_at(1, 2, 4, 0), Error);
}

TYPED_TEST(BlobUseTest, UsesNoMemoryThatItDoesNotHave) {
  Blob<TypeParam> none, small(std::vector<int>{2}), large(std::vector<int>{3});
  EXPECT_THROW(none.cpu_data(), Error);
  EXPECT_THROW(none.mutable_cpu_diff(), Error);
  EXPECT_THROW(none.Update(), Error);
  EXPECT_THROW(small.ShareData(large), Error);
  EXPECT_THROW(small.ShareDiff(large), Error);
  EXPECT_THROW(small.CopyFrom(large, true), Error);
  // Nothing was written: nothing can be updated, and all of it is 0.
  EXPECT_THROW(small.Update(), Error);
  EXPECT_EQ(0, small.sumsq_data());
}

TYPED_TEST(BlobUseTest, TakesTheMemoryOfACaller) {
  Blob<TypeParam> blob(std::vector<int>{5});
  blob.Reshape(std::vector<int>{2});
  TypeParam values[] = {3, 4};
  blob.set_cpu_data(values);
  EXPECT_EQ(values, blob.cpu_data());
  EXPECT_EQ(2 * sizeof(TypeParam), blob.data()->size());
  EXPECT_EQ(2 * sizeof(TypeParam), blob.diff()->size());
  const SyncedMemory* memory = blob.data().get();
  blob.set_cpu_data(values + 1);
  EXPECT_EQ(memory, blob.data().get());
}

TYPED_TEST(BlobUseTest, KeepsItsMemoryWhereItGetsSmaller) {
  Blob<TypeParam> blob(1, 1, 4, 4);
  TypeParam* data = blob.mutable_cpu_data();
  data[0] = 5;
  blob.Reshape(1, 1, 2, 2);
  EXPECT_EQ(data, blob.mutable_cpu_data());
  blob.Reshape(1, 1, 4, 4);
  EXPECT_EQ(data, blob.cpu_data());
  EXPECT_EQ(5, blob.data_at(0, 0, 0, 0));
  std::vector<int> shape(2);
  shape[1] = 5;
  blob.Reshape(shape);
  EXPECT_EQ(0, blob.count());
}

TYPED_TEST(BlobUseTest, DoesArithmetic) {
  Blob<TypeParam> blob(1, 1, 1, 3);
  const TypeParam values[] = {1, -2, 3};
  caffe_copy(3, values, blob.mutable_cpu_data());
  caffe_set(3, TypeParam(0.5), blob.mutable_cpu_diff());
  EXPECT_EQ(6, blob.asum_data());
  EXPECT_EQ(14, blob.sumsq_data());
  EXPECT_EQ(1.5, blob.asum_diff());
  EXPECT_EQ(0.75, blob.sumsq_diff());
  blob.Update();
  EXPECT_EQ(-2.5, blob.cpu_data()[1]);
  blob.scale_data(2);
  blob.scale_diff(4);
  EXPECT_EQ(5, blob.cpu_data()[2]);
  EXPECT_EQ(2, blob.cpu_diff()[0]);
}

TYPED_TEST(BlobUseTest, SharesAndCopies) {
  Blob<TypeParam> a(1, 2, 1, 2), b(1, 1, 2, 2), c;
  a.mutable_cpu_data()[3] = 9;
  b.ShareData(a);
  EXPECT_EQ(a.cpu_data(), b.cpu_data());
  b.ShareDiff(a);
  b.mutable_cpu_diff()[1] = 7;
  EXPECT_EQ(7, a.cpu_diff()[1]);
  EXPECT_THROW(c.CopyFrom(a), Error);
  c.CopyFrom(a, false, true);
  EXPECT_EQ(a.shape(), c.shape());
  EXPECT_NE(a.cpu_data(), c.cpu_data());
  EXPECT_EQ(9, c.cpu_data()[3]);
  c.CopyFrom(a, true);
  EXPECT_EQ(7, c.diff_at(0, 0, 0, 1));
  BlobProto proto;
  a.ToProto(&proto, true);
  Blob<TypeParam> d;
  d.FromProto(proto);
  EXPECT_EQ(9, d.cpu_data()[3]);
  EXPECT_EQ(7, d.cpu_diff()[1]);
  EXPECT_TRUE(d.ShapeEquals(proto));
}

TYPED_TEST(BlobUseTest, HasMemoryOfItsOwnWhereSharedMemoryIsTooSmall) {
  Blob<TypeParam> small(1, 1, 1, 10), large(1, 1, 1, 1000);
  large.Reshape(1, 1, 1, 10);
  large.ShareData(small);
  large.Reshape(1, 1, 1, 1000);
  EXPECT_NE(small.cpu_data(), large.cpu_data());
  EXPECT_GE(large.data()->size(), 1000 * sizeof(TypeParam));
  large.mutable_cpu_data()[999] = 1;
}

TYPED_TEST(BlobUseTest, RefusesMessagesWithoutTheValuesOfTheirShape) {
  BlobProto proto;
  proto.mutable_shape()->add_dim(3);
  Blob<TypeParam> blob(std::vector<int>{3});
  EXPECT_THROW(blob.FromProto(proto), Error);
  EXPECT_THROW(blob.FromProto(proto, false), Error);
  for (int i = 0; i < 3; ++i) proto.add_data(i);
  blob.FromProto(proto);
  EXPECT_EQ(2, blob.cpu_data()[2]);
  proto.mutable_shape()->set_dim(0, (int64_t(1) << 32) + 3);
  EXPECT_THROW(blob.FromProto(proto), Error);
  EXPECT_FALSE(blob.ShapeEquals(proto));
}

TYPED_TEST(BlobUseTest, KnowsTheShapesOfOldFiles) {
  BlobProto proto;
  proto.set_num(1);
  proto.set_channels(1);
  proto.set_height(6);
  proto.set_width(4);
  Blob<TypeParam> matrix(std::vector<int>{6, 4});
  EXPECT_TRUE(matrix.ShapeEquals(proto));
  typedef void (BlobProto::*Setter)(int32_t);
  const Setter axes[] = {&BlobProto::set_num, &BlobProto::set_channels, &BlobProto::set_height,
                         &BlobProto::set_width};
  for (const Setter set : axes) {
    BlobProto other = proto;
    (other.*set)(2);
    EXPECT_FALSE(matrix.ShapeEquals(other));
    // One of the four makes it a shape of such a file; the others are 0 then.
    BlobProto single;
    (single.*set)(2);
    EXPECT_FALSE(Blob<TypeParam>(std::vector<int>()).ShapeEquals(single));
    EXPECT_TRUE(Blob<TypeParam>(single.num(), single.channels(), single.height(), single.width())
                    .ShapeEquals(single));
  }
  Blob<TypeParam> five(std::vector<int>{1, 1, 1, 6, 4});
  EXPECT_FALSE(five.ShapeEquals(proto));
}

TYPED_TEST(BlobUseTest, HasOneShapeInAMessage) {
  BlobProto proto;
  proto.set_width(7);
  proto.mutable_shape()->add_dim(9);
  proto.add_diff(5);
  Blob<TypeParam> blob(std::vector<int>{2, 1}), turned(std::vector<int>{1, 2}), old;
  blob.mutable_cpu_data()[1] = 3;
  blob.ToProto(&proto);
  EXPECT_TRUE(blob.ShapeEquals(proto));
  EXPECT_EQ(0, proto.diff_size());
  EXPECT_THROW(turned.FromProto(proto, false), Error);
  proto.clear_shape();
  proto.set_num(1);
  proto.set_channels(2);
  proto.set_height(1);
  proto.set_width(1);
  old.FromProto(proto);
  EXPECT_EQ("1 2 1 1 (2)", old.shape_string());
  EXPECT_EQ(3, old.cpu_data()[1]);
}

TYPED_TEST(BlobUseTest, ReadsDiffsOfTheSizeOfItsData) {
  BlobProto proto;
  proto.mutable_shape()->add_dim(2);
  for (int i = 0; i < 2; ++i) proto.add_double_data(i + 0.5);
  Blob<TypeParam> blob;
  blob.FromProto(proto);
  EXPECT_EQ(1.5, blob.cpu_data()[1]);
  EXPECT_EQ(SyncedMemory::UNINITIALIZED, blob.diff()->head());
  BlobProto doubles = proto;
  proto.add_diff(3);
  EXPECT_THROW(blob.FromProto(proto), Error);
  proto.add_diff(4);
  blob.FromProto(proto);
  EXPECT_EQ(4, blob.cpu_diff()[1]);
  doubles.add_double_diff(5);
  EXPECT_THROW(blob.FromProto(doubles), Error);
  doubles.add_double_diff(6);
  blob.FromProto(doubles);
  EXPECT_EQ(6, blob.cpu_diff()[1]);
  EXPECT_THROW(Blob<TypeParam>(std::vector<int>{3}).FromProto(proto, false), Error);
  proto.clear_double_data();
  proto.add_data(1);
  EXPECT_THROW(blob.FromProto(proto), Error);
}

template <typename Index>
void ExpectNoArithmetic() {
  Blob<Index> blob(std::vector<int>{2});
  blob.mutable_cpu_data()[0] = blob.mutable_cpu_diff()[0] = 1;
  EXPECT_THROW(blob.Update(), Error);
  EXPECT_THROW(blob.asum_data(), Error);
  EXPECT_THROW(blob.asum_diff(), Error);
  EXPECT_THROW(blob.sumsq_data(), Error);
  EXPECT_THROW(blob.sumsq_diff(), Error);
  EXPECT_THROW(blob.scale_data(2), Error);
  EXPECT_THROW(blob.scale_diff(2), Error);
}

TEST(BlobsOfIndices, RefuseArithmetic) {
  ExpectNoArithmetic<int>();
  ExpectNoArithmetic<unsigned int>();
}

}  // namespace caffe
