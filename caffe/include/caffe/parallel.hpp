#ifndef CAFFE_PARALLEL_HPP_
#define CAFFE_PARALLEL_HPP_

/// Training on several GPUs, in builds with USE_NCCL.

#include <memory>
#include <string>
#include <vector>

#include "caffe/blob.hpp"
#include "caffe/common.hpp"
#include "caffe/internal_thread.hpp"
#include "caffe/layer.hpp"
#include "caffe/proto/caffe.pb.h"
#include "caffe/solver.hpp"
#include "caffe/syncedmem.hpp"
#include "caffe/util/blocking_queue.hpp"

#ifdef USE_NCCL

namespace caffe {

template <typename Dtype>
class GradientSync;

/// Solvers on several GPUs that learn as one: each reads its share of the data (the effective batch
/// is theirs times their number), and all take the mean of their gradients.
///
/// In one process, made from the root solver, Run does everything. In a process for each GPU, every
/// process sets its device, GPU mode, Caffe::set_solver_count and set_solver_rank, makes its
/// solver, and an NCCL with the uid that one of them made; then it calls Broadcast, adds this to
/// the solver's callbacks and (so that gradients travel while the backward pass goes on) to the
/// net's after_backward, and lets the solver train.
template <typename Dtype>
class NCCL : public Solver<Dtype>::Callback, public Net<Dtype>::Callback {
 public:
  /// For Run.
  explicit NCCL(shared_ptr<Solver<Dtype>> solver);
  /// Meets the other processes, in all of which this must be called. Throws Error where they do not
  /// fit together.
  NCCL(shared_ptr<Solver<Dtype>> solver, const string& uid);
  ~NCCL() override;

  /// A name under which processes meet: 128 bytes, to be handed to all of them.
  static string new_uid();
  /// Takes over the parameters of rank 0.
  void Broadcast();
  /// Trains on these GPUs, of which the first is the root solver's and the calling thread's.
  /// restore: the .solverstate that the root solver was restored from, or null. Throws what the
  /// first solver to fail threw.
  void Run(const vector<int>& gpus, const char* restore);

 protected:
  void on_start() override;
  void on_gradients_ready() override;
  void on_snapshot() override;
  void run(int layer) override;

 private:
  struct Parts;
  GradientSync<Dtype>& sync() const;

  shared_ptr<Solver<Dtype>> solver_;
  std::unique_ptr<Parts> parts_;

  DISABLE_COPY_AND_ASSIGN(NCCL);
};

}  // namespace caffe

#endif  // USE_NCCL

#endif  // CAFFE_PARALLEL_HPP_
