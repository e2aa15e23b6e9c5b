// Means of a net's outputs over batches.

#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "caffe/util/output_sums.hpp"

namespace {

using caffe::Blob;

TEST(OutputSums, AreOfOutputsThatMayHaveAnotherSizeInEveryBatch) {
  Blob<float> one(std::vector<int>{1}), two(std::vector<int>{2});
  const std::vector<Blob<float>*> outputs = {&one, &two};
  caffe::OutputSums<float> sums;
  for (int batch = 1; batch <= 4; ++batch) {
    // The second output has 2, 3, 2, 3 values.
    two.Reshape(std::vector<int>{batch % 2 == 0 ? 3 : 2});
    one.mutable_cpu_data()[0] = batch;
    for (int k = 0; k < two.count(); ++k) two.mutable_cpu_data()[k] = 10 * batch + k;
    sums.Add(outputs, 0.5 * batch);
  }
  EXPECT_EQ(sums.mean_loss(), 1.25);
  std::vector<std::pair<size_t, double>> means;
  sums.ForEachMean([&](size_t output, double mean) { means.emplace_back(output, mean); });
  const std::vector<std::pair<size_t, double>> expected = {{0, 2.5}, {1, 25}, {1, 26}, {1, 16}};
  EXPECT_EQ(means, expected);
}

}  // namespace
