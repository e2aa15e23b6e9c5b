#include "caffe/common.hpp"

#include <random>

#include "caffe/util/rng.hpp"
#include "core/log_flags.hpp"
#include "core/processor_quota.hpp"
#ifndef CPU_ONLY
#include <boost/optional.hpp>

#include "core/cublas.hpp"
#include "core/this_device.hpp"
#endif

// Of google-gflags, in either of its namespaces, where the program links it.
extern "C" {
__attribute__((weak)) unsigned ParseFlagsOfGoogle(int*, char***, bool) __asm__(
    "_ZN6google21ParseCommandLineFlagsEPiPPPcb");
__attribute__((weak)) unsigned ParseFlagsOfGflags(int*, char***, bool) __asm__(
    "_ZN6gflags21ParseCommandLineFlagsEPiPPPcb");
}

namespace caffe {

void GlobalInit(int* argc, char*** argv) {
  // google-gflags knows google-glog's flags only where the program links that.
  TakeLogFlags(argc, *argv);
  for (auto* parse : {&ParseFlagsOfGoogle, &ParseFlagsOfGflags}) {
    if (parse) parse(argc, argv, true);
  }
}

Caffe& Caffe::Get() {
  static thread_local Caffe instance;
  return instance;
}

class Caffe::RNG::Generator {
 public:
  explicit Generator(unsigned int seed) : engine_(seed) {}
  rng_t* engine() { return &engine_; }

