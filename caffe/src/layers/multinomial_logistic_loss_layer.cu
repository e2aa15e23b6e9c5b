#include "caffe/layers/multinomial_logistic_loss_layer.hpp"
#include "gpu/channels.cuh"
#include "layers/class_loss_elements.hpp"
#include "layers/exact_class.hpp"
#include "layers/loss_divisor.hpp"
#include "layers/no_gradient.hpp"

namespace caffe {

namespace {

template <typename Dtype>
struct LogLossOfItem {
  LabelReader<Dtype> labels;
  Dtype least;
  const Dtype* prob;
  int* bad;
  CAFFE_HOST_DEVICE double operator()(int, int i) const {
    const int label = labels(i);
    if (label < 0) {
      *bad = 1 + i;
      return 0;
    }
    return LogLoss(prob[std::ptrdiff_t(i) * labels.classes + label], least);
  }
};

template <typename Dtype>
struct DiffOfProbability {
  LabelReader<Dtype> labels;
  Dtype least, scale;
  const Dtype* prob;
  Dtype* dx;
  CAFFE_HOST_DEVICE void operator()(int i) const {
    const bool is_class = labels(i / labels.classes) == i % labels.classes;
    dx[i] = is_class ? LogLossDiff(scale, prob[i], least) : Dtype(0);
  }
};

}  // namespace

template <typename Dtype>
void MultinomialLogisticLossLayer<Dtype>::Forward_gpu(const vector<Blob<Dtype>*>& bottom,
                                                      const vector<Blob<Dtype>*>& top) {
  // Caffe 1.0 has no code for GPUs here: derived classes override the CPU's alone.
  if (!IsExactly<MultinomialLogisticLossLayer>(*this)) return this->Forward_cpu(bottom, top);
  const int classes = bottom[0]->count(1), items = bottom[0]->shape(0);
  labels_.CheckEarlierOnes(classes);
  const LabelReader<Dtype> labels(bottom[1]->gpu_data(), classes, boost::none);
  SumRows(1, items,
          LogLossOfItem<Dtype>{labels, Dtype(kLOG_THRESHOLD), bottom[0]->gpu_data(),
                               labels_.bad_label()},
          StoreScaled<Dtype>{1.0 / ItemDivisor(*bottom[0]), top[0]->mutable_gpu_data()});
  labels_.CheckThese(*bottom[1], classes, boost::none);
}

template <typename Dtype>
void MultinomialLogisticLossLayer<Dtype>::Backward_gpu(const vector<Blob<Dtype>*>& top,
                                                       const vector<bool>& propagate_down,
                                                       const vector<Blob<Dtype>*>& bottom) {
  if (!IsExactly<MultinomialLogisticLossLayer>(*this))
    return this->Backward_cpu(top, propagate_down, bottom);
  RefuseGradient(*this, propagate_down, 1);
  if (!propagate_down[0]) return;
  const LabelReader<Dtype> labels(bottom[1]->gpu_data(), bottom[0]->count(1), boost::none);
  ForElements(bottom[0]->count(),
              DiffOfProbability<Dtype>{labels, Dtype(kLOG_THRESHOLD),
                                       top[0]->cpu_diff()[0] / ItemDivisor(*bottom[0]),
                                       bottom[0]->gpu_data(), bottom[0]->mutable_gpu_diff()});
}

INSTANTIATE_LAYER_GPU_FUNCS(MultinomialLogisticLossLayer);

}  // namespace caffe
