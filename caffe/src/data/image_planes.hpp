#ifndef CAFFE_SRC_DATA_IMAGE_PLANES_HPP_
#define CAFFE_SRC_DATA_IMAGE_PLANES_HPP_

#include <cstddef>

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

/// Writes out[c][h][w] = (image - mean) * scale of the crop, as planes.
template <typename Dtype, typename T>
void CopyCrop(const ImageView<T>& image, const Crop& crop, const Mean<Dtype>& mean, Dtype scale,
              Dtype* out) {
  const std::ptrdiff_t step = crop.mirror ? -1 : 1;
  for (int c = 0; c < image.channels; ++c) {
    const Dtype value = mean.values ? mean.values[c] : Dtype(0);
    for (int h = 0; h < crop.height; ++h, out += crop.width) {
      const int y = crop.top + h;
      const T* row = image.data + c * image.channel_stride + y * image.row_stride +
                     crop.left * image.pixel_stride;
      Dtype* to = crop.mirror ? out + crop.width - 1 : out;
      if (mean.image) {
        const Dtype* mean_row =
            mean.image + (std::ptrdiff_t(c) * image.height + y) * image.width + crop.left;
        for (int w = 0; w < crop.width; ++w) {
          to[w * step] = (static_cast<Dtype>(row[w * image.pixel_stride]) - mean_row[w]) * scale;
        }
      } else {
        for (int w = 0; w < crop.width; ++w) {
          to[w * step] = (static_cast<Dtype>(row[w * image.pixel_stride]) - value) * scale;
        }
      }
    }
  }
}

}  // namespace caffe

#endif  // CAFFE_SRC_DATA_IMAGE_PLANES_HPP_
