#include "caffe/layers/crop_layer.hpp"

#include <algorithm>
#include <vector>

#include "util/rows.hpp"

namespace caffe {

template <typename Dtype>
void CropLayer<Dtype>::Reshape(const vector<Blob<Dtype>*>& bottom,
                               const vector<Blob<Dtype>*>& top) {
  const CropParameter& param = this->layer_param_.crop_param();
  const Blob<Dtype>& from = *bottom[0];
  const Blob<Dtype>& like = *bottom[1];
  CHECK_EQ(from.num_axes(), like.num_axes())
      << ": Crop needs two bottoms with as many axes; their shapes are " << from.shape_string()
      << " and " << like.shape_string();
  const int first = from.CanonicalAxisIndex(param.axis());
  const int cut = from.num_axes() - first;
  CHECK(param.offset_size() <= 1 || param.offset_size() == cut)
      << "crop_param has " << param.offset_size() << " offsets for " << cut
      << " axes to cut: give none, one for all, or one for each";
  vector<int> shape = from.shape();
  offsets_.assign(from.num_axes(), 0);
  for (int axis = first; axis < from.num_axes(); ++axis) {
    if (param.offset_size() > 0) {
      offsets_[axis] = param.offset(param.offset_size() == 1 ? 0 : axis - first);
    }
    shape[axis] = like.shape(axis);
    CHECK(offsets_[axis] >= 0 && offsets_[axis] <= from.shape(axis) - shape[axis])
        << "crop of " << shape[axis] << " from offset " << offsets_[axis]
        << " on reaches out of axis " << axis << " of shape " << from.shape_string();
  }
  top[0]->Reshape(shape);
}

template <typename Dtype>
template <typename Large, typename Small, typename Copy>
void CropLayer<Dtype>::ForCutRows(const Blob<Dtype>& bottom, const Blob<Dtype>& top, Large* large,
                                  Small* small, const Copy& copy) const {
  const int last = top.num_axes() - 1;
  const int length = top.shape(last);
  ForRows(top.count(0, last), length, [&](std::ptrdiff_t row) {
    std::ptrdiff_t from = offsets_[last];
    std::ptrdiff_t rest = row;
    std::ptrdiff_t stride = bottom.shape(last);
    for (int axis = last - 1; axis >= 0; --axis) {
      from += (rest % top.shape(axis) + offsets_[axis]) * stride;
      rest /= top.shape(axis);
      stride *= bottom.shape(axis);
    }
    copy(large + from, small + row * length, length);
  });
}

template <typename Dtype>
void CropLayer<Dtype>::Forward_cpu(const vector<Blob<Dtype>*>& bottom,
                                   const vector<Blob<Dtype>*>& top) {
  ForCutRows(*bottom[0], *top[0], bottom[0]->cpu_data(), top[0]->mutable_cpu_data(),
             [](const Dtype* large, Dtype* small, int n) { std::copy(large, large + n, small); });
}

template <typename Dtype>
void CropLayer<Dtype>::Backward_cpu(const vector<Blob<Dtype>*>& top,
                                    const vector<bool>& propagate_down,
                                    const vector<Blob<Dtype>*>& bottom) {
  for (int i = 0; i < 2; ++i) {
    if (propagate_down[i]) caffe_set(bottom[i]->count(), Dtype(0), bottom[i]->mutable_cpu_diff());
  }
  if (!propagate_down[0]) return;
  ForCutRows(*bottom[0], *top[0], bottom[0]->mutable_cpu_diff(), top[0]->cpu_diff(),
             [](Dtype* large, const Dtype* small, int n) { std::copy(small, small + n, large); });
}

INSTANTIATE_CLASS(CropLayer);
REGISTER_LAYER_CLASS(Crop);

}  // namespace caffe
