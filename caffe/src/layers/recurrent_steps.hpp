#ifndef CAFFE_SRC_LAYERS_RECURRENT_STEPS_HPP_
#define CAFFE_SRC_LAYERS_RECURRENT_STEPS_HPP_

/// Steps of recurrent layers on the CPU, without the net of them. All that needs no state, such as
/// the gradients of weights, is one product over all steps; a matrix has a row for each step and
/// sequence.

#include <vector>

#include "caffe/layers/recurrent_layer.hpp"
#include "caffe/util/math_functions.hpp"
#include "layers/row_bias.hpp"
#include "util/rows.hpp"
#include "util/vector_math.hpp"

namespace caffe {

/// y = x W' + factor y
template <typename Dtype>
void AddProduct(int rows, const Dtype* x, const Blob<Dtype>& weights, Dtype factor, Dtype* y) {
  caffe_cpu_gemm<Dtype>(CblasNoTrans, CblasTrans, rows, weights.shape(0), weights.shape(1), 1, x,
                        weights.cpu_data(), factor, y);
}

/// Sets the diff of x.
template <typename Dtype>
void ProductDiff(int rows, const Dtype* dy, const Blob<Dtype>& weights, Dtype* dx) {
  caffe_cpu_gemm<Dtype>(CblasNoTrans, CblasNoTrans, rows, weights.shape(1), weights.shape(0), 1, dy,
                        weights.cpu_data(), 0, dx);
}

/// Adds to the diff of W.
template <typename Dtype>
void AddWeightsDiff(int rows, const Dtype* dy, const Dtype* x, Blob<Dtype>* weights) {
  caffe_cpu_gemm<Dtype>(CblasTrans, CblasNoTrans, weights->shape(0), weights->shape(1), rows, 1, dy,
                        x, 1, weights->mutable_cpu_diff());
}

template <typename Dtype>
template <typename Cell>
void RecurrentLayer<Dtype>::RunSteps(const vector<Dtype>& constants, const Dtype* h,
                                     const Cell& cell) {
  const int units = StateWeights()->shape(1), size = StateWeights()->shape(0);
  // The products with weights as they stand take half as much time again, but for one row or two.
  // Transposing takes what ten steps save.
  const bool transposes = N_ > 2 && T_ > 10;
  Blob<Dtype> transposed;
  if (transposes) TransposeStateWeights(&transposed);
  const Dtype* weights = (transposes ? transposed : *StateWeights()).cpu_data();
  const Dtype* cont = cont_input_blob_->cpu_data();
  Dtype* continued = continued_.mutable_cpu_data();
  Dtype* gates = gates_.mutable_cpu_data();
  // What a row has before its step's product; done with the rows before, as few rows are in the
  // caches.
  const auto prepare = [&](std::ptrdiff_t t, std::ptrdiff_t n, const Dtype* state) {
    const std::ptrdiff_t row = t * N_ + n;
    const Dtype factor = cont[row];
    const auto go_on = [=](Dtype value) { return factor * value; };
    const auto add = [](Dtype gate, Dtype constant) { return gate + constant; };
    MapKernel(go_on, units, continued + row * units, state);
    Dtype* gates_of_row = gates + row * size;
    MapKernel(add, size, gates_of_row, gates_of_row, constants.data() + n * size);
  };
  const Dtype* first = recur_input_blobs_[0]->cpu_data();
  ForRows(N_, 8 * units, [&](std::ptrdiff_t n) { prepare(0, n, first + n * units); });
  for (int t = 0; t < T_; ++t) {
    const std::ptrdiff_t start = std::ptrdiff_t(t) * N_;
    caffe_cpu_gemm<Dtype>(CblasNoTrans, transposes ? CblasNoTrans : CblasTrans, N_, size, units, 1,
                          continued + start * units, weights, 1, gates + start * size);
    ForRows(N_, 8 * units, [&](std::ptrdiff_t n) {
      cell(t, static_cast<int>(n));
      if (t + 1 < T_) prepare(t + 1, n, h + (start + n) * units);
    });
  }
}

template <typename Dtype>
template <typename Cell>
void RecurrentLayer<Dtype>::RunStepsBack(const Dtype* dh_out, const Cell& cell) {
  const int units = StateWeights()->shape(1), gates = StateWeights()->shape(0);
  const Dtype* cont = cont_input_blob_->cpu_data();
  vector<Dtype> dh(size_t(N_) * units);
  for (int t = T_ - 1; t >= 0; --t) {
    const std::ptrdiff_t start = std::ptrdiff_t(t) * N_;
    ForRows(N_, 8 * units, [&](std::ptrdiff_t n) {
      const Dtype factor = t + 1 < T_ ? cont[start + N_ + n] : Dtype(0);
      const auto add = [=](Dtype next, Dtype by_itself) { return factor * next + by_itself; };
      Dtype* row = dh.data() + n * units;
      MapKernel(add, units, row, row, dh_out + (start + n) * units);
      cell(t, static_cast<int>(n), dh.data());
    });
    if (t > 0) ProductDiff(N_, gates_.cpu_diff() + start * gates, *StateWeights(), dh.data());
  }
}

}  // namespace caffe

#endif  // CAFFE_SRC_LAYERS_RECURRENT_STEPS_HPP_
