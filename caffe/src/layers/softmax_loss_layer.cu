#include "caffe/layers/softmax_loss_layer.hpp"
#include "gpu/channels.cuh"
#include "layers/class_loss.cuh"
#include "layers/class_loss_elements.hpp"

namespace caffe {

namespace {

// Makes a position's probabilities, and its loss of them.
template <typename Dtype>
struct LossOfScores {
  SoftmaxOfPosition<Dtype> softmax;
  WeightedLogLoss<Dtype> loss;
  CAFFE_HOST_DEVICE Dtype Loss(int position, int label) const {
    softmax(position);
    return loss.Loss(position, label);
  }
};

// For weight_by_label_freqs.
template <typename Dtype>
struct IsOfClass {
  LabelReader<Dtype> labels;
  CAFFE_HOST_DEVICE double operator()(int c, int i) const { return labels(i) == c ? 1 : 0; }
};

}  // namespace

template <typename Dtype>
const Dtype* SoftmaxWithLossLayer<Dtype>::WeightsOnGpu(const Blob<Dtype>& labels) {
  if (!Weighted()) return nullptr;
  const int classes = this->classes();
  const bool known = device_weights_.count() == classes;
  device_weights_.Reshape(vector<int>{classes});
  if (this->layer_param_.loss_param().class_weighting_size() > 0) {
    if (!known) {
      const vector<Dtype> values = ClassWeights();
      std::copy(values.begin(), values.end(), device_weights_.mutable_cpu_data());
    }
    return device_weights_.gpu_data();
  }
  device_counts_.Reshape(vector<int>{classes + 2});
  double* counts = device_counts_.mutable_gpu_data();
  double* middle = counts + classes;
  const LabelReader<Dtype> reader(labels.gpu_data(), classes, this->IgnoreLabel());
  SumRows(classes, labels.count(), IsOfClass<Dtype>{reader}, StoreSum<double>{counts, false});
  ForElements(classes, MiddleOfCounts{classes, counts, middle});
  ForElements(classes, WeightByCount<Dtype>{counts, middle, device_weights_.mutable_gpu_data()});
  return device_weights_.gpu_data();
}

template <typename Dtype>
void SoftmaxWithLossLayer<Dtype>::Forward_gpu(const vector<Blob<Dtype>*>& bottom,
                                              const vector<Blob<Dtype>*>& top) {
  this->labels_.CheckEarlierOnes(this->classes());
  const ClassesOf at = {this->classes(), this->inner_num_};
  Dtype* prob = this->prob_.mutable_gpu_data();
  const LossOfScores<Dtype> loss = {{at, bottom[0]->gpu_data(), prob},
                                    {at, prob, WeightsOnGpu(*bottom[1])}};
  this->ForwardOnGpu(loss, bottom, top);
}

template <typename Dtype>
void SoftmaxWithLossLayer<Dtype>::Backward_gpu(const vector<Blob<Dtype>*>& top,
                                               const vector<bool>& propagate_down,
                                               const vector<Blob<Dtype>*>& bottom) {
  RefuseGradient(*this, propagate_down, 1);
  if (!propagate_down[0]) return;
  if (!this->loss_of_gpu_) {
    this->ReadTargetsForGpu(bottom);
    WeightsOnGpu(*bottom[1]);
  }
  const WeightedLogLoss<Dtype> loss = {{this->classes(), this->inner_num_},
                                       this->prob_.gpu_data(),
                                       Weighted() ? device_weights_.gpu_data() : nullptr};
  this->BackwardOnGpu(loss, *top[0], bottom);
}

INSTANTIATE_LAYER_GPU_FUNCS(SoftmaxWithLossLayer);

}  // namespace caffe
