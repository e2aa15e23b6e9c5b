#ifndef CPU_ONLY

#include "core/cublas.hpp"

#include <dlfcn.h>

namespace caffe {
namespace cublas {

namespace {

void* Library() {
#ifdef CUBLAS_VER_MAJOR
  const char* const file = "libcublas.so." AS_STRING(CUBLAS_VER_MAJOR);
#else
  const char* const file = nullptr;
#endif
  // It stays until the process ends.
  static void* const library = dlopen(file, RTLD_LAZY | RTLD_LOCAL);
  CHECK(library) << "cuBLAS, which the GPU mode needs, cannot be loaded: " << dlerror()
                 << "; name its folder in LD_LIBRARY_PATH";
  return library;
}

}  // namespace

void* Find(const char* name) {
  void* const function = dlsym(Library(), name);
  CHECK(function) << "this cuBLAS has no " << name << ": it is older than the build";
  return function;
}

}  // namespace cublas
}  // namespace caffe

#endif  // CPU_ONLY
