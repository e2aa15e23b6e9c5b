#include "caffe/layers/geometric_loss_layer.hpp"

#include <vector>

#include "caffe/util/parallel_for.hpp"
#include "layers/geometric_elements.hpp"
#include "layers/loss_divisor.hpp"

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
  SpreadGroupSums<OnCpu>(this->layer_param_.geometric_loss_param().num_dim(),
                         top[0]->cpu_diff()[0] / ItemDivisor(*bottom[0]), this->diff_,
                         propagate_down, bottom,
                         [](int n, const auto& op) { ParallelElements(n, op); });
}

inline namespace beyond_caffe_1 {

INSTANTIATE_CLASS(GeometricLossLayer);
REGISTER_LAYER_CLASS(GeometricLoss);

}  // namespace beyond_caffe_1

}  // namespace caffe
