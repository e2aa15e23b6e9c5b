// Convolutions by Winograd's algorithm: against the definition in double, over everything that
// changes the arithmetic, and where they are chosen.
#ifdef USE_ONEDNN

#include <cstdlib>

#include <gtest/gtest.h>

#include "dnn/precision.hpp"
#include "dnn/winograd_convolution.hpp"
#include "dnn/winograd_transforms.hpp"
#include "same_as_reference.hpp"

namespace caffe_test {
namespace {

using caffe::ChannelLayout;
using caffe::ConvolutionGeometry;
using caffe::Element;
using caffe::Part;
using caffe::dnn::Convolution;
using caffe::dnn::TileKind;

const TileKind kKinds[] = {TileKind::kTiny, TileKind::kSmall, TileKind::kLarge,
                           TileKind::kSmallRounded};

struct Size {
  int num, image_channels, feature_channels, height, width;
};
struct Window {
  int pad[2], dilation[2];
};

// Images of less than a tile and of several, with and without a rest.
const Size kSizes[] = {{1, 16, 16, 3, 3},  {1, 16, 48, 4, 8}, {2, 32, 16, 7, 10},
                       {1, 80, 64, 13, 5}, {3, 16, 16, 9, 6}, {2, 3, 16, 9, 6},
                       {1, 32, 2, 9, 6},   {1, 20, 39, 6, 9}, {2, 64, 128, 5, 9}};
const Window kWindows[] = {{{1, 1}, {1, 1}}, {{0, 0}, {1, 1}}, {{2, 0}, {1, 1}}, {{3, 4}, {1, 1}},
                           {{2, 2}, {2, 2}}, {{3, 1}, {3, 1}}, {{6, 6}, {6, 6}}, {{1, 0}, {1, 2}}};

std::string LayerOf(const Size& size, const Window& window) {
  const auto pair = [](const std::string& name, const int(&values)[2]) {
    return name + ": " + std::to_string(values[0]) + " " + name + ": " + std::to_string(values[1]) +
           " ";
  };
  std::string text = "type: 'Convolution' convolution_param { kernel_size: 3 num_output: " +
                     std::to_string(size.feature_channels) +
                     " pad_h: " + std::to_string(window.pad[0]) +
                     " pad_w: " + std::to_string(window.pad[1]);
  return text + " " + pair("dilation", window.dilation) + "}";
}

bool HasFeatures(const Size& size, const Window& window) {
  return size.height + 2 * window.pad[0] > 2 * window.dilation[0] &&
         size.width + 2 * window.pad[1] > 2 * window.dilation[1];
}

ConvolutionGeometry GeometryOf(const Size& size, const Window& window, const Blob<double>& top) {
  ConvolutionGeometry g;
  g.num = size.num;
  g.image_channels = size.image_channels;
  g.feature_channels = size.feature_channels;
  for (int i = 0; i < 2; ++i) {
    g.image[i] = i ? size.width : size.height;
    g.features[i] = top.shape(2 + i);
    g.kernel[i] = 3;
    g.pad[i] = window.pad[i];
    g.dilation[i] = window.dilation[i];
  }
  return g;
}

template <typename From>
void Copy(const From* from, int count, float* to) {
  for (int i = 0; i < count; ++i) to[i] = static_cast<float>(from[i]);
}

// All that a convolution takes and gives, with the values of a layer.
struct Blobs {
  explicit Blobs(const LayerRun<double>& run)
      : image(run.bottom[0]->shape()),
        features(run.top[0]->shape()),
        weights(run.layer->blobs()[0]->shape()),
        bias(run.layer->blobs()[1]->shape()) {
    Copy(run.inputs[0].data(), image.count(), image.mutable_cpu_data());
    Copy(run.top_diffs[0].data(), features.count(), features.mutable_cpu_diff());
    Copy(run.layer->blobs()[0]->cpu_data(), weights.count(), weights.mutable_cpu_data());
    Copy(run.layer->blobs()[1]->cpu_data(), bias.count(), bias.mutable_cpu_data());
    caffe::caffe_set(weights.count(), 1.f, weights.mutable_cpu_diff());
    caffe::caffe_set(bias.count(), 1.f, bias.mutable_cpu_diff());
  }
  Blob<float> image, features, weights, bias;
};

ChannelLayout InBlocks(const Blob<float>& blob, int block, Element element) {
  ChannelLayout layout = caffe::PlainLayout(blob).WithElement(element);
  layout.block = block ? block : layout.channels;
  return layout;
}

// As after a Backward that adds to diffs of 1.
void ExpectDiff(const std::string& what, const Blob<float>& got, const Blob<double>& diff,
                double tolerance) {
  std::vector<double> expected(diff.cpu_diff(), diff.cpu_diff() + diff.count());
  for (double& value : expected) value += 1;
  ExpectClose(what, got.cpu_diff(), expected.data(), got.count(), tolerance);
}

void ExpectSameAsDefinition(const Size& size, const Window& window, int block, Element element,
                            TileKind tiles) {
  LayerRun<double> run(LayerOf(size, window),
                       {{size.num, size.image_channels, size.height, size.width}});
  run.Forward();
  run.Backward({true});
  Blobs blobs(run);
  const auto winograd = caffe::dnn::Winograd(GeometryOf(size, window, *run.top[0]),
                                             InBlocks(blobs.image, block, element),
                                             InBlocks(blobs.features, block, element), tiles);
  const bool suits_rounding =
      caffe::dnn::HasBfloat16() && size.image_channels % 64 == 0 && size.feature_channels % 64 == 0;
  if (AreRounded(tiles) && !suits_rounding) {
    EXPECT_FALSE(winograd);
    return;
  }
  ASSERT_TRUE(winograd);
  const double in_float = tiles == TileKind::kSmall ? 2e-5 : 2e-4;
  const bool rounded = element == Element::kBFloat16 || AreRounded(tiles);
  const double in_bfloat16 = tiles == TileKind::kSmallRounded ? 0.06 : 0.02;
  const double tolerance = rounded ? in_bfloat16 : in_float;
  winograd->ToFeatures({&blobs.image, Part::kData}, {&blobs.weights, &blobs.bias},
                       {&blobs.features, Part::kData});
  ExpectClose("features", blobs.features.cpu_data(), run.top[0]->cpu_data(), run.top[0]->count(),
              tolerance);
  winograd->AddWeightDiff({&blobs.image, Part::kData}, {&blobs.features, Part::kDiff},
                          &blobs.weights, &blobs.bias);
  ExpectDiff("diff of weights", blobs.weights, *run.layer->blobs()[0], tolerance);
  ExpectDiff("diff of bias", blobs.bias, *run.layer->blobs()[1], tolerance);
  winograd->ToImage({&blobs.features, Part::kDiff}, blobs.weights, {&blobs.image, Part::kDiff});
  ExpectClose("diff of image", blobs.image.cpu_diff(), run.bottom[0]->cpu_diff(),
              run.bottom[0]->count(), tolerance);
}

TEST(Winograd, AgreesWithTheDefinition) {
  for (const Size& size : kSizes) {
    for (const Window& window : kWindows) {
      if (!HasFeatures(size, window)) continue;
      SCOPED_TRACE(LayerOf(size, window) + " on " + std::to_string(size.height) + " x " +
                   std::to_string(size.width));
      for (const TileKind tiles : kKinds) {
        ExpectSameAsDefinition(size, window, 16, Element::kFloat, tiles);
        ExpectSameAsDefinition(size, window, 16, Element::kBFloat16, tiles);
        // Only blocks are filled up.
        if (size.image_channels % 16 == 0 && size.feature_channels % 16 == 0) {
          ExpectSameAsDefinition(size, window, 0, Element::kFloat, tiles);
          ExpectSameAsDefinition(size, window, 0, Element::kBFloat16, tiles);
        }
        if (caffe::dnn::WinogradChannels() <= 8) {
          ExpectSameAsDefinition(size, window, 8, Element::kFloat, tiles);
        }
      }
    }
  }
}

TEST(Winograd, TakesTiledImagesAndColumnsOfTapsInTurns) {
  // More tiles than are kept, and more taps than are made at once.
  for (const TileKind tiles : {TileKind::kSmall, TileKind::kLarge}) {
    ExpectSameAsDefinition({1, 16, 32, 303, 301}, kWindows[0], 16, Element::kFloat, tiles);
    ExpectSameAsDefinition({2, 256, 256, 9, 11}, kWindows[0], 16, Element::kFloat, tiles);
  }
  // Of odd numbers of tiles, too.
  for (const TileKind tiles : {TileKind::kTiny, TileKind::kSmallRounded}) {
    ExpectSameAsDefinition({1, 64, 64, 205, 201}, kWindows[0], 16, Element::kBFloat16, tiles);
    ExpectSameAsDefinition({1, 512, 512, 9, 11}, kWindows[0], 16, Element::kBFloat16, tiles);
  }
}

class NoConvolution : public Convolution<float> {
 public:
  void ToFeatures(caffe::dnn::Values<float>, const caffe::dnn::Parameters<float>&,
                  caffe::dnn::Values<float>) override {}
  void ToImage(caffe::dnn::Values<float>, const Blob<float>&, caffe::dnn::Values<float>) override {}
  void AddWeightDiff(caffe::dnn::Values<float>, caffe::dnn::Values<float>, Blob<float>*,
                     Blob<float>*) override {}
};

bool IsChosen(const ConvolutionGeometry& g, int image_block = 16) {
  const ChannelLayout image = {g.num, g.image_channels, g.image[0], g.image[1], image_block};
  const ChannelLayout features = {g.num, g.feature_channels, g.features[0], g.features[1], 16};
  const caffe::shared_ptr<Convolution<float>> direct(new NoConvolution());
  return caffe::dnn::WithWinograd(g, image, features, direct) != direct;
}

TEST(Winograd, IsChosenForWideLayersOf3x3Taps) {
  ConvolutionGeometry g;
  g.image_channels = g.feature_channels = 64;
  for (int i = 0; i < 2; ++i) {
    g.image[i] = g.features[i] = 64;
    g.kernel[i] = 3;
    g.pad[i] = 1;
  }
  EXPECT_TRUE(IsChosen(g));
  EXPECT_FALSE(IsChosen(g, 1));
  const auto with = [&](const auto& change) {
    ConvolutionGeometry changed = g;
    change(&changed);
    return IsChosen(changed);
  };
  EXPECT_FALSE(with([](auto* c) { c->groups = 2; }));
  EXPECT_FALSE(with([](auto* c) { c->kernel[1] = 5; }));
  EXPECT_FALSE(with([](auto* c) { c->stride[0] = 2; }));
  EXPECT_FALSE(with([](auto* c) { c->features[0] = c->features[1] = 4; }));
  setenv("CAFFE_WINOGRAD", "0", 1);
  EXPECT_FALSE(IsChosen(g));
  unsetenv("CAFFE_WINOGRAD");
}

// In layers, at sizes where it is chosen.
TEST(Winograd, DoesNotChangeWhatLayersCompute) {
  const std::string wide = "kernel_size: 3 num_output: 64 ";
  for (const std::string window : {"pad: 1", "pad: 0", "pad: 4 dilation: 4"}) {
    const std::string convolution =
        "type: 'Convolution' convolution_param { " + wide + window + " }";
    ExpectSameAsReference(convolution, {{2, 48, 34, 43}});
    ExpectSameAsReference(convolution, {{2, 48, 34, 43}}, 1, false, caffe::TEST);
    ExpectSameAsReference("precision: BF16 " + convolution, {{2, 48, 34, 43}}, 1, false,
                          caffe::TRAIN, 0.02);
    // Tiles that add 1 % to the gradients' errors.
    ExpectSameAsReference("precision: BF16 " + convolution, {{2, 64, 34, 43}}, 1, false,
                          caffe::TRAIN, 0.05);
  }
  ExpectSameAsReference("type: 'Deconvolution' convolution_param { " + wide + "pad: 1 }",
                        {{1, 48, 34, 43}});
}

}  // namespace
}  // namespace caffe_test

#endif  // USE_ONEDNN
