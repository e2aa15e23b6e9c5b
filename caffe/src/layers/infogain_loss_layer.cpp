#include "caffe/layers/infogain_loss_layer.hpp"

#include <numeric>
#include <vector>

#include "layers/class_loss_elements.hpp"
#include "util/blob_file.hpp"
#include "util/parallel_sum.hpp"

namespace caffe {

template <typename Dtype>
void InfogainLossLayer<Dtype>::LayerSetUp(const vector<Blob<Dtype>*>& bottom,
                                          const vector<Blob<Dtype>*>& top) {
  ClassLossLayer<Dtype>::LayerSetUp(bottom, top);
  if (bottom.size() == 3) return;
  const InfogainLossParameter& param = this->layer_param_.infogain_loss_param();
  CHECK(param.has_source()) << "InfogainLoss needs its matrix as third bottom, or from the file "
                            << "infogain_loss_param.source";
  ReadBlobFile(param.source(), &infogain_);
}

template <typename Dtype>
void InfogainLossLayer<Dtype>::Reshape(const vector<Blob<Dtype>*>& bottom,
                                       const vector<Blob<Dtype>*>& top) {
  ClassLossLayer<Dtype>::Reshape(bottom, top);
  infogain_axis_ = this->softmax_axis_;
  num_labels_ = this->classes();
  CHECK_EQ(Matrix(bottom).count(), int64_t(num_labels_) * num_labels_)
      << ": the infogain matrix of shape " << Matrix(bottom).shape_string() << " must be "
      << num_labels_ << " x " << num_labels_ << " for scores of shape "
      << bottom[0]->shape_string();
  sum_rows_H_.Reshape(vector<int>{num_labels_});
}

template <typename Dtype>
void InfogainLossLayer<Dtype>::sum_rows_of_H(const Blob<Dtype>* H) {
  const Dtype* gain = H->cpu_data();
  Dtype* sums = sum_rows_H_.mutable_cpu_data();
  for (int row = 0; row < num_labels_; ++row) {
    sums[row] = std::accumulate(gain + row * num_labels_, gain + (row + 1) * num_labels_, Dtype(0));
  }
}

template <typename Dtype>
void InfogainLossLayer<Dtype>::ReadTargets(const vector<Blob<Dtype>*>& bottom) {
  ClassLossLayer<Dtype>::ReadTargets(bottom);
  gain_ = Matrix(bottom).cpu_data();
  sum_rows_of_H(&Matrix(bottom));
}

template <typename Dtype>
void InfogainLossLayer<Dtype>::Forward_cpu(const vector<Blob<Dtype>*>& bottom,
                                           const vector<Blob<Dtype>*>& top) {
  this->ForwardProbabilities(bottom);
  const GainLoss<Dtype> loss = {{num_labels_, this->inner_num_},
                                Dtype(kLOG_THRESHOLD),
                                this->prob_.cpu_data(),
                                gain_,
                                sum_rows_H_.cpu_data()};
  const Dtype sum = ParallelSum<Dtype>(
      this->labels_.count(), [&](std::ptrdiff_t i) { return loss.Loss(i, this->labels_[i]); });
  top[0]->mutable_cpu_data()[0] = sum / this->normalizer_;
}

template <typename Dtype>
void InfogainLossLayer<Dtype>::BlockDiff(std::ptrdiff_t position, int length, Dtype scale,
                                         const Dtype* prob, Dtype* diff) const {
  const GainLoss<Dtype> loss = {
      {num_labels_, this->inner_num_}, Dtype(kLOG_THRESHOLD), prob, gain_, sum_rows_H_.cpu_data()};
  for (int c = 0; c < num_labels_; ++c) {
    const Dtype* p = prob + std::ptrdiff_t(c) * this->inner_num_;
    Dtype* d = diff + std::ptrdiff_t(c) * this->inner_num_;
    for (int i = 0; i < length; ++i) {
      d[i] = loss.Diff(scale, p[i], this->labels_[position + i], c);
    }
  }
}

INSTANTIATE_CLASS(InfogainLossLayer);
REGISTER_LAYER_CLASS(InfogainLoss);

}  // namespace caffe
