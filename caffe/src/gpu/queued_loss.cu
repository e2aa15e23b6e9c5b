#include "caffe/util/math_functions.hpp"
#include "core/queued_loss.hpp"
#include "gpu/channels.cuh"

namespace caffe {

namespace {

template <typename Dtype>
struct WeightedValue {
  const Dtype* values;
  const Dtype* weights;
  CAFFE_HOST_DEVICE double operator()(int, int i) const { return double(values[i]) * weights[i]; }
};

template <typename Dtype>
struct WeightedLoss {
  const Dtype* value;
  Dtype weight;
  CAFFE_HOST_DEVICE double operator()(int, int) const { return double(*value) * weight; }
};

}  // namespace

template <typename Dtype>
QueuedLoss<Dtype>*& QueuedLoss<Dtype>::OfThread() {
  static thread_local QueuedLoss* loss = nullptr;
  return loss;
}

template <typename Dtype>
QueuedLoss<Dtype>* QueuedLoss<Dtype>::Current() {
  return OfThread();
}

template <typename Dtype>
QueuedLoss<Dtype>::Collector::Collector(QueuedLoss* loss) : before_(OfThread()) {
  OfThread() = loss;
}

template <typename Dtype>
QueuedLoss<Dtype>::Collector::~Collector() {
  OfThread() = before_;
}

template <typename Dtype>
QueuedLoss<Dtype>::QueuedLoss(int kept) : losses_(vector<int>{kept}) {}

template <typename Dtype>
void QueuedLoss<Dtype>::Begin() {
  place_ = (place_ + 1) % losses_.count();
  count_ = std::min(count_ + 1, losses_.count());
  caffe_gpu_set(1, Dtype(0), losses_.mutable_gpu_data() + place_);
}

template <typename Dtype>
void QueuedLoss<Dtype>::Add(const Blob<Dtype>& top) {
  const StoreSum<Dtype> add = {losses_.mutable_gpu_data() + place_, true};
  const Dtype* values = top.gpu_data();
  if (top.count() == 1) {
    // The weight is the host's: uploaded, it could not be changed there before that is done.
    SumRows(1, 1, WeightedLoss<Dtype>{values, top.cpu_diff()[0]}, add);
  } else {
    SumRows(1, top.count(), WeightedValue<Dtype>{values, top.gpu_diff()}, add);
  }
}

template <typename Dtype>
vector<Dtype> QueuedLoss<Dtype>::Take() {
  vector<Dtype> taken;
  const Dtype* losses = count_ > 0 ? losses_.cpu_data() : nullptr;
  for (; count_ > 0; --count_) {
    taken.push_back(losses[(place_ - count_ + 1 + losses_.count()) % losses_.count()]);
  }
  return taken;
}

template class QueuedLoss<float>;
template class QueuedLoss<double>;

}  // namespace caffe
