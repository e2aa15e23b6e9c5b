#include <string>
#include <vector>

#include <opencv2/imgcodecs.hpp>

#include "runtime/data_source.hpp"
#include "runtime/files.hpp"

using caffe_test::DataSource;
using caffe_test::TemporaryFolder;
using caffe_test::Values;
using caffe_test::Write;

namespace {

std::string WindowLayer(const std::string& source, const std::string& more) {
  return "type: 'WindowData' transform_param { crop_size: 8 } window_data_param { source: '" +
         source + "' batch_size: 4 " + more + " }";
}

}  // namespace

TEST(WindowData, WarpsWindowsOfBothKinds) {
  const TemporaryFolder folder;
  cv::Mat image(20, 30, CV_8UC3, cv::Scalar(10, 20, 30));
  image(cv::Rect(4, 4, 12, 8)) = cv::Scalar(110, 120, 130);
  cv::imwrite(folder / "a.png", image);
  Write(folder / "windows.txt",
        "# 0\n" + (folder / "a.png") + "\n3\n20\n30\n2\n5 0.9 4 4 15 11\n3 0.1 18 0 29 19\n");
  DataSource source(WindowLayer(folder / "windows.txt", ""), 2);
  EXPECT_EQ(source.top(0).shape(), (std::vector<int>{4, 3, 8, 8}));
  EXPECT_EQ(source.Labels(1), (Values{0, 0, 0, 5}));
  EXPECT_EQ(source.top(0).data_at(0, 0, 7, 7), 10);
  EXPECT_EQ(source.top(0).data_at(3, 2, 0, 0), 130);
  // With its surroundings, the object's window begins 2 pixels left of the image.
  DataSource padded(WindowLayer(folder / "windows.txt", "context_pad: 2 cache_images: true"), 2);
  padded.Forward();
  EXPECT_EQ(padded.top(0).data_at(3, 0, 4, 4), 110);
  EXPECT_EQ(padded.top(0).data_at(3, 0, 0, 1), 10);
  EXPECT_EQ(padded.top(0).data_at(3, 0, 0, 0), 0);
  EXPECT_EQ(padded.top(0).data_at(0, 0, 4, 7), 0);
  EXPECT_EQ(padded.top(0).data_at(0, 0, 4, 4), 10);
}

TEST(WindowData, FindsImagesInItsRootFolderAndCropsSquares) {
  const TemporaryFolder folder;
  cv::Mat image(20, 30, CV_8UC1, cv::Scalar(10));
  image(cv::Rect(4, 4, 12, 4)) = cv::Scalar(110);
  cv::imwrite(folder / "a.png", image);
  Write(folder / "windows.txt", "# 0\na.png\n1\n20\n30\n1\n2 0.9 4 4 15 7\n");
  std::string root = "fg_fraction: 1 bg_threshold: 0.3 root_folder: '";
  root.append(folder.path()).append("/' ");
  DataSource warped(WindowLayer(folder / "windows.txt", root), 2);
  warped.Forward();
  EXPECT_EQ(warped.top(0).data_at(0, 0, 0, 0), 110);
  // The tightest square around the 12 x 4 window has rows above and below it.
  DataSource square(WindowLayer(folder / "windows.txt", root + "crop_mode: 'square'"), 2);
  square.Forward();
  EXPECT_EQ(square.top(0).data_at(0, 0, 0, 4), 10);
  EXPECT_EQ(square.top(0).data_at(0, 0, 4, 4), 110);
}

TEST(WindowData, NamesWhatIsWrongInItsFile) {
  const TemporaryFolder folder;
  const std::string file = folder / "windows.txt";
  const std::string head = "# 0\nnone.png\n3\n20\n30\n1\n";
  EXPECT_ERROR_NAMES(DataSource(WindowLayer(file, ""), 2), "cannot open");
  Write(file, head + "5 0.9 4 4 15\n");
  EXPECT_ERROR_NAMES(DataSource(WindowLayer(file, ""), 2), "window 0");
  Write(file, head + "5 0.9 4 4 15 20\n");
  EXPECT_ERROR_NAMES(DataSource(WindowLayer(file, ""), 2), "not inside");
  Write(file, head + "5 0.9 4 4 15 11\n");
  EXPECT_ERROR_NAMES(DataSource(WindowLayer(file, ""), 2), "bg_threshold");
  EXPECT_ERROR_NAMES(DataSource(WindowLayer(file, "fg_fraction: 1"), 2).Forward(), "none.png");
}
