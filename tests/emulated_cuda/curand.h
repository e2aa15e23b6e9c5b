#ifndef TESTS_EMULATED_CURAND_H_
#define TESTS_EMULATED_CURAND_H_

/// The part of cuRAND that caffe uses, by the standard library; see cuda_runtime.h.

#include <random>

#include <cuda_runtime.h>

typedef std::mt19937* curandGenerator_t;
enum curandStatus_t {
  CURAND_STATUS_SUCCESS = 0,
  CURAND_STATUS_ALLOCATION_FAILED,
  CURAND_STATUS_LAUNCH_FAILURE,
  CURAND_STATUS_INITIALIZATION_FAILED
};
enum curandRngType_t { CURAND_RNG_PSEUDO_DEFAULT };

inline curandStatus_t curandCreateGenerator(curandGenerator_t* generator, curandRngType_t) {
  *generator = new std::mt19937();
  return CURAND_STATUS_SUCCESS;
}
inline curandStatus_t curandSetStream(curandGenerator_t, cudaStream_t) {
  return CURAND_STATUS_SUCCESS;
}
inline curandStatus_t curandDestroyGenerator(curandGenerator_t generator) {
  delete generator;
  return CURAND_STATUS_SUCCESS;
}
inline curandStatus_t curandSetPseudoRandomGeneratorSeed(curandGenerator_t generator,
                                                         unsigned long long seed) {
  generator->seed(static_cast<unsigned>(seed));
  return CURAND_STATUS_SUCCESS;
}
inline curandStatus_t curandSetGeneratorOffset(curandGenerator_t, unsigned long long) {
  return CURAND_STATUS_SUCCESS;
}
inline curandStatus_t curandGenerate(curandGenerator_t generator, unsigned* r, size_t n) {
  for (size_t i = 0; i < n; ++i) r[i] = (*generator)();
  return CURAND_STATUS_SUCCESS;
}

template <typename T>
curandStatus_t EmulatedUniform(curandGenerator_t generator, T* r, size_t n) {
  for (size_t i = 0; i < n; ++i) r[i] = T(1) - std::uniform_real_distribution<T>()(*generator);
  return CURAND_STATUS_SUCCESS;
}
template <typename T>
curandStatus_t EmulatedNormal(curandGenerator_t generator, T* r, size_t n, T mean, T deviation) {
  std::normal_distribution<T> normal(mean, deviation);
  for (size_t i = 0; i < n; ++i) r[i] = normal(*generator);
  return CURAND_STATUS_SUCCESS;
}
inline curandStatus_t curandGenerateUniform(curandGenerator_t g, float* r, size_t n) {
  return EmulatedUniform(g, r, n);
}
inline curandStatus_t curandGenerateUniformDouble(curandGenerator_t g, double* r, size_t n) {
  return EmulatedUniform(g, r, n);
}
inline curandStatus_t curandGenerateNormal(curandGenerator_t g, float* r, size_t n, float mean,
                                           float deviation) {
  return EmulatedNormal(g, r, n, mean, deviation);
}
inline curandStatus_t curandGenerateNormalDouble(curandGenerator_t g, double* r, size_t n,
                                                 double mean, double deviation) {
  return EmulatedNormal(g, r, n, mean, deviation);
}

#endif  // TESTS_EMULATED_CURAND_H_
