#include "layers/recurrent_steps.hpp"

#include <algorithm>

namespace caffe {

template <typename Dtype>
vector<Dtype> RecurrentLayer<Dtype>::DriveGates(const vector<Blob<Dtype>*>& bottom, int gates) {
  gates_.Reshape({T_, N_, gates});
  continued_.Reshape({T_, N_, StateWeights()->shape(1)});
  AddProduct(T_ * N_, bottom[0]->cpu_data(), *this->blobs_[0], Dtype(0), gates_.mutable_cpu_data());
  vector<Dtype> constants(size_t(N_) * gates);
  FillWithBias(N_, *this->blobs_[1], constants.data());
  if (static_input_) {
    AddProduct(N_, bottom[2]->cpu_data(), *this->blobs_[2], Dtype(1), constants.data());
  }
  return constants;
}

template <typename Dtype>
void RecurrentLayer<Dtype>::TransposeStateWeights(Blob<Dtype>* transposed) const {
  const std::ptrdiff_t rows = StateWeights()->shape(0), columns = StateWeights()->shape(1);
  transposed->Reshape({StateWeights()->shape(1), StateWeights()->shape(0)});
  const Dtype* from = StateWeights()->cpu_data();
  Dtype* to = transposed->mutable_cpu_data();
  // In squares that the nearest cache holds.
  const std::ptrdiff_t kSide = 16;
  ForRows((columns + kSide - 1) / kSide, kSide * rows, [=](std::ptrdiff_t strip) {
    const std::ptrdiff_t first = strip * kSide, last = std::min(first + kSide, columns);
    for (std::ptrdiff_t top = 0; top < rows; top += kSide) {
      for (std::ptrdiff_t c = first; c < last; ++c) {
        for (std::ptrdiff_t r = top; r < std::min(top + kSide, rows); ++r) {
          to[c * rows + r] = from[r * columns + c];
        }
      }
    }
  });
}

template <typename Dtype>
void RecurrentLayer<Dtype>::PassGatesDiff(const vector<bool>& propagate_down,
                                          const vector<Blob<Dtype>*>& bottom) {
  const int rows = T_ * N_, state_weights = static_input_ ? 3 : 2;
  const Dtype* dg = gates_.cpu_diff();
  const auto pass = [&](int i, int rows_of_x, const Dtype* dy, const Dtype* x) {
    if (this->param_propagate_down(i)) AddWeightsDiff(rows_of_x, dy, x, this->blobs_[i].get());
  };
  pass(state_weights, rows, dg, continued_.cpu_data());
  pass(0, rows, dg, bottom[0]->cpu_data());
  if (this->param_propagate_down(1)) AddBiasDiff(rows, dg, this->blobs_[1].get());
  if (propagate_down[0]) ProductDiff(rows, dg, *this->blobs_[0], bottom[0]->mutable_cpu_diff());
  if (!static_input_) return;
  // The static input is the same at each step.
  vector<Dtype> sums(size_t(N_) * gates_.shape(2));
  Dtype* sum = sums.data();
  const int steps = T_;
  const std::ptrdiff_t size = sums.size();
  ParallelElements(size, [=](std::ptrdiff_t i) {
    for (int t = 0; t < steps; ++t) sum[i] += dg[t * size + i];
  });
  pass(2, N_, sum, bottom[2]->cpu_data());
  if (propagate_down[2]) ProductDiff(N_, sum, *this->blobs_[2], bottom[2]->mutable_cpu_diff());
}

template <typename Dtype>
void RecurrentLayer<Dtype>::KeepState(int i, const Dtype* all_steps) {
  Blob<Dtype>* state = recur_output_blobs_[i];
  caffe_copy(state->count(), all_steps + std::ptrdiff_t(T_ - 1) * state->count(),
             state->mutable_cpu_data());
}

#define INSTANTIATE(Dtype)                                                                    \
  template vector<Dtype> RecurrentLayer<Dtype>::DriveGates(const vector<Blob<Dtype>*>&, int); \
  template void RecurrentLayer<Dtype>::TransposeStateWeights(Blob<Dtype>*) const;             \
  template void RecurrentLayer<Dtype>::PassGatesDiff(const vector<bool>&,                     \
                                                     const vector<Blob<Dtype>*>&);            \
  template void RecurrentLayer<Dtype>::KeepState(int, const Dtype*)
INSTANTIATE(float);
INSTANTIATE(double);

}  // namespace caffe
