#ifndef CAFFE_SRC_DATA_IMAGE_PLANES_HPP_
#define CAFFE_SRC_DATA_IMAGE_PLANES_HPP_

#include <cstddef>
#include <type_traits>
#include <vector>

#include "caffe/util/logging.hpp"

namespace caffe {

/// An image in memory, its values of type T anywhere a stride apart.
template <typename T>
struct ImageView {
  const T* data;
  int channels;
  int height;
  int width;
  std::ptrdiff_t channel_stride;
  std::ptrdiff_t row_stride;
  std::ptrdiff_t pixel_stride;

  const T* At(int channel, int y, int x) const {
    return data + channel * channel_stride + y * row_stride + x * pixel_stride;
  }
};

/// A dense C x H x W array as a view.
template <typename T>
ImageView<T> PlanesView(const T* data, int channels, int height, int width) {
  return {data, channels, height, width, std::ptrdiff_t(height) * width, width, 1};
}

/// Which part of an image is taken, and whether left and right change places in it.
struct Crop {
  int top;
  int left;
  int height;
  int width;
  bool mirror;
};

/// What is subtracted from a pixel: that of a mean image at the place that it has in the uncropped
/// image, or one number a channel; with neither, nothing.
template <typename Dtype>
struct Mean {
  ImageView<Dtype> image = {};
  const Dtype* values = nullptr;
};

/// mean_value as one number a channel; empty where none is given.
template <typename Dtype>
std::vector<Dtype> OfChannels(std::vector<Dtype> mean_values, int channels) {
  const int given = static_cast<int>(mean_values.size());
  CHECK(given <= 1 || given == channels)
      << given << " mean_value for " << channels << " channels: give one, or one a channel";
  if (given == 1) mean_values.resize(channels, mean_values[0]);
  return mean_values;
}

namespace image_planes {

// Writes a row of a crop; the compiler makes each of the usual cases a loop of its own.
template <bool mirror, typename Stride, typename T, typename MeanAt, typename Dtype>
void CopyRow(const T* row, Stride stride, int width, const MeanAt& mean, Dtype scale, Dtype* out) {
  for (int w = 0; w < width; ++w) {
    out[mirror ? width - 1 - w : w] = (static_cast<Dtype>(row[w * stride]) - mean(w)) * scale;
  }
}

template <typename T, typename MeanAt, typename Dtype>
void CopyRow(const T* row, std::ptrdiff_t stride, const Crop& crop, const MeanAt& mean, Dtype scale,
             Dtype* out) {
  const auto copy = [&](auto constant_stride) {
    if (crop.mirror) {
      CopyRow<true>(row, constant_stride, crop.width, mean, scale, out);
    } else {
      CopyRow<false>(row, constant_stride, crop.width, mean, scale, out);
    }
  };
  if (stride == 1) {
    copy(std::integral_constant<std::ptrdiff_t, 1>());
  } else if (stride == 3) {
    copy(std::integral_constant<std::ptrdiff_t, 3>());
  } else {
    copy(stride);
  }
}

}  // namespace image_planes

/// Writes out[c][h][w] = (image - mean) * scale of the crop, as planes whose rows, and which
/// themselves, lie so many values apart.
template <typename Dtype, typename T>
void CopyCrop(const ImageView<T>& image, const Crop& crop, const Mean<Dtype>& mean, Dtype scale,
              Dtype* out, std::ptrdiff_t row_stride, std::ptrdiff_t channel_stride) {
  for (int c = 0; c < image.channels; ++c) {
    const Dtype value = mean.values ? mean.values[c] : Dtype(0);
    for (int h = 0; h < crop.height; ++h) {
      const T* row = image.At(c, crop.top + h, crop.left);
      Dtype* to = out + c * channel_stride + h * row_stride;
      if (mean.image.data) {
        const Dtype* mean_row = mean.image.At(c, crop.top + h, crop.left);
        const auto mean_at = [=](int w) { return mean_row[w]; };
        image_planes::CopyRow(row, image.pixel_stride, crop, mean_at, scale, to);
      } else {
        const auto mean_at = [=](int) { return value; };
        image_planes::CopyRow(row, image.pixel_stride, crop, mean_at, scale, to);
      }
    }
  }
}

/// The same as dense planes.
template <typename Dtype, typename T>
void CopyCrop(const ImageView<T>& image, const Crop& crop, const Mean<Dtype>& mean, Dtype scale,
              Dtype* out) {
  CopyCrop(image, crop, mean, scale, out, crop.width, std::ptrdiff_t(crop.height) * crop.width);
}

}  // namespace caffe

#endif  // CAFFE_SRC_DATA_IMAGE_PLANES_HPP_
