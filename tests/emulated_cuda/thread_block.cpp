// Threads of a block that take turns at __syncthreads: each runs alone up to it, in an order that
// changes each time. A barrier that is missing shows as a wrong number.

#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include <ucontext.h>

#include "device_queue.hpp"

namespace emulated_cuda {

namespace {

/// Blocks are made smaller than they are asked to be; kernels must go by blockDim.
constexpr unsigned kMostThreads = 4;

class ThreadBlock {
 public:
  ThreadBlock() {
    for (Fiber& fiber : fibers_) fiber.stack.resize(256 << 10);
  }

  void Run(unsigned threads, const std::function<void()>& body) {
    body_ = &body;
    for (unsigned t = 0; t < threads; ++t) Prepare(&fibers_[t]);
    while (RunToBarrier(threads)) {
    }
  }

  /// From within Run.
  void Barrier() { swapcontext(&fibers_[running_].context, &host_); }

  static ThreadBlock& Current() {
    static thread_local ThreadBlock block;
    return block;
  }

 private:
  struct Fiber {
    ucontext_t context;
    std::vector<char> stack;
    bool ended;
  };

  static void RunThread() {
    ThreadBlock& block = Current();
    (*block.body_)();
    block.fibers_[block.running_].ended = true;
  }

  void Prepare(Fiber* fiber) {
    fiber->ended = false;
    getcontext(&fiber->context);
    fiber->context.uc_stack.ss_sp = fiber->stack.data();
    fiber->context.uc_stack.ss_size = fiber->stack.size();
    fiber->context.uc_link = &host_;
    makecontext(&fiber->context, RunThread, 0);
  }

  // Whether the threads stand at a barrier; else they have ended.
  bool RunToBarrier(unsigned threads) {
    unsigned ended = 0;
    backwards_ = !backwards_;
    for (unsigned k = 0; k < threads; ++k) {
      running_ = backwards_ ? threads - 1 - k : k;
      threadIdx.x = running_;
      swapcontext(&host_, &fibers_[running_].context);
      ended += fibers_[running_].ended;
    }
    if (ended != 0 && ended != threads) {
      std::fprintf(stderr, "emulated CUDA: not all threads of a block came to __syncthreads\n");
      std::abort();
    }
    return ended == 0;
  }

  Fiber fibers_[kMostThreads];
  ucontext_t host_;
  const std::function<void()>* body_ = nullptr;
  unsigned running_ = 0;
  bool backwards_ = false;
};

void RunGrid(unsigned blocks, unsigned threads, const std::function<void()>& body) {
  gridDim = dim3(blocks);
  blockDim = dim3(std::min(threads, kMostThreads));
  for (unsigned b = 0; b < blocks; ++b) {
    blockIdx.x = b;
    ThreadBlock::Current().Run(blockDim.x, body);
  }
}

}  // namespace

void Barrier() { ThreadBlock::Current().Barrier(); }

cudaError_t Launch(const cudaLaunchConfig_t& config, std::function<void()> body) {
  const unsigned blocks = config.gridDim.x, threads = config.blockDim.x;
  if (blocks < 1 || blocks > 0x7fffffffu || threads < 1 || threads > 1024) {
    return cudaErrorInvalidConfiguration;
  }
  return Queue(config.stream, [=] { RunGrid(blocks, threads, body); });
}

void TripleAngles::Check(cudaError_t status) {
  if (status == cudaSuccess) return;
  std::fprintf(stderr, "%s\n", cudaGetErrorString(status));
  std::abort();
}

}  // namespace emulated_cuda

const char* cudaGetErrorString(cudaError_t error) {
  switch (error) {
    case cudaErrorInvalidValue:
      return "emulated CUDA: memory of another kind than the call is for";
    case cudaErrorInvalidConfiguration:
      return "emulated CUDA: no blocks, no threads, or too many";
    case cudaErrorInvalidResourceHandle:
      return "emulated CUDA: a stream or event of another device than the thread's";
    default:
      return "error of the emulated CUDA";
  }
}
