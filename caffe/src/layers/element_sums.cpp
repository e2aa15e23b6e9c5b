#include "layers/element_sums.hpp"

#include "util/simd.hpp"

namespace caffe {

namespace {

template <typename Dtype, typename T>
CAFFE_SIMD_CLONES void Load(std::ptrdiff_t n, const T* x, Dtype c, Dtype* result) {
#pragma omp simd
  for (std::ptrdiff_t i = 0; i < n; ++i) result[i] = c * Dtype(x[i]);
}

template <typename Dtype, typename T>
CAFFE_SIMD_CLONES void Add(std::ptrdiff_t n, const T* x, Dtype* result) {
#pragma omp simd
  for (std::ptrdiff_t i = 0; i < n; ++i) result[i] += Dtype(x[i]);
}

// Not for wider vector units: those multiply and add in one step, which rounds otherwise.
template <typename Dtype, typename T>
void AddScaled(std::ptrdiff_t n, const T* x, Dtype c, Dtype* result) {
#pragma omp simd
  for (std::ptrdiff_t i = 0; i < n; ++i) result[i] += c * Dtype(x[i]);
}

template <typename Dtype, typename T>
CAFFE_SIMD_CLONES void Multiply(std::ptrdiff_t n, const T* x, Dtype* result) {
#pragma omp simd
  for (std::ptrdiff_t i = 0; i < n; ++i) result[i] *= Dtype(x[i]);
}

template <typename Dtype, typename T>
CAFFE_SIMD_CLONES void StoreRectified(std::ptrdiff_t n, const Dtype* result, Dtype slope, T* y) {
#pragma omp simd
  for (std::ptrdiff_t i = 0; i < n; ++i) y[i] = result[i] > 0 ? result[i] : result[i] * slope;
}

template <typename Dtype, typename T>
CAFFE_SIMD_CLONES void LoadRectified(std::ptrdiff_t n, const T* x, const T* sign, Dtype slope,
                                     Dtype* result) {
#pragma omp simd
  for (std::ptrdiff_t i = 0; i < n; ++i) {
    result[i] = Dtype(sign[i]) > 0 ? Dtype(x[i]) : Dtype(x[i]) * slope;
  }
}

template <typename Dtype, typename T>
CAFFE_SIMD_CLONES void Store(std::ptrdiff_t n, const Dtype* result, Dtype c, T* y) {
#pragma omp simd
  for (std::ptrdiff_t i = 0; i < n; ++i) y[i] = c * result[i];
}

}  // namespace

template <typename Dtype, typename T>
void SumElements(const vector<const T*>& x, const vector<Dtype>& coeffs, std::ptrdiff_t count, T* y,
                 Dtype slope) {
  ForElementBlocks(count, [&](std::ptrdiff_t begin, std::ptrdiff_t end) {
    Dtype sums[kElementBlock];
    Load(end - begin, x[0] + begin, coeffs[0], sums);
    for (size_t k = 1; k < x.size(); ++k) {
      if (coeffs[k] == Dtype(1)) {
        Add(end - begin, x[k] + begin, sums);
      } else {
        AddScaled(end - begin, x[k] + begin, coeffs[k], sums);
      }
    }
    StoreRectified(end - begin, sums, slope, y + begin);
  });
}

template <typename Dtype, typename T>
void SpreadElements(const T* dy, const T* y, Dtype slope, const vector<Dtype>& coeffs,
                    std::ptrdiff_t count, const vector<T*>& dx) {
  ForElementBlocks(count, [&](std::ptrdiff_t begin, std::ptrdiff_t end) {
    const std::ptrdiff_t n = end - begin;
    Dtype diffs[kElementBlock];
    if (slope == Dtype(1)) {
      Load(n, dy + begin, Dtype(1), diffs);
    } else {
      LoadRectified(n, dy + begin, y + begin, slope, diffs);
    }
    for (size_t k = 0; k < dx.size(); ++k) {
      if (dx[k]) Store(n, diffs, coeffs[k], dx[k] + begin);
    }
  });
}

template <typename Dtype, typename T>
void MultiplyElements(const vector<const T*>& x, std::ptrdiff_t count, T* y) {
  ForElementBlocks(count, [&](std::ptrdiff_t begin, std::ptrdiff_t end) {
    Dtype products[kElementBlock];
    Load(end - begin, x[0] + begin, Dtype(1), products);
    for (size_t k = 1; k < x.size(); ++k) Multiply(end - begin, x[k] + begin, products);
    Store(end - begin, products, Dtype(1), y + begin);
  });
}

#define INSTANTIATE(Dtype, T)                                                                   \
  template void SumElements(const vector<const T*>&, const vector<Dtype>&, std::ptrdiff_t, T*,  \
                            Dtype);                                                             \
  template void SpreadElements(const T*, const T*, Dtype, const vector<Dtype>&, std::ptrdiff_t, \
                               const vector<T*>&);                                              \
  template void MultiplyElements<Dtype>(const vector<const T*>&, std::ptrdiff_t, T*)
INSTANTIATE(float, float);
INSTANTIATE(float, BFloat16);
INSTANTIATE(double, double);

}  // namespace caffe
