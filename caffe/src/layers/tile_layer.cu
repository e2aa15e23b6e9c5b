#include "caffe/layers/tile_layer.hpp"
#include "gpu/loops.cuh"
#include "layers/tile_elements.hpp"

namespace caffe {

namespace {

template <typename Dtype>
struct TileElement {
  int length, tiles;
  const Dtype* x;
  Dtype* y;
  CAFFE_HOST_DEVICE void operator()(int i) const {
    y[i] = x[i / length / tiles * length + i % length];
  }
};

}  // namespace

template <typename Dtype>
void TileLayer<Dtype>::Forward_gpu(const vector<Blob<Dtype>*>& bottom,
                                   const vector<Blob<Dtype>*>& top) {
  ForElements(top[0]->count(),
              TileElement<Dtype>{int(inner_dim_), int(tiles_), bottom[0]->gpu_data(),
                                 top[0]->mutable_gpu_data()});
}

template <typename Dtype>
void TileLayer<Dtype>::Backward_gpu(const vector<Blob<Dtype>*>& top,
                                    const vector<bool>& propagate_down,
                                    const vector<Blob<Dtype>*>& bottom) {
  if (!propagate_down[0]) return;
  ForElements(bottom[0]->count(),
              TileDiffElement<Dtype>{int(inner_dim_), int(tiles_), top[0]->gpu_diff(),
                                     bottom[0]->mutable_gpu_diff()});
}

INSTANTIATE_LAYER_GPU_FUNCS(TileLayer);

}  // namespace caffe
