#ifndef CAFFE_SRC_LAYERS_TILE_ELEMENTS_HPP_
#define CAFFE_SRC_LAYERS_TILE_ELEMENTS_HPP_

/// The way back of Tile, element by element; shared by CPU and GPU. A row of `length` elements
/// stands `tiles` times behind itself.

#include "caffe/util/host_device.hpp"

namespace caffe {

template <typename Dtype>
struct TileDiffElement {
  int length, tiles;
  const Dtype* dy;
  Dtype* dx;
  CAFFE_HOST_DEVICE void operator()(int i) const {
    const Dtype* first = dy + i / length * length * tiles + i % length;
    Dtype sum = 0;
    for (int t = 0; t < tiles; ++t) sum += first[t * length];
    dx[i] = sum;
  }
};

}  // namespace caffe

#endif  // CAFFE_SRC_LAYERS_TILE_ELEMENTS_HPP_
