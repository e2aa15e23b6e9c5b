#include <string>
#include <vector>

#include "layer_case.hpp"

namespace caffe_test {
namespace {

using Case = LayerCase<double>;
using Numbers = std::vector<double>;

TEST(GeometricLoss, IsTheEuclideanLossForward) {
  Case euclidean("type: 'EuclideanLoss'"), geometric("type: 'GeometricLoss'");
  euclidean.Bottom({2, 4, 1, 2}).Bottom({2, 4, 1, 2});
  geometric.Bottom({2, 4, 1, 2}).Bottom({2, 4, 1, 2});
  EXPECT_EQ(geometric.Forward(), euclidean.Forward());
}

TEST(GeometricLoss, GivesChannelsOfAGroupTheSumOfTheirErrors) {
  // Channels 0 and 2, 1 and 3 belong together; two pixels.
  Case layer("type: 'GeometricLoss' loss_weight: 0.5 geometric_loss_param { num_dim: 2 }");
  layer.Bottom({1, 4, 1, 2}, {1, 2, 3, 4, 5, 6, 7, 8})
      .Bottom({1, 4, 1, 2}, Numbers(8, 0))
      .Forward();
  layer.Backward({}, {true, true});
  EXPECT_EQ(layer.Diff(0), (Numbers{3, 4, 5, 6, 3, 4, 5, 6}));
  EXPECT_EQ(layer.Diff(1), (Numbers{-3, -4, -5, -6, -3, -4, -5, -6}));
}

TEST(GeometricLoss, DividesByTheItems) {
  Case layer("type: 'GeometricLoss'");
  layer.Bottom({2, 2}, {1, 2, 3, 5}).Bottom({2, 2}, Numbers(4, 0)).Forward();
  EXPECT_EQ(layer.Backward().Diff(), (Numbers{1.5, 1.5, 4, 4}));
}

TEST(GeometricLoss, NeedsChannelsThatNumDimDivides) {
  Case layer("type: 'GeometricLoss' geometric_loss_param { num_dim: 2 }");
  layer.Bottom({1, 3, 2, 2}).Bottom({1, 3, 2, 2});
  EXPECT_ERROR_NAMES(layer.Forward(), "num_dim 2");
}

TEST(EuclideanLoss, NamesShapesThatDiffer) {
  Case layer("type: 'EuclideanLoss'");
  layer.Bottom({2, 3}).Bottom({2, 4});
  EXPECT_ERROR_NAMES(layer.Forward(), "2 3 (6) and 2 4 (8)");
}

TEST(ContrastiveLoss, HasNoGradientForOthersThatAreTheMarginApart) {
  for (const std::string legacy : {"false", "true"}) {
    Case layer("type: 'ContrastiveLoss' contrastive_loss_param { margin: 1 legacy_version: " +
               legacy + " }");
    layer.Bottom({1, 1}, {1}).Bottom({1, 1}, {0}).Bottom({1}, {0});
    EXPECT_EQ(layer.Forward(), 0) << legacy;
    EXPECT_EQ(layer.Backward().Diff(), Numbers{0}) << legacy;
  }
}

// As the Filter layer makes them.
TEST(Losses, OfNoItemsAreZero) {
  const std::vector<Shape> pairs = {{0, 4}, {0, 4}}, labels = {{0, 4}, {0}};
  const std::vector<std::pair<std::string, std::vector<Shape>>> losses = {
      {"EuclideanLoss", pairs},
      {"GeometricLoss", pairs},
      {"HingeLoss", labels},
      {"MultinomialLogisticLoss", labels},
      {"SoftmaxWithLoss", labels},
      {"SigmoidCrossEntropyLoss", pairs},
      {"InfogainLoss", {{0, 4}, {0}, {4, 4}}},
      {"ContrastiveLoss", {{0, 4}, {0, 4}, {0}}}};
  for (const auto& loss : losses) {
    Case layer("type: '" + loss.first + "'");
    for (const Shape& shape : loss.second) layer.Bottom(shape);
    EXPECT_EQ(layer.Forward(), 0) << loss.first;
    EXPECT_EQ(layer.Backward().Diff(), Numbers()) << loss.first;
  }
}

TEST(SigmoidCrossEntropyLoss, LeavesIgnoredTargetsOut) {
  Case some("type: 'SigmoidCrossEntropyLoss' loss_param { ignore_label: -1 normalization: VALID }");
  Case fewer("type: 'SigmoidCrossEntropyLoss' loss_param { normalization: VALID }");
  some.Bottom({4}, {1, 5, -2, 7}).Bottom({4}, {1, -1, 0, -1});
  fewer.Bottom({2}, {1, -2}).Bottom({2}, {1, 0});
  EXPECT_NEAR(some.Forward(), fewer.Forward(), 1e-12);
  const Numbers diff = fewer.Backward().Diff();
  EXPECT_EQ(some.Backward().Diff(), (Numbers{diff[0], 0, diff[1], 0}));
}

}  // namespace
}  // namespace caffe_test
