#ifndef CAFFE_SRC_LAYERS_STOCHASTIC_WINDOW_HPP_
#define CAFFE_SRC_LAYERS_STOCHASTIC_WINDOW_HPP_

#include "layers/pooling_kernels.hpp"

namespace caffe {

/// Stochastic pooling (Zeiler and Fergus 2013) of one window of plain planes: one of its values,
/// each with a probability in proportion to it; without drawing the mean of that.
template <typename Dtype>
struct StochasticWindow {
  PoolWindows windows;
  bool draw;
  const Dtype* x;
  Dtype* y;
  Dtype* chosen;  // draw: in, a number from [0, 1); out, the place that the value is from
  int* bad;       // becomes 1 + the output whose window has a negative value

  CAFFE_HOST_DEVICE void operator()(int o) const {
    const PoolAxis& h = windows.h;
    const PoolAxis& w = windows.w;
    const int row = o / w.out % h.out, column = o % w.out;
    const Dtype* plane = x + std::ptrdiff_t(o / (h.out * w.out)) * h.in * w.in;
    Dtype sum = 0, squares = 0;
    for (int r = h.Begin(row); r < h.End(row); ++r) {
      for (int c = w.Begin(column); c < w.End(column); ++c) {
        const Dtype value = plane[r * w.in + c];
        if (!(value >= 0)) *bad = 1 + o;
        sum += value;
        squares += value * value;
      }
    }
    if (!draw) {
      y[o] = sum > 0 ? squares / sum : Dtype(0);
      return;
    }
    const int place = Drawn(plane, row, column, chosen[o] * sum);
    y[o] = plane[place];
    chosen[o] = static_cast<Dtype>(place);
  }

 private:
  // The first place at which the sum of the values up to it reaches `threshold`, or the last one.
  CAFFE_HOST_DEVICE int Drawn(const Dtype* plane, int row, int column, Dtype threshold) const {
    const PoolAxis& h = windows.h;
    const PoolAxis& w = windows.w;
    Dtype passed = 0;
    for (int r = h.Begin(row); r < h.End(row); ++r) {
      for (int c = w.Begin(column); c < w.End(column); ++c) {
        passed += plane[r * w.in + c];
        if (!(passed < threshold)) return r * w.in + c;
      }
    }
    return (h.End(row) - 1) * w.in + w.End(column) - 1;
  }
};

}  // namespace caffe

#endif  // CAFFE_SRC_LAYERS_STOCHASTIC_WINDOW_HPP_
