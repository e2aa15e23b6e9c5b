#include "caffe/layers/infogain_loss_layer.hpp"
#include "gpu/channels.cuh"
#include "layers/class_loss.cuh"
#include "layers/class_loss_elements.hpp"
#include "layers/exact_class.hpp"

namespace caffe {

template <typename Dtype>
void InfogainLossLayer<Dtype>::Forward_gpu(const vector<Blob<Dtype>*>& bottom,
                                           const vector<Blob<Dtype>*>& top) {
  // Caffe 1.0 has no code for GPUs here: derived classes override the CPU's alone.
  if (!IsExactly<InfogainLossLayer>(*this)) return this->Forward_cpu(bottom, top);
  this->labels_.CheckEarlierOnes(num_labels_);
  this->softmax_layer_->Forward(this->softmax_bottom_vec_, this->softmax_top_vec_);
  const Dtype* gain = Matrix(bottom).gpu_data();
  Dtype* row_sums = sum_rows_H_.mutable_gpu_data();
  const Channels rows({1, num_labels_, num_labels_, 1, 1});
  SumChannels(rows, ValueOfChannel(), StoreSum<Dtype>{row_sums, false}, gain);
  const GainLoss<Dtype> loss = {{num_labels_, this->inner_num_},
                                Dtype(kLOG_THRESHOLD),
                                this->prob_.gpu_data(),
                                gain,
                                row_sums};
  this->ForwardOnGpu(loss, bottom, top);
}

template <typename Dtype>
void InfogainLossLayer<Dtype>::Backward_gpu(const vector<Blob<Dtype>*>& top,
                                            const vector<bool>& propagate_down,
                                            const vector<Blob<Dtype>*>& bottom) {
  if (!IsExactly<InfogainLossLayer>(*this)) return this->Backward_cpu(top, propagate_down, bottom);
  RefuseGradient(*this, propagate_down, 1);
  if (!propagate_down[0]) return;
  if (!this->loss_of_gpu_) this->ReadTargetsForGpu(bottom);
  const GainLoss<Dtype> loss = {{num_labels_, this->inner_num_},
                                Dtype(kLOG_THRESHOLD),
                                this->prob_.gpu_data(),
                                Matrix(bottom).gpu_data(),
                                sum_rows_H_.gpu_data()};
  this->BackwardOnGpu(loss, *top[0], bottom);
}

INSTANTIATE_LAYER_GPU_FUNCS(InfogainLossLayer);

}  // namespace caffe
