// Files and log lines do not depend on the locale of the program.

#include <locale>
#include <string>

#include <gtest/gtest.h>
#include <opencv2/imgcodecs.hpp>

#include "caffe/sgd_solvers.hpp"
#include "caffe/util/format.hpp"
#include "files.hpp"
#include "from_text.hpp"
#include "layer_case.hpp"

namespace caffe_test {
namespace {

// Numbers as in German: 1.000,5.
class Grouped : public std::numpunct<char> {
  char do_thousands_sep() const override { return '.'; }
  char do_decimal_point() const override { return ','; }
  std::string do_grouping() const override { return "\3"; }
};

// The program's locale for as long as it lives.
class InGroupedLocale {
 public:
  InGroupedLocale()
      : before_(std::locale::global(std::locale(std::locale::classic(), new Grouped))) {}
  ~InGroupedLocale() { std::locale::global(before_); }
  InGroupedLocale(const InGroupedLocale&) = delete;
  InGroupedLocale& operator=(const InGroupedLocale&) = delete;

 private:
  const std::locale before_;
};

TEST(Locale, IsNotThatOfMessages) {
  const InGroupedLocale in_locale;
  EXPECT_EQ(caffe::Blob<float>({1000, 2}).shape_string(), "1000 2 (2000)");
  EXPECT_EQ(caffe::OutputText("loss", 0.5, 0), "loss = 0.5");
  EXPECT_EQ(caffe::format_int(12345), "12345");
  try {
    LOG(FATAL) << 1234567;
  } catch (const caffe::Error& error) {
    EXPECT_STREQ(error.what(), "1234567");
  }
}

TEST(Locale, IsNotThatOfSnapshots) {
  const TemporaryFolder folder;
  const auto param = FromText<caffe::SolverParameter>(
      "base_lr: 1 lr_policy: 'fixed' random_seed: 3 max_iter: 9 snapshot_prefix: '" +
      (folder / "s") +
      "' net_param { layer { name: 'x' type: 'DummyData' top: 'x' dummy_data_param {"
      " shape { dim: 1 dim: 2 } data_filler { type: 'gaussian' } } } layer { name: 'y' bottom: 'x'"
      " top: 'y' type: 'Bias' } layer { name: 'loss' bottom: 'y' top: 'loss' type: 'Reduction'"
      " reduction_param { operation: SUMSQ } loss_weight: 1 } }");
  const auto snapshot = [&] {
    const InGroupedLocale in_locale;
    caffe::SGDSolver<float> solver(param);
    solver.Step(1);
    solver.Snapshot();
  };
  snapshot();
  caffe::SGDSolver<float> solver(param);
  solver.Restore((folder / "s_iter_1.solverstate").c_str());
  EXPECT_EQ(solver.iter(), 1);
}

TEST(Locale, IsNotThatOfWindowFiles) {
  const TemporaryFolder folder;
  cv::imwrite(folder / "a.png", cv::Mat(9, 9, CV_8U, cv::Scalar(7)));
  Write(folder / "windows.txt",
        "# 0\n" + (folder / "a.png") + "\n1\n9\n9\n2\n4 0.9 0 0 7 7\n0 0.1 0 0 7 7\n");
  const InGroupedLocale in_locale;
  LayerCase<float> source(
      "type: 'WindowData' transform_param { crop_size: 4 } window_data_param { source: '" +
          (folder / "windows.txt") + "' batch_size: 4 }",
      2);
  source.Forward();
}

}  // namespace
}  // namespace caffe_test
