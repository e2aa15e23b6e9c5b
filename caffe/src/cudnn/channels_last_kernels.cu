#include "cudnn/channels_last_kernels.hpp"
#include "util/device_channels.cuh"
#include "util/device_vectors.cuh"

namespace caffe {
namespace cudnn {

namespace {

// ---- weights ----

template <typename T>
struct ToLastElement {
  WeightShape shape;
  Divisor by_inputs, by_area;
  const float* plain;
  T* last;

  ToLastElement(const WeightShape& shape, const float* plain, T* last)
      : shape(shape),
        by_inputs(shape.inputs_filled),
        by_area(shape.area),
        plain(plain),
        last(last) {}

  CAFFE_HOST_DEVICE void operator()(int i) const {
    const int input = by_inputs.Remainder(i), row = by_inputs.Quotient(i);
    const int output = by_area.Quotient(row);
    const bool filling = input >= shape.inputs || output >= shape.outputs;
    const std::ptrdiff_t from =
        (std::ptrdiff_t(output) * shape.inputs + input) * shape.area + by_area.Remainder(row);
    last[i] = filling ? 0.f : plain[from];
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

// A thread's channels: as many as fit into 16 bytes of the smaller type.
template <typename T, typename Result>
struct RectifyPack {
  static constexpr int kSize =
      Pack<T>::kSize > Pack<Result>::kSize ? Pack<T>::kSize : Pack<Result>::kSize;
  template <typename Value>
  struct alignas(16) Values {
    Value values[kSize];
  };

  int channels;
  Divisor by_packs;
  float slope;
  const T* x;
  const float* bias;
  Result* y;

  CAFFE_HOST_DEVICE void operator()(int i) const {
    const Values<T> in = reinterpret_cast<const Values<T>*>(x)[i];
    const int first = by_packs.Remainder(i) * kSize;
    Values<Result> out;
    for (int k = 0; k < kSize; ++k) {
      const int c = first + k;
      const float value = float(in.values[k]) + (bias && c < channels ? bias[c] : 0.f);
      out.values[k] = value > 0 ? value : value * slope;
    }
    reinterpret_cast<Values<Result>*>(y)[i] = out;
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
  ForElements(shape.size(), ToLastElement<T>(shape, plain, last));
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
