#ifndef CAFFE_UTIL_COUNTER_RNG_HPP_
#define CAFFE_UTIL_COUNTER_RNG_HPP_

#include <cstdint>

#include "caffe/util/host_device.hpp"

namespace caffe {

/// Number i of the random numbers that belong to a seed (SplitMix64, Steele et al. 2014).
///
/// Any of them can be had without those before it: threads, and GPUs, that share the work make the
/// same numbers as one thread alone.
CAFFE_HOST_DEVICE inline uint64_t CounterRandom(uint64_t seed, uint64_t i) {
  uint64_t z = seed + (i + 1) * 0x9e3779b97f4a7c15u;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return z ^ (z >> 31);
}

/// Number i of a seed's random numbers of 32 bits; two of them share one of CounterRandom.
CAFFE_HOST_DEVICE inline uint32_t CounterRandom32(uint64_t seed, uint64_t i) {
  return static_cast<uint32_t>(CounterRandom(seed, i / 2) >> (i % 2 ? 0 : 32));
}

}  // namespace caffe

#endif  // CAFFE_UTIL_COUNTER_RNG_HPP_
