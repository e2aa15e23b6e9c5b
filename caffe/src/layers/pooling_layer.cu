#include "caffe/layers/pooling_layer.hpp"
#include "cudnn/pooling.hpp"
#include "gpu/channels.cuh"
#include "gpu/layout.hpp"
#include "layers/device_pooling.cuh"
#include "layers/stochastic_window.hpp"
#include "layers/window_places.hpp"

namespace caffe {

namespace {

// y = maxima (or null), and their mask, with `rectifies` kNoPlace where they are not positive.
// Layout: of the bottom.
template <typename Dtype>
void MaxPoolOnGpu(const ChannelLayout& layout, const PoolWindows& windows, const void* x, void* y,
                  const MaskToWrite<Dtype>& mask, bool rectifies) {
  WithPlaneUnits<Dtype>(layout, [&](auto* unit, int units, int images) {
    using Unit = std::remove_pointer_t<decltype(unit)>;
    const PoolUnits pool(windows, units);
    WithSide(windows, [&](auto side) {
      ForElements(std::ptrdiff_t(images) * windows.h.out * windows.w.out * units,
                  MaxOfWindow<decltype(side)::value, Unit, Dtype>{
                      pool, static_cast<const Unit*>(x), static_cast<Unit*>(y), mask, rectifies});
    });
  });
}

// dx of that, from the mask or, where there is none and windows tile the plane, from x.
template <typename Dtype>
void MaxPoolBackwardOnGpu(const ChannelLayout& layout, const PoolWindows& windows, const void* x,
                          const MaskToRead<Dtype>& mask, const void* dy, void* dx) {
  WithPlaneUnits<Dtype>(layout, [&](auto* unit, int units, int images) {
    using Unit = std::remove_pointer_t<decltype(unit)>;
    const PoolUnits pool(windows, units);
    const Unit* of_top = static_cast<const Unit*>(dy);
    Unit* of_bottom = static_cast<Unit*>(dx);
    if (!windows.Tile()) {
      ForElements(
          std::ptrdiff_t(images) * layout.area() * units,
          DiffOfInput<Unit, Dtype, MaxShare<Unit, Dtype>>{pool, {mask.places}, of_top, of_bottom});
      return;
    }
    const auto by = [&](auto maxima) {
      WithSide(windows, [&](auto side) {
        ForElements(std::ptrdiff_t(images) * windows.h.out * windows.w.out * units,
                    MaxDiffOfTile<decltype(side)::value, Unit, decltype(maxima)>{
                        pool, maxima, of_top, of_bottom});
      });
    };
    if (mask.bytes) {
      by(MaximaByBytes<Unit>{mask.bytes});
    } else if (mask.places) {
      by(MaximaByPlaces<Unit, Dtype>{mask.places});
    } else {
      by(MaximaOfBottom<Unit, Dtype>{static_cast<const Unit*>(x)});
    }
  });
}

// Whether there is one window, all of the plane.
bool IsWholePlane(const PoolWindows& windows) {
  const auto is_whole = [](const PoolAxis& axis) {
    return axis.kernel == axis.in && axis.out == 1 && axis.pad == 0;
  };
  return is_whole(windows.h) && is_whole(windows.w);
}

}  // namespace

template <typename Dtype>
bool PoolingLayer<Dtype>::MeansByCudnn(const ChannelLayout& layout) const {
  const PoolingParameter& param = this->layer_param_.pooling_param();
  return param.pool() == PoolingParameter_PoolMethod_AVE &&
         param.engine() != PoolingParameter_Engine_CAFFE && layout.plain() &&
         !IsWholePlane(Windows());
}

template <typename Dtype>
void PoolingLayer<Dtype>::ForwardMeansOnGpu(const Blob<Dtype>& bottom, Blob<Dtype>* top) {
  const PoolWindows windows = Windows();
  const ChannelLayout layout = StoredOnGpu(bottom);
  const ChannelLayout pooled = layout.WithPlane(pooled_height_, pooled_width_);
  by_cudnn_ =
      MeansByCudnn(layout) && cudnn::Pool<Dtype>({layout.num, channels_, windows},
                                                 bottom.gpu_data(), WriteOnGpu<Dtype>(pooled, top));
  if (by_cudnn_) return;
  VisitOnGpu<Dtype>(layout, [&](auto type) {
    using T = decltype(type);
    const T* x = ReadOnGpu<T>(layout, bottom);
    T* y = WriteOnGpu<T>(pooled, top);
    if (IsWholePlane(windows)) {
      return SumPlanes(layout, x, StoreScaled<T>{1. / layout.area(), y});
    }
    WithPlaneUnits<Dtype>(layout, [&](auto* unit, int units, int) {
      using Unit = std::remove_pointer_t<decltype(unit)>;
      ForElements(
          top->count() / Unit::kSize,
          MeanOfWindow<Unit, Dtype>{PoolUnits(windows, units), AsUnits<Unit>(x), AsUnits<Unit>(y)});
    });
  });
}

template <typename Dtype>
void PoolingLayer<Dtype>::BackwardMeansOnGpu(const Blob<Dtype>& top, Blob<Dtype>* bottom) {
  const PoolWindows windows = Windows();
  const ChannelLayout pooled = StoredOnGpu(top, Part::kDiff);
  const ChannelLayout layout = pooled.WithPlane(height_, width_);
  if (by_cudnn_) {
    const Dtype* dy = top.gpu_diff();
    Dtype* dx = WriteOnGpu<Dtype>(layout.Plain(), bottom, Part::kDiff);
    CHECK(cudnn::PoolBackward<Dtype>({layout.num, channels_, windows}, dy, dx))
        << "cuDNN has no gradient of this pooling: give the layer engine: CAFFE";
    return;
  }
  VisitOnGpu<Dtype>(layout, [&](auto type) {
    using T = decltype(type);
    const T* dy = ReadOnGpu<T>(pooled, top, Part::kDiff);
    T* dx = WriteOnGpu<T>(layout, bottom, Part::kDiff);
    WithPlaneUnits<Dtype>(layout, [&](auto* unit, int units, int) {
      using Unit = std::remove_pointer_t<decltype(unit)>;
      ForElements(bottom->count() / Unit::kSize,
                  DiffOfInput<Unit, Dtype, MeanShare<Unit, Dtype>>{
                      PoolUnits(windows, units), {}, AsUnits<Unit>(dy), AsUnits<Unit>(dx)});
    });
  });
}

template <typename Dtype>
void PoolingLayer<Dtype>::ForwardStochasticOnGpu(const Blob<Dtype>& bottom, Blob<Dtype>* top) {
  CheckNoNegative(bad_window_.Take());
  const bool draw = this->phase_ == TRAIN;
  Dtype* chosen = chosen_.mutable_gpu_data();
  if (draw) caffe_gpu_rng_uniform<Dtype>(top->count(), 0, 1, chosen);
  ForElements(top->count(),
              StochasticWindow<Dtype>{Windows(), draw, bottom.gpu_data(), top->mutable_gpu_data(),
                                      chosen, bad_window_.device()});
}

template <typename Dtype>
void PoolingLayer<Dtype>::Forward_gpu(const vector<Blob<Dtype>*>& bottom,
                                      const vector<Blob<Dtype>*>& top) {
  const auto method = this->layer_param_.pooling_param().pool();
  if (method == PoolingParameter_PoolMethod_MAX) return ForwardMaximaOnGpu(*bottom[0], top);
  if (method == PoolingParameter_PoolMethod_AVE) return ForwardMeansOnGpu(*bottom[0], top[0]);
  ForwardStochasticOnGpu(*bottom[0], top[0]);
}

template <typename Dtype>
void PoolingLayer<Dtype>::ForwardMaximaOnGpu(const Blob<Dtype>& bottom,
                                             const vector<Blob<Dtype>*>& top) {
  const PoolWindows windows = Windows();
  const ChannelLayout layout = StoredOnGpu(bottom);
  const ChannelLayout pooled = layout.WithPlane(pooled_height_, pooled_width_);
  MaskToWrite<Dtype> mask;
  if (rectifies_ || (has_mask_ && FitBytes(windows))) {
    Blob<Dtype>* const kept = has_mask_ ? top[1] : &chosen_;
    mask.bytes = PlacesToWrite<WindowPlaces<Dtype>>(pooled, windows, kept);
  } else if (has_mask_) {
    mask.places = WriteOnGpu<Dtype>(pooled.WithElement(Element::kFloat), top[1]);
  }
  const void* x = ReadBytes(layout, bottom, Part::kData, Place::kGpu);
  MaxPoolOnGpu(layout, windows, x, WriteBytes(pooled, top[0], Part::kData, Place::kGpu), mask,
               rectifies_);
}

template <typename Dtype>
void PoolingLayer<Dtype>::BackwardMaximaOnGpu(const vector<Blob<Dtype>*>& top,
                                              Blob<Dtype>* bottom) {
  const PoolWindows windows = Windows();
  ChannelLayout pooled = StoredOnGpu(*top[0], Part::kDiff);
  const void* x = nullptr;
  MaskToRead<Dtype> mask;
  if (rectifies_) {
    const PlacesStore& kept = KeptPlaces(PlacesOf<WindowPlaces<Dtype>>(chosen_));
    mask.bytes = kept.bytes();
    pooled = kept.layout().WithElement(pooled.element);
  } else if (has_mask_) {
    mask.bytes = PlacesToRead<WindowPlaces<Dtype>>(pooled, windows, *top[1]);
    if (!mask.bytes) mask.places = ReadOnGpu<Dtype>(pooled.WithElement(Element::kFloat), *top[1]);
  } else {
    const ChannelLayout layout = StoredOnGpu(*bottom);
    pooled = layout.WithPlane(pooled_height_, pooled_width_);
    x = ReadBytes(layout, *bottom, Part::kData, Place::kGpu);
    if (!windows.Tile()) {
      // An input would look through all windows that hold it.
      Dtype* places = chosen_.mutable_gpu_data();
      MaxPoolOnGpu<Dtype>(layout, windows, x, nullptr, {places, nullptr}, false);
      mask.places = places;
    }
  }
  const ChannelLayout layout = pooled.WithPlane(height_, width_);
  const void* dy = ReadBytes(pooled, *top[0], Part::kDiff, Place::kGpu);
  MaxPoolBackwardOnGpu(layout, windows, x, mask, dy,
                       WriteBytes(layout, bottom, Part::kDiff, Place::kGpu));
  if (rectifies_) chosen_.data()->Release();
}

template <typename Dtype>
void PoolingLayer<Dtype>::Backward_gpu(const vector<Blob<Dtype>*>& top,
                                       const vector<bool>& propagate_down,
                                       const vector<Blob<Dtype>*>& bottom) {
  if (!propagate_down[0]) return;
  const auto method = this->layer_param_.pooling_param().pool();
  if (method == PoolingParameter_PoolMethod_AVE) return BackwardMeansOnGpu(*top[0], bottom[0]);
  if (method == PoolingParameter_PoolMethod_MAX) return BackwardMaximaOnGpu(top, bottom[0]);
  CHECK(this->phase_ == TRAIN) << "stochastic pooling has a gradient in TRAIN only";
  const Dtype* dy = top[0]->gpu_diff();
  MaxPoolBackwardOnGpu<Dtype>(PlainLayout(*bottom[0]), Windows(), nullptr,
                              {chosen_.gpu_data(), nullptr}, dy,
                              WriteOnGpu<Dtype>(PlainLayout(*bottom[0]), bottom[0], Part::kDiff));
}

INSTANTIATE_LAYER_GPU_FUNCS(PoolingLayer);

}  // namespace caffe
