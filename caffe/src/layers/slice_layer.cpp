#include "caffe/layers/slice_layer.hpp"

#include <vector>

#include "layers/host_parts.hpp"
#include "layers/shared_memory.hpp"

namespace caffe {

template <typename Dtype>
void SliceLayer<Dtype>::LayerSetUp(const vector<Blob<Dtype>*>& bottom,
                                   const vector<Blob<Dtype>*>& top) {
  const SliceParameter& param = this->layer_param_.slice_param();
  CHECK(!(param.has_axis() && param.has_slice_dim()))
      << "slice_param has both axis and slice_dim, its old name: give one of them";
  slice_point_.assign(param.slice_point().begin(), param.slice_point().end());
  CHECK(slice_point_.empty() || slice_point_.size() + 1 == top.size())
      << slice_point_.size() << " slice_points make " << slice_point_.size() + 1 << " parts, but "
      << "there are " << top.size() << " tops";
}

template <typename Dtype>
void SliceLayer<Dtype>::Reshape(const vector<Blob<Dtype>*>& bottom,
                                const vector<Blob<Dtype>*>& top) {
  const SliceParameter& param = this->layer_param_.slice_param();
  const Blob<Dtype>& from = *bottom[0];
  slice_axis_ = from.CanonicalAxisIndex(param.has_slice_dim() ? static_cast<int>(param.slice_dim())
                                                              : param.axis());
  const int whole = from.shape(slice_axis_);
  const int parts = static_cast<int>(top.size());
  vector<int> ends = slice_point_;
  if (ends.empty()) {
    CHECK(whole % parts == 0) << "axis " << slice_axis_ << " of shape " << from.shape_string()
                              << " cannot be cut into " << parts << " equal parts: give "
                              << "slice_points";
    for (int i = 1; i < parts; ++i) ends.push_back(whole / parts * i);
  }
  ends.push_back(whole);

  vector<int> shape = from.shape();
  int begin = 0;
  for (int i = 0; i < parts; ++i) {
    CHECK_GT(ends[i], begin) << ": slice_points must rise and stay within axis " << slice_axis_
                             << " of shape " << from.shape_string();
    shape[slice_axis_] = ends[i] - begin;
    top[i]->Reshape(shape);
    begin = ends[i];
  }
  num_slices_ = from.count(0, slice_axis_);
  slice_size_ = from.count(slice_axis_ + 1);
  if (parts == 1) ShareMemory(this->layer_param_, from, top[0]);
}

template <typename Dtype>
void SliceLayer<Dtype>::Forward_cpu(const vector<Blob<Dtype>*>& bottom,
                                    const vector<Blob<Dtype>*>& top) {
  if (top.size() == 1) return;
  CutParts(bottom[0], slice_axis_, Part::kData, vector<bool>(top.size(), true), top);
}

template <typename Dtype>
void SliceLayer<Dtype>::Backward_cpu(const vector<Blob<Dtype>*>& top,
                                     const vector<bool>& propagate_down,
                                     const vector<Blob<Dtype>*>& bottom) {
  if (!propagate_down[0]) return;
  if (top.size() > 1) return JoinParts(top, slice_axis_, Part::kDiff, bottom[0]);
  PassDiff(*top[0], bottom[0]);
}

INSTANTIATE_CLASS(SliceLayer);
REGISTER_LAYER_CLASS(Slice);

}  // namespace caffe
