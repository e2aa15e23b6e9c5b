#ifndef CAFFE_SRC_PARALLEL_COMMUNICATOR_HPP_
#define CAFFE_SRC_PARALLEL_COMMUNICATOR_HPP_

#include <vector>

#include "caffe/blob.hpp"

namespace caffe {

/// Where the solvers of a parallel training meet: one object for each of them, a "rank".
///
/// Every rank calls the same functions with equally large arguments in the same order, each from
/// its own thread. Where a rank fails, the others would wait for it: they have to be told (Abort).
template <typename Dtype>
class Communicator {
 public:
  virtual ~Communicator() = default;

  /// From 0; rank 0 is the root solver's.
  virtual int rank() const = 0;
  virtual int size() const = 0;

  /// Meets the other ranks; before everything else.
  virtual void Join() = 0;
  /// Starts to give all ranks the contents that rank 0 has.
  virtual void Broadcast(SyncedMemory* memory) = 0;
  /// Starts to replace diffs by their means over all ranks. What the thread has queued on its
  /// device so far is done first; nobody may touch the diffs before Finish.
  virtual void AverageDiffs(const std::vector<Blob<Dtype>*>& blobs) = 0;
  /// What the thread queues on its device from now on sees the results of all that was started.
  virtual void Finish() = 0;
  /// Finish, and waits for it. Throws Error where it has come to nothing, as a rank is gone.
  virtual void Wait() = 0;
  /// Parts from the other ranks, which all must do, when nobody has anything to say any more.
  virtual void Leave() = 0;
  /// From any thread: the calls that this rank waits in, and all later ones, throw Error.
  virtual void Abort() = 0;
};

}  // namespace caffe

#endif  // CAFFE_SRC_PARALLEL_COMMUNICATOR_HPP_
