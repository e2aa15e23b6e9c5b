#include <climits>

#include <opencv2/core.hpp>
#include <opencv2/imgcodecs.hpp>
#include <opencv2/imgproc.hpp>

#include "caffe/util/io.hpp"
#include "caffe/util/names.hpp"
#include "image_codecs/whole_picture.hpp"

namespace caffe {

namespace {

// Runs OpenCV calls; exceptions become an empty matrix and a line in the log.
template <typename Make>
cv::Mat GuardedMat(const string& what, const Make& make) {
  string reason = "not an image, or a damaged one";
  try {
    cv::Mat image = make();
    if (image.data) return image;
  } catch (const cv::Exception& e) {
    reason = e.err;
  } catch (const Error& e) {
    reason = e.what();
  }
  LOG(ERROR) << what << ": " << reason;
  return cv::Mat();
}

// Decodes the bytes of an image file. Throws Error where it was cut off, and for DICOM.
cv::Mat Decode(const string& bytes, int flags) {
  if (bytes.empty() || bytes.size() > INT_MAX) return cv::Mat();
  const string problem = image_codecs::picture_problem(bytes);
  if (!problem.empty()) throw Error("it " + problem);
  const cv::Mat view(1, static_cast<int>(bytes.size()), CV_8UC1, const_cast<char*>(bytes.data()));
  return cv::imdecode(view, flags);
}

cv::Mat DecodeBytes(const Datum& datum, int flags) {
  CHECK(datum.encoded()) << "the datum holds planes, not an encoded image";
  return GuardedMat("cannot decode a datum", [&] { return Decode(datum.data(), flags); });
}

// Reads a file whole; logs a line naming it where that fails.
bool ReadBytes(const string& filename, string* bytes) {
  std::ifstream file(filename, ios::in | ios::binary | ios::ate);
  const std::streamoff size = file ? static_cast<std::streamoff>(file.tellg()) : -1;
  // A folder opens, too, and says that it is as large as can be.
  const bool plausible = size >= 0 && size <= INT_MAX;
  if (plausible) {
    bytes->resize(static_cast<size_t>(size));
    file.seekg(0);
    file.read(&(*bytes)[0], size);
    if (file) return true;
  }
  LOG(ERROR) << "cannot read the file " << filename
             << (size > INT_MAX ? ": a folder, or too large" : "");
  return false;
}

// Whether the name's extension says that the file already is of this encoding.
bool HasEncoding(const string& filename, const string& encoding) {
  const size_t dot = filename.rfind('.');
  const string extension = Lower(dot == string::npos ? filename : filename.substr(dot + 1));
  const string wanted = Lower(encoding);
  const auto jpeg = [](const string& name) { return name == "jpg" || name == "jpeg"; };
  return extension == wanted || (jpeg(extension) && jpeg(wanted));
}

bool IsGrayFile(const string& filename) {
  string bytes;
  return ReadBytes(filename, &bytes) && Decode(bytes, cv::IMREAD_UNCHANGED).channels() == 1;
}

bool StoreDecoded(const cv::Mat& image, Datum* datum) {
  if (!image.data) return false;
  CVMatToDatum(image, datum);
  return true;
}

// Reads an image (flags of cv::imread).
cv::Mat ReadMat(const string& filename, int flags) {
  string bytes;
  if (!ReadBytes(filename, &bytes)) return cv::Mat();
  return GuardedMat("cannot read the image " + filename, [&] { return Decode(bytes, flags); });
}

// The image of a file, resized where it was read and height and width are above 0.
cv::Mat Resized(const cv::Mat& image, const string& filename, int height, int width,
                int interpolation) {
  if (!image.data || height <= 0 || width <= 0) return image;
  return GuardedMat("cannot resize the image " + filename, [&] {
    cv::Mat resized;
    cv::resize(image, resized, cv::Size(width, height), 0, 0, interpolation);
    return resized;
  });
}

cv::Mat ReadBgrOrGray(const string& filename, int height, int width, bool is_color, int more) {
  const cv::Mat image =
      ReadMat(filename, (is_color ? cv::IMREAD_COLOR : cv::IMREAD_GRAYSCALE) | more);
  return Resized(image, filename, height, width, cv::INTER_LINEAR);
}

[[noreturn]] void RefuseColour(const string& filename) {
  LOG(FATAL) << filename +
                    " is in colour, but labels are gray values: store the number of "
                    "each pixel's class (of an image with a palette the indices)";
}

// The values of a label map that may be stored in three channels.
cv::Mat GrayValues(const cv::Mat& labels, const string& filename) {
  if (labels.channels() == 1) return labels;
  vector<cv::Mat> planes;
  cv::split(labels, planes);
  for (const cv::Mat& plane : planes) {
    if (cv::countNonZero(plane != planes[0]) > 0) RefuseColour(filename);
  }
  return planes[0];
}

}  // namespace

void CheckDatum(const Datum& datum, const string& name) {
  const int64_t channels = datum.channels();
  const int64_t pixels = int64_t(datum.height()) * datum.width();
  const int64_t values = datum.data().empty() ? datum.float_data_size() : datum.data().size();
  // Divided, since the product of three might overflow.
  const bool fits = channels > 0 && datum.height() > 0 && datum.width() > 0 &&
                    values % channels == 0 && values / channels == pixels;
  if (fits) return;
  if (values == 0) LOG(FATAL) << name + " holds no values";
  if (channels == 0 && pixels == 0) {
    LOG(FATAL) << name + " holds " << values
               << " values and no size: if it is an image file, set its field `encoded`";
  }
  LOG(FATAL) << name + " holds " << values << " values, which are not " << channels << " x "
             << datum.height() << " x " << datum.width();
}

cv::Mat ReadImageToCVMat(const string& filename, const int height, const int width,
                         const bool is_color) {
  return ReadBgrOrGray(filename, height, width, is_color, 0);
}

cv::Mat ReadLabelledImageToCVMat(const string& filename, int height, int width, bool is_color) {
  return ReadBgrOrGray(filename, height, width, is_color, cv::IMREAD_IGNORE_ORIENTATION);
}

cv::Mat ReadLabelsToCVMat(const string& filename, int height, int width) {
  string bytes;
  if (!ReadBytes(filename, &bytes)) return cv::Mat();
  if (image_codecs::has_colour_palette(bytes)) RefuseColour(filename);
  const int as_stored = cv::IMREAD_ANYCOLOR | cv::IMREAD_ANYDEPTH | cv::IMREAD_IGNORE_ORIENTATION;
  const cv::Mat labels =
      GuardedMat("cannot read the image " + filename, [&] { return Decode(bytes, as_stored); });
  return Resized(GrayValues(labels, filename), filename, height, width, cv::INTER_NEAREST);
}

cv::Mat ReadImageToCVMat(const string& filename, const int height, const int width) {
  return ReadImageToCVMat(filename, height, width, true);
}

cv::Mat ReadImageToCVMat(const string& filename, const bool is_color) {
  return ReadImageToCVMat(filename, 0, 0, is_color);
}

cv::Mat ReadImageToCVMat(const string& filename) { return ReadImageToCVMat(filename, 0, 0, true); }

bool ReadFileToDatum(const string& filename, const int label, Datum* datum) {
  string bytes;
  if (!ReadBytes(filename, &bytes)) return false;
  datum->set_data(std::move(bytes));
  datum->set_label(label);
  datum->set_encoded(true);
  return true;
}

bool ReadImageToDatum(const string& filename, const int label, const int height, const int width,
                      const bool is_color, const string& encoding, Datum* datum) {
  const cv::Mat image = ReadImageToCVMat(filename, height, width, is_color);
  if (!image.data) return false;
  if (encoding.empty()) {
    CVMatToDatum(image, datum);
    datum->set_label(label);
    return true;
  }
  const bool resized = height > 0 && width > 0;
  // A file in colour is not what is asked for where a gray image is.
  if (!resized && HasEncoding(filename, encoding) && (is_color || IsGrayFile(filename))) {
    return ReadFileToDatum(filename, label, datum);
  }
  vector<uchar> bytes;
  try {
    if (!cv::imencode("." + encoding, image, bytes)) {
      LOG(FATAL) << "cannot encode " << filename << " as '" << encoding << "'";
    }
  } catch (const cv::Exception& e) {
    LOG(FATAL) << "cannot encode " + filename + " as '" + encoding + "': " + e.err;
  }
  datum->set_data(string(bytes.begin(), bytes.end()));
  datum->set_label(label);
  datum->set_encoded(true);
  return true;
}

cv::Mat DecodeDatumToCVMatNative(const Datum& datum) {
  return DecodeBytes(datum, cv::IMREAD_UNCHANGED);
}

cv::Mat DecodeDatumToCVMat(const Datum& datum, bool is_color) {
  return DecodeBytes(datum, is_color ? cv::IMREAD_COLOR : cv::IMREAD_GRAYSCALE);
}

bool DecodeDatumNative(Datum* datum) {
  return datum->encoded() && StoreDecoded(DecodeDatumToCVMatNative(*datum), datum);
}

bool DecodeDatum(Datum* datum, bool is_color) {
  return datum->encoded() && StoreDecoded(DecodeDatumToCVMat(*datum, is_color), datum);
}

void CVMatToDatum(const cv::Mat& cv_img, Datum* datum) {
  CHECK_EQ(cv_img.depth(), CV_8U) << ": a datum stores images of 8 bits a channel";
  const int channels = cv_img.channels();
  const int height = cv_img.rows;
  const int width = cv_img.cols;
  const int64_t count = int64_t(channels) * height * width;
  CHECK_LE(count, INT_MAX) << " values are too many for a datum";
  datum->set_channels(channels);
  datum->set_height(height);
  datum->set_width(width);
  datum->clear_data();
  datum->clear_float_data();
  datum->set_encoded(false);
  string* planes = datum->mutable_data();
  planes->resize(count);
  for (int h = 0; h < height; ++h) {
    const uchar* row = cv_img.ptr<uchar>(h);
    for (int c = 0; c < channels; ++c) {
      char* plane = &(*planes)[(int64_t(c) * height + h) * width];
      for (int w = 0; w < width; ++w) plane[w] = static_cast<char>(row[w * channels + c]);
    }
  }
}

}  // namespace caffe
