#include "caffe/layers/hinge_loss_layer.hpp"
#include "gpu/channels.cuh"
#include "layers/exact_class.hpp"
#include "layers/hinge_elements.hpp"
#include "layers/loss_divisor.hpp"
#include "layers/no_gradient.hpp"

namespace caffe {

namespace {

template <typename Dtype>
struct HingeOfScore {
  HingeElement<Dtype> hinge;
  LabelReader<Dtype> labels;
  const Dtype* scores;
  int* bad;
  CAFFE_HOST_DEVICE double operator()(int, int i) const {
    const int label = labels(i / labels.classes);
    if (label == LabelReader<Dtype>::kBad) *bad = 1 + i / labels.classes;
    return hinge.Loss(hinge.Margin(scores[i], label == i % labels.classes));
  }
};

template <typename Dtype>
struct HingeDiff {
  HingeElement<Dtype> hinge;
  LabelReader<Dtype> labels;
  Dtype scale;
  const Dtype* scores;
  Dtype* dx;
  CAFFE_HOST_DEVICE void operator()(int i) const {
    const bool is_class = labels(i / labels.classes) == i % labels.classes;
    dx[i] = scale * hinge.Diff(hinge.Margin(scores[i], is_class));
  }
};

}  // namespace

template <typename Dtype>
void HingeLossLayer<Dtype>::Forward_gpu(const vector<Blob<Dtype>*>& bottom,
                                        const vector<Blob<Dtype>*>& top) {
  // Caffe 1.0 has no code for GPUs here: derived classes override the CPU's alone.
  if (!IsExactly<HingeLossLayer>(*this)) return this->Forward_cpu(bottom, top);
  const int classes = bottom[0]->count(1);
  labels_.CheckEarlierOnes(classes);
  const LabelReader<Dtype> labels(bottom[1]->gpu_data(), classes, boost::none);
  SumRows(1, bottom[0]->count(),
          HingeOfScore<Dtype>{{Squared()}, labels, bottom[0]->gpu_data(), labels_.bad_label()},
          StoreScaled<Dtype>{1.0 / ItemDivisor(*bottom[0]), top[0]->mutable_gpu_data()});
  labels_.CheckThese(*bottom[1], classes, boost::none);
}

template <typename Dtype>
void HingeLossLayer<Dtype>::Backward_gpu(const vector<Blob<Dtype>*>& top,
                                         const vector<bool>& propagate_down,
                                         const vector<Blob<Dtype>*>& bottom) {
  if (!IsExactly<HingeLossLayer>(*this)) return this->Backward_cpu(top, propagate_down, bottom);
  RefuseGradient(*this, propagate_down, 1);
  if (!propagate_down[0]) return;
  const LabelReader<Dtype> labels(bottom[1]->gpu_data(), bottom[0]->count(1), boost::none);
  ForElements(bottom[0]->count(), HingeDiff<Dtype>{{Squared()},
                                                   labels,
                                                   top[0]->cpu_diff()[0] / ItemDivisor(*bottom[0]),
                                                   bottom[0]->gpu_data(),
                                                   bottom[0]->mutable_gpu_diff()});
}

INSTANTIATE_LAYER_GPU_FUNCS(HingeLossLayer);

}  // namespace caffe
