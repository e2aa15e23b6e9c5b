#include <cstdint>

#include "dcme_loss_layer.hpp"

namespace caffe {

namespace {

const int kThreads = 256;  // a power of two: the sum of a block is folded in halves
// The stream of this project's layers, and in order with the default stream, that of Caffe 1.0's.
const cudaStream_t kStream = cudaStreamPerThread;

// Makes lane[0] the sum of all, which all threads of the block have written.
__device__ void Fold(double* lane) {
  for (unsigned half = blockDim.x / 2; half > 0; half /= 2) {
    __syncthreads();
    if (threadIdx.x < half) lane[threadIdx.x] += lane[threadIdx.x + half];
  }
}

// use(i, read(i)) for all i in [begin, end), shared out among the block's threads. A thread reads
// kAtOnce times before it uses the first, without a branch in between: a single load under way
// leaves the memory waiting.
template <int kAtOnce, typename Read, typename Use>
__device__ void ForBlock(int begin, int end, const Read& read, const Use& use) {
  const int step = blockDim.x;
  int i = begin + threadIdx.x;
  for (; end - i > (kAtOnce - 1) * step; i += kAtOnce * step) {
    decltype(read(i)) some[kAtOnce];
#pragma unroll
    for (int k = 0; k < kAtOnce; ++k) some[k] = read(i + k * step);
#pragma unroll
    for (int k = 0; k < kAtOnce; ++k) use(i + k * step, some[k]);
  }
  for (; i < end; i += step) use(i, read(i));
}

// Values that lie one behind the other, read and written at once.
template <typename Dtype, int size>
struct alignas(size * sizeof(Dtype)) Pack {
  Dtype of[size];
};

// What a thread reads at once of some outputs.
template <typename Dtype, int size, bool weighted>
struct Packs {
  static constexpr int kSize = size;
  static constexpr int kAtOnce = 8 / size;
  using Values = Pack<Dtype, size>;

  Values prediction, target, weight;

