#ifndef CAFFE_SRC_LAYERS_LSTM_ELEMENTS_HPP_
#define CAFFE_SRC_LAYERS_LSTM_ELEMENTS_HPP_

/// One step of an LSTM, for one unit of one sequence; shared by CPU and GPU. Of N sequences and d
/// units, element n * d + k is unit k of sequence n; the gates i, f, o, g of a sequence stand side
/// by side.

#include <cmath>
#include <cstddef>

#include "caffe/util/host_device.hpp"

namespace caffe {

template <typename Dtype>
struct LSTMForward {
  int d;
  const Dtype* c_prev;
  const Dtype* input;
  const Dtype* cont;
  Dtype* acts;
  Dtype* c;
  Dtype* h;

  CAFFE_HOST_DEVICE static Dtype Logistic(Dtype x) { return 1 / (1 + std::exp(-x)); }

  CAFFE_HOST_DEVICE void operator()(int at) const { Unit(at / d, at % d); }

  CAFFE_HOST_DEVICE void Unit(int n, int k) const {
    const int at = n * d + k;
    const std::ptrdiff_t gate = std::ptrdiff_t(n) * 4 * d + k;
    const Dtype* x = input + gate;
    Dtype* a = acts + gate;
    a[0] = Logistic(x[0]);
    // A sequence that begins forgets what was before, whatever that is.
    a[d] = cont[n] == 0 ? Dtype(0) : cont[n] * Logistic(x[d]);
    a[2 * d] = Logistic(x[2 * d]);
    a[3 * d] = std::tanh(x[3 * d]);
    c[at] = a[d] * c_prev[at] + a[0] * a[3 * d];
    h[at] = a[2 * d] * std::tanh(c[at]);
  }
};

template <typename Dtype>
struct LSTMBackward {
  int d;
  const Dtype* c_prev;
  const Dtype* cont;
  const Dtype* acts;
  const Dtype* c;
  const Dtype* dc_top;
  const Dtype* dh;
  Dtype* dc_prev;
  Dtype* dinput;

  CAFFE_HOST_DEVICE void operator()(int at) const { Unit(at / d, at % d); }

  CAFFE_HOST_DEVICE void Unit(int n, int k) const {
    const int at = n * d + k;
    const std::ptrdiff_t gate = std::ptrdiff_t(n) * 4 * d + k;
    const Dtype* a = acts + gate;
    Dtype* dx = dinput + gate;
    const Dtype i = a[0], f = a[d], o = a[2 * d], g = a[3 * d];
    const Dtype tanh_c = std::tanh(c[at]);
    const Dtype dc = dc_top[at] + dh[at] * o * (1 - tanh_c * tanh_c);
    dc_prev[at] = dc * f;
    dx[0] = dc * g * i * (1 - i);
    // f = cont * logistic
    dx[d] = cont[n] == 0 ? Dtype(0) : dc * c_prev[at] * f * (1 - f / cont[n]);
    dx[2 * d] = dh[at] * tanh_c * o * (1 - o);
    dx[3 * d] = dc * i * (1 - g * g);
  }
};

}  // namespace caffe

#endif  // CAFFE_SRC_LAYERS_LSTM_ELEMENTS_HPP_
