#ifndef CAFFE_SRC_LAYERS_CLASS_LOSS_CUH_
#define CAFFE_SRC_LAYERS_CLASS_LOSS_CUH_

/// What the losses of class scores do on the GPU around their formulas (class_loss_elements.hpp).

#include "caffe/layers/class_loss_layer.hpp"
#include "gpu/loops.cuh"
#include "layers/loss_divisor.hpp"
#include "layers/no_gradient.hpp"
#include "layers/softmax_elements.hpp"

namespace caffe {

/// A position's loss, and whether it counts.
template <typename Dtype, typename Formula>
struct LossOfPosition {
  LabelReader<Dtype> labels;
  Formula formula;
  int* bad;
  CAFFE_HOST_DEVICE LossSum operator()(int, int i) const {
    const int label = labels(i);
    if (label == LabelReader<Dtype>::kBad) *bad = 1 + i;
    return {formula.Loss(i, label), label < 0 ? 0. : 1.};
  }
};

template <typename Dtype, typename Formula>
struct DiffOfScore {
  ClassesOf at;
  LabelReader<Dtype> labels;
  Dtype loss_weight;
  const Dtype* normalizer;
  const Dtype* prob;
  Formula formula;
  Dtype* dx;
  CAFFE_HOST_DEVICE void operator()(int i) const {
    const int label = labels(at.Position(i));
    dx[i] = formula.Diff(loss_weight / *normalizer, prob[i], label, at.Class(i));
  }
};

template <typename Dtype>
template <typename Formula>
void ClassLossLayer<Dtype>::ForwardOnGpu(const Formula& formula, const vector<Blob<Dtype>*>& bottom,
                                         const vector<Blob<Dtype>*>& top) {
  const int positions = this->outer_num_ * this->inner_num_;
  const LabelReader<Dtype> labels(bottom[1]->gpu_data(), classes(), this->IgnoreLabel());
  const LossDivisor divisor = {this->normalization_, this->outer_num_, positions};
  device_normalizer_.Reshape(vector<int>());
  SumRows<LossSum>(
      1, positions, LossOfPosition<Dtype, Formula>{labels, formula, labels_.bad_label()},
      StoreLoss<Dtype>{divisor, top[0]->mutable_gpu_data(), device_normalizer_.mutable_gpu_data()},
      kSumPieceOfSlowTerms);
  labels_.CheckThese(*bottom[1], classes(), this->IgnoreLabel());
  loss_of_gpu_ = true;
}

template <typename Dtype>
template <typename Formula>
void ClassLossLayer<Dtype>::BackwardOnGpu(const Formula& formula, const Blob<Dtype>& top,
                                          const vector<Blob<Dtype>*>& bottom) {
  const LabelReader<Dtype> labels(bottom[1]->gpu_data(), classes(), this->IgnoreLabel());
  ForElements(bottom[0]->count(), DiffOfScore<Dtype, Formula>{{classes(), this->inner_num_},
                                                              labels,
                                                              top.cpu_diff()[0],
                                                              device_normalizer_.gpu_data(),
                                                              prob_.gpu_data(),
                                                              formula,
                                                              bottom[0]->mutable_gpu_diff()});
}

}  // namespace caffe

#endif  // CAFFE_SRC_LAYERS_CLASS_LOSS_CUH_
