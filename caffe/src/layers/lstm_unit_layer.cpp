#include <climits>
#include <vector>

#include "caffe/layers/lstm_layer.hpp"
#include "layers/lstm_sequence.hpp"
#include "layers/no_gradient.hpp"
#include "util/rows.hpp"

namespace caffe {

namespace {

template <typename Step>
void EachSequence(int sequences, const Step& step) {
  ForRows(sequences, 8 * step.d,
          [=](std::ptrdiff_t n) { UnitsOfSequence(step, static_cast<int>(n)); });
}

}  // namespace

template <typename Dtype>
void LSTMUnitLayer<Dtype>::Reshape(const vector<Blob<Dtype>*>& bottom,
                                   const vector<Blob<Dtype>*>& top) {
  const Blob<Dtype>& cell = *bottom[0];
  CHECK(cell.num_axes() == 3 && cell.shape(0) == 1)
      << "LSTMUnit's first bottom, the cell state, is 1 x N x D; its shape is "
      << cell.shape_string();
  hidden_dim_ = cell.shape(2);
  CHECK(hidden_dim_ <= INT_MAX / 4 &&
        bottom[1]->shape() == (vector<int>{1, cell.shape(1), 4 * hidden_dim_}))
      << "LSTMUnit's second bottom, the gates, of shape " << bottom[1]->shape_string()
      << " must be 1 x N x 4D for a cell state of shape " << cell.shape_string();
  CHECK(bottom[2]->shape() == (vector<int>{1, cell.shape(1)}))
      << "LSTMUnit's third bottom, the continuation flags, of shape " << bottom[2]->shape_string()
      << " must be 1 x N for a cell state of shape " << cell.shape_string();
  top[0]->ReshapeLike(cell);
  top[1]->ReshapeLike(cell);
  X_acts_.ReshapeLike(*bottom[1]);
}

template <typename Dtype>
void LSTMUnitLayer<Dtype>::Forward_cpu(const vector<Blob<Dtype>*>& bottom,
                                       const vector<Blob<Dtype>*>& top) {
  const LSTMForward<Dtype> unit = {hidden_dim_,
                                   bottom[0]->cpu_data(),
                                   bottom[1]->cpu_data(),
                                   bottom[2]->cpu_data(),
                                   X_acts_.mutable_cpu_data(),
                                   top[0]->mutable_cpu_data(),
                                   top[1]->mutable_cpu_data()};
  EachSequence(bottom[0]->shape(1), unit);
}

template <typename Dtype>
void LSTMUnitLayer<Dtype>::Backward_cpu(const vector<Blob<Dtype>*>& top,
                                        const vector<bool>& propagate_down,
                                        const vector<Blob<Dtype>*>& bottom) {
  RefuseGradient(*this, propagate_down, 2);
  if (!propagate_down[0] && !propagate_down[1]) return;
  const LSTMBackward<Dtype> unit = {hidden_dim_,
                                    bottom[0]->cpu_data(),
                                    bottom[2]->cpu_data(),
                                    X_acts_.cpu_data(),
                                    top[0]->cpu_data(),
                                    top[0]->cpu_diff(),
                                    top[1]->cpu_diff(),
                                    bottom[0]->mutable_cpu_diff(),
                                    bottom[1]->mutable_cpu_diff()};
  EachSequence(bottom[0]->shape(1), unit);
}

INSTANTIATE_CLASS(LSTMUnitLayer);
REGISTER_LAYER_CLASS(LSTMUnit);

}  // namespace caffe
