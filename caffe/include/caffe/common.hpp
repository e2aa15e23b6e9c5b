#ifndef CAFFE_COMMON_HPP_
#define CAFFE_COMMON_HPP_

/// What every file of the runtime includes: names from the standard library, logging, macros that
/// instantiate classes, and the per-thread settings (mode, device, seed, solver rank).

#include <climits>
#include <cmath>
#include <fstream>
#include <iostream>
#include <map>
#include <set>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include <boost/shared_ptr.hpp>
// Programs written for Caffe 1.0 define their flags without including this.
#if __has_include(<gflags/gflags.h>)
#include <gflags/gflags.h>
#endif

#include "caffe/util/device_alternate.hpp"
#include "caffe/util/logging.hpp"

#define CAFFE_VERSION 1.0.0

#define STRINGIFY(m) #m
#define AS_STRING(m) STRINGIFY(m)

#define DISABLE_COPY_AND_ASSIGN(classname) \
 private:                                  \
  classname(const classname&) = delete;    \
  classname& operator=(const classname&) = delete

/// Compiles a class template for float and double.
#define INSTANTIATE_CLASS(classname) \
  template class classname<float>;   \
  template class classname<double>

/// Compile the GPU functions of a layer for float and double; for .cu files.
#define INSTANTIATE_LAYER_GPU_FORWARD(classname)                                  \
  template void classname<float>::Forward_gpu(const std::vector<Blob<float>*>&,   \
                                              const std::vector<Blob<float>*>&);  \
  template void classname<double>::Forward_gpu(const std::vector<Blob<double>*>&, \
                                               const std::vector<Blob<double>*>&)

#define INSTANTIATE_LAYER_GPU_BACKWARD(classname)                                  \
  template void classname<float>::Backward_gpu(const std::vector<Blob<float>*>&,   \
                                               const std::vector<bool>&,           \
                                               const std::vector<Blob<float>*>&);  \
  template void classname<double>::Backward_gpu(const std::vector<Blob<double>*>&, \
                                                const std::vector<bool>&,          \
                                                const std::vector<Blob<double>*>&)

#define INSTANTIATE_LAYER_GPU_FUNCS(classname) \
  INSTANTIATE_LAYER_GPU_FORWARD(classname);    \
  INSTANTIATE_LAYER_GPU_BACKWARD(classname)

#define NOT_IMPLEMENTED LOG(FATAL) << "Not supported here."

namespace cv {
class Mat;
}

struct cublasContext;
struct curandGenerator_st;

namespace caffe {

using boost::shared_ptr;

using std::fstream;
using std::ios;
using std::isinf;
using std::isnan;
using std::iterator;
using std::make_pair;
using std::map;
using std::ostringstream;
using std::pair;
using std::set;
using std::string;
using std::stringstream;
using std::vector;

/// What programs written for Caffe 1.0 call first: takes google-glog's flags from the command line,
/// and those that they define with google-gflags, if they do.
void GlobalInit(int* argc, char*** argv);

/// The settings of the calling thread: CPU or GPU, random numbers, place among parallel solvers.
class Caffe {
 public:
  ~Caffe();

  /// The calling thread's settings.
  static Caffe& Get();

  enum Brew { CPU, GPU };

  /// A shared handle on one random generator (an rng_t of caffe/util/rng.hpp behind void*).
  class RNG {
   public:
    RNG();
    explicit RNG(unsigned int seed);
    RNG(const RNG&);
    RNG& operator=(const RNG&);
    void* generator();

   private:
    class Generator;
    shared_ptr<Generator> generator_;
  };

  /// The thread's random generator; seeded from the system unless set_random_seed was called.
  static RNG& rng_stream();

#ifndef CPU_ONLY
  static cublasHandle_t cublas_handle();
  static curandGenerator_t curand_generator();
#endif

  static Brew mode() { return Get().mode_; }
  static void set_mode(Brew mode) { Get().mode_ = mode; }
  static void set_random_seed(const unsigned int seed);
  /// Makes GPU `device_id` the thread's device.
  static void SetDevice(const int device_id);
  static void DeviceQuery();
  /// Whether the GPU can be used by this process.
  static bool CheckDevice(const int device_id);
  /// The first usable GPU from start_id on, or -1.
  static int FindDevice(const int start_id = 0);

  static int solver_count() { return Get().solver_count_; }
  static void set_solver_count(int count) { Get().solver_count_ = count; }
  static int solver_rank() { return Get().solver_rank_; }
  static void set_solver_rank(int rank) { Get().solver_rank_ = rank; }
  static bool multiprocess() { return Get().multiprocess_; }
  static void set_multiprocess(bool multiprocess) { Get().multiprocess_ = multiprocess; }
  /// Whether this thread's solver is the one that logs, tests and takes snapshots.
  static bool root_solver() { return Get().solver_rank_ == 0; }

 protected:
  // A cublasHandle_t and a curandGenerator_t. Classes have the same members with and without
  // CPU_ONLY: code that is compiled with it runs on a build with CUDA, too.
  cublasContext* cublas_handle_ = nullptr;
  curandGenerator_st* curand_generator_ = nullptr;
  shared_ptr<RNG> random_generator_;
  Brew mode_ = CPU;
  int solver_count_ = 1;
  int solver_rank_ = 0;
  bool multiprocess_ = false;

 private:
  Caffe();

  DISABLE_COPY_AND_ASSIGN(Caffe);
};

}  // namespace caffe

#endif  // CAFFE_COMMON_HPP_
