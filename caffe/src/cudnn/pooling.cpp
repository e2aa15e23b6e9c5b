#include "cudnn/pooling.hpp"

#include "cudnn/handle.hpp"

namespace caffe {
namespace cudnn {

namespace {

template <typename Dtype>
struct Descriptors {
  explicit Descriptors(const PooledPlanes& planes)
      : x(planes.num, planes.channels, planes.windows.h.in, planes.windows.w.in),
        y(planes.num, planes.channels, planes.windows.h.out, planes.windows.w.out) {
    const PoolAxis& h = planes.windows.h;
    const PoolAxis& w = planes.windows.w;
    CUDNN_CHECK(cudnnSetPooling2dDescriptor(pooling, CUDNN_POOLING_AVERAGE_COUNT_INCLUDE_PADDING,
                                            CUDNN_PROPAGATE_NAN, h.kernel, w.kernel, h.pad, w.pad,
                                            h.stride, w.stride));
  }

  PlainTensor<Dtype> x, y;
  PoolingOp pooling;
};

bool CanPool(const PooledPlanes& planes) {
  return HasValues({planes.num, planes.channels}) && LaysWindows(planes.windows.h) &&
         LaysWindows(planes.windows.w);
}

}  // namespace

template <typename Dtype>
bool Pool(const PooledPlanes& planes, const Dtype* x, Dtype* y) {
  if (!CanPool(planes)) return false;
  const Descriptors<Dtype> of(planes);
  return Done(
      cudnnPoolingForward(Handle(), of.pooling, &kOne<Dtype>, of.x, x, &kZero<Dtype>, of.y, y));
}

template <typename Dtype>
bool PoolBackward(const PooledPlanes& planes, const Dtype* dy, Dtype* dx) {
  if (!CanPool(planes)) return false;
  const Descriptors<Dtype> of(planes);
  // A mean's gradient depends on neither input nor result, which may be gone; cuDNN wants memory of
  // their sizes all the same.
  return Done(cudnnPoolingBackward(Handle(), of.pooling, &kOne<Dtype>, of.y, dy, of.y, dy, of.x, dx,
                                   &kZero<Dtype>, of.x, dx));
}

#define INSTANTIATE_POOLING(Dtype)                               \
  template bool Pool(const PooledPlanes&, const Dtype*, Dtype*); \
  template bool PoolBackward(const PooledPlanes&, const Dtype*, Dtype*)
INSTANTIATE_POOLING(float);
INSTANTIATE_POOLING(double);

}  // namespace cudnn
}  // namespace caffe
