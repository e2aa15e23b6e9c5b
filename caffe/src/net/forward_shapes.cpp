// Backward works on what Forward has left: in memory and by sizes that fit the shapes of that time.
#include "caffe/net.hpp"
#include "net/layer_context.hpp"

namespace caffe {

template <typename Dtype>
void Net<Dtype>::NoteShapes(int start, int end) {
  forward_shapes_.resize(layers_.size());
  for (int i = start; i <= end; ++i) {
    if (!layer_need_backward_[i]) continue;
    vector<vector<int>>& shapes = forward_shapes_[i];
    shapes.resize(bottom_vecs_[i].size() + top_vecs_[i].size());
    auto shape = shapes.begin();
    for (const Blob<Dtype>* blob : bottom_vecs_[i]) *shape++ = blob->shape();
    for (const Blob<Dtype>* blob : top_vecs_[i]) *shape++ = blob->shape();
  }
}

template <typename Dtype>
void Net<Dtype>::CheckShapes(int start, int end) const {
  for (int i = start; i >= end; --i) {
    if (!layer_need_backward_[i]) continue;
    auto shape = forward_shapes_[i].begin();
    const auto check = [&](const vector<int>& ids) {
      for (const int id : ids) {
        if (blobs_[id]->shape() == *shape++) continue;
        InLayer(layers_[i]->layer_param(), i, [&] {
          LOG(FATAL) << "blob '" << NameInFile(id) << "' is of shape " << blobs_[id]->shape_string()
                     << " and was of another when the layer last ran forward: run forward before "
                     << "backward";
        });
      }
    };
    check(bottom_id_vecs_[i]);
    check(top_id_vecs_[i]);
  }
}

#define INSTANTIATE(Dtype)                        \
  template void Net<Dtype>::NoteShapes(int, int); \
  template void Net<Dtype>::CheckShapes(int, int) const
INSTANTIATE(float);
INSTANTIATE(double);

}  // namespace caffe
