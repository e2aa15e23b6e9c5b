#include "caffe/layers/upsample_layer.hpp"
#include "util/device_loops.cuh"

namespace caffe {

namespace {

// Element i of the small planes, and its place in the large ones; -1 where that lies outside.
template <typename Dtype>
struct Places {
  int small, large;  // pixels of a plane
  const Dtype* places;
  int* bad;

  __device__ int Of(int i) const {
    const Dtype place = places[i];
    if (place >= 0 && place < large) return i / small * large + static_cast<int>(place);
    *bad = 1 + i;
    return -1;
  }
};

template <typename Dtype>
struct ScatterToPlaces {
  Places<Dtype> places;
  const Dtype* x;
  Dtype* y;
  __device__ void operator()(int i) const {
    const int place = places.Of(i);
    if (place >= 0) y[place] = x[i];
  }
};

template <typename Dtype>
struct GatherFromPlaces {
  Places<Dtype> places;
  const Dtype* dy;
  Dtype* dx;
  __device__ void operator()(int i) const {
    const int place = places.Of(i);
    if (place >= 0) dx[i] = dy[place];
  }
};

}  // namespace

template <typename Dtype>
void UpsampleLayer<Dtype>::CheckPlaces() {
  const int bad = bad_place_.Take();
  CHECK_EQ(bad, 0) << ": element " << bad - 1 << " of the mask lies outside the top's "
                   << upsample_h_ << " x " << upsample_w_
                   << " planes; upsample to the size of the blob that was pooled";
}

template <typename Dtype>
void UpsampleLayer<Dtype>::Forward_gpu(const vector<Blob<Dtype>*>& bottom,
                                       const vector<Blob<Dtype>*>& top) {
  CheckPlaces();
  Dtype* y = top[0]->mutable_gpu_data();
  caffe_gpu_set(top[0]->count(), Dtype(0), y);
  // With windows that overlap, a place may occur twice: which value it gets is then open.
  ForElements(bottom[0]->count(),
              ScatterToPlaces<Dtype>{{height_ * width_, upsample_h_ * upsample_w_,
                                      bottom[1]->gpu_data(), bad_place_.device()},
                                     bottom[0]->gpu_data(),
                                     y});
}

template <typename Dtype>
void UpsampleLayer<Dtype>::Backward_gpu(const vector<Blob<Dtype>*>& top,
                                        const vector<bool>& propagate_down,
                                        const vector<Blob<Dtype>*>& bottom) {
  CheckPlaces();
  if (!propagate_down[0]) return;
  ForElements(bottom[0]->count(),
              GatherFromPlaces<Dtype>{{height_ * width_, upsample_h_ * upsample_w_,
                                       bottom[1]->gpu_data(), bad_place_.device()},
                                      top[0]->gpu_diff(),
                                      bottom[0]->mutable_gpu_diff()});
}

INSTANTIATE_LAYER_GPU_FUNCS(UpsampleLayer);

}  // namespace caffe
