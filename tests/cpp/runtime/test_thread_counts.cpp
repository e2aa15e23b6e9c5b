// Results do not depend on the number of threads, to the bit.

#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>
#include <omp.h>

#include "caffe/util/math_functions.hpp"
#include "layer_run.hpp"
#ifdef USE_ONEDNN
#include "dnn/winograd_convolution.hpp"
#endif

namespace caffe_test {
namespace {

// Whether a library adds up the diffs of a convolution's weights, and divides the sums among the
// threads: BLAS in builds without oneDNN, oneDNN's own kernels of bfloat16 numbers.
bool ALibrarySumsWeightDiffs(const std::string& layer) {
  if (layer.find("'Convolution'") == std::string::npos) return false;
#ifdef USE_ONEDNN
  return layer.find("BF16") != std::string::npos && caffe::dnn::LeavesBfloat16ToOneDnn();
#else
  return true;
#endif
}

// Large enough for every loop to be shared out; labels where the layer wants them.
std::vector<std::vector<float>> ResultsOf(const std::string& text, const Shapes& shapes,
                                          int threads, bool parameters) {
  const int before = omp_get_max_threads();
  omp_set_num_threads(threads);
  LayerRun<float> run(text, shapes, 1, false,
                      [&](double x, int b, int i) { return b == 1 ? i * 7 % 4 : x; });
  run.Forward();
  std::vector<bool> propagate_down(shapes.size(), false);
  propagate_down[0] = true;
  run.Backward(propagate_down);
  omp_set_num_threads(before);
  std::vector<std::vector<float>> results;
  const auto keep = [&](const float* values, int count) {
    results.emplace_back(values, values + count);
  };
  keep(run.top[0]->cpu_data(), run.top[0]->count());
  keep(run.bottom[0]->cpu_diff(), run.bottom[0]->count());
  if (!parameters) return results;
  for (const auto& blob : run.layer->blobs()) keep(blob->cpu_diff(), blob->count());
  return results;
}

TEST(ThreadCounts, DoNotChangeResults) {
  const std::vector<int> shape = {3, 4, 123, 211};
  const std::vector<int> labels = {3, 123, 211};
  std::vector<std::pair<std::string, Shapes>> layers = {
      {"type: 'Dropout'", {shape}},
      {"type: 'BNLL'", {shape}},
      {"type: 'EuclideanLoss'", {shape, shape}},
      {"type: 'LRN'", {shape}},
      {"type: 'Pooling' pooling_param { pool: AVE kernel_size: 3 stride: 2 }", {shape}},
      {"type: 'Pooling' pooling_param { pool: AVE global_pooling: true }", {shape}},
      {"type: 'PReLU'", {shape}},
      {"type: 'Reduction' reduction_param { operation: SUMSQ }", {shape}},
      {"type: 'Reduction' reduction_param { operation: MEAN axis: 2 }", {shape}},
      {"type: 'Sigmoid'", {shape}},
      {"type: 'SigmoidCrossEntropyLoss'", {shape, shape}},
      {"type: 'Softmax'", {shape}},
      {"type: 'Softmax'", {{301, 1003}}},
      {"type: 'TanH'", {shape}},
      {"type: 'SoftmaxWithLoss' loss_param { weight_by_label_freqs: true }", {shape, labels}},
  };
  // One of a few tiles and many channels, one of many tiles.
  const std::string convolution = "type: 'Convolution' convolution_param { kernel_size: 3 pad: 1 ";
  layers.push_back({convolution + "num_output: 256 }", {{1, 256, 14, 17}}});
  layers.push_back({convolution + "num_output: 48 }", {{2, 32, 123, 211}}});
  // Of bfloat16 numbers, with the tiles that are taken for them.
  const std::string rounded = "precision: BF16 " + convolution;
  layers.push_back({rounded + "num_output: 256 }", {{1, 512, 14, 17}}});
  layers.push_back({rounded + "num_output: 64 }", {{2, 64, 123, 211}}});
  for (const auto& layer : layers) {
    const bool parameters = !ALibrarySumsWeightDiffs(layer.first);
    const auto one = ResultsOf(layer.first, layer.second, 1, parameters);
    EXPECT_EQ(ResultsOf(layer.first, layer.second, 3, parameters), one) << layer.first;
  }
}

TEST(Sums, AreAccurateHoweverManyTermsThereAre) {
  // Equal terms are rounded the same way again and again.
  for (const int count : {1, 255, 256, 4096, 5000, 1 << 22}) {
    const std::vector<float> terms(count, 0.1f);
    const double exact = count * static_cast<double>(terms[0]);
    EXPECT_NEAR(caffe::caffe_cpu_asum(count, terms.data()), exact, 1.2e-6 * exact) << count;
  }
}

}  // namespace
}  // namespace caffe_test
