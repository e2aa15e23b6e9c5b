#ifndef CAFFE_SRC_CORE_QUEUED_LOSS_HPP_
#define CAFFE_SRC_CORE_QUEUED_LOSS_HPP_

#ifndef CPU_ONLY

#include "caffe/blob.hpp"

namespace caffe {

/// The losses of a training's last iterations, which stay on the GPU until somebody reads them: so
/// that the host need not wait for every iteration.
template <typename Dtype>
class QueuedLoss {
 public:
  /// Keeps those of the last `kept` iterations.
  explicit QueuedLoss(int kept);

  /// While it lives, Layer::Forward of this thread adds losses to `loss` and returns 0.
  class Collector {
   public:
    explicit Collector(QueuedLoss* loss);
    ~Collector();

   private:
    QueuedLoss* before_;
    DISABLE_COPY_AND_ASSIGN(Collector);
  };
  /// Where this thread's losses go, or null.
  static QueuedLoss* Current();

  /// Begins the loss of the next iteration.
  void Begin();
  /// Adds the sum of the blob's values times its diffs, the weights, to it.
  void Add(const Blob<Dtype>& top);
  /// Waits for the GPU; the losses since the last call, oldest first.
  vector<Dtype> Take();

 private:
  static QueuedLoss*& OfThread();

  Blob<Dtype> losses_;
  /// Losses since the last Take, the present one's included, and its place.
  int count_ = 0;
  int place_ = -1;

  DISABLE_COPY_AND_ASSIGN(QueuedLoss);
};

}  // namespace caffe

#endif  // CPU_ONLY

#endif  // CAFFE_SRC_CORE_QUEUED_LOSS_HPP_
