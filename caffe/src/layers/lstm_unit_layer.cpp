#include <cmath>
#include <vector>

#include "caffe/layers/lstm_layer.hpp"
#include "caffe/util/rows.hpp"
#include "layers/no_gradient.hpp"

namespace caffe {

template <typename Dtype>
void LSTMUnitLayer<Dtype>::Reshape(const vector<Blob<Dtype>*>& bottom,
                                   const vector<Blob<Dtype>*>& top) {
  const Blob<Dtype>& cell = *bottom[0];
  CHECK(cell.num_axes() == 3 && cell.shape(0) == 1)
      << "LSTMUnit's first bottom, the cell state, is 1 x N x D; its shape is "
      << cell.shape_string();
  hidden_dim_ = cell.shape(2);
  CHECK(bottom[1]->shape() == (vector<int>{1, cell.shape(1), 4 * hidden_dim_}))
      << "LSTMUnit's second bottom, the gates, of shape " << bottom[1]->shape_string()
      << " must be 1 x N x 4D for a cell state of shape " << cell.shape_string();
  CHECK(bottom[2]->shape() == (vector<int>{1, cell.shape(1)}))
      << "LSTMUnit's third bottom, the continuation flags, of shape " << bottom[2]->shape_string()
      << " must be 1 x N for a cell state of shape " << cell.shape_string();
  top[0]->ReshapeLike(cell);
  top[1]->ReshapeLike(cell);
  X_acts_.ReshapeLike(*bottom[1]);
}

namespace {

template <typename Dtype>
Dtype Logistic(Dtype x) {
  return 1 / (1 + std::exp(-x));
}

}  // namespace

template <typename Dtype>
void LSTMUnitLayer<Dtype>::Forward_cpu(const vector<Blob<Dtype>*>& bottom,
                                       const vector<Blob<Dtype>*>& top) {
  const int d = hidden_dim_;
  const Dtype* c_prev = bottom[0]->cpu_data();
  const Dtype* input = bottom[1]->cpu_data();
  const Dtype* cont = bottom[2]->cpu_data();
  Dtype* acts = X_acts_.mutable_cpu_data();
  Dtype* c = top[0]->mutable_cpu_data();
  Dtype* h = top[1]->mutable_cpu_data();
  ForRows(bottom[0]->shape(1), 8 * d, [=](std::ptrdiff_t n) {
    const Dtype* x = input + n * 4 * d;
    Dtype* a = acts + n * 4 * d;
    for (int k = 0; k < d; ++k) {
      const std::ptrdiff_t at = n * d + k;
      a[k] = Logistic(x[k]);
      // A sequence that begins forgets what was before, whatever that is.
      a[d + k] = cont[n] == 0 ? Dtype(0) : cont[n] * Logistic(x[d + k]);
      a[2 * d + k] = Logistic(x[2 * d + k]);
      a[3 * d + k] = std::tanh(x[3 * d + k]);
      c[at] = a[d + k] * c_prev[at] + a[k] * a[3 * d + k];
      h[at] = a[2 * d + k] * std::tanh(c[at]);
    }
  });
}

template <typename Dtype>
void LSTMUnitLayer<Dtype>::Backward_cpu(const vector<Blob<Dtype>*>& top,
                                        const vector<bool>& propagate_down,
                                        const vector<Blob<Dtype>*>& bottom) {
  RefuseGradient(*this, propagate_down, 2);
  if (!propagate_down[0] && !propagate_down[1]) return;
  const int d = hidden_dim_;
  const Dtype* c_prev = bottom[0]->cpu_data();
  const Dtype* cont = bottom[2]->cpu_data();
  const Dtype* acts = X_acts_.cpu_data();
  const Dtype* c = top[0]->cpu_data();
  const Dtype* dc_top = top[0]->cpu_diff();
  const Dtype* dh = top[1]->cpu_diff();
  Dtype* dc_prev = bottom[0]->mutable_cpu_diff();
  Dtype* dinput = bottom[1]->mutable_cpu_diff();
  ForRows(bottom[0]->shape(1), 8 * d, [=](std::ptrdiff_t n) {
    const Dtype* a = acts + n * 4 * d;
    Dtype* dx = dinput + n * 4 * d;
    for (int k = 0; k < d; ++k) {
      const std::ptrdiff_t at = n * d + k;
      const Dtype i = a[k], f = a[d + k], o = a[2 * d + k], g = a[3 * d + k];
      const Dtype tanh_c = std::tanh(c[at]);
      const Dtype dc = dc_top[at] + dh[at] * o * (1 - tanh_c * tanh_c);
      dc_prev[at] = dc * f;
      dx[k] = dc * g * i * (1 - i);
      // f = cont * logistic
      dx[d + k] = cont[n] == 0 ? Dtype(0) : dc * c_prev[at] * f * (1 - f / cont[n]);
      dx[2 * d + k] = dh[at] * tanh_c * o * (1 - o);
      dx[3 * d + k] = dc * i * (1 - g * g);
    }
  });
}

INSTANTIATE_CLASS(LSTMUnitLayer);
REGISTER_LAYER_CLASS(LSTMUnit);

}  // namespace caffe
