#include "caffe/layers/crop_layer.hpp"
#include "util/device_loops.cuh"

namespace caffe {

namespace {

// Where the elements of the cut are in the large blob.
struct Cut {
  int axes;
  int size[kMaxBlobAxes];        // of the cut
  int large_size[kMaxBlobAxes];  // of the large blob
  int offset[kMaxBlobAxes];

  CAFFE_HOST_DEVICE int Place(int i) const {
    int place = 0;
    int stride = 1;
    for (int axis = axes - 1; axis >= 0; --axis) {
      place += (i % size[axis] + offset[axis]) * stride;
      i /= size[axis];
      stride *= large_size[axis];
    }
    return place;
  }
};

template <typename Dtype>
Cut CutOf(const Blob<Dtype>& large, const Blob<Dtype>& small, const vector<int>& offsets) {
  Cut cut = {};
  cut.axes = large.num_axes();
  for (int axis = 0; axis < cut.axes; ++axis) {
    cut.size[axis] = small.shape(axis);
    cut.large_size[axis] = large.shape(axis);
    cut.offset[axis] = offsets[axis];
  }
  return cut;
}

template <typename Dtype>
struct TakeCut {
  Cut cut;
  const Dtype* large;
  Dtype* small;
  CAFFE_HOST_DEVICE void operator()(int i) const { small[i] = large[cut.Place(i)]; }
};

template <typename Dtype>
struct PutCut {
  Cut cut;
  const Dtype* small;
  Dtype* large;
  CAFFE_HOST_DEVICE void operator()(int i) const { large[cut.Place(i)] = small[i]; }
};

}  // namespace

template <typename Dtype>
void CropLayer<Dtype>::Forward_gpu(const vector<Blob<Dtype>*>& bottom,
                                   const vector<Blob<Dtype>*>& top) {
  ForElements(top[0]->count(), TakeCut<Dtype>{CutOf(*bottom[0], *top[0], offsets_),
                                              bottom[0]->gpu_data(), top[0]->mutable_gpu_data()});
}

template <typename Dtype>
void CropLayer<Dtype>::Backward_gpu(const vector<Blob<Dtype>*>& top,
                                    const vector<bool>& propagate_down,
                                    const vector<Blob<Dtype>*>& bottom) {
  for (int i = 0; i < 2; ++i) {
    if (!propagate_down[i]) continue;
    caffe_gpu_set(bottom[i]->count(), Dtype(0), bottom[i]->mutable_gpu_diff());
  }
  if (!propagate_down[0]) return;
  ForElements(top[0]->count(), PutCut<Dtype>{CutOf(*bottom[0], *top[0], offsets_),
                                             top[0]->gpu_diff(), bottom[0]->mutable_gpu_diff()});
}

INSTANTIATE_LAYER_GPU_FUNCS(CropLayer);

}  // namespace caffe
