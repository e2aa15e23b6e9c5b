#ifndef DCME_INDEPENDENT_OUTPUTS_HPP_
#define DCME_INDEPENDENT_OUTPUTS_HPP_

#include <cmath>

#ifdef __CUDACC__
#define DCME_HOST_DEVICE __host__ __device__
#else
#define DCME_HOST_DEVICE
#endif

namespace dcme {

// Logistic clipping, f(x) = A (1 / (1 + e^-x) - 1/2) (ISISA 2019, equation 6): odd, slope A / 4 at
// zero, never beyond +-A/2. Written as A/2 tanh(x/2), which is the same and cannot overflow.
// A = 0: no clipping, f(x) = x.
template <typename Dtype>
DCME_HOST_DEVICE inline Dtype clip_error(Dtype error, Dtype amplitude) {
  if (amplitude == Dtype(0)) return error;
  return amplitude / 2 * std::tanh(error / 2);
}

// In double, where the squares of all floats exist.
template <typename Dtype>
DCME_HOST_DEVICE inline double squared_error(Dtype prediction, Dtype target) {
  const double error = static_cast<double>(prediction) - static_cast<double>(target);
  return error * error;
}

// An output, what it should be, and what it counts.
template <typename Dtype>
struct IndependentOutput {
  Dtype prediction, target, weight;

  // An ignored output may hold anything, NaN included. It is computed with like the others, and its
  // result dropped: values that are needed behind a branch only would be read one after the other.
  template <typename Result>
  DCME_HOST_DEVICE Result unless_ignored(Result result) const {
    return weight == Dtype(0) ? Result(0) : result;
  }

  // Weighted square of the full error.
  DCME_HOST_DEVICE double squared() const {
    return unless_ignored(weight * squared_error(prediction, target));
  }

  // What the output passes back: its weighted error, clipped by the amplitude.
  DCME_HOST_DEVICE Dtype gradient(Dtype amplitude) const {
    return unless_ignored(weight * clip_error(prediction - target, amplitude));
  }
};

// The outputs of a network head and what they should be, each an output of its own. A view: the
// arrays belong to blobs and lie on the host or on the device.
template <typename Dtype>
struct IndependentOutputs {
  const Dtype* prediction;  // n x c x r x s
  const Dtype* target;      // the same
  const Dtype* weight;      // n x c x r x s or n x 1 x r x s; null: every output counts once
  int image;                // outputs of an image, c * r * s
  int weights;              // weights of an image: `image` or r * s
  Dtype amplitude;          // A of clip_error

  // Where the weight of output i is.
  DCME_HOST_DEVICE int weight_at(int i) const { return i / image * weights + i % image % weights; }

  DCME_HOST_DEVICE IndependentOutput<Dtype> at(int i) const {
    return {prediction[i], target[i], weight ? weight[weight_at(i)] : Dtype(1)};
  }
};

}  // namespace dcme

#endif  // DCME_INDEPENDENT_OUTPUTS_HPP_
