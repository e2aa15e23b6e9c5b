#include "caffe/layers/concat_layer.hpp"
#include "layers/device_parts.hpp"
#include "util/device_rows.cuh"

namespace caffe {

template <typename Dtype>
void ConcatLayer<Dtype>::Forward_gpu(const vector<Blob<Dtype>*>& bottom,
                                     const vector<Blob<Dtype>*>& top) {
  if (bottom.size() == 1) return;
  const PartsOnGpu parts = PartsOf(bottom, concat_axis_, bottom, Part::kData);
  const ChannelLayout whole = parts.LayoutOf(*top[0]);
  const int top_row = parts.RowOf(*top[0], concat_axis_);
  const int rows = top_row ? top[0]->count() / top_row : 0;
  VisitOnGpu<Dtype>(whole, [&](auto type) {
    using T = decltype(type);
    T* to = WriteOnGpu<T>(whole, top[0]);
    for (const Blob<Dtype>* part : bottom) {
      const int row = parts.RowOf(*part, concat_axis_);
      CopyRowsOnGpu(rows, row, ReadOnGpu<T>(parts.LayoutOf(*part), *part), row, to, top_row);
      to += row;
    }
  });
}

template <typename Dtype>
void ConcatLayer<Dtype>::Backward_gpu(const vector<Blob<Dtype>*>& top,
                                      const vector<bool>& propagate_down,
                                      const vector<Blob<Dtype>*>& bottom) {
  if (bottom.size() == 1) return;
  const PartsOnGpu parts = PartsOf(bottom, concat_axis_, top, Part::kDiff);
  const ChannelLayout whole = parts.LayoutOf(*top[0]);
  const int top_row = parts.RowOf(*top[0], concat_axis_);
  const int rows = top_row ? top[0]->count() / top_row : 0;
  VisitOnGpu<Dtype>(whole, [&](auto type) {
    using T = decltype(type);
    const T* from = ReadOnGpu<T>(whole, *top[0], Part::kDiff);
    for (size_t i = 0; i < bottom.size(); ++i) {
      const int row = parts.RowOf(*bottom[i], concat_axis_);
      if (propagate_down[i]) {
        T* to = WriteOnGpu<T>(parts.LayoutOf(*bottom[i]), bottom[i], Part::kDiff);
        CopyRowsOnGpu(rows, row, from, top_row, to, row);
      }
      from += row;
    }
  });
}

INSTANTIATE_LAYER_GPU_FUNCS(ConcatLayer);

}  // namespace caffe
