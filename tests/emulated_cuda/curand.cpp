#include <random>

#include <curand.h>

#include "device_queue.hpp"

struct curandGenerator_st : emulated_cuda::LibraryHandle {
  std::mt19937 engine;
};

namespace {

// Numbers are drawn in the order of the calls, whenever they are written.
template <typename T, typename Distribution>
curandStatus_t Draw(curandGenerator_t generator, T* r, size_t n, Distribution draw) {
  const auto drawn = std::make_shared<std::vector<T>>(n);
  for (T& value : *drawn) value = draw(generator->engine);
  const bool queued = generator->Call({r}, [=] { std::copy(drawn->begin(), drawn->end(), r); });
  return queued ? CURAND_STATUS_SUCCESS : CURAND_STATUS_LAUNCH_FAILURE;
}

// In (0, 1].
template <typename T>
curandStatus_t DrawUniform(curandGenerator_t generator, T* r, size_t n) {
  std::uniform_real_distribution<T> uniform;
  return Draw(generator, r, n, [=](std::mt19937& engine) mutable { return 1 - uniform(engine); });
}

// In pairs.
template <typename T>
curandStatus_t DrawNormal(curandGenerator_t generator, T* r, size_t n, T mean, T deviation) {
  if (n % 2 != 0) return CURAND_STATUS_LENGTH_NOT_MULTIPLE;
  return Draw(generator, r, n, std::normal_distribution<T>(mean, deviation));
}

}  // namespace

curandStatus_t curandCreateGenerator(curandGenerator_t* generator, curandRngType_t) {
  *generator = new curandGenerator_st();
  return CURAND_STATUS_SUCCESS;
}

curandStatus_t curandSetStream(curandGenerator_t generator, cudaStream_t stream) {
  generator->stream = stream;
  return CURAND_STATUS_SUCCESS;
}

curandStatus_t curandDestroyGenerator(curandGenerator_t generator) {
  delete generator;
  return CURAND_STATUS_SUCCESS;
}

curandStatus_t curandSetPseudoRandomGeneratorSeed(curandGenerator_t generator,
                                                  unsigned long long seed) {
  generator->engine.seed(static_cast<unsigned>(seed));
  return CURAND_STATUS_SUCCESS;
}

curandStatus_t curandSetGeneratorOffset(curandGenerator_t, unsigned long long) {
  return CURAND_STATUS_SUCCESS;
}

curandStatus_t curandGenerate(curandGenerator_t generator, unsigned* r, size_t n) {
  return Draw(generator, r, n, [](std::mt19937& engine) { return engine(); });
}

curandStatus_t curandGenerateUniform(curandGenerator_t generator, float* r, size_t n) {
  return DrawUniform(generator, r, n);
}

curandStatus_t curandGenerateUniformDouble(curandGenerator_t generator, double* r, size_t n) {
  return DrawUniform(generator, r, n);
}

curandStatus_t curandGenerateNormal(curandGenerator_t generator, float* r, size_t n, float mean,
                                    float deviation) {
  return DrawNormal(generator, r, n, mean, deviation);
}

curandStatus_t curandGenerateNormalDouble(curandGenerator_t generator, double* r, size_t n,
                                          double mean, double deviation) {
  return DrawNormal(generator, r, n, mean, deviation);
}
