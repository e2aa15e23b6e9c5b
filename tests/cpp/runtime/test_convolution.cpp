// Convolution and Deconvolution: against the definition, against each other, and their gradients.

#include <fstream>

#include <gtest/gtest.h>
#include <omp.h>

#include "caffe/net.hpp"
#include "dnn/precision.hpp"
#include "errors.hpp"
#include "from_text.hpp"
#include "gradient_check.hpp"
#include "same_as_reference.hpp"
#ifdef USE_ONEDNN
#include "core/convolution_geometry.hpp"
#include "dnn/merged_groups.hpp"
#endif

namespace caffe_test {
namespace {

std::string Layer(const std::string& type, const std::string& options) {
  return "type: '" + type + "' convolution_param { " + options + " }";
}

// Every option that changes the arithmetic, in shapes of few and of many channels.
struct Case {
  const char* options;
  std::vector<int> shape;
};
const Case kCases[] = {
    {"num_output: 4 kernel_size: 3", {2, 3, 6, 7}},
    {"num_output: 4 kernel_size: 3 bias_term: false", {1, 3, 6, 7}},
    {"num_output: 5 kernel_size: 3 pad: 1 stride: 2", {2, 3, 7, 8}},
    {"num_output: 2 kernel_h: 2 kernel_w: 4 stride_h: 1 stride_w: 2 pad_h: 1 pad_w: 0",
     {1, 3, 8, 9}},
    {"num_output: 4 kernel_size: 3 dilation: 2 pad: 2", {1, 2, 7, 8}},
    {"num_output: 4 kernel_size: 3 dilation: 6 pad: 6", {1, 2, 9, 8}},
    {"num_output: 6 kernel_size: 3 group: 2 pad: 1", {2, 4, 5, 6}},
    {"num_output: 3 kernel_size: 3 group: 3", {1, 3, 6, 5}},
    {"num_output: 2 kernel_size: 8 group: 2 pad: 2 stride: 4 bias_term: false", {2, 2, 12, 13}},
    {"num_output: 3 kernel_h: 5 kernel_w: 2 group: 3 pad: 3 stride: 4 dilation: 2", {2, 3, 9, 11}},
    {"num_output: 2 kernel_h: 4 kernel_w: 3 group: 2 pad: 5 stride: 6 dilation: 4", {2, 2, 9, 11}},
    {"num_output: 2 kernel_h: 3 kernel_w: 5 group: 2 pad: 1 stride: 3 dilation: 5", {2, 2, 15, 23}},
    {"num_output: 6 kernel_size: 3 group: 3 stride: 2", {2, 3, 7, 6}},
    {"num_output: 4 kernel_size: 3 pad: 1", {5, 2, 4, 5}},
    {"num_output: 3 kernel_size: 1", {2, 5, 4, 3}},
    {"num_output: 3 kernel_size: 1 stride: 2", {2, 5, 5, 4}},
};
const Case kWideCases[] = {
    {"num_output: 32 kernel_size: 3 pad: 1", {2, 16, 9, 10}},
    {"num_output: 20 kernel_size: 3 pad: 1 stride: 2", {1, 3, 13, 12}},
    {"num_output: 33 kernel_size: 1", {3, 17, 5, 6}},
    {"num_output: 32 kernel_size: 5 pad: 4 dilation: 2", {1, 32, 12, 9}},
    {"num_output: 32 kernel_size: 3 group: 2 pad: 1", {2, 32, 7, 7}},
    {"num_output: 32 kernel_size: 3 group: 32 pad: 1", {2, 32, 7, 7}},
    {"num_output: 16 kernel_size: 8 group: 16 pad: 2 stride: 4", {3, 16, 12, 13}},
    // Groups that are merged: of 4 to 4, 2 to 8, and 8 to 8 channels.
    {"num_output: 32 kernel_size: 3 group: 8 pad: 1", {2, 32, 7, 6}},
    {"num_output: 64 kernel_size: 3 group: 8 pad: 1 stride: 2", {2, 16, 9, 8}},
    {"num_output: 32 kernel_size: 1 group: 4 bias_term: false", {2, 32, 5, 4}},
    {"num_output: 16 kernel_size: 4 stride: 2 pad: 1", {1, 48, 8, 6}},
    {"num_output: 64 kernel_size: 7 stride: 2 pad: 3", {1, 3, 21, 18}},
    {"num_output: 2 kernel_size: 3 pad: 1", {1, 64, 9, 11}},
    // Images narrower than the stride, and taps that meet nothing but padding.
    {"num_output: 16 kernel_size: 3 stride: 2 pad: 1", {2, 16, 1, 1}},
    {"num_output: 16 kernel_size: 5 stride: 2 pad: 2", {3, 48, 3, 1}},
    // Windows side by side, of channels that are not a multiple of 32.
    {"num_output: 16 kernel_size: 2 stride: 2", {1, 48, 8, 6}},
    {"num_output: 8 kernel_size: 4 stride: 4", {2, 24, 4, 8}},
    {"num_output: 16 kernel_size: 6 stride: 6", {1, 16, 6, 18}},
    {"num_output: 16 kernel_size: 8 stride: 8", {1, 20, 8, 24}},
    {"num_output: 8 kernel_h: 1 kernel_w: 16 stride_h: 1 stride_w: 16", {1, 6, 2, 48}},
    {"num_output: 6 kernel_size: 2 stride: 2 group: 2 bias_term: false", {1, 160, 4, 8}},
};

TEST(Convolution, AgreesWithTheReferenceOverItsOptions) {
  for (const Case& c : kCases) ExpectSameAsReference(Layer("Convolution", c.options), {c.shape});
  for (const Case& c : kWideCases) {
    ExpectSameAsReference(Layer("Convolution", c.options), {c.shape});
    ExpectSameAsReference(Layer("Convolution", c.options), {c.shape}, 1, false, caffe::TEST);
  }
}

#ifdef USE_ONEDNN
TEST(Convolution, MergesGroupsOfFewChannels) {
  caffe::ConvolutionGeometry g;
  g.image_channels = g.feature_channels = 128;
  for (int i = 0; i < 2; ++i) g.image[i] = g.features[i] = g.kernel[i] = 3, g.pad[i] = 1;
  const auto merges = [&](int groups) {
    g.groups = groups;
    return bool(caffe::dnn::MergeGroups(g));
  };
  EXPECT_TRUE(merges(32));
  EXPECT_TRUE(merges(16));
  EXPECT_FALSE(merges(1));
  g.image_channels = g.feature_channels = 9;
  EXPECT_FALSE(merges(3));
}
#endif

// The reference computes in double whatever the layer's precision is.
const double kTolerance16 = 0.02;

TEST(Convolution, OfBfloat16AgreesWithTheReference) {
  for (const Case& c : kWideCases) {
    const std::string layer = "precision: BF16 " + Layer("Convolution", c.options);
    ExpectSameAsReference(layer, {c.shape}, 1, false, caffe::TRAIN, kTolerance16);
  }
}

// As in LeNet-5. The order of such features is none in which an image of one channel may be.
TEST(Convolution, OfBfloat16TakesAGreyImage) {
  for (const std::string outputs : {"6", "8", "12", "20"}) {
    for (const std::string kernel : {"1", "4", "5", "7"}) {
      const std::string options = "num_output: " + outputs + " kernel_size: " + kernel;
      ExpectSameAsReference("precision: BF16 " + Layer("Convolution", options), {{2, 1, 28, 28}}, 1,
                            false, caffe::TRAIN, kTolerance16);
    }
  }
}

long ResidentPages() {
  long all = 0, resident = 0;
  std::ifstream("/proc/self/statm") >> all >> resident;
  return resident;
}

// oneDNN never frees kernels that multiply bfloat16 numbers: they must not be made again.
TEST(Convolution, OfBfloat16NeedsNoMoreMemoryForImagesOfSizesSeenBefore) {
  if (!caffe::dnn::HasBfloat16()) GTEST_SKIP() << "this processor has no bfloat16";
  if (caffe::Caffe::mode() == caffe::Caffe::GPU) GTEST_SKIP() << "these kernels are the CPU's";
#ifdef __SANITIZE_ADDRESS__
  GTEST_SKIP() << "the sanitizer keeps what is freed";
#endif
  std::string text =
      "precision: BF16 layer { name: '0' type: 'Input' top: '0'"
      " input_param { shape { dim: 1 dim: 32 dim: 8 dim: 8 } } }";
  for (int i = 1; i <= 10; ++i) {
    const std::string before = std::to_string(i - 1), own = std::to_string(i);
    text += "layer { name: '" + own + "' type: 'Convolution' bottom: '" + before + "' top: '" +
            own + "' convolution_param { num_output: " + std::to_string(24 + 8 * i) +
            " kernel_size: 3 pad: 1 } }";
  }
  auto param = FromText<caffe::NetParameter>(text);
  param.mutable_state()->set_phase(caffe::TEST);
  caffe::Net<float> net(param);
  const auto run = [&net] {
    for (int i = 0; i < 110; ++i) {
      net.input_blobs()[0]->Reshape({1, 32, 8 + i / 15, 8 + i % 15});
      net.Forward();
    }
  };
  const int threads = omp_get_max_threads();
  omp_set_num_threads(1);
  run();
  const long before = ResidentPages();
  run();
  omp_set_num_threads(threads);
  EXPECT_LT(ResidentPages() - before, 5000);
}

// On a GPU; elsewhere it is float.
TEST(Convolution, OfElevenBitsAgreesWithTheReference) {
  for (const std::string precision : {"precision: TF32 ", "precision: FP16 "}) {
    for (const char* type : {"Convolution", "Deconvolution"}) {
      for (const Case& c : kWideCases) {
        ExpectSameAsReference(precision + Layer(type, c.options), {c.shape}, 1, false, caffe::TRAIN,
                              5e-3);
      }
    }
  }
}

TEST(Deconvolution, OfBfloat16AgreesWithTheReference) {
  for (const Case& c : kWideCases) {
    const std::string layer = "precision: BF16 " + Layer("Deconvolution", c.options);
    ExpectSameAsReference(layer, {c.shape}, 1, false, caffe::TRAIN, kTolerance16);
  }
}

TEST(Deconvolution, AgreesWithTheReferenceOverItsOptions) {
  for (const Case& c : kCases) {
    ExpectSameAsReference(Layer("Deconvolution", c.options), {c.shape});
  }
  for (const Case& c : kWideCases) {
    ExpectSameAsReference(Layer("Deconvolution", c.options), {c.shape});
  }
}

TEST(Convolution, HasTheGradientOfItsOutput) {
  for (const Case& c : kCases) CheckGradient(Layer("Convolution", c.options), {c.shape});
}

TEST(Deconvolution, HasTheGradientOfItsOutput) {
  for (const Case& c : kCases) CheckGradient(Layer("Deconvolution", c.options), {c.shape});
}

TEST(Convolution, TakesAnyNumberOfSpatialAxes) {
  CheckGradient(Layer("Convolution", "num_output: 2 kernel_size: 3"), {{2, 3, 6}});
  CheckGradient(Layer("Convolution", "num_output: 2 kernel_size: 2 pad: 1 stride: 2 dilation: 1"),
                {{1, 2, 4, 3, 4}});
  CheckGradient(Layer("Convolution", "num_output: 2 kernel_size: 2 axis: 2"), {{2, 2, 3, 4, 4}});
}

TEST(Convolution, SharesItsWeightsAmongSeveralBottoms) {
  GradientOptions options;
  options.tops = 2;
  CheckGradient(Layer("Convolution", "num_output: 2 kernel_size: 2"), {{2, 3, 4, 5}, {2, 3, 4, 5}},
                options);
  ExpectSameAsReference(Layer("Convolution", "num_output: 16 kernel_size: 3"),
                        {{2, 16, 5, 5}, {2, 16, 5, 5}}, 2);
}

// The definition, written down: a sum over the window, for one output.
double DirectSum(const Blob<double>& x, const Blob<double>& weights, int n, int o, int oh, int ow,
                 int stride, int pad, int dilation) {
  double sum = 0;
  for (int c = 0; c < x.channels(); ++c) {
    for (int kh = 0; kh < weights.height(); ++kh) {
      for (int kw = 0; kw < weights.width(); ++kw) {
        const int h = oh * stride - pad + kh * dilation, w = ow * stride - pad + kw * dilation;
        if (h < 0 || w < 0 || h >= x.height() || w >= x.width()) continue;
        sum += x.data_at(n, c, h, w) * weights.data_at(o, c, kh, kw);
      }
    }
  }
  return sum;
}

TEST(Convolution, IsTheSumOfItsDefinition) {
  LayerRun<double> run(
      Layer("Convolution", "num_output: 4 kernel_size: 3 stride: 2 pad: 2 dilation: 2"),
      {{2, 3, 9, 8}});
  run.Forward();
  const Blob<double>& y = *run.top[0];
  const auto& blobs = run.layer->blobs();
  for (int n = 0; n < y.num(); ++n) {
    for (int o = 0; o < y.channels(); ++o) {
      for (int h = 0; h < y.height(); ++h) {
        for (int w = 0; w < y.width(); ++w) {
          const double sum = DirectSum(*run.bottom[0], *blobs[0], n, o, h, w, 2, 2, 2);
          EXPECT_NEAR(y.data_at(n, o, h, w), sum + blobs[1]->cpu_data()[o], 1e-12);
        }
      }
    }
  }
}

TEST(Convolution, SaysWhatIsWrongWithItsParameters) {
  const auto error = [](const std::string& options, std::vector<int> shape) -> std::string {
    try {
      LayerRun<float>(Layer("Convolution", options), {shape});
    } catch (const caffe::Error& e) {
      return e.what();
    }
    return "";
  };
  EXPECT_NE(error("num_output: 4", {1, 3, 6, 6}).find("kernel_size is missing"), std::string::npos);
  EXPECT_NE(error("kernel_size: 3", {1, 3, 6, 6}).find("num_output is 0"), std::string::npos);
  EXPECT_NE(
      error("num_output: 4 kernel_size: 3 group: 2", {1, 3, 6, 6}).find("group 2 must divide"),
      std::string::npos);
  // Before weights are filled, which may take a while (and here fails).
  for (const std::string filler : {"", " weight_filler { type: 'none' }"}) {
    EXPECT_NE(
        error("num_output: 4 kernel_size: 9" + filler, {1, 3, 6, 6}).find("larger than the padded"),
        std::string::npos);
  }
}

TEST(Deconvolution, RefusesOutputsThatNoIntCounts) {
  const Shapes image = {{1, 1, 2, 2}};
  EXPECT_ERROR_NAMES(
      LayerRun<float>(Layer("Deconvolution", "num_output: 1 kernel_size: 9 dilation: 536870912"),
                      image),
      "would have 4294967298 elements");
}

TEST(ConvolutionLayers, RefusePlacesThatNoIntCounts) {
  const std::string window = "kernel_size: 3 pad: 1073741824 dilation: 1073741824";
  for (const std::string type : {"Convolution", "Deconvolution", "Im2col"}) {
    EXPECT_ERROR_NAMES(LayerRun<float>(Layer(type, "num_output: 1 " + window), {{1, 1, 2, 2}}),
                       "places of a padded axis are too many");
  }
}

}  // namespace
}  // namespace caffe_test
