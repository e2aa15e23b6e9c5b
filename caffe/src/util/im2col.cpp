#include "caffe/util/im2col.hpp"

#include <algorithm>
#include <climits>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "caffe/common.hpp"
#include "caffe/util/parallel_for.hpp"
#include "util/rows.hpp"

namespace caffe {

namespace {

// One spatial axis of a sliding window.
struct Axis {
  int in, out, kernel, pad, stride, dilation;
  std::ptrdiff_t in_step = 1, out_step = 1;  // elements from one index of the axis to the next

  // Position in the image of an output index under a kernel tap; may lie outside.
  int Position(int output, int tap) const { return output * stride - pad + tap * dilation; }
  // The outputs [first, last) whose position under the tap lies inside.
  int FirstInside(int tap) const {
    const int before = pad - tap * dilation;
    return std::min(out, before > 0 ? (before + stride - 1) / stride : 0);
  }
  int LastInside(int tap) const {
    const int room = in + pad - tap * dilation;
    return std::max(FirstInside(tap), room > 0 ? std::min(out, (room - 1) / stride + 1) : 0);
  }
};

// Sliding windows over the channels of an image.
class Windows {
 public:
  Windows(int channels, std::vector<Axis> axes) : channels_(channels), axes_(std::move(axes)) {
    for (size_t i = axes_.size(); i-- > 0;) {
      axes_[i].in_step = image_size_;
      axes_[i].out_step = row_size_;
      image_size_ *= axes_[i].in;
      row_size_ *= axes_[i].out;
      taps_ *= axes_[i].kernel;
    }
  }

  template <typename Dtype>
  void ToColumns(const Dtype* image, Dtype* columns) const {
    ForRows(channels_ * taps_, row_size_, [&](std::ptrdiff_t row) {
      // Gathering only reads the image.
      Dtype* channel = const_cast<Dtype*>(image) + row / taps_ * image_size_;
      Walk<true>(0, row % taps_, taps_, channel, columns + row * row_size_);
    });
  }

  template <typename Dtype>
  void ToImage(const Dtype* columns, Dtype* image) const {
    // Taps of one channel add to the same pixels, so a channel belongs to one thread.
    const std::ptrdiff_t grain = 1 + kElementwiseGrain / (1 + row_size_ * taps_);
    ParallelFor(channels_, grain, [&](std::ptrdiff_t begin, std::ptrdiff_t end) {
      std::fill(image + begin * image_size_, image + end * image_size_, Dtype(0));
      for (std::ptrdiff_t row = begin * taps_; row < end * taps_; ++row) {
        Dtype* source = const_cast<Dtype*>(columns) + row * row_size_;
        Walk<false>(0, row % taps_, taps_, image + row / taps_ * image_size_, source);
      }
    });
  }

 private:
  // Visits the outputs of one tap from axis `a` on. `taps` is the number of taps of these axes,
  // `tap` the tap's index among them.
  template <bool kGather, typename Dtype>
  void Walk(size_t a, std::ptrdiff_t tap, std::ptrdiff_t taps, Dtype* image, Dtype* row) const {
    const Axis& axis = axes_[a];
    const std::ptrdiff_t inner_taps = taps / axis.kernel;
    const int index = static_cast<int>(tap / inner_taps);
    const int first = axis.FirstInside(index);
    const int last = axis.LastInside(index);
    if (kGather) {
      std::fill(row, row + first * axis.out_step, Dtype(0));
      std::fill(row + last * axis.out_step, row + axis.out * axis.out_step, Dtype(0));
    }
    if (a + 1 < axes_.size()) {
      for (int o = first; o < last; ++o) {
        Walk<kGather>(a + 1, tap % inner_taps, inner_taps,
                      image + axis.Position(o, index) * axis.in_step, row + o * axis.out_step);
      }
      return;
    }
    Dtype* pixel = image + axis.Position(first, index);
    for (int o = first; o < last; ++o, pixel += axis.stride) {
      if (kGather) {
        row[o] = *pixel;
      } else {
        *pixel += row[o];
      }
    }
  }

