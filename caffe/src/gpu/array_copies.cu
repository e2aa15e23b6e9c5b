#include "gpu/array_copies.hpp"
#include "gpu/loops.cuh"

namespace caffe {

namespace {

// A block for each array.
__global__ void CopyArraysKernel(const ArraysToCopy arrays) {
  const int a = blockIdx.x;
  for (int i = threadIdx.x; i < arrays.count[a]; i += blockDim.x) {
    arrays.to[a][i] = arrays.from[a][i];
  }
}

}  // namespace

void ArrayCopies::Add(const float* from, float* to, int count) {
  if (added_ == ArraysToCopy::kMost) Finish();
  arrays_.from[added_] = from;
  arrays_.to[added_] = to;
  arrays_.count[added_++] = count;
}

void ArrayCopies::Finish() {
  if (added_ > 0) Launch(CopyArraysKernel, added_, 128, arrays_);
  added_ = 0;
}

}  // namespace caffe
