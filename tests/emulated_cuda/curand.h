#ifndef TESTS_EMULATED_CURAND_H_
#define TESTS_EMULATED_CURAND_H_

/// The part of cuRAND that caffe uses, by the standard library; see cuda_runtime.h.

#include <cuda_runtime.h>

struct curandGenerator_st;
typedef curandGenerator_st* curandGenerator_t;
enum curandStatus_t {
  CURAND_STATUS_SUCCESS = 0,
  CURAND_STATUS_INITIALIZATION_FAILED = 101,
  CURAND_STATUS_ALLOCATION_FAILED = 102,
  CURAND_STATUS_LENGTH_NOT_MULTIPLE = 105,
  CURAND_STATUS_LAUNCH_FAILURE = 201
};
enum curandRngType_t { CURAND_RNG_PSEUDO_DEFAULT = 100 };

curandStatus_t curandCreateGenerator(curandGenerator_t* generator, curandRngType_t type);
curandStatus_t curandSetStream(curandGenerator_t generator, cudaStream_t stream);
curandStatus_t curandDestroyGenerator(curandGenerator_t generator);
curandStatus_t curandSetPseudoRandomGeneratorSeed(curandGenerator_t generator,
                                                  unsigned long long seed);
curandStatus_t curandSetGeneratorOffset(curandGenerator_t generator, unsigned long long offset);
curandStatus_t curandGenerate(curandGenerator_t generator, unsigned* r, size_t n);
curandStatus_t curandGenerateUniform(curandGenerator_t generator, float* r, size_t n);
curandStatus_t curandGenerateUniformDouble(curandGenerator_t generator, double* r, size_t n);
curandStatus_t curandGenerateNormal(curandGenerator_t generator, float* r, size_t n, float mean,
                                    float deviation);
curandStatus_t curandGenerateNormalDouble(curandGenerator_t generator, double* r, size_t n,
                                          double mean, double deviation);

#endif  // TESTS_EMULATED_CURAND_H_
