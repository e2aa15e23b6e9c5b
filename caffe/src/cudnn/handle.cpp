#include "cudnn/handle.hpp"

#include <map>

#include "core/this_device.hpp"
#include "util/bfloat16.hpp"
#include "util/float16.hpp"

namespace caffe {
namespace cudnn {

namespace {

// One for each GPU that the thread has computed on: plans that were made with one are kept.
class ThreadHandles {
 public:
  ~ThreadHandles() {
    for (const auto& made : handles_) cudnnDestroy(made.second);
  }

  cudnnHandle_t ForCurrentDevice() {
    const int device = ThisDevice();
    const auto found = handles_.find(device);
    if (found != handles_.end()) return found->second;
    cudnnHandle_t handle;
    CUDNN_CHECK(cudnnCreate(&handle));
    CUDNN_CHECK(cudnnSetStream(handle, ThreadStream()));
    return handles_[device] = handle;
  }

 private:
  std::map<int, cudnnHandle_t> handles_;
};

}  // namespace

cudnnHandle_t Handle() {
  static thread_local ThreadHandles handles;
  return handles.ForCurrentDevice();
}

template <>
cudnnDataType_t DataType<float>() {
  return CUDNN_DATA_FLOAT;
}
template <>
cudnnDataType_t DataType<double>() {
  return CUDNN_DATA_DOUBLE;
}
template <>
cudnnDataType_t DataType<BFloat16>() {
  return CUDNN_DATA_BFLOAT16;
}
template <>
cudnnDataType_t DataType<Float16>() {
  return CUDNN_DATA_HALF;
}

}  // namespace cudnn
}  // namespace caffe
