#ifndef CAFFE_UTIL_IO_HPP_
#define CAFFE_UTIL_IO_HPP_

/// Messages in text and binary files, images in Datum messages, temporary files.

#include <string>

#include <google/protobuf/message.h>
// CV_LOAD_IMAGE_COLOR and its kin, which callers of these functions know from OpenCV 2 and 3.
#if __has_include(<opencv2/imgcodecs/legacy/constants_c.h>)
#include <opencv2/imgcodecs/legacy/constants_c.h>
#endif

#include "caffe/common.hpp"
#include "caffe/proto/caffe.pb.h"
#include "caffe/util/format.hpp"

namespace caffe {

using ::google::protobuf::Message;

// ---- temporary files ----

/// Makes an empty folder of a new name in the system's temporary folder.
void MakeTempDir(string* temp_dirname);
/// A file name that nobody uses, in a new folder.
void MakeTempFilename(string* temp_filename);

// ---- messages ----

/// Reads a message in text form. On failure logs one line, `file:line:column: what is wrong`, and
/// returns false; the OrDie form throws Error with that line.
bool ReadProtoFromTextFile(const char* filename, Message* proto);
void ReadProtoFromTextFileOrDie(const char* filename, Message* proto);
inline bool ReadProtoFromTextFile(const string& filename, Message* proto) {
  return ReadProtoFromTextFile(filename.c_str(), proto);
}
inline void ReadProtoFromTextFileOrDie(const string& filename, Message* proto) {
  ReadProtoFromTextFileOrDie(filename.c_str(), proto);
}

/// Reads a message in binary form, at most 2 GiB (the format's limit). Failures as above.
bool ReadProtoFromBinaryFile(const char* filename, Message* proto);
void ReadProtoFromBinaryFileOrDie(const char* filename, Message* proto);
inline bool ReadProtoFromBinaryFile(const string& filename, Message* proto) {
  return ReadProtoFromBinaryFile(filename.c_str(), proto);
}
inline void ReadProtoFromBinaryFileOrDie(const string& filename, Message* proto) {
  ReadProtoFromBinaryFileOrDie(filename.c_str(), proto);
}

/// Parses text; `name` stands for the file in the Error that is thrown where that fails.
void ParseProtoTextOrDie(const string& text, const string& name, Message* proto);

/// Write a message so that the file appears whole or not at all. Throw Error.
void WriteProtoToTextFile(const Message& proto, const char* filename);
void WriteProtoToBinaryFile(const Message& proto, const char* filename);
inline void WriteProtoToTextFile(const Message& proto, const string& filename) {
  WriteProtoToTextFile(proto, filename.c_str());
}
inline void WriteProtoToBinaryFile(const Message& proto, const string& filename) {
  WriteProtoToBinaryFile(proto, filename.c_str());
}

// ---- images ----
// A Datum holds either 8-bit planes (channels x height x width, B G R), floats, or the bytes of an
// encoded image file. Where a file cannot be read, or was cut off, these functions log a line
// naming it and return false (or an empty matrix).

/// Throws Error where a datum that is not encoded has not channels x height x width values, each
/// above 0. `name` stands for it in the error.
void CheckDatum(const Datum& datum, const string& name);

/// Takes the bytes of a file as they are (`encoded`).
bool ReadFileToDatum(const string& filename, const int label, Datum* datum);
inline bool ReadFileToDatum(const string& filename, Datum* datum) {
  return ReadFileToDatum(filename, -1, datum);
}

/// Reads an image; resized where height and width are above 0; kept encoded (e.g. "png") where
/// `encoding` is not empty, as planes otherwise.
bool ReadImageToDatum(const string& filename, const int label, const int height, const int width,
                      const bool is_color, const string& encoding, Datum* datum);
inline bool ReadImageToDatum(const string& filename, const int label, const int height,
                             const int width, const bool is_color, Datum* datum) {
  return ReadImageToDatum(filename, label, height, width, is_color, "", datum);
}
inline bool ReadImageToDatum(const string& filename, const int label, const int height,
                             const int width, Datum* datum) {
  return ReadImageToDatum(filename, label, height, width, true, datum);
}
inline bool ReadImageToDatum(const string& filename, const int label, const bool is_color,
                             Datum* datum) {
  return ReadImageToDatum(filename, label, 0, 0, is_color, datum);
}
inline bool ReadImageToDatum(const string& filename, const int label, Datum* datum) {
  return ReadImageToDatum(filename, label, 0, 0, true, datum);
}
inline bool ReadImageToDatum(const string& filename, const int label, const string& encoding,
                             Datum* datum) {
  return ReadImageToDatum(filename, label, 0, 0, true, encoding, datum);
}

/// Replaces an encoded image by its planes: as many as the image has, or 3 / 1. False where the
/// datum was not encoded.
bool DecodeDatumNative(Datum* datum);
bool DecodeDatum(Datum* datum, bool is_color);

/// An 8-bit image, B G R or gray; resized (bilinear) where height and width are above 0.
cv::Mat ReadImageToCVMat(const string& filename, const int height, const int width,
                         const bool is_color);
cv::Mat ReadImageToCVMat(const string& filename, const int height, const int width);
cv::Mat ReadImageToCVMat(const string& filename, const bool is_color);
cv::Mat ReadImageToCVMat(const string& filename);

/// The same of an image that has a label map: its pixels lie as they are stored. Turned by its EXIF
/// data, as OpenCV reads other images, it would not lie on the map any more.
cv::Mat ReadLabelledImageToCVMat(const string& filename, int height, int width, bool is_color);

/// A label map: gray values of 8 or 16 bits as they are stored; resized (to the nearest label)
/// where height and width are above 0. Throws Error where the image is in colour, also by a
/// palette.
cv::Mat ReadLabelsToCVMat(const string& filename, int height, int width);

cv::Mat DecodeDatumToCVMatNative(const Datum& datum);
cv::Mat DecodeDatumToCVMat(const Datum& datum, bool is_color);

/// Stores the planes of an 8-bit image.
void CVMatToDatum(const cv::Mat& cv_img, Datum* datum);

}  // namespace caffe

#endif  // CAFFE_UTIL_IO_HPP_
