#ifndef CAFFE_SRC_PARALLEL_TRAINING_HPP_
#define CAFFE_SRC_PARALLEL_TRAINING_HPP_

#include <functional>

#include "caffe/solver.hpp"
#include "parallel/gradient_sync.hpp"

namespace caffe {

/// What a parallel training needs to know of the devices it runs on.
template <typename Dtype>
struct Ranks {
  int count;
  /// Called in the new thread of a rank above 0: chooses its device.
  std::function<void(int rank)> enter;
  /// Makes the communicator of a rank, in its thread.
  std::function<shared_ptr<Communicator<Dtype>>(int rank)> communicator;
  size_t bucket_bytes = GradientSync<Dtype>::kBucketBytes;
};

/// Solves with `root` in the calling thread, as rank 0, and with solvers of equal parameters in a
/// thread of their own for the other ranks; returns when all are done. The root solver, which must
/// have been made with Caffe::solver_count() == ranks.count, logs, tests and takes snapshots.
///
/// restore: a .solverstate that root was restored from, for the others; or null. Random numbers of
/// ranks above 0 are not part of a state: they go on from others than an unbroken training's.
///
/// When root stops early, so do all. Throws what the first rank to fail threw.
template <typename Dtype>
void TrainInParallel(const shared_ptr<Solver<Dtype>>& root, const Ranks<Dtype>& ranks,
                     const char* restore);

}  // namespace caffe

#endif  // CAFFE_SRC_PARALLEL_TRAINING_HPP_
