// Arithmetic on a blob's values, where they are: on the host or on the GPU.
#include <type_traits>

#include "caffe/blob.hpp"
#include "caffe/util/math_functions.hpp"

namespace caffe {

namespace {

// Index blobs (int) hold shapes and positions, never values that are learnt.
template <typename Dtype>
constexpr bool kIsIndex = std::is_integral<Dtype>::value;

#ifndef CPU_ONLY
bool OnGpu(const shared_ptr<SyncedMemory>& memory) {
  return memory->head() == SyncedMemory::HEAD_AT_GPU ||
         (memory->head() == SyncedMemory::SYNCED && Caffe::mode() == Caffe::GPU);
}
#endif

// Whether all values are 0 because nothing has been written. Released values are none of these:
// who asks for them gets the error of cpu_data().
bool Empty(const shared_ptr<SyncedMemory>& memory) {
  return !memory || (memory->head() == SyncedMemory::UNINITIALIZED && !memory->released());
}

template <typename Dtype>
Dtype Asum(const shared_ptr<SyncedMemory>& memory, int count) {
  if constexpr (kIsIndex<Dtype>) {
    NOT_IMPLEMENTED;
  } else {
    if (Empty(memory)) return 0;
#ifndef CPU_ONLY
    if (OnGpu(memory)) {
      Dtype sum;
      caffe_gpu_asum(count, static_cast<const Dtype*>(memory->gpu_data()), &sum);
      return sum;
    }
#endif
    return caffe_cpu_asum(count, static_cast<const Dtype*>(memory->cpu_data()));
  }
}

template <typename Dtype>
Dtype SumOfSquares(const shared_ptr<SyncedMemory>& memory, int count) {
  if constexpr (kIsIndex<Dtype>) {
    NOT_IMPLEMENTED;
  } else {
    if (Empty(memory)) return 0;
#ifndef CPU_ONLY
    if (OnGpu(memory)) {
      Dtype sum;
      const Dtype* x = static_cast<const Dtype*>(memory->gpu_data());
      caffe_gpu_dot(count, x, x, &sum);
      return sum;
    }
#endif
    const Dtype* x = static_cast<const Dtype*>(memory->cpu_data());
    return caffe_cpu_dot(count, x, x);
  }
}

template <typename Dtype>
void Multiply(const shared_ptr<SyncedMemory>& memory, int count, Dtype factor) {
  if constexpr (kIsIndex<Dtype>) {
    NOT_IMPLEMENTED;
  } else {
    if (Empty(memory)) return;
#ifndef CPU_ONLY
    if (OnGpu(memory)) {
      caffe_gpu_scal(count, factor, static_cast<Dtype*>(memory->mutable_gpu_data()));
      return;
    }
#endif
    caffe_scal(count, factor, static_cast<Dtype*>(memory->mutable_cpu_data()));
  }
}

}  // namespace

template <typename Dtype>
void Blob<Dtype>::Update() {
  if constexpr (kIsIndex<Dtype>) {
    NOT_IMPLEMENTED;
  } else {
#ifndef CPU_ONLY
    if (OnGpu(data())) {
      caffe_gpu_axpy(count_, Dtype(-1), gpu_diff(), mutable_gpu_data());
      return;
    }
#endif
    CHECK(!Empty(data())) << "the blob has no contents to update";
    caffe_axpy(count_, Dtype(-1), cpu_diff(), mutable_cpu_data());
  }
}

template <typename Dtype>
Dtype Blob<Dtype>::asum_data() const {
  return Asum<Dtype>(data_, count_);
}

template <typename Dtype>
Dtype Blob<Dtype>::asum_diff() const {
  return Asum<Dtype>(diff_, count_);
}

template <typename Dtype>
Dtype Blob<Dtype>::sumsq_data() const {
  return SumOfSquares<Dtype>(data_, count_);
}

template <typename Dtype>
Dtype Blob<Dtype>::sumsq_diff() const {
  return SumOfSquares<Dtype>(diff_, count_);
}

template <typename Dtype>
void Blob<Dtype>::scale_data(Dtype factor) {
  Multiply(data_, count_, factor);
}

template <typename Dtype>
void Blob<Dtype>::scale_diff(Dtype factor) {
  Multiply(diff_, count_, factor);
}

#define INSTANTIATE_ARITHMETIC(Dtype)             \
  template void Blob<Dtype>::Update();            \
  template Dtype Blob<Dtype>::asum_data() const;  \
  template Dtype Blob<Dtype>::asum_diff() const;  \
  template Dtype Blob<Dtype>::sumsq_data() const; \
  template Dtype Blob<Dtype>::sumsq_diff() const; \
  template void Blob<Dtype>::scale_data(Dtype);   \
  template void Blob<Dtype>::scale_diff(Dtype)
INSTANTIATE_ARITHMETIC(float);
INSTANTIATE_ARITHMETIC(double);
INSTANTIATE_ARITHMETIC(int);
INSTANTIATE_ARITHMETIC(unsigned int);

}  // namespace caffe
