#include "sample_source.hpp"

#include <climits>
#include <stdexcept>

#include <opencv2/imgcodecs.hpp>
#include <opencv2/imgproc.hpp>

#include "dcme/image.hpp"
#include "image_codecs/whole_picture.hpp"

namespace dcme {

cv::Mat decode_file(const std::string& content, const std::string& name, int flags) {
  const std::string problem = image_codecs::picture_problem(content);
  if (!problem.empty()) throw std::runtime_error(name + " " + problem);
  cv::Mat pixels;
  if (!content.empty() && content.size() <= INT_MAX) {
    const cv::Mat view(1, static_cast<int>(content.size()), CV_8U,
                       const_cast<char*>(content.data()));
    pixels = cv::imdecode(view, flags);
  }
  if (pixels.empty())
    throw std::runtime_error(name + " is damaged, or no image: copy or create it again");
  return pixels;
}

cv::Mat decode_image(const std::string& content, const std::string& name, bool is_color) {
  constexpr int kAsStored = cv::IMREAD_ANYDEPTH | cv::IMREAD_IGNORE_ORIENTATION;
  if (is_color) return decode_file(content, name, kAsStored | cv::IMREAD_COLOR);
  return in_grey(decode_file(content, name, kAsStored | cv::IMREAD_ANYCOLOR));
}

cv::Mat in_grey(const cv::Mat& image) {
  if (image.channels() == 1 || image.depth() != CV_8U) return image;
  cv::Mat grey;
  cv::cvtColor(image, grey, cv::COLOR_BGR2GRAY);
  return grey;
}

void check_sample(const Sample& sample, const std::string& ids_name) {
  if (sample.ids.type() != CV_16UC1) {
    throw std::runtime_error(ids_name +
                             " is no instance map: that is a grey PNG of 16 bits (id = "
                             "1000 * label + k), this one has " +
                             std::to_string(8 * sample.ids.elemSize1()) + " bits and " +
                             std::to_string(sample.ids.channels()) + " channel(s)");
  }
  if (sample.image.depth() != CV_8U) {
    throw std::runtime_error(sample.name + " has " + std::to_string(8 * sample.image.elemSize1()) +
                             " bits a channel: stretch the contrast to 8 bits, for training and "
                             "prediction alike");
  }
  if (sample.ids.size() != sample.image.size()) {
    throw std::runtime_error(ids_name + " is " + size_text(sample.ids.rows, sample.ids.cols) +
                             " but its image " + sample.name + " is " +
                             size_text(sample.image.rows, sample.image.cols) +
                             ": both must show the same pixels");
  }
}

std::unique_ptr<SampleSource> open_source(const DataParameter& parameters) {
  if (parameters.source().empty()) {
    throw std::runtime_error("dcme_data_param needs a source: a list file or an LMDB");
  }
  if (parameters.backend() == DataParameter::LMDB) {
    return open_lmdb(parameters.source(), parameters.is_color());
  }
  return open_list(parameters.source(), parameters.root_folder(), parameters.is_color());
}

}  // namespace dcme
