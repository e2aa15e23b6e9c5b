#include "caffe/layers/concat_layer.hpp"

#include <climits>
#include <vector>

#include "layers/host_parts.hpp"
#include "layers/shared_memory.hpp"

namespace caffe {

template <typename Dtype>
void ConcatLayer<Dtype>::LayerSetUp(const vector<Blob<Dtype>*>& bottom,
                                    const vector<Blob<Dtype>*>& top) {
  const ConcatParameter& param = this->layer_param_.concat_param();
  CHECK(!(param.has_axis() && param.has_concat_dim()))
      << "concat_param has both axis and concat_dim, its old name: give one of them";
}

template <typename Dtype>
void ConcatLayer<Dtype>::Reshape(const vector<Blob<Dtype>*>& bottom,
                                 const vector<Blob<Dtype>*>& top) {
  const ConcatParameter& param = this->layer_param_.concat_param();
  const Blob<Dtype>& first = *bottom[0];
  concat_axis_ = first.CanonicalAxisIndex(
      param.has_concat_dim() ? static_cast<int>(param.concat_dim()) : param.axis());
  vector<int> shape = first.shape();
  int64_t size = 0;
  for (const Blob<Dtype>* part : bottom) {
    bool fits = part->num_axes() == first.num_axes();
    for (int axis = 0; fits && axis < first.num_axes(); ++axis) {
      fits = axis == concat_axis_ || part->shape(axis) == first.shape(axis);
    }
    CHECK(fits) << "blobs of shapes " << first.shape_string() << " and " << part->shape_string()
                << " cannot be concatenated along axis " << concat_axis_
                << ": all other axes must agree (where a net halves images and doubles them again, "
                   "the images' sides must be multiples of its stride)";
    size += part->shape(concat_axis_);
  }
  CHECK_LE(size, INT_MAX) << " elements are too many for axis " << concat_axis_
                          << " of the top: concatenate fewer or smaller blobs";
  shape[concat_axis_] = static_cast<int>(size);
  num_concats_ = first.count(0, concat_axis_);
  concat_input_size_ = first.count(concat_axis_ + 1);
  top[0]->Reshape(shape);
  if (bottom.size() == 1) ShareMemory(this->layer_param_, first, top[0]);
}

template <typename Dtype>
void ConcatLayer<Dtype>::Forward_cpu(const vector<Blob<Dtype>*>& bottom,
                                     const vector<Blob<Dtype>*>& top) {
  if (bottom.size() > 1) JoinParts(bottom, concat_axis_, Part::kData, top[0]);
}

template <typename Dtype>
void ConcatLayer<Dtype>::Backward_cpu(const vector<Blob<Dtype>*>& top,
                                      const vector<bool>& propagate_down,
                                      const vector<Blob<Dtype>*>& bottom) {
  if (bottom.size() > 1) return CutParts(top[0], concat_axis_, Part::kDiff, propagate_down, bottom);
  if (propagate_down[0]) PassDiff(*top[0], bottom[0]);
}

INSTANTIATE_CLASS(ConcatLayer);
REGISTER_LAYER_CLASS(Concat);

}  // namespace caffe
