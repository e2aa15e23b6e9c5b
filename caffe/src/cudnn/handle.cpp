#include "cudnn/handle.hpp"

#include <map>

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
    int device = 0;
    CUDA_CHECK(cudaGetDevice(&device));
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

}  // namespace cudnn
}  // namespace caffe
