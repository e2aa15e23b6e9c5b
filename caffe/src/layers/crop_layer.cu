#include "caffe/layers/crop_layer.hpp"
#include "gpu/layout.hpp"
#include "gpu/vectors.cuh"
#include "util/divisor.hpp"

namespace caffe {

namespace {

// Where a cut lies in a large array. Axes that are cut nowhere belong to the one before them.
struct Cut {
  int axes = 0;
  Divisor by_size[kMaxBlobAxes];        // of the cut
  Divisor by_large_size[kMaxBlobAxes];  // of the large array
  int size[kMaxBlobAxes], large_size[kMaxBlobAxes], offset[kMaxBlobAxes];

  // One more axis inside the others.
  void Add(int new_size, int new_large_size, int new_offset) {
    const bool joins = axes > 0 && new_size == new_large_size;
    const int axis = joins ? axes - 1 : axes++;
    size[axis] = joins ? size[axis] * new_size : new_size;
    large_size[axis] = joins ? large_size[axis] * new_size : new_large_size;
    offset[axis] = joins ? offset[axis] * new_size : new_offset;
  }
  // Whether the innermost axis consists of whole units in both arrays, and begins with one.
  bool InUnitsOf(int count) const {
    const int last = axes - 1;
    return size[last] % count == 0 && large_size[last] % count == 0 && offset[last] % count == 0;
  }
  // The same with the innermost axis counted in units, ready for kernels.
  Cut InUnits(int count) const {
    Cut cut = *this;
    for (int* inner : {cut.size, cut.large_size, cut.offset}) inner[axes - 1] /= count;
    for (int axis = 0; axis < axes; ++axis) {
      cut.by_size[axis] = Divisor(cut.size[axis]);
      cut.by_large_size[axis] = Divisor(cut.large_size[axis]);
    }
    return cut;
  }

  // Of element i of the cut in the large array.
  CAFFE_HOST_DEVICE int PlaceInLarge(int i) const {
    int place = 0, stride = 1;
    for (int axis = axes - 1; axis >= 0; --axis) {
      place += (by_size[axis].Remainder(i) + offset[axis]) * stride;
      i = by_size[axis].Quotient(i);
      stride *= large_size[axis];
    }
    return place;
  }
  // Of element i of the large array in the cut, or -1.
  CAFFE_HOST_DEVICE int PlaceInCut(int i) const {
    int place = 0, stride = 1;
    for (int axis = axes - 1; axis >= 0; --axis) {
      const int at = by_large_size[axis].Remainder(i) - offset[axis];
      if (unsigned(at) >= unsigned(size[axis])) return -1;
      place += at * stride;
      i = by_large_size[axis].Quotient(i);
      stride *= size[axis];
    }
    return place;
  }
};

// Of blobs in that order.
template <typename Dtype>
Cut CutOf(const Blob<Dtype>& large, const Blob<Dtype>& small, const vector<int>& offsets,
          const ChannelLayout& layout) {
  Cut cut;
  const auto add = [&](int axis) { cut.Add(small.shape(axis), large.shape(axis), offsets[axis]); };
  if (layout.plain()) {
    for (int axis = 0; axis < large.num_axes(); ++axis) add(axis);
  } else {
    for (const int axis : {0, 2, 3, 1}) add(axis);
  }
  return cut;
}

// The order in which a cut of `from` is made: its own, if that keeps the channels of a pixel
// together in whole packs.
template <typename Dtype>
ChannelLayout LayoutOfCut(const Blob<Dtype>& from, Part part, const Blob<Dtype>& other) {
  const ChannelLayout layout = StoredOnGpu(from, part);
  const bool fits = from.num_axes() == 4 && other.shape(1) % kChannelsAtOnce == 0;
  return fits ? layout : layout.Plain();
}

// The same order for another blob.
template <typename Dtype>
ChannelLayout SameOrder(const ChannelLayout& layout, const Blob<Dtype>& blob) {
  return layout.plain() ? PlainLayout(blob) : ChannelsLast(blob, layout.element);
}

template <typename Unit>
struct TakeCut {
  Cut cut;
  const Unit* large;
  Unit* small;
  CAFFE_HOST_DEVICE void operator()(int i) const { small[i] = large[cut.PlaceInLarge(i)]; }
};

template <typename Unit>
struct PutCut {
  Cut cut;
  const Unit* small;
  Unit* large;
  CAFFE_HOST_DEVICE void operator()(int i) const {
    const int place = cut.PlaceInCut(i);
    large[i] = place < 0 ? Unit{} : small[place];
  }
};

// Runs Op for all units of `to`.
template <template <typename> class Op, typename T>
void RunCut(const Cut& cut, int count, const T* from, T* to) {
  const bool packs = cut.InUnitsOf(Pack<T>::kSize) && Aligned(from) && Aligned(to);
  WithUnit<T>(packs, [&](auto* unit) {
    using Unit = std::remove_pointer_t<decltype(unit)>;
    ForElements(count / Unit::kSize,
                Op<Unit>{cut.InUnits(Unit::kSize), AsUnits<Unit>(from), AsUnits<Unit>(to)});
  });
}

}  // namespace

template <typename Dtype>
void CropLayer<Dtype>::Forward_gpu(const vector<Blob<Dtype>*>& bottom,
                                   const vector<Blob<Dtype>*>& top) {
  const ChannelLayout layout = LayoutOfCut(*bottom[0], Part::kData, *top[0]);
  const Cut cut = CutOf(*bottom[0], *top[0], offsets_, layout);
  VisitOnGpu<Dtype>(layout, [&](auto type) {
    using T = decltype(type);
    const T* large = ReadOnGpu<T>(layout, *bottom[0]);
    RunCut<TakeCut>(cut, top[0]->count(), large, WriteOnGpu<T>(SameOrder(layout, *top[0]), top[0]));
  });
}

template <typename Dtype>
void CropLayer<Dtype>::Backward_gpu(const vector<Blob<Dtype>*>& top,
                                    const vector<bool>& propagate_down,
                                    const vector<Blob<Dtype>*>& bottom) {
  if (propagate_down[1]) {
    caffe_gpu_set(bottom[1]->count(), Dtype(0), bottom[1]->mutable_gpu_diff());
  }
  if (!propagate_down[0]) return;
  const ChannelLayout layout = LayoutOfCut(*top[0], Part::kDiff, *bottom[0]);
  const Cut cut = CutOf(*bottom[0], *top[0], offsets_, layout);
  VisitOnGpu<Dtype>(layout, [&](auto type) {
    using T = decltype(type);
    const T* small = ReadOnGpu<T>(layout, *top[0], Part::kDiff);
    RunCut<PutCut>(cut, bottom[0]->count(), small,
                   WriteOnGpu<T>(SameOrder(layout, *bottom[0]), bottom[0], Part::kDiff));
  });
}

INSTANTIATE_LAYER_GPU_FUNCS(CropLayer);

}  // namespace caffe