  std::ptrdiff_t channels_;
  std::vector<Axis> axes_;
  std::ptrdiff_t image_size_ = 1, row_size_ = 1, taps_ = 1;
};

Windows MakeWindows(int axes, const int* im_shape, const int* col_shape, const int* kernel_shape,
                    const int* pad, const int* stride, const int* dilation) {
  std::vector<Axis> list;
  for (int i = 0; i < axes; ++i) {
    list.push_back(
        {im_shape[i + 1], col_shape[i + 1], kernel_shape[i], pad[i], stride[i], dilation[i]});
  }
  return Windows(im_shape[0], list);
}

Axis MakeAxis(int in, int kernel, int pad, int stride, int dilation) {
  const int out = OutputPositions(in, kernel, pad, stride, dilation);
  return {in, out, kernel, pad, stride, dilation};
}

}  // namespace

int OutputPositions(int in, int kernel, int pad, int stride, int dilation) {
  const int64_t extent = int64_t(dilation) * (kernel - 1) + 1;
  const int64_t padded = int64_t(in) + 2 * int64_t(pad);
  CHECK_GE(padded, extent) << ": the kernel is larger than the padded input; use a larger input or "
                              "pad, or a smaller kernel";
  // Places of taps, and of windows, are counted in an int.
  CHECK_LE(padded, INT_MAX) << " places of a padded axis are too many; use a smaller pad";
  return static_cast<int>((padded - extent) / stride + 1);
}

template <typename Dtype>
void im2col_nd_cpu(const Dtype* data_im, const int num_spatial_axes, const int* im_shape,
                   const int* col_shape, const int* kernel_shape, const int* pad, const int* stride,
                   const int* dilation, Dtype* data_col) {
  MakeWindows(num_spatial_axes, im_shape, col_shape, kernel_shape, pad, stride, dilation)
      .ToColumns(data_im, data_col);
}

template <typename Dtype>
void col2im_nd_cpu(const Dtype* data_col, const int num_spatial_axes, const int* im_shape,
                   const int* col_shape, const int* kernel_shape, const int* pad, const int* stride,
                   const int* dilation, Dtype* data_im) {
  MakeWindows(num_spatial_axes, im_shape, col_shape, kernel_shape, pad, stride, dilation)
      .ToImage(data_col, data_im);
}

template <typename Dtype>
void im2col_cpu(const Dtype* data_im, const int channels, const int height, const int width,
                const int kernel_h, const int kernel_w, const int pad_h, const int pad_w,
                const int stride_h, const int stride_w, const int dilation_h, const int dilation_w,
                Dtype* data_col) {
  Windows(channels, {MakeAxis(height, kernel_h, pad_h, stride_h, dilation_h),
                     MakeAxis(width, kernel_w, pad_w, stride_w, dilation_w)})
      .ToColumns(data_im, data_col);
}

template <typename Dtype>
void col2im_cpu(const Dtype* data_col, const int channels, const int height, const int width,
                const int kernel_h, const int kernel_w, const int pad_h, const int pad_w,
                const int stride_h, const int stride_w, const int dilation_h, const int dilation_w,
                Dtype* data_im) {
  Windows(channels, {MakeAxis(height, kernel_h, pad_h, stride_h, dilation_h),
                     MakeAxis(width, kernel_w, pad_w, stride_w, dilation_w)})
      .ToImage(data_col, data_im);
}

#define INSTANTIATE_IM2COL(Dtype)                                                                 \
  template void im2col_nd_cpu<Dtype>(const Dtype*, const int, const int*, const int*, const int*, \
                                     const int*, const int*, const int*, Dtype*);                 \
  template void col2im_nd_cpu<Dtype>(const Dtype*, const int, const int*, const int*, const int*, \
                                     const int*, const int*, const int*, Dtype*);                 \
  template void im2col_cpu<Dtype>(const Dtype*, const int, const int, const int, const int,       \
                                  const int, const int, const int, const int, const int,          \
                                  const int, const int, Dtype*);                                  \
  template void col2im_cpu<Dtype>(const Dtype*, const int, const int, const int, const int,       \
                                  const int, const int, const int, const int, const int,          \
                                  const int, const int, Dtype*)
INSTANTIATE_IM2COL(float);
INSTANTIATE_IM2COL(double);

}  // namespace caffe
