#include "util/device_bias.hpp"
#include "util/device_channels.cuh"
#include "util/device_vectors.cuh"

namespace caffe {

namespace {

/// Element i: unit i of the values.
template <typename Dtype, typename Unit>
struct AddBiasToUnit {
  Channels at;  // of units
  const Dtype* bias;
  Dtype slope;
  Unit* values;
  CAFFE_HOST_DEVICE void operator()(int i) const {
    const Dtype add = bias ? bias[at.ChannelOf(i)] : Dtype(0);
    Unit unit = values[i];
    for (int k = 0; k < Unit::kSize; ++k) {
      const Dtype sum = unit[k] + add;
      unit[k] = sum > Dtype(0) ? sum : sum * slope;
    }
    values[i] = unit;
  }
};

template <typename Unit>
struct SumOfUnits {
  Channels at;
  const Unit* values;
  CAFFE_HOST_DEVICE double operator()(int c, int i) const {
    const Unit unit = values[at.At(c, i)];
    double sum = 0;
    for (int k = 0; k < Unit::kSize; ++k) sum += unit[k];
    return sum;
  }
};

/// Calls use(unit, channels of the units that num x channels x inner values consist of).
template <typename Dtype, typename Use>
void InUnits(int num, int channels, int inner, const Use& use) {
  WithUnitOf<Dtype>(inner, [&](auto* unit) {
    using Unit = std::remove_pointer_t<decltype(unit)>;
    use(unit, Channels({num, channels, inner / Unit::kSize, 1, 1}));
  });
}

}  // namespace

template <typename Dtype>
void AddBiasOnGpu(int num, int channels, int inner, const Dtype* bias, Dtype slope, Dtype* values) {
  InUnits<Dtype>(num, channels, inner, [&](auto* unit, const Channels& at) {
    using Unit = std::remove_pointer_t<decltype(unit)>;
    Unit* units = reinterpret_cast<Unit*>(values);
    ForElements(at.count(), AddBiasToUnit<Dtype, Unit>{at, bias, slope, units});
  });
}

template <typename Dtype>
void AddBiasDiffOnGpu(int num, int channels, int inner, const Dtype* values, Dtype* diff) {
  InUnits<Dtype>(num, channels, inner, [&](auto* unit, const Channels& at) {
    using Unit = std::remove_pointer_t<decltype(unit)>;
    const Unit* units = reinterpret_cast<const Unit*>(values);
    SumRows(channels, at.length(), SumOfUnits<Unit>{at, units}, StoreSum<Dtype>{diff, true});
  });
}

#define INSTANTIATE_BIAS(Dtype)                                           \
  template void AddBiasOnGpu(int, int, int, const Dtype*, Dtype, Dtype*); \
  template void AddBiasDiffOnGpu(int, int, int, const Dtype*, Dtype*)
INSTANTIATE_BIAS(float);
INSTANTIATE_BIAS(double);

}  // namespace caffe
