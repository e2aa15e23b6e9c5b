#ifndef CAFFE_UTIL_SEEDED_ORDER_HPP_
#define CAFFE_UTIL_SEEDED_ORDER_HPP_

#include <cstddef>
#include <cstdint>
#include <numeric>
#include <vector>

#include "caffe/proto/caffe.pb.h"
#include "caffe/util/counter_rng.hpp"
#include "caffe/util/rng.hpp"

namespace caffe {

/// A seed for item `index` of what `seed` decides; neighbours are unrelated.
inline uint32_t MixSeed(uint64_t seed, uint64_t index) {
  return static_cast<uint32_t>(CounterRandom(seed, index) >> 32);
}

/// The order in which the items of a list are visited, pass after pass over the list.
///
/// With shuffling every pass has an order of its own, which follows from the seed and the number of
/// the pass: any place can be visited directly.
class SeededOrder {
 public:
  SeededOrder() = default;
  SeededOrder(size_t items, bool shuffled) : items_(items), shuffled_(shuffled) {}

  /// The item at a place, counted from the start of the first pass.
  size_t At(uint64_t place, uint64_t seed) {
    const uint64_t pass = place / items_;
    const size_t within = static_cast<size_t>(place % items_);
    if (!shuffled_) return within;
    if (order_.empty() || pass != pass_ || seed != seed_) {
      order_.resize(items_);
      std::iota(order_.begin(), order_.end(), size_t(0));
      rng_t generator(MixSeed(seed, pass));
      shuffle(order_.begin(), order_.end(), &generator);
      pass_ = pass;
      seed_ = seed;
    }
    return order_[within];
  }

 private:
  size_t items_ = 1;
  bool shuffled_ = false;
  // What order_ belongs to.
  uint64_t pass_ = 0;
  uint64_t seed_ = 0;
  std::vector<size_t> order_;
};

/// Which of all items a solver reads, where several share them.
class SolverShare {
 public:
  SolverShare() = default;
  /// All of them in the TEST phase, else every n-th, from the rank of the calling thread's solver.
  explicit SolverShare(Phase phase)
      : solvers_(phase == TEST ? 1 : Caffe::solver_count()),
        rank_(phase == TEST ? 0 : Caffe::solver_rank()) {}
  /// The solver's own item number `index`, counted among all.
  uint64_t Item(uint64_t index) const { return index * solvers_ + rank_; }
  /// Whether an item, counted among all, is the solver's own.
  bool Has(uint64_t item) const { return item % solvers_ == rank_; }

 private:
  uint64_t solvers_ = 1;
  uint64_t rank_ = 0;
};

/// How many of a solver's items rand_skip leaves out at the start: fewer than `most`, decided by
/// the seed.
inline uint64_t RandomSkip(uint32_t most, uint64_t seed) {
  if (most == 0) return 0;
  return rng_t(MixSeed(seed, ~uint64_t(0)))() % most;
}

}  // namespace caffe

#endif  // CAFFE_UTIL_SEEDED_ORDER_HPP_
