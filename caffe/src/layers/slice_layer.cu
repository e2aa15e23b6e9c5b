#include "caffe/layers/slice_layer.hpp"
#include "layers/device_parts.hpp"
#include "util/device_rows.cuh"

namespace caffe {

template <typename Dtype>
void SliceLayer<Dtype>::Forward_gpu(const vector<Blob<Dtype>*>& bottom,
                                    const vector<Blob<Dtype>*>& top) {
  if (top.size() == 1) return;
  const PartsOnGpu parts = PartsOf(top, slice_axis_, bottom, Part::kData);
  const ChannelLayout whole = parts.LayoutOf(*bottom[0]);
  const int bottom_row = parts.RowOf(*bottom[0], slice_axis_);
  const int rows = bottom_row ? bottom[0]->count() / bottom_row : 0;
  VisitOnGpu<Dtype>(whole, [&](auto type) {
    using T = decltype(type);
    const T* from = ReadOnGpu<T>(whole, *bottom[0]);
    for (Blob<Dtype>* part : top) {
      const int row = parts.RowOf(*part, slice_axis_);
      CopyRowsOnGpu(rows, row, from, bottom_row, WriteOnGpu<T>(parts.LayoutOf(*part), part), row);
      from += row;
    }
  });
}

template <typename Dtype>
void SliceLayer<Dtype>::Backward_gpu(const vector<Blob<Dtype>*>& top,
                                     const vector<bool>& propagate_down,
                                     const vector<Blob<Dtype>*>& bottom) {
  if (!propagate_down[0] || top.size() == 1) return;
  const PartsOnGpu parts = PartsOf(top, slice_axis_, top, Part::kDiff);
  const ChannelLayout whole = parts.LayoutOf(*bottom[0]);
  const int bottom_row = parts.RowOf(*bottom[0], slice_axis_);
  const int rows = bottom_row ? bottom[0]->count() / bottom_row : 0;
  VisitOnGpu<Dtype>(whole, [&](auto type) {
    using T = decltype(type);
    T* to = WriteOnGpu<T>(whole, bottom[0], Part::kDiff);
    for (const Blob<Dtype>* part : top) {
      const int row = parts.RowOf(*part, slice_axis_);
      const T* from = ReadOnGpu<T>(parts.LayoutOf(*part), *part, Part::kDiff);
      CopyRowsOnGpu(rows, row, from, row, to, bottom_row);
      to += row;
    }
  });
}

INSTANTIATE_LAYER_GPU_FUNCS(SliceLayer);

}  // namespace caffe
