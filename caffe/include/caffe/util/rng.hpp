#ifndef CAFFE_UTIL_RNG_HPP_
#define CAFFE_UTIL_RNG_HPP_

#include <algorithm>
#include <iterator>

#include <boost/random/mersenne_twister.hpp>
#include <boost/random/uniform_int.hpp>

#include "caffe/common.hpp"

namespace caffe {

/// The random generator; the same seed gives the same numbers on every platform.
typedef boost::mt19937 rng_t;

/// The calling thread's generator.
inline rng_t* caffe_rng() { return static_cast<rng_t*>(Caffe::rng_stream().generator()); }

/// Fisher-Yates shuffle; every order equally likely.
template <class RandomAccessIterator, class RandomGenerator>
inline void shuffle(RandomAccessIterator begin, RandomAccessIterator end, RandomGenerator* gen) {
  typedef typename std::iterator_traits<RandomAccessIterator>::difference_type Distance;
  for (Distance left = std::distance(begin, end); left > 1; --left) {
    const Distance pick = boost::uniform_int<Distance>(0, left - 1)(*gen);
    std::iter_swap(begin + (left - 1), begin + pick);
  }
}

template <class RandomAccessIterator>
inline void shuffle(RandomAccessIterator begin, RandomAccessIterator end) {
  shuffle(begin, end, caffe_rng());
}

}  // namespace caffe

#endif  // CAFFE_UTIL_RNG_HPP_
