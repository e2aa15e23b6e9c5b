#ifndef CAFFE_SRC_DATA_LISTED_IMAGE_HPP_
#define CAFFE_SRC_DATA_LISTED_IMAGE_HPP_

#include <climits>
#include <cstdint>
#include <string>

#include <opencv2/core.hpp>

#include "caffe/util/io.hpp"
#include "caffe/util/seeded_order.hpp"

namespace caffe {

/// An image that was read as a list names it; throws Error naming both where that failed.
inline cv::Mat CheckListedImage(const cv::Mat& image, const string& path, const string& list) {
  if (!image.data) LOG(FATAL) << "cannot read the image " + path + " (listed in " + list + ")";
  return image;
}

/// Reads an image that a list names; throws Error naming both where that fails.
inline cv::Mat ReadListedImage(const string& path, int height, int width, bool is_color,
                               const string& list) {
  return CheckListedImage(ReadImageToCVMat(path, height, width, is_color), path, list);
}

// ---- for the parameters of layers that read a list: ImageData, DenseImageData ----

/// Throws Error where the size of the images is given in part, or is none.
template <typename Param>
void CheckNewSize(const Param& param) {
  CHECK((param.new_height() > 0) == (param.new_width() > 0))
      << "new_height and new_width go together: set both or none";
  CHECK(param.new_height() <= INT_MAX && param.new_width() <= INT_MAX)
      << "no image is as large as new_height and new_width say";
}

/// Reads an image that the layer's list names.
template <typename Param>
cv::Mat ReadListedImage(const string& file, const Param& param) {
  return ReadListedImage(param.root_folder() + file, static_cast<int>(param.new_height()),
                         static_cast<int>(param.new_width()), param.is_color(), param.source());
}

/// The place of image `i` of batch `batch` in the list as SeededOrder has it. rand_skip counts
/// images of the solver's share: solvers have different seeds, and would read some images twice.
template <typename Param>
uint64_t PlaceInList(const Param& param, const SolverShare& share, uint64_t seed, uint64_t batch,
                     int i) {
  return share.Item(batch * param.batch_size() + i + RandomSkip(param.rand_skip(), seed));
}

}  // namespace caffe

#endif  // CAFFE_SRC_DATA_LISTED_IMAGE_HPP_
