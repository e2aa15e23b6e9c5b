#include "caffe/layers/reduction_layer.hpp"
#include "gpu/loops.cuh"
#include "layers/reduction_elements.hpp"

namespace caffe {

namespace {

template <typename Dtype, typename Operation>
struct TermOfRow {
  int length;
  const Dtype* x;
  CAFFE_HOST_DEVICE double operator()(int row, int i) const {
    return Operation::term(x[std::ptrdiff_t(row) * length + i]);
  }
};

template <typename Dtype>
struct StoreReduced {
  Dtype coeff;
  Dtype* y;
  CAFFE_HOST_DEVICE void operator()(int row, double sum) const {
    y[row] = coeff * static_cast<Dtype>(sum);
  }
};

template <typename Dtype, typename Operation>
struct ReducedDiff {
  int length;
  Dtype coeff;
  const Dtype* x;
  const Dtype* dy;
  Dtype* dx;
  CAFFE_HOST_DEVICE void operator()(int i) const {
    dx[i] = coeff * dy[i / length] * Operation::slope(x[i]);
  }
};

}  // namespace

template <typename Dtype>
void ReductionLayer<Dtype>::Forward_gpu(const vector<Blob<Dtype>*>& bottom,
                                        const vector<Blob<Dtype>*>& top) {
  const Dtype* x = bottom[0]->gpu_data();
  Dtype* y = top[0]->mutable_gpu_data();
  reduction::WithOperation(op_, [&](auto op) {
    SumRows(num_, dim_, TermOfRow<Dtype, decltype(op)>{dim_, x}, StoreReduced<Dtype>{coeff_, y});
  });
}

template <typename Dtype>
void ReductionLayer<Dtype>::Backward_gpu(const vector<Blob<Dtype>*>& top,
                                         const vector<bool>& propagate_down,
                                         const vector<Blob<Dtype>*>& bottom) {
  if (!propagate_down[0]) return;
  const Dtype* x = bottom[0]->gpu_data();
  const Dtype* dy = top[0]->gpu_diff();
  Dtype* dx = bottom[0]->mutable_gpu_diff();
  reduction::WithOperation(op_, [&](auto op) {
    ForElements(bottom[0]->count(), ReducedDiff<Dtype, decltype(op)>{dim_, coeff_, x, dy, dx});
  });
}

INSTANTIATE_LAYER_GPU_FUNCS(ReductionLayer);

}  // namespace caffe
