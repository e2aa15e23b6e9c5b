#include "cudnn_values.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

size_t cudnnTensorStruct::extent() const {
  return 1 + (n - 1) * strides[0] + (c - 1) * strides[1] + (h - 1) * strides[2] +
         (w - 1) * strides[3];
}

size_t cudnnTensorStruct::bytes() const {
  const size_t size = type == CUDNN_DATA_DOUBLE ? 8 : type == CUDNN_DATA_FLOAT ? 4 : 2;
  return extent() * size;
}

namespace emulated_cudnn {

double Rounded(double value, int bits) {
  int exponent;
  const double fraction = std::frexp(value, &exponent);
  return std::ldexp(std::nearbyint(std::ldexp(fraction, bits)), exponent - bits);
}

namespace {

// ---- bfloat16: the upper half of a float ----

float FromBFloat16(uint16_t half) {
  const uint32_t bits = uint32_t(half) << 16;
  float value;
  std::memcpy(&value, &bits, sizeof(value));
  return value;
}

uint16_t ToBFloat16(float value) {
  uint32_t bits;
  std::memcpy(&bits, &value, sizeof(bits));
  return static_cast<uint16_t>((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

// ---- half: a sign, 5 bits of exponent and 10 of fraction ----

double FromHalf(uint16_t half) {
  const int exponent = half >> 10 & 31, fraction = half & 1023;
  double value =
      exponent == 0 ? std::ldexp(fraction, -24) : std::ldexp(1024 + fraction, exponent - 25);
  if (exponent == 31) {
    value = fraction ? std::numeric_limits<double>::quiet_NaN()
                     : std::numeric_limits<double>::infinity();
  }
  return half >> 15 ? -value : value;
}

uint16_t ToHalf(double value) {
  const uint16_t sign = std::signbit(value) ? 0x8000 : 0;
  const double size = std::fabs(value);
  if (std::isnan(size)) return 0x7e00;
  if (size >= 65520) return sign | 0x7c00;
  const int exponent = std::max(std::ilogb(size), -14);
  // The leading bit of a normal number counts as one of the exponent.
  const auto fraction = static_cast<uint16_t>(std::nearbyint(std::ldexp(size, 10 - exponent)));
  return static_cast<uint16_t>(sign | (((exponent + 14) << 10) + fraction));
}

// ---- any ----

double ReadOne(cudnnDataType_t type, const void* memory, size_t i) {
  switch (type) {
    case CUDNN_DATA_DOUBLE:
      return static_cast<const double*>(memory)[i];
    case CUDNN_DATA_FLOAT:
      return static_cast<const float*>(memory)[i];
    case CUDNN_DATA_HALF:
      return FromHalf(static_cast<const uint16_t*>(memory)[i]);
    default:
      return FromBFloat16(static_cast<const uint16_t*>(memory)[i]);
  }
}

void WriteOne(cudnnDataType_t type, void* memory, size_t i, double value) {
  switch (type) {
    case CUDNN_DATA_DOUBLE:
      static_cast<double*>(memory)[i] = value;
      break;
    case CUDNN_DATA_FLOAT:
      static_cast<float*>(memory)[i] = float(value);
      break;
    case CUDNN_DATA_HALF:
      static_cast<uint16_t*>(memory)[i] = ToHalf(value);
      break;
    default:
      static_cast<uint16_t*>(memory)[i] = ToBFloat16(float(value));
  }
}

// use(index among the numbers, place in memory) for all values.
template <typename Use>
void ForPlaces(const Tensor& t, const Use& use) {
  size_t i = 0;
  for (int n = 0; n < t.n; ++n) {
    for (int c = 0; c < t.c; ++c) {
      for (int h = 0; h < t.h; ++h) {
        size_t place = n * t.strides[0] + c * t.strides[1] + h * t.strides[2];
        for (int w = 0; w < t.w; ++w, place += t.strides[3]) use(i++, place);
      }
    }
  }
}

}  // namespace

Numbers Values::Read() const {
  Numbers numbers(tensor.count());
  ForPlaces(tensor,
            [&](size_t i, size_t place) { numbers[i] = ReadOne(tensor.type, memory, place); });
  return numbers;
}

void Values::Write(const Numbers& result, double alpha, double beta) const {
  ForPlaces(tensor, [&](size_t i, size_t place) {
    double value = alpha * result[i];
    if (beta != 0) value += beta * ReadOne(tensor.type, memory, place);
    WriteOne(tensor.type, memory, place, value);
  });
}

double Factor(const void* factor, cudnnDataType_t type) {
  if (type == CUDNN_DATA_DOUBLE) return *static_cast<const double*>(factor);
  return *static_cast<const float*>(factor);
}

cudnnStatus_t Queue(cudnnHandle_t handle, const std::vector<Values>& values,
                    std::function<void()> work) {
  for (const Values& value : values) {
    if (!value.memory) return CUDNN_STATUS_BAD_PARAM_NULL_POINTER;
    if (!emulated_cuda::HoldsOnDevice(value.memory, value.tensor.bytes())) {
      return CUDNN_STATUS_BAD_PARAM_SIZE_INSUFFICIENT;
    }
  }
  return handle->Call({}, std::move(work)) ? CUDNN_STATUS_SUCCESS
                                           : CUDNN_STATUS_BAD_PARAM_STREAM_MISMATCH;
}

}  // namespace emulated_cudnn
