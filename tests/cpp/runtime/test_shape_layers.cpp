#include <string>
#include <vector>

#include "layer_case.hpp"

namespace caffe_test {
namespace {

using Case = LayerCase<double>;
using Numbers = std::vector<double>;

TEST(EltwiseLayer, TakesTheSecondOfEqualMaxima) {
  Case layer("type: 'Eltwise' eltwise_param { operation: MAX }");
  layer.Bottom({2}, {1, 4}).Bottom({2}, {1, 3}).Bottom({2}, {1, 4}).Forward();
  layer.Backward({10, 20}, {true, true, true});
  EXPECT_EQ(layer.Diff(0), (Numbers{0, 20}));
  EXPECT_EQ(layer.Diff(1), (Numbers{10, 0}));
  EXPECT_EQ(layer.Diff(2), (Numbers{0, 0}));
}

TEST(EltwiseLayer, AddsIntoItsFirstBottom) {
  Case layer("type: 'Eltwise' eltwise_param { coeff: 2 coeff: -1 }");
  layer.Bottom({2}, {1, 4}).Bottom({2}, {1, 3}).InPlace().Forward();
  EXPECT_EQ(layer.Values(), (Numbers{1, 5}));
  layer.Backward({10, 20}, {true, true});
  EXPECT_EQ(layer.Diff(0), (Numbers{20, 40}));
  EXPECT_EQ(layer.Diff(1), (Numbers{-10, -20}));
}

TEST(EltwiseLayer, HasGradientsOfProductsThatAreZero) {
  Case layer("type: 'Eltwise' eltwise_param { operation: PROD }");
  layer.Bottom({1}, {0}).Bottom({1}, {3}).Forward();
  EXPECT_EQ(layer.Backward({2}).Diff(), Numbers{6});
}

TEST(FilterLayer, PassesOnItemsWhoseSelectorIsNot0) {
  Case layer("type: 'Filter'");
  layer.Bottom({4, 1}, {5, 6, 7, 8}).Bottom({4}, {-1, 0, 0.5, 2}).Forward();
  EXPECT_EQ(layer.Values(), (Numbers{5, 7, 8}));
}

TEST(ArgMaxLayer, PutsTheLastOfEqualElementsFirst) {
  for (const std::string top_k : {"1", "2"}) {
    Case layer("type: 'ArgMax' argmax_param { top_k: " + top_k + " }");
    layer.Bottom({1, 4}, {3, 1, 3, 2}).Forward();
    EXPECT_EQ(layer.Values()[0], 2) << "top_k " << top_k;
  }
}

TEST(FilterLayer, CanPassNothing) {
  Case layer("type: 'Filter'");
  layer.Bottom({3, 2}).Bottom({3}, {0, 0, 0});
  layer.Forward();
  EXPECT_EQ(layer.TopShape(), (Shape{0, 2}));
  EXPECT_EQ(layer.Backward().Diff(), Numbers(6, 0));
}

TEST(BatchReindexLayer, AddsTheGradientsOfAnItemThatWasPickedTwice) {
  Case layer("type: 'BatchReindex'");
  layer.Bottom({3, 1}).Bottom({4}, {2, 0, 2, 2}).Forward();
  EXPECT_EQ(layer.Backward({1, 10, 100, 1000}).Diff(), (Numbers{10, 0, 1101}));
}

TEST(CropLayer, GivesItsSecondBottomAZeroGradient) {
  Case layer("type: 'Crop' crop_param { axis: 1 }");
  layer.Bottom({1, 3}).Bottom({1, 2}).Forward();
  layer.bottom[1]->mutable_cpu_diff()[0] = 5;
  layer.Backward({1, 2}, {true, true});
  EXPECT_EQ(layer.Diff(0), (Numbers{1, 2, 0}));
  EXPECT_EQ(layer.Diff(1), (Numbers{0, 0}));
}

TEST(ConcatLayer, GivesTheSecondBottomItsGradientWhereTheFirstGetsNone) {
  Case layer("type: 'Concat'");
  layer.Bottom({1, 1, 2}).Bottom({1, 2, 2}).Forward();
  layer.Backward({1, 2, 3, 4, 5, 6}, {false, true});
  EXPECT_EQ(layer.Diff(1), (Numbers{3, 4, 5, 6}));
}

TEST(ReductionLayer, OfAbsoluteValuesHasNoGradientAtZero) {
  Case layer("type: 'Reduction' reduction_param { operation: ASUM }");
  layer.Bottom({3}, {-2, 0, 2}).Forward();
  EXPECT_EQ(layer.Backward({1}).Diff(), (Numbers{-1, 0, 1}));
}

TEST(ParameterLayer, AddsToItsDiff) {
  Case layer("type: 'Parameter' parameter_param { shape { dim: 2 } }");
  layer.Forward();
  layer.Backward({1, 2}).Backward({1, 2});
  EXPECT_EQ(layer.layer->blobs()[0]->cpu_diff()[1], 4);
}

TEST(ShapeLayers, SayWhichShapesDoNotFit) {
  const auto forward = [](const std::string& text, std::vector<Shape> shapes, int tops = 1) {
    Case layer(text, tops);
    for (const Shape& shape : shapes) layer.Bottom(shape);
    layer.Forward();
  };
  EXPECT_ERROR_NAMES(forward("type: 'Concat'", {{2, 3, 4}, {2, 3, 5}}), "along axis 1");
  EXPECT_ERROR_NAMES(forward("type: 'Concat' concat_param { axis: 1 concat_dim: 1 }", {{2, 3}}),
                     "concat_dim");
  const Shape large = {1431655766, 0};
  EXPECT_ERROR_NAMES(forward("type: 'Concat' concat_param { axis: 0 }", {large, large, large}),
                     "elements are too many for axis 0");
  EXPECT_ERROR_NAMES(forward("type: 'Slice'", {{2, 3}}, 2), "2 equal parts");
  EXPECT_ERROR_NAMES(forward("type: 'Slice' slice_param { slice_point: 3 }", {{2, 3}}, 2),
                     "slice_points must rise");
  EXPECT_ERROR_NAMES(forward("type: 'Slice' slice_param { slice_point: 1 }", {{2, 3}}, 3),
                     "there are 3 tops");
  EXPECT_ERROR_NAMES(forward("type: 'Flatten'", {{0, 65536, 65536}}), "too many to index");
  EXPECT_ERROR_NAMES(forward("type: 'Crop' crop_param { offset: 2 }", {{1, 1, 4, 4}, {1, 1, 3, 3}}),
                     "reaches out of axis 2");
  EXPECT_ERROR_NAMES(forward("type: 'Eltwise'", {{2, 3}, {3, 2}}), "bottom 1 has 3 2 (6)");
  EXPECT_ERROR_NAMES(forward("type: 'Reshape' reshape_param { shape { dim: 5 } }", {{2, 3}}),
                     "cannot become 5 (5)");
  EXPECT_ERROR_NAMES(
      forward("type: 'Reshape' reshape_param { shape { dim: -1 dim: 4 } }", {{2, 3}}),
      "cannot be divided by 4");
  EXPECT_ERROR_NAMES(
      forward("type: 'Reshape' reshape_param { axis: 1 num_axes: 2147483647 }", {{2, 3}}),
      "reach behind the last axis");
  EXPECT_ERROR_NAMES(
      forward("type: 'Reshape' reshape_param { shape { dim: 4294967302 } }", {{2, 3}}),
      "4294967302 is no size");
  EXPECT_ERROR_NAMES(forward("type: 'Tile'", {{2, 3}}), "tile_param.tiles");
  EXPECT_ERROR_NAMES(forward("type: 'Tile' tile_param { tiles: 1073741824 }", {{1, 4}}),
                     "tiles is too large");
  EXPECT_ERROR_NAMES(forward("type: 'BatchReindex'", {{2, 3}, {3}}), "none of the 2 items");
  EXPECT_ERROR_NAMES(forward("type: 'ArgMax' argmax_param { top_k: 4 }", {{2, 3}}), "top_k");
}

}  // namespace
}  // namespace caffe_test
