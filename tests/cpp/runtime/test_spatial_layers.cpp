// Pooling, Upsample, Interp, SPP, LRN: values that follow from their definitions, and gradients.

#include <algorithm>
#include <cmath>
#include <numeric>

#include <gtest/gtest.h>

#include "gradient_check.hpp"
#include "layer_case.hpp"
#include "same_as_reference.hpp"

namespace caffe_test {
namespace {

const char* const kPooling[] = {
    "pool: MAX kernel_size: 2 stride: 2",
    "pool: MAX kernel_size: 3 stride: 2 pad: 1",
    "pool: MAX kernel_h: 2 kernel_w: 3 stride: 1",
    "pool: MAX kernel_size: 2 stride: 3",
    "pool: MAX kernel_size: 3 stride: 2 round_mode: FLOOR",
    "pool: MAX global_pooling: true",
    "pool: AVE kernel_size: 2 stride: 2",
    "pool: AVE kernel_size: 3 stride: 2 pad: 1",
    "pool: AVE global_pooling: true",
};

std::string Pooling(const std::string& options) {
  return "type: 'Pooling' pooling_param { " + options + " }";
}

TEST(Pooling, HasTheGradientOfItsOutput) {
  for (const char* options : kPooling) CheckGradient(Pooling(options), {{2, 2, 7, 6}});
}

TEST(Pooling, FindsItsMaximaAgainInTest) {
  GradientOptions options;
  options.phase = caffe::TEST;
  CheckGradient(Pooling(kPooling[1]), {{2, 2, 7, 6}}, options);
}

TEST(Pooling, GivesThePlaceOfEachMaximum) {
  LayerRun<double> run(Pooling("kernel_size: 3 stride: 2 pad: 1"), {{2, 3, 7, 6}}, 2);
  run.Forward();
  const Blob<double>& mask = *run.top[1];
  for (int i = 0; i < mask.count(); ++i) {
    const int plane = i / (mask.height() * mask.width());
    EXPECT_EQ(run.top[0]->cpu_data()[i],
              run.bottom[0]->cpu_data()[plane * 42 + int(mask.cpu_data()[i])]);
  }
}

TEST(Pooling, SaysWhatIsWrongWithItsWindow) {
  const char* const cases[][2] = {
      {"", "kernel_size is missing"},
      {"kernel_size: 0", "kernel_size is 0: give a value from 1"},
      {"kernel_h: 2", "give both kernel_h and kernel_w, or one kernel_size"},
      {"kernel_size: 2 kernel_w: 2", "give either kernel_size or kernel_h and kernel_w"},
      {"kernel_size: 2 stride: 0", "stride is 0: give a value from 1"},
      {"kernel_size: 2 stride: 4000000000", "stride is 1073741825: give a value from 1"},
      {"kernel_size: 2 stride_h: 1 stride_w: 0", "stride is 0: give a value from 1"},
      {"kernel_size: 2 pad: 2", "pad must be smaller than kernel_size"},
      {"kernel_size: 2 pad_w: 2", "pad must be smaller than kernel_size"},
      {"kernel_size: 9", "larger than its padded input"},
      {"kernel_size: 2 global_pooling: true", "leave kernel_size out"},
      {"global_pooling: true stride: 2", "neither pad nor stride"},
  };
  for (const auto& wrong : cases) {
    EXPECT_ERROR_NAMES(LayerRun<float>(Pooling(wrong[0]), {{1, 1, 7, 6}}), wrong[1]);
  }
}

TEST(Pooling, OfStochasticKindTakesTheMeanWeightedByItselfInTest) {
  const auto squares = [](double x, int, int) { return x * x; };
  LayerRun<double> run(Pooling("pool: STOCHASTIC kernel_size: 2 stride: 2"), {{1, 1, 2, 2}}, 1,
                       false, squares, caffe::TEST);
  run.Forward();
  double sum = 0, weighted = 0;
  for (const double x : run.inputs[0]) {
    sum += x;
    weighted += x * x;
  }
  EXPECT_NEAR(run.top[0]->cpu_data()[0], weighted / sum, 1e-12);
}

TEST(Pooling, OfStochasticKindPassesGradientsToTheValueDrawn) {
  GradientOptions options;
  options.values = [](double x, int, int) { return x * x + 0.1; };
  options.step = 1e-9;
  options.tolerance = 1e-4;
  CheckGradient(Pooling("pool: STOCHASTIC kernel_size: 2 stride: 2"), {{2, 3, 6, 4}}, options);
}

TEST(Pooling, RefusesWindowsThatNoIntCounts) {
  const auto set_up = [](const std::string& options) {
    LayerCase<float> layer(Pooling(options));
    layer.Bottom({1, 1, 4, 4}).Forward();
  };
  EXPECT_ERROR_NAMES(set_up("kernel_size: 4294967294"), "kernel_size");
  EXPECT_ERROR_NAMES(set_up("kernel_size: 2 stride: 4294967294"), "stride");
  EXPECT_ERROR_NAMES(set_up("kernel_size: 1073741824 pad: 1073741823"), "too many for pooling");
}

// Windows of few values and of many, of whole rows and of parts of them.
TEST(Pooling, AveragesOverTheWindowInThePaddedImage) {
  const int height = 21, width = 35;
  struct Window {
    int height, width, stride, pad;
  };
  for (const Window& k : {Window{3, 3, 2, 1}, Window{2, 20, 1, 0}, Window{5, 35, 4, 0},
                          Window{19, 37, 3, 1}, Window{21, 35, 1, 0}}) {
    LayerCase<float> layer(Pooling("pool: AVE kernel_h: " + std::to_string(k.height) +
                                   " kernel_w: " + std::to_string(k.width) + " stride: " +
                                   std::to_string(k.stride) + " pad: " + std::to_string(k.pad)));
    layer.Bottom({1, 2, height, width}).Forward();
    const Blob<float>&x = *layer.bottom[0], &y = *layer.top[0];
    for (int c = 0; c < 2; ++c) {
      for (int oh = 0; oh < y.height(); ++oh) {
        for (int ow = 0; ow < y.width(); ++ow) {
          double sum = 0;
          int count = 0;
          for (int h = oh * k.stride; h < oh * k.stride + k.height; ++h) {
            for (int w = ow * k.stride; w < ow * k.stride + k.width; ++w) {
              // Counted from the corner of the padded image.
              if (h >= height + 2 * k.pad || w >= width + 2 * k.pad) continue;
              ++count;
              const bool inside =
                  h >= k.pad && h < height + k.pad && w >= k.pad && w < width + k.pad;
              if (inside) sum += x.data_at(0, c, h - k.pad, w - k.pad);
            }
          }
          EXPECT_NEAR(y.data_at(0, c, oh, ow), sum / count, 2e-6);
        }
      }
    }
  }
}

// Floats count the pixels of planes up to 2^24.
TEST(Pooling, TakesLargerPlanesUnlessItKeepsPlaces) {
  const int width = (1 << 23) + 2;
  const Shape shape = {1, 1, 2, width};
  for (const std::string pool : {"MAX", "AVE"}) {
    LayerCase<float> layer(Pooling("pool: " + pool + " kernel_size: 2 stride: 2"));
    layer.Bottom(shape).Forward();
    const float* x = layer.bottom[0]->cpu_data();
    const std::vector<float> last = {x[width - 2], x[width - 1], x[2 * width - 2],
                                     x[2 * width - 1]};
    const float mean = std::accumulate(last.begin(), last.end(), 0.f) / 4;
    const float maximum = *std::max_element(last.begin(), last.end());
    EXPECT_FLOAT_EQ(layer.top[0]->cpu_data()[width / 2 - 1], pool == "MAX" ? maximum : mean);
  }
  const auto refused = [&](const std::string& options, int tops) {
    LayerCase<float> layer(Pooling(options), tops);
    layer.Bottom(shape).Forward();
  };
  EXPECT_ERROR_NAMES(refused("kernel_size: 2 stride: 2", 2), "2 x 8388610 pixels are too large");
  EXPECT_ERROR_NAMES(refused("kernel_size: 2 stride: 1", 1), "2 x 8388610 pixels are too large");
  EXPECT_ERROR_NAMES(refused("kernel_size: 2 stride: 2 pool: STOCHASTIC", 1), "are too large");
  LayerCase<double> counting(Pooling("kernel_size: 2 stride: 2"), 2);
  counting.Bottom(shape);
  EXPECT_NO_THROW(counting.layer->SetUp(counting.bottom, counting.top));
}

// ---- Upsample ----

// Places of 3 x 2 values in the planes of 6 x 4 ones, no two alike.
double Place(double normal, int bottom, int i) {
  if (bottom == 0) return normal;
  const int h = i / 2 % 3, w = i % 2;
  return (2 * h + i % 5 % 2) * 4 + 2 * w + i % 3 % 2;
}

TEST(Upsample, HasTheGradientOfItsOutput) {
  GradientOptions options;
  options.bottoms = {0};
  options.values = Place;
  CheckGradient("type: 'Upsample'", {{2, 3, 3, 2}, {2, 3, 3, 2}}, options);
  CheckGradient("type: 'Upsample' upsample_param { upsample_h: 7 upsample_w: 4 }",
                {{2, 3, 3, 2}, {2, 3, 3, 2}}, options);
}

TEST(Upsample, UndoesPoolingAtOddSizes) {
  LayerRun<float> pool(Pooling("kernel_size: 2 stride: 2"), {{1, 2, 5, 7}}, 2);
  pool.Forward();
  LayerRun<float> up("type: 'Upsample' upsample_param { upsample_h: 5 upsample_w: 7 }",
                     {pool.top[0]->shape(), pool.top[1]->shape()}, 1, false,
                     [&](double, int b, int i) { return pool.top[b]->cpu_data()[i]; });
  up.Forward();
  double sum = 0;
  for (int i = 0; i < up.top[0]->count(); ++i) {
    const float y = up.top[0]->cpu_data()[i];
    EXPECT_TRUE(y == 0 || y == pool.bottom[0]->cpu_data()[i]) << i;
    sum += y;
  }
  double expected = 0;
  for (int i = 0; i < pool.top[0]->count(); ++i) expected += pool.top[0]->cpu_data()[i];
  EXPECT_NEAR(sum, expected, 1e-4);
}

TEST(Upsample, RefusesPlacesOutsideItsPlane) {
  const auto outside = [](double x, int b, int i) { return b == 0 ? x : i == 7 ? 24. : 0.; };
  LayerRun<float> run("type: 'Upsample'", {{1, 3, 3, 2}, {1, 3, 3, 2}}, 1, false, outside);
  try {
    run.Forward();
    // A GPU does not wait for its kernels: they report at the layer's next turn.
    if (caffe::Caffe::mode() == caffe::Caffe::GPU) run.Forward();
    FAIL();
  } catch (const caffe::Error& e) {
    EXPECT_NE(std::string(e.what()).find("outside the top's 6 x 4"), std::string::npos) << e.what();
  }
}

TEST(Upsample, RefusesSizesBeyondInts) {
  EXPECT_ERROR_NAMES(LayerRun<float>("type: 'Upsample' upsample_param { scale: 1073741824 }",
                                     {{1, 1, 3, 2}, {1, 1, 3, 2}}),
                     "3 pixels enlarged by 1073741824");
}

// ---- Interp ----

std::string Interp(const std::string& options) {
  return "type: 'Interp' interp_param { " + options + " }";
}

TEST(Interp, HasTheGradientOfItsOutput) {
  CheckGradient(Interp("height: 7 width: 9"), {{2, 2, 4, 3}});
  CheckGradient(Interp("height: 3 width: 2"), {{1, 2, 5, 6}});
  CheckGradient("type: 'Interp'", {{2, 2, 4, 3}, {1, 1, 7, 9}});
  CheckGradient(Interp("zoom_factor: 3"), {{1, 2, 3, 4}});
  CheckGradient(Interp("shrink_factor: 2"), {{1, 2, 5, 6}});
  CheckGradient(Interp("zoom_factor: 2 pad_beg: -1 pad_end: -2"), {{1, 2, 6, 7}});
  CheckGradient("type: 'Interp'", {{1, 3, 2, 2}, {1, 2, 5, 3}});
}

TEST(Interp, MapsCornersOntoCornersAndIsLinearBetween) {
  const auto ramp = [](double, int, int i) { return 10. * (i / 3) + i % 3; };
  LayerRun<double> run(Interp("height: 7 width: 9"), {{1, 1, 4, 3}}, 1, false, ramp);
  run.Forward();
  for (int h = 0; h < 7; ++h) {
    for (int w = 0; w < 9; ++w) {
      EXPECT_NEAR(run.top[0]->data_at(0, 0, h, w), 10 * h * 3. / 6 + w * 2. / 8, 1e-12);
    }
  }
}

TEST(Interp, RefusesSizesThatNoIntCounts) {
  const auto set_up = [](const std::string& options) {
    LayerCase<float> layer(Interp(options));
    layer.Bottom({1, 1, 4, 4}).Forward();
  };
  EXPECT_ERROR_NAMES(set_up("zoom_factor: 1 pad_beg: -2147483648 pad_end: -2147483648"),
                     "crop all of a bottom of 4");
  EXPECT_ERROR_NAMES(set_up("zoom_factor: 2147483647"), "zoom_factor is too large");
}

// ---- LRN, SPP, Im2col ----

TEST(LRN, HasTheGradientOfItsOutput) {
  CheckGradient("type: 'LRN' lrn_param { local_size: 3 alpha: 0.7 beta: 0.75 k: 1.5 }",
                {{2, 5, 3, 2}});
  CheckGradient(
      "type: 'LRN' lrn_param { local_size: 3 alpha: 0.7 beta: 0.6 norm_region: WITHIN_CHANNEL }",
      {{2, 2, 4, 5}});
}

TEST(LRN, WithinChannelsAddsToOneWhateverKIs) {
  for (const std::string k : {"", "k: 2"}) {
    LayerCase<double> layer(
        "type: 'LRN' lrn_param { local_size: 1 alpha: 3 beta: 1 norm_region: WITHIN_CHANNEL " + k +
        " }");
    layer.Bottom({1, 1, 1, 2}, {1, 2}).Forward();
    ExpectNear(layer.Values(), {1 / 4.0, 2 / 13.0});
  }
}

TEST(SPP, HasTheGradientOfItsOutput) {
  CheckGradient("type: 'SPP' spp_param { pyramid_height: 3 }", {{2, 2, 9, 6}});
  CheckGradient("type: 'SPP' spp_param { pyramid_height: 2 pool: AVE }", {{2, 2, 5, 6}});
}

TEST(SPP, RefusesAnImageWithoutPixels) {
  LayerCase<float> layer("type: 'SPP' spp_param { pyramid_height: 1 }");
  layer.Bottom({1, 2, 0, 0});
  EXPECT_ERROR_NAMES(layer.Forward(), "an image of 0 x 0 cannot be divided into 1 x 1 bins");
}

TEST(SPP, RefusesAnImageThatIsTooSmallEachTime) {
  LayerCase<float> layer("type: 'SPP' spp_param { pyramid_height: 3 }");
  layer.Bottom({1, 2, 8, 8}).Forward();
  layer.bottom[0]->Reshape({1, 2, 3, 3});
  for (int i = 0; i < 2; ++i) {
    EXPECT_ERROR_NAMES(layer.layer->Reshape(layer.bottom, layer.top), "into 4 x 4 bins");
  }
  // Three bins of two rows would be enough for it.
  layer.bottom[0]->Reshape({1, 2, 5, 8});
  EXPECT_ERROR_NAMES(layer.layer->Reshape(layer.bottom, layer.top),
                     "an image of 5 x 8 cannot be divided into 4 x 4 bins; use a smaller");
  layer.bottom[0]->Reshape({1, 2, 8, 8});
  layer.layer->Reshape(layer.bottom, layer.top);
  EXPECT_EQ(layer.TopShape(), (Shape{1, 2 * (1 + 4 + 16)}));
}

TEST(Im2col, HasTheGradientOfItsOutput) {
  CheckGradient("type: 'Im2col' convolution_param { kernel_size: 3 stride: 2 pad: 1 dilation: 2 }",
                {{2, 2, 7, 6}});
  CheckGradient("type: 'Im2col' convolution_param { kernel_size: 2 }", {{1, 2, 3, 4, 3}});
}

TEST(Im2col, RefusesChannelsThatNoIntCounts) {
  LayerCase<float> layer("type: 'Im2col' convolution_param { kernel_size: 46341 pad: 23168 }");
  layer.Bottom({1, 4, 6, 5});
  EXPECT_ERROR_NAMES(layer.Forward(), "8589953124 channels are too many for the top");
}

}  // namespace
}  // namespace caffe_test
