#ifndef TESTS_FOREIGN_FOREIGN_HPP_
#define TESTS_FOREIGN_FOREIGN_HPP_

/// What the tests share that are written the way code outside of this project is: classes of Caffe
/// used directly, raw pointers, values worked out by hand.

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "caffe/blob.hpp"
#include "caffe/common.hpp"
#include "caffe/filler.hpp"
#include "caffe/proto/caffe.pb.h"
#include "from_text.hpp"

typedef ::testing::Types<float, double> FloatAndDouble;

namespace caffe {

using caffe_test::FromText;

/// A fixture with one bottom and one top, which a test shapes and fills.
template <typename Dtype>
class OneToOne : public ::testing::Test {
 protected:
  OneToOne() : bottom_(new Blob<Dtype>()), top_(new Blob<Dtype>()) {
    bottom_vec_.push_back(bottom_.get());
    top_vec_.push_back(top_.get());
  }

  void FillBottom(const std::vector<int>& shape) {
    bottom_->Reshape(shape);
    Caffe::set_random_seed(1701);
    GaussianFiller<Dtype>(FillerParameter()).Fill(bottom_.get());
  }
  static void Put(const std::vector<int>& shape, const std::vector<Dtype>& values,
                  Blob<Dtype>* blob) {
    blob->Reshape(shape);
    ASSERT_EQ(blob->count(), static_cast<int>(values.size()));
    for (int i = 0; i < blob->count(); ++i) blob->mutable_cpu_data()[i] = values[i];
  }
  static void ExpectValues(const std::vector<Dtype>& expected, const Dtype* values) {
    for (size_t i = 0; i < expected.size(); ++i) EXPECT_NEAR(expected[i], values[i], 1e-5) << i;
  }

  const shared_ptr<Blob<Dtype>> bottom_, top_;
  std::vector<Blob<Dtype>*> bottom_vec_, top_vec_;
};

}  // namespace caffe

#endif  // TESTS_FOREIGN_FOREIGN_HPP_
