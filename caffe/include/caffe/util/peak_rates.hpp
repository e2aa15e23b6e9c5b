#ifndef CAFFE_UTIL_PEAK_RATES_HPP_
#define CAFFE_UTIL_PEAK_RATES_HPP_

#include <cstddef>

#include "caffe/proto/caffe.pb.h"

namespace caffe {

/// What is reached here at most, by the processor or, in GPU mode, by the thread's GPU: measured in
/// some ten milliseconds, with memory taken for it and given back.

/// GFLOP/s of a large product of matrices of the numbers that a net's layers multiply in this
/// precision; floats where they do so here for want of a better way.
double MatrixProductRate(Precision precision);

/// GB/s that a copy of large memory reads and writes.
double CopyRate();

/// Bytes in which layers of this precision keep the values that they pass on.
size_t BytesOfValue(Precision precision);

/// The most bytes of the thread's GPU that this process has held at once so far, in nets and
/// temporary memory, without what CUDA and its libraries take for themselves. 0 in CPU mode.
size_t PeakDeviceMemory();

}  // namespace caffe

#endif  // CAFFE_UTIL_PEAK_RATES_HPP_
