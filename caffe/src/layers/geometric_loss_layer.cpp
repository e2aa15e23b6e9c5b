#include "caffe/layers/geometric_loss_layer.hpp"

#include <vector>

#include "caffe/util/parallel_for.hpp"

namespace caffe {

template <typename Dtype>
void GeometricLossLayer<Dtype>::Reshape(const vector<Blob<Dtype>*>& bottom,
                                        const vector<Blob<Dtype>*>& top) {
  EuclideanLossLayer<Dtype>::Reshape(bottom, top);
  const int num_dim = this->layer_param_.geometric_loss_param().num_dim();
  CHECK(bottom[0]->num_axes() >= 2 && num_dim > 0 && bottom[0]->shape(1) % num_dim == 0)
      << "geometric_loss_param.num_dim " << num_dim
      << " must divide the number of channels (axis 1) "
      << "of a bottom of shape " << bottom[0]->shape_string();
}

template <typename Dtype>
void GeometricLossLayer<Dtype>::Backward_cpu(const vector<Blob<Dtype>*>& top,
                                             const vector<bool>& propagate_down,
                                             const vector<Blob<Dtype>*>& bottom) {
  const int num_dim = this->layer_param_.geometric_loss_param().num_dim();
  const int groups = bottom[0]->shape(1) / num_dim;
  // The channels of a group lie num_dim planes apart.
  const std::ptrdiff_t stride = bottom[0]->count(2) * num_dim;
  const Dtype* diff = this->diff_.cpu_data();
  const Dtype scale = top[0]->cpu_diff()[0] / bottom[0]->shape(0);
  for (int k = 0; k < 2; ++k) {
    if (!propagate_down[k]) continue;
    const Dtype factor = k == 0 ? scale : -scale;
    Dtype* dx = bottom[k]->mutable_cpu_diff();
    ParallelElements(bottom[k]->count() / groups, [=](std::ptrdiff_t i) {
      const std::ptrdiff_t first = i / stride * stride * groups + i % stride;
      Dtype sum = 0;
      for (int g = 0; g < groups; ++g) sum += diff[first + g * stride];
      for (int g = 0; g < groups; ++g) dx[first + g * stride] = factor * sum;
    });
  }
}

INSTANTIATE_CLASS(GeometricLossLayer);
REGISTER_LAYER_CLASS(GeometricLoss);

}  // namespace caffe
