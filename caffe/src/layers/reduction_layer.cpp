#include "caffe/layers/reduction_layer.hpp"

#include <vector>

#include "layers/reduction_elements.hpp"
#include "util/parallel_sum.hpp"
#include "util/rows.hpp"

namespace caffe {

using reduction::WithOperation;

template <typename Dtype>
void ReductionLayer<Dtype>::LayerSetUp(const vector<Blob<Dtype>*>& bottom,
                                       const vector<Blob<Dtype>*>& top) {
  op_ = this->layer_param_.reduction_param().operation();
}

template <typename Dtype>
void ReductionLayer<Dtype>::Reshape(const vector<Blob<Dtype>*>& bottom,
                                    const vector<Blob<Dtype>*>& top) {
  const ReductionParameter& param = this->layer_param_.reduction_param();
  axis_ = bottom[0]->CanonicalAxisIndex(param.axis());
  num_ = bottom[0]->count(0, axis_);
  dim_ = bottom[0]->count(axis_);
  coeff_ = param.coeff();
  if (op_ == ReductionParameter_ReductionOp_MEAN) coeff_ /= dim_;
  const vector<int>& shape = bottom[0]->shape();
  top[0]->Reshape(vector<int>(shape.begin(), shape.begin() + axis_));
}

template <typename Dtype>
void ReductionLayer<Dtype>::Forward_cpu(const vector<Blob<Dtype>*>& bottom,
                                        const vector<Blob<Dtype>*>& top) {
  const Dtype* x = bottom[0]->cpu_data();
  Dtype* y = top[0]->mutable_cpu_data();
  WithOperation(op_, [&](auto op) {
    ForRows(num_, dim_, [&](std::ptrdiff_t row) {
      const Dtype* terms = x + row * dim_;
      y[row] =
          coeff_ * ParallelSum<Dtype>(dim_, [=](std::ptrdiff_t i) { return op.term(terms[i]); });
    });
  });
}

template <typename Dtype>
void ReductionLayer<Dtype>::Backward_cpu(const vector<Blob<Dtype>*>& top,
                                         const vector<bool>& propagate_down,
                                         const vector<Blob<Dtype>*>& bottom) {
  if (!propagate_down[0]) return;
  const Dtype* x = bottom[0]->cpu_data();
  const Dtype* dy = top[0]->cpu_diff();
  Dtype* dx = bottom[0]->mutable_cpu_diff();
  WithOperation(op_, [&](auto op) {
    ForRows(num_, dim_, [&](std::ptrdiff_t row) {
      const Dtype factor = coeff_ * dy[row];
      const Dtype* from = x + row * dim_;
      Dtype* to = dx + row * dim_;
      ParallelElements(dim_, [=](std::ptrdiff_t i) { to[i] = factor * op.slope(from[i]); });
    });
  });
}

INSTANTIATE_CLASS(ReductionLayer);
REGISTER_LAYER_CLASS(Reduction);

}  // namespace caffe
