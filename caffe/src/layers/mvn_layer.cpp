#include "caffe/layers/mvn_layer.hpp"

#include "core/per_channel.hpp"

namespace caffe {

namespace {

// The blob as one image whose channels are the groups that are normalised on their own.
template <typename Dtype>
ChannelLayout Groups(const Blob<Dtype>& blob, bool across_channels) {
  const int groups = blob.num() * (across_channels ? 1 : blob.channels());
  return {1, groups, groups ? blob.count() / groups : 0, 1, 1};
}

}  // namespace

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
  const ChannelLayout groups = Groups(*bottom[0], param.across_channels());
  const Dtype* x = bottom[0]->cpu_data();
  const vector<double> sums = SumPerChannel(groups, x);
  mean_.resize(groups.channels);
  factor_.assign(groups.channels, Dtype(1));
  for (int g = 0; g < groups.channels; ++g) mean_[g] = Dtype(sums[g] / groups.area());
  if (param.normalize_variance()) {
    const vector<double> squares = SquaresPerChannel(groups, x, mean_);
    for (int g = 0; g < groups.channels; ++g) {
      factor_[g] = Dtype(1 / (std::sqrt(squares[g] / groups.area()) + eps_));
    }
  }
  vector<Dtype> offset(groups.channels);
  for (int g = 0; g < groups.channels; ++g) offset[g] = -mean_[g] * factor_[g];
  ScalePerChannel(groups, x, factor_, offset, top[0]->mutable_cpu_data());
}

// With y = (x - mean) f: dx = f (dy - mean(dy) - y mean(dy y)); without the variance, its last term
// is not there.
template <typename Dtype>
void MVNLayer<Dtype>::Backward_cpu(const vector<Blob<Dtype>*>& top,
                                   const vector<bool>& propagate_down,
                                   const vector<Blob<Dtype>*>& bottom) {
  if (!propagate_down[0]) return;
  const MVNParameter& param = this->layer_param_.mvn_param();
  const ChannelLayout groups = Groups(*bottom[0], param.across_channels());
  const Dtype* y = top[0]->cpu_data();
  const Dtype* dy = top[0]->cpu_diff();
  const vector<double> sum_dy = SumPerChannel(groups, dy);
  vector<Dtype> factor_y(groups.channels), offset(groups.channels);
  if (param.normalize_variance()) {
    const vector<double> sum_dy_y = DotPerChannel(groups, dy, y);
    for (int g = 0; g < groups.channels; ++g) {
      factor_y[g] = Dtype(-factor_[g] * sum_dy_y[g] / groups.area());
    }
  }
  for (int g = 0; g < groups.channels; ++g) {
    offset[g] = Dtype(-factor_[g] * sum_dy[g] / groups.area());
  }
  CombinePerChannel(groups, dy, factor_, y, factor_y, offset, bottom[0]->mutable_cpu_diff());
}

INSTANTIATE_CLASS(MVNLayer);
REGISTER_LAYER_CLASS(MVN);

}  // namespace caffe
