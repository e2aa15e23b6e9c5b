#ifndef CAFFE_SRC_CUDNN_POOLING_HPP_
#define CAFFE_SRC_CUDNN_POOLING_HPP_

#include "util/pool_windows.hpp"

namespace caffe {
namespace cudnn {

/// Planes on the GPU and the windows over them, as Caffe places them.
struct PooledPlanes {
  int num, channels;
  PoolWindows windows;
};

/// Whether windows lie as cuDNN lays them: as many as fit into the padded plane. A mean is then
/// always over a whole window, padding included. Caffe may have one more that sticks out.
inline bool LaysWindows(const PoolAxis& axis) {
  const int room = axis.in + 2 * axis.pad - axis.kernel;
  return room >= 0 && axis.out == room / axis.stride + 1;
}

/// The mean of each window by cuDNN. False where it cannot, or the build has no cuDNN: nothing was
/// done.
template <typename Dtype>
bool Pool(const PooledPlanes& planes, const Dtype* x, Dtype* y);

/// Its gradient.
template <typename Dtype>
bool PoolBackward(const PooledPlanes& planes, const Dtype* dy, Dtype* dx);

#ifndef USE_CUDNN
template <typename Dtype>
bool Pool(const PooledPlanes&, const Dtype*, Dtype*) {
  return false;
}
template <typename Dtype>
bool PoolBackward(const PooledPlanes&, const Dtype*, Dtype*) {
  return false;
}
#endif

}  // namespace cudnn
}  // namespace caffe

#endif  // CAFFE_SRC_CUDNN_POOLING_HPP_
