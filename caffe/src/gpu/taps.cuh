#ifndef CAFFE_SRC_GPU_TAPS_CUH_
#define CAFFE_SRC_GPU_TAPS_CUH_

/// Where the products of a convolution of single channels find what they multiply: places in blobs
/// of either order, and the taps of the kernel that a result has a share of. For .cu files.

#include <numeric>

#include "core/convolution_geometry.hpp"
#include "util/divisor.hpp"

namespace caffe {

/// Where the values of num x channels x height x width are.
struct ImageOrder {
  struct Place {
    int n, c, y, x;
  };

  Divisor by_channels, by_height, by_width;
  int height, width;
  bool last;
  /// From a value to the next one along each axis.
  int of_n, of_c, of_y, of_x;

  ImageOrder(int channels, int height, int width, bool channels_last)
      : by_channels(channels),
        by_height(height),
        by_width(width),
        height(height),
        width(width),
        last(channels_last),
        of_n(channels * height * width),
        of_c(last ? 1 : height * width),
        of_y(last ? width * channels : width),
        of_x(last ? channels : 1) {}

  CAFFE_HOST_DEVICE Place At(int i) const {
    Place place;
    if (last) Split(by_channels, &i, &place.c);
    Split(by_width, &i, &place.x);
    Split(by_height, &i, &place.y);
    if (!last) Split(by_channels, &i, &place.c);
    place.n = i;
    return place;
  }
  /// Of the first value of a channel.
  CAFFE_HOST_DEVICE int Start(int n, int c) const { return n * of_n + c * of_c; }

 private:
  CAFFE_HOST_DEVICE static void Split(const Divisor& by, int* i, int* rest) {
    const int quotient = by.Quotient(*i);
    *rest = by.Remainder(*i);
    *i = quotient;
  }
};

/// A tap, and the place under it, which may lie outside.
struct Tap {
  int tap, at;
};

/// What the results of a product along one axis see. Under taps that follow each other by
/// `tap_step` they see places that do by `at_step`; results that are `apart` from each other see
/// places that are `shift` apart, under the same taps.
struct TapAxis {
  int kernel, results, sources;
  int tap_step, at_step, apart, shift;

  CAFFE_HOST_DEVICE bool Inside(int at) const { return unsigned(at) < unsigned(sources); }
  CAFFE_HOST_DEVICE void Next(Tap* tap) const {
    tap->tap += tap_step;
    tap->at += at_step;
  }
};

/// Features, which see pixels.
struct AxisOfFeatures : TapAxis {
  int pad;

  AxisOfFeatures(const ConvolutionGeometry& g, int axis)
      : TapAxis{g.kernel[axis], g.features[axis], g.image[axis], 1, g.dilation[axis], 1,
                g.stride[axis]},
        pad(g.pad[axis]) {}

  CAFFE_HOST_DEVICE Tap First(int feature) const { return {0, feature * shift - pad}; }
};

/// Pixels, which gather from the features that see them: of the kernel's taps, each only from those
/// under which features see it at all.
///
/// Pixel p is seen under tap t by feature (p + pad - t dilation) / stride, if that divides. With
/// g = gcd(stride, dilation), it does for none where g does not divide p + pad =: g q, and else for
/// t = q / (dilation / g) modulo stride / g.
struct AxisOfPixels : TapAxis {
  int pad, dilation, inverse;
  Divisor by_gcd, by_step, by_stride;

  AxisOfPixels(const ConvolutionGeometry& g, int axis)
      : AxisOfPixels(g, axis, std::gcd(g.stride[axis], g.dilation[axis])) {}

  CAFFE_HOST_DEVICE Tap First(int pixel) const {
    const Tap none = {kernel, 0};
    const int padded = pixel + pad;
    if (by_gcd.Remainder(padded) != 0) return none;
    const int q = by_step.Remainder(by_gcd.Quotient(padded));
    const int tap = by_step.Remainder(q * inverse);
    const int rest = padded - tap * dilation;
    return rest < 0 ? none : Tap{tap, by_stride.Quotient(rest)};
  }

 private:
  AxisOfPixels(const ConvolutionGeometry& g, int axis, int gcd)
      : TapAxis{g.kernel[axis],
                g.image[axis],
                g.features[axis],
                g.stride[axis] / gcd,
                -g.dilation[axis] / gcd,
                g.stride[axis],
                1},
        pad(g.pad[axis]),
        dilation(g.dilation[axis]),
        inverse(Inverse(g.dilation[axis] / gcd, tap_step)),
        by_gcd(gcd),
        by_step(tap_step),
        by_stride(g.stride[axis]) {
    CHECK_LT(tap_step, 1 << 15) << ": such a stride is too large for the GPU";
  }

  /// 1 / value modulo a number that it has no factor in common with.
  static int Inverse(int value, int modulus) {
    for (int i = 1; i < modulus; ++i) {
      if (int64_t(value) % modulus * i % modulus == 1) return i;
    }
    return 0;  // modulo 1
  }
};

}  // namespace caffe

#endif  // CAFFE_SRC_GPU_TAPS_CUH_
