#include "net/forward_shapes.hpp"

#include "net/layer_context.hpp"

namespace caffe {

template <typename Dtype>
void ForwardShapes<Dtype>::Note(int start, int end) {
  shapes_.resize(net_.layers().size());
  for (int i = start; i <= end; ++i) {
    if (!net_.layer_need_backward()[i]) continue;
    const vector<Blob<Dtype>*>& bottoms = net_.bottom_vecs()[i];
    const vector<Blob<Dtype>*>& tops = net_.top_vecs()[i];
    shapes_[i].resize(bottoms.size() + tops.size());
    auto shape = shapes_[i].begin();
    for (const Blob<Dtype>* blob : bottoms) *shape++ = blob->shape();
    for (const Blob<Dtype>* blob : tops) *shape++ = blob->shape();
  }
}

template <typename Dtype>
void ForwardShapes<Dtype>::Check(int start, int end) const {
  for (int i = start; i >= end; --i) {
    if (!net_.layer_need_backward()[i]) continue;
    auto shape = shapes_[i].begin();
    const auto check = [&](const vector<int>& ids) {
      for (const int id : ids) {
        const Blob<Dtype>& blob = *net_.blobs()[id];
        if (blob.shape() == *shape++) continue;
        InLayer(net_, i, [&] {
          LOG(FATAL) << "blob '" << NameInFile(net_, id) << "' is of shape " << blob.shape_string()
                     << " and was of another when the layer last ran forward: run forward before "
                     << "backward";
        });
      }
    };
    check(net_.bottom_ids(i));
    check(net_.top_ids(i));
  }
}

INSTANTIATE_CLASS(ForwardShapes);

}  // namespace caffe
