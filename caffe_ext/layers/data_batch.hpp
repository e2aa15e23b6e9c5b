#ifndef DCME_DATA_BATCH_HPP_
#define DCME_DATA_BATCH_HPP_

#include <memory>
#include <vector>

#include "caffe/blob.hpp"
#include "caffe/common.hpp"

namespace dcme {

// The mode and GPU of the thread that makes one of these, for other threads to take over.
class ThreadSettings {
 public:
  ThreadSettings() {
#ifndef CPU_ONLY
    if (mode_ == caffe::Caffe::GPU) CUDA_CHECK(cudaGetDevice(&device_));
#endif
  }

  void apply() const {
    caffe::Caffe::set_mode(mode_);
#ifndef CPU_ONLY
    if (mode_ == caffe::Caffe::GPU) CUDA_CHECK(cudaSetDevice(device_));
#endif
  }

 private:
  caffe::Caffe::Brew mode_ = caffe::Caffe::mode();
#ifndef CPU_ONLY
  int device_ = 0;
#endif
};

// What a data layer's tops will hold when the batch's turn comes. A thread of the layer's fills it
// on the host and, in GPU mode, uploads it; the net's thread then copies it on the GPU.
template <typename Dtype>
class DataBatch {
 public:
  DataBatch() = default;
  ~DataBatch() {
#ifndef CPU_ONLY
    if (read_) cudaEventDestroy(read_);
    if (uploads_) cudaStreamDestroy(uploads_);
#endif
  }
  DataBatch(const DataBatch&) = delete;
  DataBatch& operator=(const DataBatch&) = delete;

  // One blob for each top.
  void reshape(const std::vector<std::vector<int>>& shapes) {
    while (blobs_.size() < shapes.size()) blobs_.push_back(std::make_unique<caffe::Blob<Dtype>>());
    for (size_t i = 0; i < shapes.size(); ++i) blobs_[i]->Reshape(shapes[i]);
  }
  // Null where there is no such top.
  caffe::Blob<Dtype>* blob(size_t i) { return i < blobs_.size() ? blobs_[i].get() : nullptr; }

  // Has what was filled in on the host on the GPU, too, when it returns; nothing in CPU mode.
  void upload() {
#ifndef CPU_ONLY
    if (caffe::Caffe::mode() != caffe::Caffe::GPU) return;
    if (!uploads_) CUDA_CHECK(cudaStreamCreateWithFlags(&uploads_, cudaStreamNonBlocking));
    // What was in it before may still wait to be copied.
    if (read_) CUDA_CHECK(cudaStreamWaitEvent(uploads_, read_, 0));
    for (const auto& blob : blobs_) blob->data()->async_gpu_push(uploads_);
    CUDA_CHECK(cudaStreamSynchronize(uploads_));
#endif
  }

  // Copies the batch to the tops, on the GPU in GPU mode; there, the copies are only queued.
  void copy_to(const std::vector<caffe::Blob<Dtype>*>& tops) {
    for (size_t i = 0; i < tops.size(); ++i) tops[i]->CopyFrom(*blobs_[i]);
#ifndef CPU_ONLY
    if (caffe::Caffe::mode() != caffe::Caffe::GPU) return;
    if (!read_) CUDA_CHECK(cudaEventCreateWithFlags(&read_, cudaEventDisableTiming));
    // In order with the default stream, too, in which Caffe 1.0 copies.
    CUDA_CHECK(cudaEventRecord(read_, cudaStreamPerThread));
#endif
  }

 private:
  std::vector<std::unique_ptr<caffe::Blob<Dtype>>> blobs_;
#ifndef CPU_ONLY
  cudaStream_t uploads_ = nullptr;
  cudaEvent_t read_ = nullptr;  // the end of the copies to the tops
#endif
};

}  // namespace dcme

#endif  // DCME_DATA_BATCH_HPP_
