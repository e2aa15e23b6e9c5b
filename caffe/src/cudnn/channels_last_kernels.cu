#include "cudnn/channels_last_kernels.hpp"
#include "gpu/channels.cuh"
#include "gpu/vectors.cuh"

namespace caffe {
namespace cudnn {

namespace {

// ---- weights ----

// Element i: some taps of an output and an input. They lie one behind the other in plain order, so
// that a thread reads all of what its reads bring along; neighbours have neighbouring inputs, and
// write beside each other.
template <typename T>
struct ToLastTaps {
  static constexpr int kTaps = 9;

  WeightShape shape;
  Divisor by_inputs, by_pieces;
  const float* plain;
  T* last;

  ToLastTaps(const WeightShape& shape, const float* plain, T* last)
      : shape(shape),
        by_inputs(shape.inputs_filled),
        by_pieces(Pieces(shape)),
        plain(plain),
        last(last) {}

  static int Pieces(const WeightShape& shape) { return (shape.area + kTaps - 1) / kTaps; }
  static std::ptrdiff_t Count(const WeightShape& shape) {
    return std::ptrdiff_t(shape.outputs_filled) * Pieces(shape) * shape.inputs_filled;
  }

  CAFFE_HOST_DEVICE void operator()(int i) const {
    const int input = by_inputs.Remainder(i), rest = by_inputs.Quotient(i);
    const int output = by_pieces.Quotient(rest), first = by_pieces.Remainder(rest) * kTaps;
    const bool filling = input >= shape.inputs || output >= shape.outputs;
    const float* from =
        plain + (std::ptrdiff_t(output) * shape.inputs + input) * shape.area + first;
    T* to = last + (std::ptrdiff_t(output) * shape.area + first) * shape.inputs_filled + input;
    const int taps = Smaller<int>(shape.area - first, kTaps);
    float values[kTaps];
    for (int t = 0; t < kTaps; ++t) values[t] = filling || t >= taps ? 0.f : from[t];
    for (int t = 0; t < kTaps; ++t) {
      if (t < taps) to[std::ptrdiff_t(t) * shape.inputs_filled] = values[t];
    }
  }
};

template <typename T>
struct AddFromLast {
  WeightShape shape;
  Divisor by_inputs, by_area;
  const T* last;
  float* plain;

  AddFromLast(const WeightShape& shape, const T* last, float* plain)
      : shape(shape), by_inputs(shape.inputs), by_area(shape.area), last(last), plain(plain) {}

  CAFFE_HOST_DEVICE void operator()(int i) const {
    const int row = by_area.Quotient(i);
    const int output = by_inputs.Quotient(row), input = by_inputs.Remainder(row);
    const std::ptrdiff_t from =
        (std::ptrdiff_t(output) * shape.area + by_area.Remainder(i)) * shape.inputs_filled + input;
    plain[i] += float(last[from]);
  }
};

// ---- features ----

template <typename T, typename Result>
struct RectifyPack {
  // A thread's channels: 16 bytes of the smaller type.
  static constexpr int kSize = Larger(Pack<T>::kSize, Pack<Result>::kSize);

  int channels;
  Divisor by_packs;
  float slope;
  const T* x;
  const float* bias;
  Result* y;

  CAFFE_HOST_DEVICE void operator()(int i) const {
    const Pack<T, kSize> in = LoadPack<kSize>(x + std::ptrdiff_t(i) * kSize);
    const int first = by_packs.Remainder(i) * kSize;
    Pack<Result, kSize> out;
    for (int k = 0; k < kSize; ++k) {
      const int c = first + k;
      const float value = float(in[k]) + (bias && c < channels ? bias[c] : 0.f);
      out[k] = value > 0 ? value : value * slope;
    }
    StorePack(out, y + std::ptrdiff_t(i) * kSize);
  }
};

// A sum for each channel that is not filling.
struct AddToUnfilled {
  int channels;
  float* sums;
  CAFFE_HOST_DEVICE void operator()(int c, double sum) const {
    if (c < channels) sums[c] += static_cast<float>(sum);
  }
};

}  // namespace

template <typename T>
void WeightsToChannelsLast(const WeightShape& shape, const float* plain, T* last) {
  ForElements(ToLastTaps<T>::Count(shape), ToLastTaps<T>(shape, plain, last));
}

template <typename T>
void AddWeightsFromChannelsLast(const WeightShape& shape, const T* last, float* plain) {
  ForElements(shape.count(), AddFromLast<T>(shape, last, plain));
}

template <typename T, typename Result>
void RectifyWithBias(const ChannelLayout& layout, const T* x, const float* bias, float slope,
                     Result* y) {
  using Op = RectifyPack<T, Result>;
  const int packs = layout.block / Op::kSize;
  ForElements(layout.size() / Op::kSize, Op{layout.channels, Divisor(packs), slope, x, bias, y});
}

template <typename T>
void AddSumsOfChannels(const ChannelLayout& layout, const T* x, float* sums) {
  const Channels at({layout.num * layout.area(), layout.block, 1, 1, 1});
  SumChannels(at, ValueOfChannel(), AddToUnfilled{layout.channels, sums}, x);
}

#define INSTANTIATE(T)                                                                    \
  template void WeightsToChannelsLast(const WeightShape&, const float*, T*);              \
  template void AddWeightsFromChannelsLast(const WeightShape&, const T*, float*);         \
  template void RectifyWithBias(const ChannelLayout&, const T*, const float*, float, T*); \
  template void AddSumsOfChannels(const ChannelLayout&, const T*, float*)
INSTANTIATE(float);
INSTANTIATE(BFloat16);
INSTANTIATE(Float16);
template void RectifyWithBias(const ChannelLayout&, const BFloat16*, const float*, float, float*);
template void RectifyWithBias(const ChannelLayout&, const Float16*, const float*, float, float*);

}  // namespace cudnn
}  // namespace caffe
