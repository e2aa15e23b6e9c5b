#include "caffe/layers/sigmoid_cross_entropy_loss_layer.hpp"
#include "layers/no_gradient.hpp"
#include "layers/sigmoid_cross_entropy_elements.hpp"
#include "util/device_loops.cuh"

namespace caffe {

namespace {

struct LossAndCount {
  double loss, count;
  CAFFE_HOST_DEVICE void operator+=(const LossAndCount& other) {
    loss += other.loss;
    count += other.count;
  }
};

template <typename Dtype>
struct LossOfScore {
  CrossEntropyOfScores<Dtype> scores;
  CAFFE_HOST_DEVICE LossAndCount operator()(int, int i) const {
    return {scores.Loss(i), scores.Counts(i) ? 1. : 0.};
  }
};

struct StoreLossAndCount {
  double* to;
  CAFFE_HOST_DEVICE void operator()(int, const LossAndCount& sums) const {
    to[0] = sums.loss;
    to[1] = sums.count;
  }
};

template <typename Dtype>
struct ScoreDiff {
  CrossEntropyOfScores<Dtype> scores;
  Dtype scale;
  Dtype* dx;
  CAFFE_HOST_DEVICE void operator()(int i) const { dx[i] = scale * scores.Diff(i); }
};

}  // namespace

template <typename Dtype>
void SigmoidCrossEntropyLossLayer<Dtype>::Forward_gpu(const vector<Blob<Dtype>*>& bottom,
                                                      const vector<Blob<Dtype>*>& top) {
  const int count = bottom[0]->count();
  sums_.Reshape(vector<int>{2});
  SumRows<LossAndCount>(
      1, count, LossOfScore<Dtype>{{bottom[0]->gpu_data(), bottom[1]->gpu_data(), Ignored()}},
      StoreLossAndCount{sums_.mutable_gpu_data()});
  const double* sums = sums_.cpu_data();
  normalizer_ = this->get_normalizer(this->normalization_, static_cast<int>(sums[1]));
  top[0]->mutable_cpu_data()[0] = static_cast<Dtype>(sums[0]) / normalizer_;
}

template <typename Dtype>
void SigmoidCrossEntropyLossLayer<Dtype>::Backward_gpu(const vector<Blob<Dtype>*>& top,
                                                       const vector<bool>& propagate_down,
                                                       const vector<Blob<Dtype>*>& bottom) {
  RefuseGradient(*this, propagate_down, 1);
  if (!propagate_down[0]) return;
  ForElements(bottom[0]->count(),
              ScoreDiff<Dtype>{{bottom[0]->gpu_data(), bottom[1]->gpu_data(), Ignored()},
                               top[0]->cpu_diff()[0] / normalizer_,
                               bottom[0]->mutable_gpu_diff()});
}

INSTANTIATE_LAYER_GPU_FUNCS(SigmoidCrossEntropyLossLayer);

}  // namespace caffe