 private:
  rng_t engine_;
};

Caffe::RNG::RNG() : RNG(std::random_device()()) {}
Caffe::RNG::RNG(unsigned int seed) : generator_(new Generator(seed)) {}
Caffe::RNG::RNG(const RNG&) = default;
Caffe::RNG& Caffe::RNG::operator=(const RNG&) = default;
void* Caffe::RNG::generator() { return generator_->engine(); }

Caffe::RNG& Caffe::rng_stream() {
  Caffe& self = Get();
  if (!self.random_generator_) self.random_generator_.reset(new RNG());
  return *self.random_generator_;
}

// What belongs to a thread begins here, its share of the processors too.
Caffe::Caffe() { KeepToProcessorQuota(); }

#ifdef CPU_ONLY

Caffe::~Caffe() = default;

void Caffe::set_random_seed(const unsigned int seed) {
  Get().random_generator_.reset(new RNG(seed));
}

void Caffe::SetDevice(const int device_id) { NO_GPU; }
void Caffe::DeviceQuery() { NO_GPU; }
bool Caffe::CheckDevice(const int device_id) { return false; }
int Caffe::FindDevice(const int start_id) { return -1; }

#else

namespace {

// Of the thread's random numbers on GPUs, where one has been set. The generator is made when it is
// needed: most threads and nets never do.
boost::optional<unsigned int>& DeviceSeed() {
  static thread_local boost::optional<unsigned int> seed;
  return seed;
}

bool DeviceUsable(int device_id) {
  int count = 0;
  if (cudaGetDeviceCount(&count) != cudaSuccess || device_id < 0 || device_id >= count) {
    cudaGetLastError();
    return false;
  }
  int previous = 0;
  cudaGetDevice(&previous);
  // Freeing nothing makes the driver create a context: it fails where another process has the GPU
  // for itself.
  const bool usable = cudaSetDevice(device_id) == cudaSuccess && cudaFree(nullptr) == cudaSuccess;
  cudaGetLastError();
  cudaSetDevice(previous);
  return usable;
}

}  // namespace

Caffe::~Caffe() {
  if (cublas_handle_) cublas::destroy(cublas_handle_);
  if (curand_generator_) curandDestroyGenerator(curand_generator_);
}

cublasHandle_t Caffe::cublas_handle() {
  Caffe& self = Get();
  if (!self.cublas_handle_) {
    CUBLAS_CHECK(cublas::create(&self.cublas_handle_));
    CUBLAS_CHECK(cublas::set_stream(self.cublas_handle_, ThreadStream()));
  }
  return self.cublas_handle_;
}

curandGenerator_t Caffe::curand_generator() {
  Caffe& self = Get();
  if (!self.curand_generator_) {
    CURAND_CHECK(curandCreateGenerator(&self.curand_generator_, CURAND_RNG_PSEUDO_DEFAULT));
    const unsigned int seed = DeviceSeed() ? *DeviceSeed() : std::random_device()();
    CURAND_CHECK(curandSetPseudoRandomGeneratorSeed(self.curand_generator_, seed));
    CURAND_CHECK(curandSetStream(self.curand_generator_, ThreadStream()));
  }
  return self.curand_generator_;
}

void Caffe::set_random_seed(const unsigned int seed) {
  Caffe& self = Get();
  self.random_generator_.reset(new RNG(seed));
  DeviceSeed() = seed;
  if (self.curand_generator_) {
    CURAND_CHECK(curandSetPseudoRandomGeneratorSeed(self.curand_generator_, seed));
    CURAND_CHECK(curandSetGeneratorOffset(self.curand_generator_, 0));
  }
}

void Caffe::SetDevice(const int device_id) {
  if (ThisDevice() == device_id) return;
  const cudaError_t status = cudaSetDevice(device_id);
  if (status != cudaSuccess) cudaGetLastError();
  CHECK(status == cudaSuccess) << "GPU " << device_id << " does not exist or is not usable ("
                               << cudaGetErrorString(status) << ")";
  Caffe& self = Get();
  if (self.cublas_handle_) {
    CUBLAS_CHECK(cublas::destroy(self.cublas_handle_));
    self.cublas_handle_ = nullptr;
  }
  if (self.curand_generator_) {
    CURAND_CHECK(curandDestroyGenerator(self.curand_generator_));
    self.curand_generator_ = nullptr;
  }
}

void Caffe::DeviceQuery() {
  const int device = ThisDevice();
  cudaDeviceProp p;
  CUDA_CHECK(cudaGetDeviceProperties(&p, device));
  LOG(INFO) << "Device id:                     " << device;
  LOG(INFO) << "Name:                          " << p.name;
  LOG(INFO) << "Compute capability:            " << p.major << "." << p.minor;
  LOG(INFO) << "Total global memory:           " << p.totalGlobalMem;
  LOG(INFO) << "Shared memory per block:       " << p.sharedMemPerBlock;
  LOG(INFO) << "Registers per block:           " << p.regsPerBlock;
  LOG(INFO) << "Warp size:                     " << p.warpSize;
  LOG(INFO) << "Maximum threads per block:     " << p.maxThreadsPerBlock;
  LOG(INFO) << "Number of multiprocessors:     " << p.multiProcessorCount;
  LOG(INFO) << "Level 2 cache:                 " << p.l2CacheSize;
}

bool Caffe::CheckDevice(const int device_id) { return DeviceUsable(device_id); }

int Caffe::FindDevice(const int start_id) {
  int count = 0;
  if (cudaGetDeviceCount(&count) != cudaSuccess) return -1;
  for (int id = start_id; id < count; ++id) {
    if (DeviceUsable(id)) return id;
  }
  return -1;
}

const char* cublasGetErrorString(cublasStatus_t error) { return cublas::status_string(error); }

const char* curandGetErrorString(curandStatus_t error) {
  switch (error) {
    case CURAND_STATUS_SUCCESS:
      return "success";
    case CURAND_STATUS_ALLOCATION_FAILED:
      return "memory allocation failed";
    case CURAND_STATUS_LAUNCH_FAILURE:
      return "kernel launch failed";
    case CURAND_STATUS_INITIALIZATION_FAILED:
      return "initialisation of CUDA failed";
    default:
      return "cuRAND error";
  }
}

#endif  // CPU_ONLY

}  // namespace caffe
