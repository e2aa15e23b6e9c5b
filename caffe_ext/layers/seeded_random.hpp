#ifndef DCME_SEEDED_RANDOM_HPP_
#define DCME_SEEDED_RANDOM_HPP_

#include <cstdint>
#include <numeric>
#include <utility>
#include <vector>

namespace dcme {

// Random numbers that are a function of (seed, stream, index): each sample of a data set gets a
// generator of its own and can be made again, alone and on any thread. SplitMix64, a counter
// behind a mixing function.
class SeededRandom {
 public:
  SeededRandom(uint64_t seed, uint64_t stream, uint64_t index)
      : state_(mix(mix(mix(seed) + stream) + index)) {}

  uint64_t next() { return mix(state_ += kStep); }

  // Uniform in [0, 1).
  double uniform() { return static_cast<double>(next() >> 11) * 0x1.0p-53; }
  double uniform(double low, double high) { return low + (high - low) * uniform(); }

  // Uniform in 0 .. bound - 1. The bias of the multiplication is below bound / 2^32.
  int below(int bound) {
    return static_cast<int>(((next() >> 32) * static_cast<uint64_t>(bound)) >> 32);
  }

  bool coin() { return next() >> 63; }

 private:
  static constexpr uint64_t kStep = 0x9e3779b97f4a7c15;

  static uint64_t mix(uint64_t z) {
    z += kStep;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
  }

  uint64_t state_;
};

// 0 .. size - 1 in random order.
inline std::vector<int> permutation(int size, SeededRandom random) {
  std::vector<int> order(size);
  std::iota(order.begin(), order.end(), 0);
  for (int left = size; left > 1; --left) std::swap(order[left - 1], order[random.below(left)]);
  return order;
}

}  // namespace dcme

#endif  // DCME_SEEDED_RANDOM_HPP_