  // Pack i.
  static __device__ Packs Read(const dcme::IndependentOutputs<Dtype>& outputs, int i) {
    Packs packs;
    packs.prediction = reinterpret_cast<const Values*>(outputs.prediction)[i];
    packs.target = reinterpret_cast<const Values*>(outputs.target)[i];
    if (weighted) {
      packs.weight = reinterpret_cast<const Values*>(
          outputs.weight)[unsigned(outputs.weight_at(i * size)) / size];
    }
    return packs;
  }
  __device__ dcme::IndependentOutput<Dtype> operator[](int k) const {
    return {prediction.of[k], target.of[k], weighted ? weight.of[k] : Dtype(1)};
  }
};

// use(i, pack i) for the block's piece of the outputs, [block * piece, (block + 1) * piece).
template <typename Kind, typename Dtype, typename Use>
__device__ void ForPiece(const dcme::IndependentOutputs<Dtype>& outputs, int count, int piece,
                         const Use& use) {
  const int begin = blockIdx.x * piece;
  const int end = begin + min(piece, count - begin);
  ForBlock<Kind::kAtOnce>(
      begin / Kind::kSize, end / Kind::kSize, [&](int i) { return Kind::Read(outputs, i); }, use);
}

// sums[block] = sum of the squared errors of the block's piece. The order of the additions is
// fixed, so equal inputs give equal bits.
template <typename Kind, typename Dtype>
__global__ void SumSquares(dcme::IndependentOutputs<Dtype> outputs, int count, int piece,
                           double* sums) {
  __shared__ double lane[kThreads];
  double sum = 0;
  ForPiece<Kind>(outputs, count, piece, [&](int, const Kind& some) {
#pragma unroll
    for (int k = 0; k < Kind::kSize; ++k) sum += some[k].squared();
  });
  lane[threadIdx.x] = sum;
  Fold(lane);
  if (threadIdx.x == 0) sums[blockIdx.x] = lane[0];
}

// loss = the sum of the blocks' sums over the divisor; by one block.
template <typename Dtype>
__global__ void AddUp(const double* sums, int blocks, double divisor, Dtype* loss) {
  __shared__ double lane[kThreads];
  double sum = 0;
  ForBlock<8>(
      0, blocks, [&](int i) { return sums[i]; }, [&](int, double part) { sum += part; });
  lane[threadIdx.x] = sum;
  Fold(lane);
  if (threadIdx.x == 0) *loss = static_cast<Dtype>(lane[0] / divisor);
}

template <typename Kind, typename Dtype>
__global__ void Gradients(dcme::IndependentOutputs<Dtype> outputs, int count, int piece,
                          Dtype scale, Dtype* __restrict__ diff) {
  ForPiece<Kind>(outputs, count, piece, [&](int i, const Kind& some) {
    typename Kind::Values result;
#pragma unroll
    for (int k = 0; k < Kind::kSize; ++k) {
      result.of[k] = scale * some[k].gradient(outputs.amplitude);
    }
    reinterpret_cast<typename Kind::Values*>(diff)[i] = result;
  });
}

bool Aligned(const void* memory, int bytes) {
  return reinterpret_cast<std::uintptr_t>(memory) % bytes == 0;
}

// Calls use(kind) with the Packs that fit the arrays: of 16 bytes, where planes and memory consist
// of such, or of single values.
template <typename Dtype, typename Use>
void WithKind(const dcme::IndependentOutputs<Dtype>& outputs, int count, const Dtype* diff,
              const Use& use) {
  constexpr int kBytes = 16, kSize = kBytes / sizeof(Dtype);
  const bool packs = count % kSize == 0 && outputs.weights % kSize == 0 &&
                     Aligned(outputs.prediction, kBytes) && Aligned(outputs.target, kBytes) &&
                     Aligned(outputs.weight, kBytes) && Aligned(diff, kBytes);
  if (outputs.weight) {
    packs ? use(Packs<Dtype, kSize, true>()) : use(Packs<Dtype, 1, true>());
  } else {
    packs ? use(Packs<Dtype, kSize, false>()) : use(Packs<Dtype, 1, false>());
  }
}

}  // namespace

template <typename Dtype>
dcme::IndependentOutputs<Dtype> DCMELossLayer<Dtype>::DeviceOutputs(
    const vector<Blob<Dtype>*>& bottom) const {
  dcme::IndependentOutputs<Dtype> outputs = OutputShape(bottom);
  outputs.prediction = bottom[0]->gpu_data();
  outputs.target = bottom[1]->gpu_data();
  outputs.weight = bottom.size() > 2 ? bottom[2]->gpu_data() : nullptr;
  return outputs;
}

template <typename Dtype>
void DCMELossLayer<Dtype>::Forward_gpu(const vector<Blob<Dtype>*>& bottom,
                                       const vector<Blob<Dtype>*>& top) {
  const int count = bottom[0]->count();
  const int blocks = partial_sums_.count();
  if (count == 0) {
    top[0]->mutable_cpu_data()[0] = 0;
    return;
  }
  double* sums = partial_sums_.mutable_gpu_data();
  const dcme::IndependentOutputs<Dtype> outputs = DeviceOutputs(bottom);
  const int piece = kPiece;
  WithKind<Dtype>(outputs, count, nullptr, [&](auto kind) {
    const auto kernel = &SumSquares<decltype(kind), Dtype>;
    kernel<<<blocks, kThreads, 0, kStream>>>(outputs, count, piece, sums);
    CUDA_POST_KERNEL_CHECK;
  });
  // The loss stays on the GPU: nobody has to wait for it here.
  AddUp<Dtype><<<1, kThreads, 0, kStream>>>(sums, blocks, 2.0 * count, top[0]->mutable_gpu_data());
  CUDA_POST_KERNEL_CHECK;
}

template <typename Dtype>
void DCMELossLayer<Dtype>::Backward_gpu(const vector<Blob<Dtype>*>& top,
                                        const vector<bool>& propagate_down,
                                        const vector<Blob<Dtype>*>& bottom) {
  RefuseWeightGradient(propagate_down);
  const int count = bottom[0]->count();
  if (count == 0) return;
  const dcme::IndependentOutputs<Dtype> outputs = DeviceOutputs(bottom);
  const Dtype scale = GradientScale(*bottom[0], *top[0]);
  const int blocks = partial_sums_.count(), piece = kPiece;
  for (int b = 0; b < 2; ++b) {
    if (!propagate_down[b]) continue;
    Dtype* diff = bottom[b]->mutable_gpu_diff();
    WithKind<Dtype>(outputs, count, diff, [&](auto kind) {
      const auto kernel = &Gradients<decltype(kind), Dtype>;
      kernel<<<blocks, kThreads, 0, kStream>>>(outputs, count, piece, b == 0 ? scale : -scale,
                                               diff);
      CUDA_POST_KERNEL_CHECK;
    });
  }
}

INSTANTIATE_LAYER_GPU_FUNCS(DCMELossLayer);
// Used by this file alone, hence not instantiated with the class.
template dcme::IndependentOutputs<float> DCMELossLayer<float>::DeviceOutputs(
    const vector<Blob<float>*>&) const;
template dcme::IndependentOutputs<double> DCMELossLayer<double>::DeviceOutputs(
    const vector<Blob<double>*>&) const;

}  // namespace caffe
