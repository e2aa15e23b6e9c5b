#include "caffe/layers/tile_layer.hpp"

#include <climits>
#include <vector>

#include "layers/tile_elements.hpp"
#include "util/rows.hpp"

namespace caffe {

template <typename Dtype>
void TileLayer<Dtype>::Reshape(const vector<Blob<Dtype>*>& bottom,
                               const vector<Blob<Dtype>*>& top) {
  const TileParameter& param = this->layer_param_.tile_param();
  CHECK(param.has_tiles() && param.tiles() > 0) << "tile_param.tiles must be given, at least 1";
  tiles_ = param.tiles();
  axis_ = bottom[0]->CanonicalAxisIndex(param.axis());
  vector<int> shape = bottom[0]->shape();
  const int64_t size = int64_t(shape[axis_]) * tiles_;
  CHECK_LE(size, INT_MAX) << " elements are too many for axis " << axis_
                          << " of the top: tile_param.tiles is too large";
  shape[axis_] = static_cast<int>(size);
  top[0]->Reshape(shape);
  outer_dim_ = bottom[0]->count(0, axis_);
  inner_dim_ = bottom[0]->count(axis_);
}

template <typename Dtype>
void TileLayer<Dtype>::Forward_cpu(const vector<Blob<Dtype>*>& bottom,
                                   const vector<Blob<Dtype>*>& top) {
  const Dtype* x = bottom[0]->cpu_data();
  Dtype* y = top[0]->mutable_cpu_data();
  for (unsigned int t = 0; t < tiles_; ++t) {
    CopyRows(outer_dim_, inner_dim_, x, inner_dim_, y + t * inner_dim_, tiles_ * inner_dim_);
  }
}

template <typename Dtype>
void TileLayer<Dtype>::Backward_cpu(const vector<Blob<Dtype>*>& top,
                                    const vector<bool>& propagate_down,
                                    const vector<Blob<Dtype>*>& bottom) {
  if (!propagate_down[0]) return;
  ParallelElements(bottom[0]->count(),
                   TileDiffElement<Dtype>{int(inner_dim_), int(tiles_), top[0]->cpu_diff(),
                                          bottom[0]->mutable_cpu_diff()});
}

INSTANTIATE_CLASS(TileLayer);
REGISTER_LAYER_CLASS(Tile);

}  // namespace caffe
