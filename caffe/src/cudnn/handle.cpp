#include "cudnn/handle.hpp"

namespace caffe {
namespace cudnn {

namespace {

class ThreadHandle {
 public:
  ~ThreadHandle() {
    if (handle_) cudnnDestroy(handle_);
  }

  cudnnHandle_t Get() {
    int device = 0;
    CUDA_CHECK(cudaGetDevice(&device));
    if (handle_ && device == device_) return handle_;
    if (handle_) CUDNN_CHECK(cudnnDestroy(handle_));
    handle_ = nullptr;
    CUDNN_CHECK(cudnnCreate(&handle_));
    CUDNN_CHECK(cudnnSetStream(handle_, ThreadStream()));
    device_ = device;
    return handle_;
  }

 private:
  cudnnHandle_t handle_ = nullptr;
  int device_ = -1;
};

}  // namespace

cudnnHandle_t Handle() {
  static thread_local ThreadHandle handle;
  return handle.Get();
}

template <>
cudnnDataType_t DataType<float>() {
  return CUDNN_DATA_FLOAT;
}
template <>
cudnnDataType_t DataType<double>() {
  return CUDNN_DATA_DOUBLE;
}

}  // namespace cudnn
}  // namespace caffe
