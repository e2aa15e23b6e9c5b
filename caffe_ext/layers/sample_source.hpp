#ifndef DCME_SAMPLE_SOURCE_HPP_
#define DCME_SAMPLE_SOURCE_HPP_

#include <memory>
#include <string>

#include <opencv2/core.hpp>

#include "dcme_parameters.hpp"

namespace dcme {

// An image with its instance map, as stored.
struct Sample {
  cv::Mat image;     // 8 bits, 1 (grey) or 3 channels (BGR)
  cv::Mat ids;       // 16 bits, as large as the image
  std::string name;  // for messages: the image's file or record
};

// A data set to read samples of by number. Reading is safe from several threads at a time. All
// errors are exceptions that name the file (or the record) and what is wrong with it.
class SampleSource {
 public:
  virtual ~SampleSource() = default;
  virtual int size() const = 0;
  virtual Sample read(int index) const = 0;
};

// The source that `parameters` describe: a list file or an LMDB (their formats stand in
// list_source.cpp and lmdb_source.cpp). Files that do not exist are found here already.
std::unique_ptr<SampleSource> open_source(const DataParameter& parameters);

// The two kinds.
std::unique_ptr<SampleSource> open_list(const std::string& path, const std::string& root_folder,
                                        bool is_color);
std::unique_ptr<SampleSource> open_lmdb(const std::string& path, bool is_color);

// Decodes the contents of an image file (flags of cv::imread). Files that were cut off are refused
// before a decoder sees them: JPEG decoders would fill up the rest with grey. Throws
// std::runtime_error that begins with `name`.
cv::Mat decode_file(const std::string& content, const std::string& name, int flags);

// The same for images, in BGR or grey. Pixels come as they are stored: neither cut down to 8 bits
// (check_sample refuses more) nor turned by EXIF, which would part them from their instance map.
cv::Mat decode_image(const std::string& content, const std::string& name, bool is_color);

// A BGR or grey image of 8 bits in grey. Decoders have ways of their own to that, which differ by a
// level; this is how a network's input becomes grey in prediction.
cv::Mat in_grey(const cv::Mat& image);

// Throws std::runtime_error unless image and ids fit each other: kinds as in Sample, equal sizes.
void check_sample(const Sample& sample, const std::string& ids_name);

}  // namespace dcme

#endif  // DCME_SAMPLE_SOURCE_HPP_
