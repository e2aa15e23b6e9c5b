#include "caffe/layers/filter_layer.hpp"

#include <vector>

#include "layers/no_gradient.hpp"
#include "util/rows.hpp"

namespace caffe {

template <typename Dtype>
void FilterLayer<Dtype>::LayerSetUp(const vector<Blob<Dtype>*>& bottom,
                                    const vector<Blob<Dtype>*>& top) {
  CHECK_EQ(top.size() + 1, bottom.size())
      << ": Filter has a top for every bottom but the last, the selector";
  first_reshape_ = true;
}

template <typename Dtype>
void FilterLayer<Dtype>::Reshape(const vector<Blob<Dtype>*>& bottom,
                                 const vector<Blob<Dtype>*>& top) {
  const Blob<Dtype>& selector = *bottom.back();
  CHECK_GE(selector.num_axes(), 1) << ": the selector has a value for each item";
  CHECK_EQ(selector.count(), selector.shape(0))
      << ": the selector has one value for each item; its shape is " << selector.shape_string();
  for (size_t i = 0; i + 1 < bottom.size(); ++i) {
    CHECK_GE(bottom[i]->num_axes(), 1) << ": bottom " << i << " has no items";
    CHECK_EQ(bottom[i]->shape(0), selector.shape(0))
        << ": bottom " << i << " of shape " << bottom[i]->shape_string()
        << " must have as many items as the selector has values";
  }
  const Dtype* select = selector.cpu_data();
  indices_to_forward_.clear();
  for (int i = 0; i < selector.count(); ++i) {
    if (select[i] != 0) indices_to_forward_.push_back(i);
  }
  // While the net is built nothing is selected yet; all items give the layers behind a shape.
  const int items =
      first_reshape_ ? selector.count() : static_cast<int>(indices_to_forward_.size());
  first_reshape_ = false;
  for (size_t i = 0; i < top.size(); ++i) {
    vector<int> shape = bottom[i]->shape();
    shape[0] = items;
    top[i]->Reshape(shape);
  }
}

template <typename Dtype>
void FilterLayer<Dtype>::Forward_cpu(const vector<Blob<Dtype>*>& bottom,
                                     const vector<Blob<Dtype>*>& top) {
  for (size_t i = 0; i < top.size(); ++i) {
    GatherRows(indices_to_forward_, bottom[i]->count(1), bottom[i]->cpu_data(),
               top[i]->mutable_cpu_data());
  }
}

template <typename Dtype>
void FilterLayer<Dtype>::Backward_cpu(const vector<Blob<Dtype>*>& top,
                                      const vector<bool>& propagate_down,
                                      const vector<Blob<Dtype>*>& bottom) {
  RefuseGradient(*this, propagate_down, bottom.size() - 1);
  for (size_t i = 0; i < top.size(); ++i) {
    if (!propagate_down[i]) continue;
    Dtype* dx = bottom[i]->mutable_cpu_diff();
    caffe_set(bottom[i]->count(), Dtype(0), dx);
    ScatterRows(indices_to_forward_, bottom[i]->count(1), top[i]->cpu_diff(), dx);
  }
}

INSTANTIATE_CLASS(FilterLayer);
REGISTER_LAYER_CLASS(Filter);

}  // namespace caffe
