// Images as files, datums and matrices.

#include <vector>

#include <opencv2/imgcodecs.hpp>

#include "caffe/util/io.hpp"
#include "runtime/files.hpp"

using caffe::Datum;
using caffe_test::Contents;
using caffe_test::TemporaryFolder;
using caffe_test::Write;

namespace {

std::string WriteImage(const std::string& path, int type) {
  cv::Mat image(4, 6, type);
  for (size_t i = 0; i < image.total() * image.elemSize(); ++i) image.data[i] = uchar(7 * i);
  cv::imwrite(path, image);
  return path;
}

// An image as a datum in an encoding; `stored` says whether that is the file as it is.
void ExpectEncoded(const std::string& path, const std::string& encoding, bool is_color, bool stored,
                   int height = 0, int width = 0) {
  Datum datum;
  ASSERT_TRUE(caffe::ReadImageToDatum(path, 7, height, width, is_color, encoding, &datum));
  EXPECT_TRUE(datum.encoded());
  EXPECT_EQ(datum.label(), 7);
  EXPECT_EQ(datum.data() == Contents(path), stored) << path << " as " << encoding;
  const cv::Mat image = caffe::DecodeDatumToCVMatNative(datum);
  EXPECT_EQ(image.channels(), is_color ? 3 : 1);
  EXPECT_EQ(image.rows, height > 0 ? height : 4);
  EXPECT_EQ(image.cols, width > 0 ? width : 6);
}

}  // namespace

TEST(ImageDatums, TakeFilesAsTheyAreWhereTheyHaveTheEncoding) {
  const TemporaryFolder folder;
  // The compression is not OpenCV's usual one, so that encoding once more shows.
  const cv::Mat image(4, 6, CV_8UC3, cv::Scalar(1, 2, 3));
  cv::imwrite(folder / "a.PNG", image, {cv::IMWRITE_PNG_COMPRESSION, 0});
  cv::imwrite(folder / "a.jpg", image, {cv::IMWRITE_JPEG_QUALITY, 30});
  cv::imwrite(folder / "a.jpeg", image, {cv::IMWRITE_JPEG_QUALITY, 30});
  cv::imwrite(folder / "gray.png", image.reshape(1)(cv::Rect(0, 0, 6, 4)),
              {cv::IMWRITE_PNG_COMPRESSION, 0});
  ExpectEncoded(folder / "a.PNG", "png", true, true);
  ExpectEncoded(folder / "a.jpg", "JPEG", true, true);
  ExpectEncoded(folder / "a.jpeg", "jpg", true, true);
  ExpectEncoded(folder / "a.PNG", "jpg", true, false);
  ExpectEncoded(folder / "a.jpg", "png", true, false);
  // Another size, or other channels, are none that the file has.
  ExpectEncoded(folder / "a.PNG", "png", true, false, 2, 3);
  ExpectEncoded(folder / "a.PNG", "png", false, false);
  ExpectEncoded(folder / "gray.png", "png", false, true);
  Datum datum;
  EXPECT_ERROR_NAMES(caffe::ReadImageToDatum(folder / "a.PNG", 0, 0, 0, true, "xyz", &datum),
                     "cannot encode " + (folder / "a.PNG") + " as 'xyz'");
}

TEST(ImageDatums, HoldPlanesInPlaceOfWhatWasThere) {
  const TemporaryFolder folder;
  Datum datum;
  datum.add_float_data(3);
  datum.set_encoded(true);
  const cv::Mat image = cv::imread(WriteImage(folder / "a.png", CV_8UC3));
  // A part of an image: its rows are not one behind the other.
  caffe::CVMatToDatum(image(cv::Rect(1, 1, 2, 3)), &datum);
  EXPECT_FALSE(datum.encoded());
  EXPECT_EQ(datum.float_data_size(), 0);
  EXPECT_EQ(datum.channels(), 3);
  EXPECT_EQ(datum.height(), 3);
  EXPECT_EQ(datum.width(), 2);
  for (int c = 0; c < 3; ++c) {
    for (int h = 0; h < 3; ++h) {
      for (int w = 0; w < 2; ++w) {
        EXPECT_EQ(static_cast<uchar>(datum.data()[(c * 3 + h) * 2 + w]),
                  image.at<cv::Vec3b>(h + 1, w + 1)[c]);
      }
    }
  }
  EXPECT_ERROR_NAMES(caffe::CVMatToDatum(cv::Mat(2, 2, CV_16UC1, cv::Scalar(1)), &datum),
                     "8 bits a channel");
}

