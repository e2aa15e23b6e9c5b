#include "cudnn_products.hpp"

namespace emulated_cudnn {

namespace {

int Positions(const cudnnConvolutionStruct& c, int size, int kernel, int axis) {
  return (size + 2 * c.pad[axis] - (c.dilation[axis] * (kernel - 1) + 1)) / c.stride[axis] + 1;
}

// use(index in x, index in w, index in y) for all that belong together.
template <typename Use>
void ForAll(const Sides& sides, const Use& use) {
  const Tensor &x = sides.x, &w = sides.w, &y = sides.y;
  const cudnnConvolutionStruct& convolution = sides.convolution;
  const size_t per_group = w.n / convolution.groups;
  for (size_t plane = 0; plane < size_t(y.n) * y.c; ++plane) {
    const size_t n = plane / y.c, k = plane % y.c;
    for (size_t t = 0; t < size_t(w.c) * w.area(); ++t) {
      const size_t channel = k / per_group * w.c + t / w.area();
      const int down = int(t / w.w % w.h) * convolution.dilation[0] - convolution.pad[0];
      const int right = int(t % w.w) * convolution.dilation[1] - convolution.pad[1];
      const auto in_row = [&](size_t from, size_t to) {
        for (int o = 0; o < y.w; ++o) {
          const int column = o * convolution.stride[1] + right;
          if (column >= 0 && column < x.w) use(from + column, k * w.c * w.area() + t, to + o);
        }
      };
      for (int o = 0; o < y.h; ++o) {
        const int row = o * convolution.stride[0] + down;
        if (row < 0 || row >= x.h) continue;
        in_row(((n * x.c + channel) * x.h + row) * x.w, (plane * y.h + o) * y.w);
      }
    }
  }
}

}  // namespace

bool Sides::Belong() const {
  const auto& c = convolution;
  return x.n == y.n && x.c == w.c * c.groups && y.c == w.n && w.n % c.groups == 0 &&
         y.h == Positions(c, x.h, w.h, 0) && y.w == Positions(c, x.w, w.w, 1);
}

Numbers Multiply(Product product, const Sides& sides, const Numbers& left, const Numbers& right) {
  switch (product) {
    case Product::kFeatures: {
      Numbers sums(sides.y.count());
      ForAll(sides, [&](size_t i, size_t k, size_t o) { sums[o] += left[i] * right[k]; });
      return sums;
    }
    case Product::kImage: {
      Numbers sums(sides.x.count());
      ForAll(sides, [&](size_t i, size_t k, size_t o) { sums[i] += left[k] * right[o]; });
      return sums;
    }
    default: {
      Numbers sums(sides.w.count());
      ForAll(sides, [&](size_t i, size_t k, size_t o) { sums[k] += left[i] * right[o]; });
      return sums;
    }
  }
}

}  // namespace emulated_cudnn
