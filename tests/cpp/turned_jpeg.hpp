#ifndef TESTS_TURNED_JPEG_HPP_
#define TESTS_TURNED_JPEG_HPP_

#include <fstream>
#include <string>
#include <vector>

#include <opencv2/imgcodecs.hpp>

namespace caffe_test {

/// Writes a JPEG whose EXIF data ask for it to be turned when it is shown; `orientation`: EXIF's,
/// from 1 (not at all); 3 is upside down, 6 a quarter to the right.
inline void write_turned_jpeg(const std::string& path, const cv::Mat& image, char orientation) {
  std::vector<uchar> jpeg;
  cv::imencode(".jpg", image, jpeg, {cv::IMWRITE_JPEG_QUALITY, 100});
  std::string exif(
      "\xff\xe1\0\x22"
      "Exif\0\0"
      "II*\0\x08\0\0\0"
      "\x01\0"
      "\x12\x01\x03\0\x01\0\0\0\x06\0\0\0"
      "\0\0\0\0",
      36);
  exif[28] = orientation;
  jpeg.insert(jpeg.begin() + 2, exif.begin(), exif.end());
  std::ofstream(path, std::ios::binary)
      .write(reinterpret_cast<const char*>(jpeg.data()), jpeg.size());
}

}  // namespace caffe_test

#endif  // TESTS_TURNED_JPEG_HPP_
