#include "util/device_bfloat16.hpp"
#include "util/device_loops.cuh"

namespace caffe {

namespace {

template <typename From, typename To>
struct CopyElement {
  const From* x;
  To* y;
  CAFFE_HOST_DEVICE void operator()(int i) const { y[i] = x[i]; }
};

struct AddElement {
  const BFloat16* x;
  float* y;
  CAFFE_HOST_DEVICE void operator()(int i) const { y[i] += x[i]; }
};

}  // namespace

void RoundOnGpu(int n, const float* x, BFloat16* y) {
  ForElements(n, CopyElement<float, BFloat16>{x, y});
}

void WidenOnGpu(int n, const BFloat16* x, float* y) {
  ForElements(n, CopyElement<BFloat16, float>{x, y});
}

void AddOnGpu(int n, const BFloat16* x, float* y) { ForElements(n, AddElement{x, y}); }

}  // namespace caffe
