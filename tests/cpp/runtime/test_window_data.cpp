#include <set>
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

std::string WindowLayer(const std::string& source, const std::string& more,
                        const std::string& transform = "crop_size: 8") {
  return "type: 'WindowData' transform_param { " + transform + " } window_data_param { source: '" +
         source + "' batch_size: 4 " + more + " }";
}

// An image of 20 x 30 pixels, whose values tell channel, row and column, and its windows.
std::string Numbered(const TemporaryFolder& folder, int channels, const std::string& windows) {
  cv::Mat image(20, 30, CV_8UC(channels));
  for (int i = 0; i < 20 * 30 * channels; ++i) {
    image.data[i] = static_cast<uchar>(80 * (i % channels) + i / channels % 30 + i / channels / 30);
  }
  cv::imwrite(folder / "numbered.png", image);
  Write(folder / "windows.txt", "# 0\n" + (folder / "numbered.png") + "\n" +
                                    std::to_string(channels) + "\n20\n30\n" + windows);
  return folder / "windows.txt";
}

void WriteMean(const std::string& path, int num, int channels, int height, int width) {
  caffe::BlobProto mean;
  mean.set_num(num);
  mean.set_channels(channels);
  mean.set_height(height);
  mean.set_width(width);
  for (int i = 0; i < num * channels * height * width; ++i) mean.add_data(i);
  caffe::WriteProtoToBinaryFile(mean, path);
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
  EXPECT_EQ(source.top(1).shape(), (std::vector<int>{4}));
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

TEST(WindowData, MirrorsAboutHalfOfItsWindowsIfAsked) {
  const TemporaryFolder folder;
  // With the pixel around it, 9 x 9 pixels, the first column left of the image.
  const std::string file = Numbered(folder, 1, "1\n2 0.9 0 4 5 9\n");
  DataSource source(WindowLayer(file, "fg_fraction: 1 context_pad: 1", "crop_size: 9 mirror: true"),
                    2);
  int mirrored = 0;
  for (int batch = 0; batch < 10; ++batch) {
    source.Forward();
    for (int i = 0; i < 4; ++i) {
      const bool mirror = source.top(0).data_at(i, 0, 0, 0) != 0;
      mirrored += mirror;
      for (int w = 0; w < 9; ++w) {
        const int x = (mirror ? 8 - w : w) - 1;
        EXPECT_EQ(source.top(0).data_at(i, 0, 2, w), x < 0 ? 0 : x + 3 + 2);
      }
    }
  }
  EXPECT_GT(mirrored, 8);
  EXPECT_LT(mirrored, 32);
}

TEST(WindowData, SubtractsValuesAndScales) {
  const TemporaryFolder folder;
  const std::string file = Numbered(folder, 3, "1\n2 0.9 3 5 10 12\n");
  for (const bool each : {false, true}) {
    const std::string means = each ? "mean_value: 1 mean_value: 2 mean_value: 3" : "mean_value: 2";
    DataSource source(WindowLayer(file, "fg_fraction: 1", "crop_size: 8 scale: 0.5 " + means), 2);
    source.Forward();
    for (int c = 0; c < 3; ++c) {
      const float mean = each ? c + 1 : 2;
      EXPECT_EQ(source.top(0).data_at(1, c, 0, 0), 0.5f * (80 * c + 8 - mean));
      EXPECT_EQ(source.top(0).data_at(3, c, 7, 6), 0.5f * (80 * c + 21 - mean));
    }
  }
}

TEST(WindowData, OfALargerMeanImageTheCentreCounts) {
  const TemporaryFolder folder;
  // With the pixel around it, 9 x 9 pixels, the first column left of the image.
  const std::string file = Numbered(folder, 3, "1\n2 0.9 0 5 5 10\n");
  for (const int side : {9, 13, 14}) {
    WriteMean(folder / "mean", 1, 3, side, side);
    DataSource source(WindowLayer(file, "fg_fraction: 1 context_pad: 1",
                                  "crop_size: 9 mean_file: '" + (folder / "mean") + "'"),
                      2);
    source.Forward();
    const int margin = (side - 9) / 2;
    for (int c = 0; c < 3; ++c) {
      for (int h = 0; h < 9; ++h) {
        EXPECT_EQ(source.top(0).data_at(2, c, h, 0), 0);
        for (int w = 1; w < 9; ++w) {
          const int mean = (c * side + h + margin) * side + w + margin;
          EXPECT_EQ(source.top(0).data_at(2, c, h, w), 80 * c + h + 4 + w - 1 - mean);
        }
      }
    }
  }
}

TEST(WindowData, SortsWindowsByTheirOverlap) {
  const TemporaryFolder folder;
  const std::string file =
      Numbered(folder, 1,
               "5\n7 0.5 2 0 9 7\n8 0.4375 0 0 0 0\n9 0.25 0 0 0 0\n9 0.1875 1 0 8 7\n"
               "0 0 1 0 8 7\n");
  DataSource source(WindowLayer(file, "fg_threshold: 0.5 bg_threshold: 0.25 fg_fraction: 0.7"), 2);
  for (int batch = 0; batch < 5; ++batch) {
    EXPECT_EQ(source.Labels(1), (Values{0, 0, 7, 7}));
    for (int i = 0; i < 4; ++i) EXPECT_EQ(source.top(0).data_at(i, 0, 0, 0), i < 2 ? 1 : 2);
  }
}

TEST(WindowData, ChoosesAmongAllWindowsAndImages) {
  const TemporaryFolder folder;
  std::string windows = "2\n1 0.9 0 0 7 7\n2 0.9 1 0 8 7\n# 1\n";
  windows += (folder / "numbered.png") + "\n1\n20\n30\n1\n3 0.9 2 0 9 7\n";
  windows += "# 2\nwithout_windows.png\n1\n1\n1\n0\n";
  DataSource source(WindowLayer(Numbered(folder, 1, windows), "fg_fraction: 1"), 2);
  const Values labels = source.Labels(10);
  EXPECT_EQ(std::set<float>(labels.begin(), labels.end()), (std::set<float>{1, 2, 3}));
}

TEST(WindowDataError, OfItsParameters) {
  const TemporaryFolder folder;
  const std::string file = Numbered(folder, 3, "2\n2 0.9 0 0 7 7\n0 0 0 0 7 7\n");
  const auto error = [&](const std::string& more, const std::string& transform) {
    return caffe_test::ErrorOf([&] { DataSource(WindowLayer(file, more, transform), 2); });
  };
  const auto named = [&](const std::string& part, const std::string& more,
                         const std::string& transform = "crop_size: 8") {
    const std::string message = error(more, transform);
    EXPECT_TRUE(caffe_test::Contains(message, part)) << message;
  };
  named("crop_size is 0", "", "");
  named("crop_size is 32769", "", "crop_size: 32769");
  named("leaves nothing", "context_pad: 4");
  named("unknown crop_mode 'wrap'", "crop_mode: 'wrap'");
  named("fg_fraction 1.5", "fg_fraction: 1.5");
  named("fg_fraction -0.1", "fg_fraction: -0.1");
  named("no window that reaches fg_threshold", "fg_threshold: 0.95");
  named("no window below bg_threshold", "bg_threshold: 0");
  named("2 mean_value for 3 channels", "", "crop_size: 8 mean_value: 1 mean_value: 2");
  const std::string mean = "crop_size: 8 mean_file: '" + (folder / "mean") + "'";
  named("mean: No such file", "", mean);
  WriteMean(folder / "mean", 1, 3, 8, 8);
  named("exclude each other", "", mean + " mean_value: 1");
  WriteMean(folder / "mean", 2, 3, 8, 8);
  named("no mean of one image", "", mean);
  const int shapes[][3] = {{1, 8, 8}, {3, 8, 9}, {3, 9, 8}, {3, 7, 7}};
  for (const int* shape : shapes) {
    WriteMean(folder / "mean", 1, shape[0], shape[1], shape[2]);
    named("a square of 3 channels, of crop_size 8", "", mean);
  }
  // What is not used need not be there.
  DataSource(WindowLayer(file, "fg_threshold: 0.95 fg_fraction: 0 context_pad: 3"), 2);
  DataSource(WindowLayer(file, "bg_threshold: 0 fg_fraction: 1"), 2);
}

TEST(WindowDataError, OfItsImages) {
  const TemporaryFolder folder;
  const std::string file = Numbered(folder, 1, "1\n2 0.9 0 0 7 7\n");
  const std::string image = folder / "numbered.png";
  const std::string window = "1\n2 0.9 0 0 7 7\n";
  const auto named = [&](const std::string& part, const std::string& text,
                         const std::string& more = "") {
    Write(file, text);
    const std::string layer = WindowLayer(file, "fg_fraction: 1 " + more);
    EXPECT_ERROR_NAMES(DataSource(layer, 2).Forward(), part);
  };
  named("lists no image", "");
  named("image number 0 does not start with `# index path", "0\n" + image + "\n1\n20\n30\n");
  named("image number 0 does not start with `# index path", "# 0\n" + image + "\n1\n20\n");
  named("have 1 or all have 3 channels", "# 0\n" + image + "\n2\n20\n30\n" + window);
  named("and a size", "# 0\n" + image + "\n1\n0\n30\n" + window);
  named("and a size", "# 0\n" + image + "\n1\n20\n0\n" + window);
  named("image number 1: all images have 1",
        "# 0\n" + image + "\n1\n20\n30\n" + window + "# 1\n" + image + "\n3\n20\n30\n" + window);
  named("number of windows is missing", "# 0\n" + image + "\n1\n20\n30\n");
  named("number of windows is missing", "# 0\n" + image + "\n1\n20\n30\n-1\n");
  named("class 0; classes start at 1", "# 0\n" + image + "\n1\n20\n30\n1\n0 0.9 0 0 7 7\n");
  for (const char* corners :
       {"-1 0 7 7", "0 -1 7 7", "8 0 7 7", "0 8 7 7", "0 0 30 7", "0 0 7 20"}) {
    named("is not inside of the image",
          "# 0\n" + image + "\n1\n20\n30\n1\n2 0.9 " + corners + "\n");
  }
  named("another size than", "# 0\n" + image + "\n1\n21\n30\n" + window);
  named("another size than", "# 0\n" + image + "\n1\n20\n31\n" + window);
  const std::string none = "# 0\n" + (folder / "none.png") + "\n1\n20\n30\n" + window;
  named("none.png (listed in", none);
  named("none.png (listed in", none, "cache_images: true");
  Write(folder / "text.png", "no image");
  const std::string text = "# 0\n" + (folder / "text.png") + "\n1\n20\n30\n" + window;
  named("cannot decode the image " + (folder / "text.png"), text, "cache_images: true");
}

TEST(WindowData, NamesWhatIsWrongInItsFile) {
  const TemporaryFolder folder;
  const std::string file = folder / "windows.txt";
  const std::string head = "# 0\nnone.png\n3\n20\n30\n1\n";
  EXPECT_ERROR_NAMES(DataSource(WindowLayer(file, ""), 2), "cannot open");
  EXPECT_ERROR_NAMES(DataSource(WindowLayer(caffe_test::kUnreadable, ""), 2), "cannot read all");
  Write(file, head + "5 0.9 4 4 15\n");
  EXPECT_ERROR_NAMES(DataSource(WindowLayer(file, ""), 2), "window 0");
  Write(file, head + "5 0.9 4 4 15 20\n");
  EXPECT_ERROR_NAMES(DataSource(WindowLayer(file, ""), 2), "not inside");
  Write(file, head + "5 0.9 4 4 15 11\n");
  EXPECT_ERROR_NAMES(DataSource(WindowLayer(file, ""), 2), "bg_threshold");
  EXPECT_ERROR_NAMES(DataSource(WindowLayer(file, "fg_fraction: 1"), 2).Forward(), "none.png");
}
