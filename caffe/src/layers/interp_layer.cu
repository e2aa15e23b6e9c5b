#include "caffe/layers/interp_layer.hpp"
#include "layers/interp_positions.hpp"
#include "util/device_loops.cuh"

namespace caffe {

namespace {

// Planes of the whole bottom and of the top, and how their positions belong together.
struct InterpPlanes {
  int height, width;  // of the bottom, what is cropped included
  AlignedAxis rows, columns;
};

template <typename Dtype>
struct InterpElement {
  InterpPlanes planes;
  const Dtype* x;
  Dtype* y;
  CAFFE_HOST_DEVICE void operator()(int o) const {
    const AlignedAxis& rows = planes.rows;
    const AlignedAxis& columns = planes.columns;
    const Between row = rows.At(o / columns.out % rows.out);
    const Between column = columns.At(o % columns.out);
    const Dtype* in = x + std::ptrdiff_t(o / columns.out / rows.out) * planes.height * planes.width;
    const Dtype* upper = in + row.first * planes.width;
    const Dtype* lower = in + row.second * planes.width;
    y[o] = Dtype((1 - row.weight) * (1 - column.weight)) * upper[column.first] +
           Dtype((1 - row.weight) * column.weight) * upper[column.second] +
           Dtype(row.weight * (1 - column.weight)) * lower[column.first] +
           Dtype(row.weight * column.weight) * lower[column.second];
  }
};

// What position i of the input gets of an output between two positions.
CAFFE_HOST_DEVICE inline double Share(const Between& between, int i) {
  return (between.first == i ? 1 - between.weight : 0) + (between.second == i ? between.weight : 0);
}

// Every input gathers from the outputs beside it, in their order.
template <typename Dtype>
struct InterpDiff {
  InterpPlanes planes;
  const Dtype* dy;
  Dtype* dx;
  CAFFE_HOST_DEVICE void operator()(int i) const {
    const AlignedAxis& rows = planes.rows;
    const AlignedAxis& columns = planes.columns;
    const int h = i / planes.width % planes.height, w = i % planes.width;
    const Dtype* out =
        dy + std::ptrdiff_t(i / planes.width / planes.height) * rows.out * columns.out;
    Dtype sum = 0;
    for (int oh = rows.FirstOutput(h); oh < rows.LastOutput(h); ++oh) {
      const double row_share = Share(rows.At(oh), h);
      if (row_share == 0) continue;
      for (int ow = columns.FirstOutput(w); ow < columns.LastOutput(w); ++ow) {
        const double share = row_share * Share(columns.At(ow), w);
        sum += Dtype(share) * out[oh * columns.out + ow];
      }
    }
    dx[i] = sum;
  }
};

}  // namespace

template <typename Dtype>
void InterpLayer<Dtype>::Forward_gpu(const vector<Blob<Dtype>*>& bottom,
                                     const vector<Blob<Dtype>*>& top) {
  const InterpPlanes planes = {bottom[0]->height(), bottom[0]->width(), rows(), columns()};
  ForElements(top[0]->count(),
              InterpElement<Dtype>{planes, bottom[0]->gpu_data(), top[0]->mutable_gpu_data()});
}

template <typename Dtype>
void InterpLayer<Dtype>::Backward_gpu(const vector<Blob<Dtype>*>& top,
                                      const vector<bool>& propagate_down,
                                      const vector<Blob<Dtype>*>& bottom) {
  if (bottom.size() > 1 && propagate_down[1]) {
    caffe_gpu_set(bottom[1]->count(), Dtype(0), bottom[1]->mutable_gpu_diff());
  }
  if (!propagate_down[0]) return;
  const InterpPlanes planes = {bottom[0]->height(), bottom[0]->width(), rows(), columns()};
  ForElements(bottom[0]->count(),
              InterpDiff<Dtype>{planes, top[0]->gpu_diff(), bottom[0]->mutable_gpu_diff()});
}

INSTANTIATE_LAYER_GPU_FUNCS(InterpLayer);

}  // namespace caffe
