#ifndef CAFFE_SRC_DATA_IMAGE_PLANES_HPP_
#define CAFFE_SRC_DATA_IMAGE_PLANES_HPP_

#include <cstddef>
#include <type_traits>

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

/// What is subtracted from a pixel: a mean image (planes of the uncropped image's size) or one
/// number a channel; with neither, nothing.
template <typename Dtype>
struct Mean {
  const Dtype* image = nullptr;
  const Dtype* values = nullptr;
};

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

/// Writes out[c][h][w] = (image - mean) * scale of the crop, as planes.
template <typename Dtype, typename T>
void CopyCrop(const ImageView<T>& image, const Crop& crop, const Mean<Dtype>& mean, Dtype scale,
              Dtype* out) {
  for (int c = 0; c < image.channels; ++c) {
    const Dtype value = mean.values ? mean.values[c] : Dtype(0);
    for (int h = 0; h < crop.height; ++h, out += crop.width) {
      const int y = crop.top + h;
      const T* row = image.data + c * image.channel_stride + y * image.row_stride +
                     crop.left * image.pixel_stride;
      if (mean.image) {
        const Dtype* mean_row =
            mean.image + (std::ptrdiff_t(c) * image.height + y) * image.width + crop.left;
        const auto mean_at = [=](int w) { return mean_row[w]; };
        image_planes::CopyRow(row, image.pixel_stride, crop, mean_at, scale, out);
      } else {
        const auto mean_at = [=](int) { return value; };
        image_planes::CopyRow(row, image.pixel_stride, crop, mean_at, scale, out);
      }
    }
  }
}

}  // namespace caffe

#endif  // CAFFE_SRC_DATA_IMAGE_PLANES_HPP_