TEST(ImageDatums, AreDecodedWithTheChannelsAskedFor) {
  const TemporaryFolder folder;
  for (const int channels : {1, 3}) {
    Datum file;
    ASSERT_TRUE(caffe::ReadFileToDatum(WriteImage(folder / "a.png", CV_8UC(channels)), 4, &file));
    EXPECT_EQ(file.label(), 4);
    for (const int wanted : {0, 1, 3}) {
      Datum datum = file;
      EXPECT_TRUE(wanted ? caffe::DecodeDatum(&datum, wanted == 3)
                         : caffe::DecodeDatumNative(&datum));
      EXPECT_EQ(datum.channels(), wanted ? wanted : channels);
      EXPECT_EQ(datum.data().size(), 24u * datum.channels());
      EXPECT_FALSE(caffe::DecodeDatum(&datum, true)) << "it is decoded";
    }
    file.set_data("no image");
    EXPECT_FALSE(caffe::DecodeDatumNative(&file));
    EXPECT_FALSE(caffe::DecodeDatum(&file, true));
    EXPECT_EQ(file.data(), "no image");
    EXPECT_TRUE(file.encoded());
    file.clear_data();
    EXPECT_FALSE(caffe::DecodeDatumNative(&file));
  }
  EXPECT_ERROR_NAMES(caffe::DecodeDatumToCVMat(Datum(), true), "planes, not an encoded image");
}

TEST(ImageFiles, AreResizedWhereBothSizesAreGiven) {
  const TemporaryFolder folder;
  const std::string path = WriteImage(folder / "a.png", CV_8UC3);
  const auto size = [&](int height, int width) {
    const cv::Mat image = caffe::ReadImageToCVMat(path, height, width);
    EXPECT_EQ(image.channels(), 3);
    return std::vector<int>{image.rows, image.cols};
  };
  EXPECT_EQ(size(2, 5), (std::vector<int>{2, 5}));
  EXPECT_EQ(size(1, 1), (std::vector<int>{1, 1}));
  EXPECT_EQ(size(0, 5), (std::vector<int>{4, 6}));
  EXPECT_EQ(size(2, 0), (std::vector<int>{4, 6}));
  EXPECT_EQ(caffe::ReadImageToCVMat(path, false).channels(), 1);
  EXPECT_EQ(caffe::ReadImageToCVMat(path, 2, 3, false).channels(), 1);
  EXPECT_EQ(caffe::ReadImageToCVMat(path).cols, 6);
}

TEST(ImageFiles, ThatCannotBeReadGiveNothing) {
  const TemporaryFolder folder;
  Write(folder / "empty.png", "");
  Write(folder / "text.png", "no image");
  Datum datum;
  for (const std::string& path :
       {folder / "none.png", folder / "empty.png", folder / "text.png", folder.path()}) {
    EXPECT_FALSE(caffe::ReadImageToCVMat(path).data) << path;
    EXPECT_FALSE(caffe::ReadImageToDatum(path, 0, &datum)) << path;
  }
  EXPECT_FALSE(caffe::ReadFileToDatum(folder / "none.png", &datum));
  EXPECT_FALSE(caffe::ReadFileToDatum(folder.path(), &datum));
  EXPECT_FALSE(datum.encoded());
}

// OpenCV may hand them to GDCM, which ends the process where they are damaged.
TEST(ImageFiles, OfDICOMGiveNothing) {
  const TemporaryFolder folder;
  Write(folder / "scan.dcm", std::string(128, ' ') + "DICM\xaa\xbal");
  EXPECT_FALSE(caffe::ReadImageToCVMat(folder / "scan.dcm").data);
  Datum datum;
  ASSERT_TRUE(caffe::ReadFileToDatum(folder / "scan.dcm", &datum));
  EXPECT_FALSE(caffe::DecodeDatum(&datum, true));
}
