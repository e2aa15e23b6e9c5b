#include <cmath>
#include <string>
#include <vector>

#include "caffe/layers/hinge_loss_layer.hpp"
#include "caffe/layers/infogain_loss_layer.hpp"
#include "caffe/layers/multinomial_logistic_loss_layer.hpp"
#include "caffe/layers/softmax_loss_layer.hpp"
#include "caffe/util/io.hpp"
#include "layer_case.hpp"
#include "runtime/files.hpp"

namespace caffe_test {
namespace {

using Case = LayerCase<double>;
using Numbers = std::vector<double>;

// Scores of two classes for six positions, 1 x 2 x 2 x 3.
const Numbers kScores = {0.3, -1, 2, 0, 1, 0.5, 1, 0.4, -1, 0, 2, -0.5};

double LogLoss(int position, int label) {
  const double a = kScores[position], b = kScores[6 + position];
  return std::log(std::exp(a) + std::exp(b)) - (label == 0 ? a : b);
}

Case Loss(const std::string& loss_param, const Numbers& labels, int tops = 1) {
  Case layer("type: 'SoftmaxWithLoss' loss_param { " + loss_param + " }", tops);
  layer.Bottom({1, 2, 2, 3}, kScores).Bottom({1, 1, 2, 3}, labels);
  return layer;
}

TEST(SoftmaxWithLoss, WeighsLossAndGradientByClassButNotTheNormalisation) {
  const Numbers labels = {0, 1, 1, 0, 255, 1};
  const double weights[] = {0.25, 3};
  double expected = 0;
  for (int i = 0; i < 6; ++i) {
    if (labels[i] != 255) expected += weights[int(labels[i])] * LogLoss(i, labels[i]) / 5;
  }
  // The switch of the public prototxts changes nothing where the weights are given.
  for (const std::string freqs : {"", " weight_by_label_freqs: true"}) {
    Case plain = Loss("ignore_label: 255", labels);
    Case weighted =
        Loss("ignore_label: 255 class_weighting: 0.25 class_weighting: 3" + freqs, labels);
    EXPECT_NEAR(weighted.Forward(), expected, 1e-9);
    plain.Forward();
    Numbers diff = plain.Backward().Diff();
    for (int i = 0; i < 12; ++i) diff[i] *= labels[i % 6] == 255 ? 0 : weights[int(labels[i % 6])];
    ExpectNear(weighted.Backward().Diff(), diff);
  }
}

TEST(SoftmaxWithLoss, IsTheSameForMoreItemsOfTheSame) {
  // So many that a GPU adds them up in pieces.
  const int copies = 401;
  const Numbers labels = {0, 1, 1, 0, 255, 1};
  Numbers scores, all_labels;
  for (int i = 0; i < copies; ++i) {
    scores.insert(scores.end(), kScores.begin(), kScores.end());
    all_labels.insert(all_labels.end(), labels.begin(), labels.end());
  }
  Case many("type: 'SoftmaxWithLoss' loss_param { ignore_label: 255 }");
  many.Bottom({copies, 2, 2, 3}, scores).Bottom({copies, 1, 2, 3}, all_labels);
  EXPECT_NEAR(many.Forward(), Loss("ignore_label: 255", labels).Forward(), 1e-9);
}

// Makes the probabilities and nothing else, as classes of users do that compute the loss.
template <typename Loss>
class OnlyProbabilities : public Loss {
 public:
  using Loss::Loss;

 protected:
  using Blobs = std::vector<caffe::Blob<double>*>;
  void Forward_cpu(const Blobs& bottom, const Blobs& top) override {
    this->softmax_layer_->Forward(this->softmax_bottom_vec_, this->softmax_top_vec_);
  }
  void Forward_gpu(const Blobs& bottom, const Blobs& top) override { Forward_cpu(bottom, top); }
};

// `derived`: a case like `own`.
template <typename Loss>
void ExpectSameBackward(Case own, Case derived) {
  derived.layer.reset(new OnlyProbabilities<Loss>(own.layer->layer_param()));
  own.Forward();
  derived.Forward();
  ExpectNear(derived.Backward().Diff(), own.Backward().Diff());
}

TEST(ClassLosses, GoBackAfterTheForwardOfADerivedClass) {
  const Numbers labels = {0, 1, 1, 0, 255, 1};
  for (const char* param : {"ignore_label: 255", "ignore_label: 255 class_weighting: [2, 3]",
                            "ignore_label: 255 normalization: FULL weight_by_label_freqs: true"}) {
    ExpectSameBackward<caffe::SoftmaxWithLossLayer<double>>(Loss(param, labels),
                                                            Loss(param, labels));
  }
  const auto infogain = [&] {
    Case layer("type: 'InfogainLoss' loss_param { ignore_label: 255 }");
    layer.Bottom({1, 2, 2, 3}, kScores).Bottom({1, 1, 2, 3}, labels).Bottom({2, 2}, {1, 2, 3, 5});
    return layer;
  };
  ExpectSameBackward<caffe::InfogainLossLayer<double>>(infogain(), infogain());
}

// Computes on the CPU alone, as classes do whose base had no code for GPUs in Caffe 1.0.
template <typename Loss>
class Tenfold : public Loss {
 public:
  using Loss::Loss;

