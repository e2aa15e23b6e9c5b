#include "caffe/layers/mvn_layer.hpp"

#include "core/per_channel.hpp"
#include "layers/mvn_elements.hpp"

namespace caffe {

template <typename Dtype>
void MVNLayer<Dtype>::Reshape(const vector<Blob<Dtype>*>& bottom, const vector<Blob<Dtype>*>& top) {
  CHECK_LE(bottom[0]->num_axes(), 4)
      << " axes: MVN takes num x channels x height x width, not " << bottom[0]->shape_string();
  top[0]->ReshapeLike(*bottom[0]);
  eps_ = this->layer_param_.mvn_param().eps();
}

template <typename Dtype>
void MVNLayer<Dtype>::Forward_cpu(const vector<Blob<Dtype>*>& bottom,
                                  const vector<Blob<Dtype>*>& top) {
  const MVNParameter& param = this->layer_param_.mvn_param();
  const ChannelLayout groups = GroupsOf(*bottom[0], param.across_channels());
  const Dtype* x = bottom[0]->cpu_data();
  mean_.resize(groups.channels);
  factor_.resize(groups.channels);
  if (param.normalize_variance()) {
    vector<double> squares;
    MomentsPerChannel(groups, x, &mean_, &squares);
    const StoreGroupFactor<Dtype> store = {groups.area(), double(eps_), factor_.data()};
    for (int g = 0; g < groups.channels; ++g) store(g, squares[g]);
  } else {
    const vector<double> sums = SumPerChannel(groups, x);
    const StoreGroupMean<Dtype> store = {groups.area(), mean_.data(), factor_.data()};
    for (int g = 0; g < groups.channels; ++g) store(g, sums[g]);
  }
  vector<Dtype> offset(groups.channels);
  for (int g = 0; g < groups.channels; ++g) offset[g] = -mean_[g] * factor_[g];
  ScalePerChannel(groups, x, factor_, offset, top[0]->mutable_cpu_data());
}

template <typename Dtype>
void MVNLayer<Dtype>::Backward_cpu(const vector<Blob<Dtype>*>& top,
                                   const vector<bool>& propagate_down,
                                   const vector<Blob<Dtype>*>& bottom) {
  if (!propagate_down[0]) return;
  const MVNParameter& param = this->layer_param_.mvn_param();
  const ChannelLayout groups = GroupsOf(*bottom[0], param.across_channels());
  const Dtype* y = top[0]->cpu_data();
  const Dtype* dy = top[0]->cpu_diff();
  const bool variance = param.normalize_variance();
  const vector<double> sum_dy = SumPerChannel(groups, dy);
  const vector<double> sum_dy_y =
      variance ? DotPerChannel(groups, dy, y) : vector<double>(groups.channels);
  vector<Dtype> factor_y(groups.channels), offset(groups.channels);
  const StoreGroupCoefficients<Dtype> store = {groups.area(), variance, factor_.data(),
                                               factor_y.data(), offset.data()};
  for (int g = 0; g < groups.channels; ++g) store(g, {{sum_dy[g], sum_dy_y[g]}});
  CombinePerChannel(groups, dy, factor_, y, factor_y, offset, bottom[0]->mutable_cpu_diff());
}

INSTANTIATE_CLASS(MVNLayer);
REGISTER_LAYER_CLASS(MVN);

}  // namespace caffe
