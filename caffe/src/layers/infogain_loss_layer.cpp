#include "caffe/layers/infogain_loss_layer.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

#include "caffe/util/class_blocks.hpp"
#include "caffe/util/io.hpp"
#include "caffe/util/parallel_sum.hpp"
#include "layers/no_gradient.hpp"

namespace caffe {

template <typename Dtype>
void InfogainLossLayer<Dtype>::LayerSetUp(const vector<Blob<Dtype>*>& bottom,
                                          const vector<Blob<Dtype>*>& top) {
  ClassLossLayer<Dtype>::LayerSetUp(bottom, top);
  if (bottom.size() == 3) return;
  const InfogainLossParameter& param = this->layer_param_.infogain_loss_param();
  CHECK(param.has_source()) << "InfogainLoss needs its matrix as third bottom, or from the file "
                            << "infogain_loss_param.source";
  BlobProto matrix;
  ReadProtoFromBinaryFileOrDie(param.source(), &matrix);
  infogain_.FromProto(matrix);
}

template <typename Dtype>
void InfogainLossLayer<Dtype>::Reshape(const vector<Blob<Dtype>*>& bottom,
                                       const vector<Blob<Dtype>*>& top) {
  ClassLossLayer<Dtype>::Reshape(bottom, top);
  CHECK_EQ(Matrix(bottom).count(), this->classes() * this->classes())
      << ": the infogain matrix of shape " << Matrix(bottom).shape_string() << " must be "
      << this->classes() << " x " << this->classes() << " for scores of shape "
      << bottom[0]->shape_string();
}

template <typename Dtype>
void InfogainLossLayer<Dtype>::Forward_cpu(const vector<Blob<Dtype>*>& bottom,
                                           const vector<Blob<Dtype>*>& top) {
  this->ForwardProbabilities(bottom, top);
  const Dtype* prob = this->prob_.cpu_data();
  const Dtype* gain = Matrix(bottom).cpu_data();
  const int classes = this->classes();
  const std::ptrdiff_t stride = this->inner_num_;
  const Dtype sum = ParallelSum<Dtype>(this->labels_.count(), [&](std::ptrdiff_t i) {
    const int label = this->labels_[i];
    if (label == ClassLabels::kIgnored) return Dtype(0);
    const Dtype* p = prob + this->Start(i);
    Dtype loss = 0;
    for (int c = 0; c < classes; ++c) {
      loss -= gain[label * classes + c] * std::log(std::max(p[c * stride], Dtype(kLOG_THRESHOLD)));
    }
    return loss;
  });
  top[0]->mutable_cpu_data()[0] = sum / this->normalizer_;
}

template <typename Dtype>
void InfogainLossLayer<Dtype>::Backward_cpu(const vector<Blob<Dtype>*>& top,
                                            const vector<bool>& propagate_down,
                                            const vector<Blob<Dtype>*>& bottom) {
  RefuseGradient(*this, propagate_down, 1);
  if (!propagate_down[0]) return;
  const int classes = this->classes();
  const std::ptrdiff_t stride = this->inner_num_;
  const Dtype scale = top[0]->cpu_diff()[0] / this->normalizer_;
  const Dtype* prob = this->prob_.cpu_data();
  const Dtype* gain = Matrix(bottom).cpu_data();
  vector<Dtype> row_sums(classes);
  for (int c = 0; c < classes; ++c) {
    for (int k = 0; k < classes; ++k) row_sums[c] += gain[c * classes + k];
  }
  Dtype* dx = bottom[0]->mutable_cpu_diff();
  ForClassBlocks(this->outer_num_, classes, this->inner_num_,
                 [&](std::ptrdiff_t start, std::ptrdiff_t position, int length) {
                   for (int c = 0; c < classes; ++c) {
                     const Dtype* p = prob + start + c * stride;
                     Dtype* d = dx + start + c * stride;
                     for (int i = 0; i < length; ++i) {
                       const int label = this->labels_[position + i];
                       d[i] = label == ClassLabels::kIgnored
                                  ? Dtype(0)
                                  : scale * (p[i] * row_sums[label] - gain[label * classes + c]);
                     }
                   }
                 });
}

INSTANTIATE_CLASS(InfogainLossLayer);
REGISTER_LAYER_CLASS(InfogainLoss);

}  // namespace caffe
