#include <cstdlib>

#include "caffe/parallel.hpp"
#include "nccl/nccl_communicator.hpp"
#include "parallel/gradient_sync.hpp"
#include "parallel/training.hpp"

namespace caffe {

template <typename Dtype>
struct NCCL<Dtype>::Parts {
  std::unique_ptr<NcclCommunicator<Dtype>> communicator;
  std::unique_ptr<GradientSync<Dtype>> sync;
};

template <typename Dtype>
NCCL<Dtype>::NCCL(shared_ptr<Solver<Dtype>> solver) : solver_(std::move(solver)) {}

template <typename Dtype>
NCCL<Dtype>::NCCL(shared_ptr<Solver<Dtype>> solver, const string& uid) : NCCL(std::move(solver)) {
  CHECK(Caffe::mode() == Caffe::GPU) << "NCCL joins GPUs: set the GPU mode and a device first";
  parts_.reset(new Parts());
  parts_->communicator.reset(
      new NcclCommunicator<Dtype>(uid, Caffe::solver_rank(), Caffe::solver_count()));
  parts_->communicator->Join();
  parts_->sync.reset(new GradientSync<Dtype>(solver_.get(), parts_->communicator.get()));
}

template <typename Dtype>
NCCL<Dtype>::~NCCL() {
  solver_->remove_callback(this);
  solver_->net()->remove_after_backward(this);
}

template <typename Dtype>
string NCCL<Dtype>::new_uid() {
  return NcclCommunicator<Dtype>::NewUid();
}

template <typename Dtype>
GradientSync<Dtype>& NCCL<Dtype>::sync() const {
  CHECK(parts_) << "this NCCL has joined no others: make it with a uid, or call Run";
  return *parts_->sync;
}

template <typename Dtype>
void NCCL<Dtype>::Broadcast() {
  sync().Broadcast();
}

template <typename Dtype>
void NCCL<Dtype>::on_start() {
  sync().on_start();
}

template <typename Dtype>
void NCCL<Dtype>::on_gradients_ready() {
  sync().on_gradients_ready();
}

template <typename Dtype>
void NCCL<Dtype>::on_snapshot() {
  sync().on_snapshot();
}

template <typename Dtype>
void NCCL<Dtype>::run(int layer) {
  sync().run(layer);
}

template <typename Dtype>
void NCCL<Dtype>::Run(const vector<int>& gpus, const char* restore) {
  // Before NCCL starts, which would let GPUs of one process read each other's blobs directly. Those
  // are memory of cudaMallocAsync's pools, which other GPUs have no access to. NCCL's documentation
  // describes this variable for such memory; whoever has set it keeps their value.
  setenv("NCCL_P2P_DIRECT_DISABLE", "1", 0);
  const string uid = new_uid();
  const int count = static_cast<int>(gpus.size());
  Ranks<Dtype> ranks;
  ranks.count = count;
  ranks.enter = [&](int rank) { Caffe::SetDevice(gpus[rank]); };
  ranks.communicator = [&](int rank) {
    return shared_ptr<Communicator<Dtype>>(new NcclCommunicator<Dtype>(uid, rank, count));
  };
  TrainInParallel(solver_, ranks, restore);
}

INSTANTIATE_CLASS(NCCL);

}  // namespace caffe
