#include "caffe/layers/pooling_layer.hpp"
#include "cudnn/pooling.hpp"
#include "layers/pooling_kernels.hpp"
#include "layers/stochastic_window.hpp"
#include "util/device_loops.cuh"
#include "util/divisor.hpp"

namespace caffe {

namespace {

// Where element i of planes one behind the other is.
class Planes {
 public:
  Planes(int height, int width) : by_area_(height * width), by_width_(width) {}

  CAFFE_HOST_DEVICE int Plane(int i) const { return by_area_.Quotient(i); }
  CAFFE_HOST_DEVICE int Place(int i) const { return by_area_.Remainder(i); }
  CAFFE_HOST_DEVICE int Row(int place) const { return by_width_.Quotient(place); }
  CAFFE_HOST_DEVICE int Column(int place) const { return by_width_.Remainder(place); }

 private:
  Divisor by_area_, by_width_;
};

struct PoolPlanes {
  PoolWindows windows;
  Planes in, out;

  explicit PoolPlanes(const PoolWindows& windows)
      : windows(windows), in(windows.h.in, windows.w.in), out(windows.h.out, windows.w.out) {}

  CAFFE_HOST_DEVICE std::ptrdiff_t outputs() const {
    return std::ptrdiff_t(windows.h.out) * windows.w.out;
  }
  CAFFE_HOST_DEVICE std::ptrdiff_t inputs() const {
    return std::ptrdiff_t(windows.h.in) * windows.w.in;
  }
};

template <typename Dtype>
struct MaxOfWindow {
  PoolPlanes planes;
  const Dtype* x;
  Dtype* y;
  Dtype* where;
  CAFFE_HOST_DEVICE void operator()(int o) const {
    const PoolAxis& h = planes.windows.h;
    const PoolAxis& w = planes.windows.w;
    const int place = planes.out.Place(o);
    const int row = planes.out.Row(place), column = planes.out.Column(place);
    const Dtype* plane = x + planes.out.Plane(o) * planes.inputs();
    const int first = w.Begin(column), last = w.End(column);
    int best = h.Begin(row) * w.in + first;
    Dtype value = plane[best];
    for (int r = h.Begin(row); r < h.End(row); ++r) {
      for (int i = r * w.in + first; i < r * w.in + last; ++i) {
        if (plane[i] > value) {
          value = plane[i];
          best = i;
        }
      }
    }
    if (y) y[o] = value;
    if (where) where[o] = static_cast<Dtype>(best);
  }
};

template <typename Dtype>
struct MeanOfWindow {
  PoolPlanes planes;
  const Dtype* x;
  Dtype* y;
  CAFFE_HOST_DEVICE void operator()(int o) const {
    const PoolAxis& h = planes.windows.h;
    const PoolAxis& w = planes.windows.w;
    const int place = planes.out.Place(o);
    const int row = planes.out.Row(place), column = planes.out.Column(place);
    const Dtype* plane = x + planes.out.Plane(o) * planes.inputs();
    Dtype sum = 0;
    for (int r = h.Begin(row); r < h.End(row); ++r) {
      for (int c = w.Begin(column); c < w.End(column); ++c) sum += plane[r * w.in + c];
    }
    y[o] = sum / (h.PaddedLength(row) * w.PaddedLength(column));
  }
};

// What the input at `place` of a plane gets of an output's diff: all, where it was the maximum.
template <typename Dtype>
struct MaxShare {
  const Dtype* where;
  CAFFE_HOST_DEVICE Dtype operator()(const PoolWindows&, int place, std::ptrdiff_t o, int, int,
                                     Dtype dy) const {
    return static_cast<int>(where[o]) == place ? dy : Dtype(0);
  }
};

// Or a mean's equal part.
template <typename Dtype>
struct MeanShare {
  CAFFE_HOST_DEVICE Dtype operator()(const PoolWindows& windows, int, std::ptrdiff_t, int row,
                                     int column, Dtype dy) const {
    return dy / (windows.h.PaddedLength(row) * windows.w.PaddedLength(column));
  }
};

// Every input gathers from the windows that hold it, in their order: no two threads add to one
// place, so that the sums are the same each time.
template <typename Dtype, typename Share>
struct DiffOfInput {
  PoolPlanes planes;
  Share share;
  const Dtype* dy;
  Dtype* dx;
  CAFFE_HOST_DEVICE void operator()(int i) const {
    const PoolAxis& h = planes.windows.h;
    const PoolAxis& w = planes.windows.w;
    const int place = planes.in.Place(i);
    const std::ptrdiff_t first = planes.in.Plane(i) * planes.outputs();
    const int row = planes.in.Row(place), column = planes.in.Column(place);
    Dtype sum = 0;
    for (int oh = h.FirstOutput(row); oh < h.LastOutput(row); ++oh) {
      for (int ow = w.FirstOutput(column); ow < w.LastOutput(column); ++ow) {
        const std::ptrdiff_t o = first + oh * w.out + ow;
        sum += share(planes.windows, place, o, oh, ow, dy[o]);
      }
    }
    dx[i] = sum;
  }
};

}  // namespace

template <typename Dtype>
bool PoolingLayer<Dtype>::ForwardByCudnn(const Blob<Dtype>& bottom, Blob<Dtype>* top) {
  const PoolingParameter& param = this->layer_param_.pooling_param();
  if (has_mask_ || param.pool() == PoolingParameter_PoolMethod_STOCHASTIC ||
      param.engine() == PoolingParameter_Engine_CAFFE) {
    return false;
  }
  return cudnn::Pool<Dtype>({bottom.num(), channels_, Windows(), is_max()}, bottom.gpu_data(),
                            top->mutable_gpu_data());
}

template <typename Dtype>
bool PoolingLayer<Dtype>::BackwardByCudnn(const Dtype* dy, Blob<Dtype>* bottom) {
  Dtype* dx = bottom->mutable_gpu_diff();
  // A mean's gradient depends on neither input nor result, which may be gone; cuDNN wants memory of
  // their sizes all the same.
  const Dtype* x = dx;
  const Dtype* y = dy;
  if (is_max()) {
    if (!chosen_known_ && !ForwardByCudnn(*bottom, &chosen_)) return false;
    chosen_known_ = true;
    x = bottom->gpu_data();
    y = chosen_.gpu_data();
  }
  return cudnn::PoolBackward<Dtype>({bottom->num(), channels_, Windows(), is_max()}, x, y, dy, dx);
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
  // In TEST nobody wants a gradient as a rule; Backward makes up for it if need be. In TRAIN the
  // maxima are kept: a layer in place may overwrite the top.
  const bool keep = is_max() && this->phase_ == TRAIN;
  by_cudnn_ = ForwardByCudnn(*bottom[0], keep ? &chosen_ : top[0]);
  if (by_cudnn_) {
    chosen_known_ = keep;
    if (keep) caffe_copy(top[0]->count(), chosen_.gpu_data(), top[0]->mutable_gpu_data());
    return;
  }
  const PoolPlanes planes(Windows());
  const int count = top[0]->count();
  switch (this->layer_param_.pooling_param().pool()) {
    case PoolingParameter_PoolMethod_MAX: {
      chosen_known_ = !has_mask_ && keep;
      Dtype* where = nullptr;
      if (has_mask_) where = top[1]->mutable_gpu_data();
      if (chosen_known_) where = chosen_.mutable_gpu_data();
      ForElements(count, MaxOfWindow<Dtype>{planes, bottom[0]->gpu_data(),
                                            top[0]->mutable_gpu_data(), where});
      break;
    }
    case PoolingParameter_PoolMethod_AVE:
      ForElements(count,
                  MeanOfWindow<Dtype>{planes, bottom[0]->gpu_data(), top[0]->mutable_gpu_data()});
      break;
    default:
      ForwardStochasticOnGpu(*bottom[0], top[0]);
  }
}

template <typename Dtype>
void PoolingLayer<Dtype>::Backward_gpu(const vector<Blob<Dtype>*>& top,
                                       const vector<bool>& propagate_down,
                                       const vector<Blob<Dtype>*>& bottom) {
  if (!propagate_down[0]) return;
  const Dtype* dy = top[0]->gpu_diff();
  if (by_cudnn_) {
    CHECK(BackwardByCudnn(dy, bottom[0]))
        << "cuDNN has no gradient of this pooling: give the layer engine: CAFFE";
    return;
  }
  const PoolPlanes planes(Windows());
  const auto method = this->layer_param_.pooling_param().pool();
  Dtype* dx = bottom[0]->mutable_gpu_diff();
  if (method == PoolingParameter_PoolMethod_AVE) {
    ForElements(bottom[0]->count(), DiffOfInput<Dtype, MeanShare<Dtype>>{planes, {}, dy, dx});
    return;
  }
  if (method == PoolingParameter_PoolMethod_STOCHASTIC) {
    CHECK_EQ(this->phase_, TRAIN) << ": stochastic pooling has a gradient in TRAIN only";
  } else if (!has_mask_ && !chosen_known_) {
    ForElements(top[0]->count(), MaxOfWindow<Dtype>{planes, bottom[0]->gpu_data(), nullptr,
                                                    chosen_.mutable_gpu_data()});
    chosen_known_ = true;
  }
  const Blob<Dtype>& chosen = has_mask_ ? *top[1] : chosen_;
  ForElements(bottom[0]->count(),
              DiffOfInput<Dtype, MaxShare<Dtype>>{planes, {chosen.gpu_data()}, dy, dx});
}

INSTANTIATE_LAYER_GPU_FUNCS(PoolingLayer);

}  // namespace caffe
