#include "caffe/layers/geometric_loss_layer.hpp"

#include <vector>

#include "caffe/util/parallel_for.hpp"
#include "layers/geometric_elements.hpp"

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
  const Dtype scale = top[0]->cpu_diff()[0] / bottom[0]->shape(0);
  for (int k = 0; k < 2; ++k) {
    if (!propagate_down[k]) continue;
    ParallelElements(
        bottom[k]->count() / groups,
        SpreadGroupSum<Dtype>{groups, bottom[0]->count(2) * num_dim, k == 0 ? scale : -scale,
                              this->diff_.cpu_data(), bottom[k]->mutable_cpu_diff()});
  }
}

INSTANTIATE_CLASS(GeometricLossLayer);
REGISTER_LAYER_CLASS(GeometricLoss);

}  // namespace caffe
