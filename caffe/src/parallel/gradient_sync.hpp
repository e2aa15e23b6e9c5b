#ifndef CAFFE_SRC_PARALLEL_GRADIENT_SYNC_HPP_
#define CAFFE_SRC_PARALLEL_GRADIENT_SYNC_HPP_

#include <vector>

#include "caffe/solver.hpp"
#include "parallel/communicator.hpp"

namespace caffe {

/// Keeps a solver in step with those of the other ranks: all start from rank 0's parameters and
/// learn from the mean of all gradients, so that n solvers with batches of k are one with n k.
///
/// As a callback of the net, it sends gradients off as soon as the backward pass has completed
/// them, in buckets, while the pass goes on; where it is none, all go at the end. So they do in the
/// first iteration, in which memory is taken and algorithms are tried: that waits for the whole
/// device, and must not wait for other ranks. Layers that count something themselves (BatchNorm's
/// moving averages) do so on their own batches: rank 0's go into snapshots.
template <typename Dtype>
class GradientSync : public Solver<Dtype>::Callback, public Net<Dtype>::Callback {
 public:
  /// Gradients travel in pieces of at least this size: many small ones would cost more time to
  /// start than to send.
  static constexpr size_t kBucketBytes = size_t(8) << 20;

  /// Neither is owned; both must outlive this, and this the solver's training.
  GradientSync(Solver<Dtype>* solver, Communicator<Dtype>* communicator,
               size_t bucket_bytes = kBucketBytes);
  /// Takes itself out of the solver and the net.
  ~GradientSync() override;

  /// Takes over rank 0's parameters, and its data layers' seeds, so that the ranks share one order
  /// of the data.
  void Broadcast();
  /// Hooks into the solver and, with its layer_wise_reduce, into the net.
  void Attach();

  // Called by solver and net.
  void on_start() override;
  void on_gradients_ready() override;
  void on_snapshot() override;
  void run(int layer) override;

 private:
  void FindLastLayers();
  void BroadcastLayerStates();
  void Send(int layer);
  void SendBucket();

  Solver<Dtype>* const solver_;
  Communicator<Dtype>* const communicator_;
  const size_t bucket_bytes_;
  /// For each layer, the parameters whose gradients its backward pass completes.
  std::vector<std::vector<Blob<Dtype>*>> completed_by_;
  /// Complete, but not sent.
  std::vector<Blob<Dtype>*> bucket_;
  size_t bucket_size_ = 0;
  /// Backward passes of the present iteration that are over (iter_size makes them many).
  int passes_ = 0;
  bool first_iteration_ = true;
  /// Layers above this one are done with in the present iteration.
  int next_layer_ = 0;
};

}  // namespace caffe

#endif  // CAFFE_SRC_PARALLEL_GRADIENT_SYNC_HPP_
