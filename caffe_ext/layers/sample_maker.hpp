#ifndef DCME_SAMPLE_MAKER_HPP_
#define DCME_SAMPLE_MAKER_HPP_

#include <cstdint>
#include <vector>

#include <opencv2/core.hpp>

#include "caffe/proto/caffe.pb.h"
#include "dcme/classes.hpp"
#include "dcme/encode.hpp"
#include "dcme/image.hpp"
#include "dcme_parameters.hpp"
#include "sample_source.hpp"
#include "seeded_random.hpp"

namespace dcme {

// Where a finished sample goes: planes of rows x cols pixels, one after the other.
struct SamplePlanes {
  float* data = nullptr;     // `channels` planes
  float* vectors = nullptr;  // dx, then dy
  uint8_t* grid = nullptr;   // one plane of grid blocks; null: not wanted
  uint16_t* ids = nullptr;   // one plane; null: not wanted
};

// Turns stored samples into what a net is trained on: reduces, augments, crops and encodes them.
// In TEST nothing is random: no augmentation, and the crop is central.
class SampleMaker {
 public:
  // first: a sample of the data set, for the size where the parameters give none. Throws
  // std::runtime_error for parameters that cannot be met.
  SampleMaker(const DataParameter& parameters, const caffe::TransformationParameter& transform,
              bool train, const Sample& first);

  int channels() const { return channels_; }
  int rows() const { return size_.height; }
  int cols() const { return size_.width; }
  int grid_rows() const;
  int grid_cols() const;

  // The result depends on the arguments alone. Errors name the sample.
  void make(const Sample& sample, SeededRandom random, const SamplePlanes& planes) const;

 private:
  // Image (8 bits, or float where it has been zoomed or a mean image subtracted) and ids at the
  // reduced size.
  struct Reduced {
    cv::Mat image;
    cv::Mat ids;
  };
  // Where the crop lies in an image; outside of the image there is background.
  using Window = cv::Rect;

  void read_mean(const caffe::TransformationParameter& transform, cv::Size reduced);
  void check_augmentation() const;
  Reduced reduce(const Sample& sample) const;
  void zoom(Reduced* reduced, SeededRandom* random) const;
  void turn(Reduced* reduced, SeededRandom* random) const;
  Window place_window(cv::Size image, SeededRandom* random) const;
  void write_image(const cv::Mat& image, Window window, SeededRandom* random, float* data) const;
  void write_labels(const cv::Mat& ids, Window window, const SamplePlanes& planes) const;
  void encode_into(const cv::Mat& ids, cv::Mat* dx, cv::Mat* dy) const;

  const DataParameter parameters_;
  const bool train_;
  const bool mirror_;
  const float scale_;
  const ClassMap classes_;
  const std::vector<int> priority_;
  const int channels_;
  cv::Size size_;  // of what comes out
  bool crops_;     // to size_, whatever the size of the image
  cv::Mat mean_;   // as large as the reduced image, or one pixel for all; empty: none
};

}  // namespace dcme

#endif  // DCME_SAMPLE_MAKER_HPP_
