#ifndef CAFFE_UTIL_MKL_ALTERNATE_H_
#define CAFFE_UTIL_MKL_ALTERNATE_H_

/// Functions on vectors under the names of Intel's MKL, for code that calls them in place of
/// caffe_add and its kin: y = f(a) or y = f(a, b), n elements, in single (vs) and double (vd)
/// precision. BLAS itself comes along with math_functions.hpp. Where mkl.h was included before, the
/// functions are MKL's own.

#include "caffe/util/math_functions.hpp"

#ifndef INTEL_MKL_VERSION

#define CAFFE_VECTOR_FUNCTION_1(name, function)                                              \
  inline void vs##name(int n, const float* a, float* y) { caffe::function<float>(n, a, y); } \
  inline void vd##name(int n, const double* a, double* y) { caffe::function<double>(n, a, y); }

#define CAFFE_VECTOR_FUNCTION_2(name, function)                              \
  inline void vs##name(int n, const float* a, const float* b, float* y) {    \
    caffe::function<float>(n, a, b, y);                                      \
  }                                                                          \
  inline void vd##name(int n, const double* a, const double* b, double* y) { \
    caffe::function<double>(n, a, b, y);                                     \
  }

CAFFE_VECTOR_FUNCTION_1(Sqr, caffe_sqr)
CAFFE_VECTOR_FUNCTION_1(Sqrt, caffe_sqrt)
CAFFE_VECTOR_FUNCTION_1(Exp, caffe_exp)
CAFFE_VECTOR_FUNCTION_1(Ln, caffe_log)
CAFFE_VECTOR_FUNCTION_1(Abs, caffe_abs)
CAFFE_VECTOR_FUNCTION_2(Add, caffe_add)
CAFFE_VECTOR_FUNCTION_2(Sub, caffe_sub)
CAFFE_VECTOR_FUNCTION_2(Mul, caffe_mul)
CAFFE_VECTOR_FUNCTION_2(Div, caffe_div)

#undef CAFFE_VECTOR_FUNCTION_1
#undef CAFFE_VECTOR_FUNCTION_2

/// y = a^b.
inline void vsPowx(int n, const float* a, float b, float* y) {
  caffe::caffe_powx<float>(n, a, b, y);
}
inline void vdPowx(int n, const double* a, double b, double* y) {
  caffe::caffe_powx<double>(n, a, b, y);
}

#endif  // INTEL_MKL_VERSION

#endif  // CAFFE_UTIL_MKL_ALTERNATE_H_
