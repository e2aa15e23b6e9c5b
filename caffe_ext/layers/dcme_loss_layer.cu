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

// f(i) for the block's piece of the outputs, [block * piece, (block + 1) * piece). A thread has
// several loads under way at once: a single one leaves the memory waiting.
template <typename F>
__device__ void ForPiece(int count, int piece, const F& f) {
  const int begin = blockIdx.x * piece;
  const int end = begin + min(piece, count - begin);
#pragma unroll 8
  for (int i = begin + threadIdx.x; i < end; i += blockDim.x) f(i);
}

// sums[block] = sum of the squared errors of the block's piece. The order of the additions is
// fixed, so equal inputs give equal bits.
template <typename Dtype>
__global__ void SumSquares(dcme::IndependentOutputs<Dtype> outputs, int count, int piece,
                           double* sums) {
  __shared__ double lane[kThreads];
  double sum = 0;
  ForPiece(count, piece, [&](int i) { sum += outputs.squared(i); });
  lane[threadIdx.x] = sum;
  Fold(lane);
  if (threadIdx.x == 0) sums[blockIdx.x] = lane[0];
}

// loss = the sum of the blocks' sums over the divisor; by one block.
template <typename Dtype>
__global__ void AddUp(const double* sums, int blocks, double divisor, Dtype* loss) {
  __shared__ double lane[kThreads];
  double sum = 0;
  for (int i = threadIdx.x; i < blocks; i += blockDim.x) sum += sums[i];
  lane[threadIdx.x] = sum;
  Fold(lane);
  if (threadIdx.x == 0) *loss = static_cast<Dtype>(lane[0] / divisor);
}

template <typename Dtype>
__global__ void Gradients(dcme::IndependentOutputs<Dtype> outputs, int count, int piece,
                          Dtype scale, Dtype* __restrict__ diff) {
  ForPiece(count, piece, [&](int i) { diff[i] = scale * outputs.gradient(i); });
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
  SumSquares<Dtype><<<blocks, kThreads, 0, kStream>>>(DeviceOutputs(bottom), count, kPiece, sums);
  CUDA_POST_KERNEL_CHECK;
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
  for (int b = 0; b < 2; ++b) {
    if (!propagate_down[b]) continue;
    Gradients<Dtype><<<partial_sums_.count(), kThreads, 0, kStream>>>(
        outputs, count, kPiece, b == 0 ? scale : -scale, bottom[b]->mutable_gpu_diff());
    CUDA_POST_KERNEL_CHECK;
  }
}

INSTANTIATE_LAYER_GPU_FUNCS(DCMELossLayer);
// Used by this file alone, hence not instantiated with the class.
template dcme::IndependentOutputs<float> DCMELossLayer<float>::DeviceOutputs(
    const vector<Blob<float>*>&) const;
template dcme::IndependentOutputs<double> DCMELossLayer<double>::DeviceOutputs(
    const vector<Blob<double>*>&) const;

}  // namespace caffe