 protected:
  using Blobs = std::vector<caffe::Blob<double>*>;
  void Forward_cpu(const Blobs& bottom, const Blobs& top) override {
    Loss::Forward_cpu(bottom, top);
    top[0]->mutable_cpu_data()[0] *= 10;
  }
  void Backward_cpu(const Blobs& top, const std::vector<bool>& propagate_down,
                    const Blobs& bottom) override {
    Loss::Backward_cpu(top, propagate_down, bottom);
    bottom[0]->scale_diff(10);
  }
};

template <typename Loss>
void ExpectTenfold(const std::string& type) {
  const auto make = [&type] {
    Case layer("type: '" + type + "'");
    layer.Bottom({2, 2}, {0.2, 0.8, 0.6, 0.4}).Bottom({2}, {0, 1});
    if (type == "InfogainLoss") layer.Bottom({2, 2}, {1, 2, 3, 5});
    return layer;
  };
  Case own = make(), derived = make();
  derived.layer.reset(new Tenfold<Loss>(own.layer->layer_param()));
  EXPECT_NEAR(derived.Forward(), 10 * own.Forward(), 1e-9);
  Numbers diff = own.Backward().Diff();
  for (double& value : diff) value *= 10;
  ExpectNear(derived.Backward().Diff(), diff);
}

TEST(ClassLosses, RunDerivedClassesThatComputeOnTheCpuAlone) {
  ExpectTenfold<caffe::HingeLossLayer<double>>("HingeLoss");
  ExpectTenfold<caffe::InfogainLossLayer<double>>("InfogainLoss");
  ExpectTenfold<caffe::MultinomialLogisticLossLayer<double>>("MultinomialLogisticLoss");
}

TEST(SoftmaxWithLoss, BalancesClassesByTheirMedianFrequency) {
  // Class 0 occurs twice, class 1 four times: the median is 3.
  const Numbers labels = {0, 1, 1, 0, 1, 1};
  double expected = 0;
  for (int i = 0; i < 6; ++i) {
    expected += (labels[i] == 0 ? 3 / 2. : 3 / 4.) * LogLoss(i, labels[i]) / 6;
  }
  EXPECT_NEAR(Loss("weight_by_label_freqs: true", labels).Forward(), expected, 1e-9);
}

TEST(SoftmaxWithLoss, ShowsTheProbabilitiesInASecondTop) {
  Case layer = Loss("", Numbers(6, 0), 2);
  layer.Forward();
  EXPECT_EQ(layer.TopShape(1), (Shape{1, 2, 2, 3}));
  EXPECT_NEAR(layer.Values(1)[0], std::exp(-LogLoss(0, 0)), 1e-9);
  EXPECT_NEAR(layer.Values(1)[6], std::exp(-LogLoss(0, 1)), 1e-9);
}

TEST(SoftmaxWithLoss, NamesALabelThatIsNoClass) {
  EXPECT_ERROR_NAMES(Loss("", {0, 1, 2, 0, 0, 0}).Forward(), "label 2 at position 2");
  EXPECT_ERROR_NAMES(Loss("", {0, 1, 0, 0, 255, 0}).Forward(), "ignore_label");
  EXPECT_ERROR_NAMES(Loss("", {0, -1, 0, 0, 0, 0}).Forward(), "label -1 at position 1");
  EXPECT_ERROR_NAMES(Loss("", {0, NAN, 0, 0, 0, 0}).Forward(), "label nan");
}

TEST(SoftmaxWithLoss, RefusesWrongNumbersOfLabelsAndWeights) {
  Case layer("type: 'SoftmaxWithLoss'");
  layer.Bottom({2, 3, 4}).Bottom({2, 3});
  EXPECT_ERROR_NAMES(layer.Forward(), "one label for each position");
  EXPECT_ERROR_NAMES(Loss("class_weighting: 1", Numbers(6, 0)).Forward(), "class_weighting");
}

TEST(SoftmaxWithLoss, HasNoGradientForLabels) {
  Case layer = Loss("", Numbers(6, 0));
  layer.Forward();
  EXPECT_ERROR_NAMES(layer.Backward({}, {true, true}), "no gradient for bottom 1");
}

TEST(Losses, CountItemsOfWhichAllLabelsAreIgnoredAsNothing) {
  Case layer = Loss("ignore_label: 7", Numbers(6, 7));
  EXPECT_EQ(layer.Forward(), 0);
  EXPECT_EQ(layer.Backward().Diff(), Numbers(12, 0));
}

TEST(InfogainLoss, IsTheSoftmaxLossForTheUnitMatrix) {
  const Numbers labels = {0, 1, 1, 0, 255, 1};
  Case softmax = Loss("ignore_label: 255", labels);
  Case infogain("type: 'InfogainLoss' loss_param { ignore_label: 255 }");
  infogain.Bottom({1, 2, 2, 3}, kScores).Bottom({1, 1, 2, 3}, labels).Bottom({2, 2}, {1, 0, 0, 1});
  EXPECT_NEAR(infogain.Forward(), softmax.Forward(), 1e-9);
  ExpectNear(infogain.Backward().Diff(), softmax.Backward().Diff());
}

// The public interface of Layer allows that.
TEST(ClassLosses, ReadTheBottomsThatEachPassGets) {
  Case one = Loss("", {0, 1, 1, 0, 0, 1}), other = Loss("", {1, 1, 0, 0, 1, 0});
  for (int i = 0; i < 12; ++i) other.bottom[0]->mutable_cpu_data()[i] *= -2;
  const double expected = other.Forward();
  one.Forward();
  EXPECT_EQ(one.layer->Forward(other.bottom, one.top), expected);
}

TEST(InfogainLoss, ReadsTheMatrixThatEachPassGets) {
  Case layer("type: 'InfogainLoss'");
  layer.Bottom({1, 2, 2, 3}, kScores).Bottom({1, 1, 2, 3}, {0, 1, 1, 0, 0, 1});
  layer.Bottom({2, 2}, {1, 0, 0, 1}).Forward();
  const Numbers expected = layer.Backward().Diff();
  // The same matrix in other memory; the earlier one is gone.
  Blob<double> moved({2, 2});
  std::copy_n(layer.bottom[2]->cpu_data(), 4, moved.mutable_cpu_data());
  caffe::caffe_set(4, std::nan(""), layer.bottom[2]->mutable_cpu_data());
  layer.bottom[2] = &moved;
  EXPECT_EQ(layer.Backward().Diff(), expected);
}

TEST(InfogainLoss, NamesTheFileOfAMatrixThatIsNone) {
  const TemporaryFolder folder;
  caffe::BlobProto matrix;
  matrix.mutable_shape()->add_dim(2);
  matrix.add_data(1);
  caffe::WriteProtoToBinaryFile(matrix, folder / "gain.binaryproto");
  Case layer("type: 'InfogainLoss' infogain_loss_param { source: '" +
             (folder / "gain.binaryproto") + "' }");
  layer.Bottom({2, 3}).Bottom({2}, {0, 1});
  EXPECT_ERROR_NAMES(layer.Forward(), "gain.binaryproto: ");
}

TEST(InfogainLoss, NeedsAMatrixOfItsSize) {
  Case layer("type: 'InfogainLoss'");
  layer.Bottom({2, 3}).Bottom({2}, {0, 1});
  EXPECT_ERROR_NAMES(layer.Forward(), "infogain_loss_param.source");
  layer.Bottom({2, 2});
  EXPECT_ERROR_NAMES(layer.Forward(), "3 x 3");
  // 2^32 elements: none, to who counts with 32 bits.
  Case large("type: 'InfogainLoss'");
  large.Bottom({1, 65536}).Bottom({1}, {0}).Bottom({0});
  EXPECT_ERROR_NAMES(large.Forward(), "65536 x 65536");
}

TEST(Accuracy, CountsTiesAgainstTheLabel) {
  Case layer("type: 'Accuracy'", 2);
  layer.Bottom({3, 2}, {1, 1, 0, 3, 2, 1}).Bottom({3}, {0, 1, 0}).Forward();
  ExpectNear(layer.Values(), {2. / 3});
  EXPECT_EQ(layer.Values(1), (Numbers{0.5, 1}));
}

TEST(Accuracy, ChoosesAmongItsClasses) {
  for (const std::string top_k : {"0", "3", "4294967295"}) {
    Case layer("type: 'Accuracy' accuracy_param { top_k: " + top_k + " }");
    layer.Bottom({1, 2}).Bottom({1}, {0});
    EXPECT_ERROR_NAMES(layer.Forward(), "top_k is " + top_k);
  }
  Case nothing("type: 'Accuracy'");
  nothing.Bottom({1, 0}).Bottom({1}, {0});
  EXPECT_ERROR_NAMES(nothing.Forward(), "classes");
}

TEST(Accuracy, IsZeroWhereNothingCounts) {
  Case layer("type: 'Accuracy' accuracy_param { ignore_label: 1 }", 2);
  layer.Bottom({2, 2}).Bottom({2}, {1, 1}).Forward();
  EXPECT_EQ(layer.Values(), Numbers{0});
  EXPECT_EQ(layer.Values(1), (Numbers{0, 0}));
}

}  // namespace
}  // namespace caffe_test
