#include "caffe/layers/pooling_layer.hpp"

#include <limits>

#include "layers/exact_class.hpp"
#include "layers/host_window_places.hpp"
#include "layers/pooling_kernels.hpp"
#include "layers/stochastic_window.hpp"
#include "layers/window_params.hpp"

namespace caffe {

namespace {

int PooledSize(int in, int kernel, int stride, int pad, PoolingParameter_RoundMode round_mode) {
  const int room = in + 2 * pad - kernel;
  const bool up = round_mode == PoolingParameter_RoundMode_CEIL;
  // Rounded up, a window that reaches beyond a small image by less than a stride is one, too.
  CHECK(room > (up ? -stride : -1))
      << "the pooling window is larger than its padded input; use a larger input or a smaller "
         "kernel_size";
  int size = (up ? (room + stride - 1) / stride : room / stride) + 1;
  // A window has to start inside the image, or in the padding before it.
  if ((size - 1) * stride >= in + pad) --size;
  return size;
}

}  // namespace

template <typename Dtype>
void PoolingLayer<Dtype>::LayerSetUp(const vector<Blob<Dtype>*>& bottom,
                                     const vector<Blob<Dtype>*>& top) {
  const PoolingParameter& param = this->layer_param_.pooling_param();
  global_pooling_ = param.global_pooling();
  round_mode_ = param.round_mode();
  const PoolingWindow window = ReadWindowParams(param);
  kernel_h_ = window.kernel[0];
  kernel_w_ = window.kernel[1];
  stride_h_ = window.stride[0];
  stride_w_ = window.stride[1];
  pad_h_ = window.pad[0];
  pad_w_ = window.pad[1];
}

template <typename Dtype>
void PoolingLayer<Dtype>::Reshape(const vector<Blob<Dtype>*>& bottom,
                                  const vector<Blob<Dtype>*>& top) {
  CHECK_EQ(bottom[0]->num_axes(), 4)
      << " axes: Pooling takes num x channels x height x width, not " << bottom[0]->shape_string();
  channels_ = bottom[0]->channels();
  height_ = bottom[0]->height();
  width_ = bottom[0]->width();
  CHECK(height_ > 0 && width_ > 0)
      << "there is nothing to pool in planes of a bottom of shape " << bottom[0]->shape_string();
  if (global_pooling_) {
    kernel_h_ = height_;
    kernel_w_ = width_;
  }
  CHECK_LE((height_ + 2 * int64_t(pad_h_)) * (width_ + 2 * int64_t(pad_w_)), kLargestWindow)
      << " pixels of a padded plane are too many for pooling";
  pooled_height_ = PooledSize(height_, kernel_h_, stride_h_, pad_h_, round_mode_);
  pooled_width_ = PooledSize(width_, kernel_w_, stride_w_, pad_w_, round_mode_);
  for (Blob<Dtype>* blob : top) {
    blob->Reshape(bottom[0]->num(), channels_, pooled_height_, pooled_width_);
  }
  has_mask_ = top.size() > 1;
  // Dtype holds whole numbers up to this exactly.
  const int64_t most = int64_t(1) << std::numeric_limits<Dtype>::digits;
  CHECK(!KeepsPlacesInPlanes() || int64_t(height_) * width_ <= most)
      << "planes of " << height_ << " x " << width_ << " pixels are too large for pooling that "
      << "keeps the places of what it chose, as floating point numbers";
  chosen_.ReshapeLike(*top[0]);
}

template <typename Dtype>
bool PoolingLayer<Dtype>::KeepsPlacesInPlanes() const {
  const auto method = this->layer_param_.pooling_param().pool();
  return method == PoolingParameter_PoolMethod_STOCHASTIC ||
         (is_max() && (has_mask_ || !Windows().Tile()));
}

template <typename Dtype>
PoolWindows PoolingLayer<Dtype>::Windows() const {
  return {{height_, pooled_height_, kernel_h_, stride_h_, pad_h_},
          {width_, pooled_width_, kernel_w_, stride_w_, pad_w_}};
}

template <typename Dtype>
bool PoolingLayer<Dtype>::RectifyDiff() {
  // Whatever the size of the bottom will be. (Rounded down, windows may leave out its edge.)
  const bool tiles = !global_pooling_ && round_mode_ == PoolingParameter_RoundMode_CEIL &&
                     FitBytes(Windows()) && kernel_h_ * kernel_w_ <= kNoPlace;
  rectifies_ = is_max() && !has_mask_ && tiles && IsExactly<PoolingLayer>(*this);
  return rectifies_;
}

template <typename Dtype>
const PlacesStore& PoolingLayer<Dtype>::KeptPlaces(const PlacesStore* places) const {
  CHECK(places && places->Has(places->layout(), Windows()))
      << "this pooling layer keeps the places of its maxima only until the next Backward: run "
         "Forward again first, or set blob_lifetime: KEEP in the net (release_blobs: false in the "
         "solver)";
  return *places;
}

template <typename Dtype>
void PoolingLayer<Dtype>::Forward_cpu(const vector<Blob<Dtype>*>& bottom,
                                      const vector<Blob<Dtype>*>& top) {
  switch (this->layer_param_.pooling_param().pool()) {
    case PoolingParameter_PoolMethod_MAX:
      return ForwardMaxima(*bottom[0], top);
    case PoolingParameter_PoolMethod_AVE:
      return ForwardMeans(*bottom[0], top[0]);
    case PoolingParameter_PoolMethod_STOCHASTIC:
      return ForwardStochastic(*bottom[0], top[0]);
  }
}

template <typename Dtype>
void PoolingLayer<Dtype>::ForwardMeans(const Blob<Dtype>& bottom, Blob<Dtype>* top) {
  const ChannelLayout layout = LayoutOf(bottom);
  const ChannelLayout pooled = layout.WithPlane(pooled_height_, pooled_width_);
  const Dtype* x = ReadIn(layout, bottom);
  AveragePool(layout, Windows(), x, WriteIn(pooled, top));
}

template <typename Dtype>
void PoolingLayer<Dtype>::ForwardMaxima(const Blob<Dtype>& bottom,
                                        const vector<Blob<Dtype>*>& top) {
  const PoolWindows windows = Windows();
  const ChannelLayout stored = StoredLayout(bottom);
  const ChannelLayout pooled = LayoutOf(bottom).WithPlane(pooled_height_, pooled_width_);
  if (rectifies_ || (has_mask_ && KeepsPlaces(stored, windows))) {
    Blob<Dtype>* const mask = has_mask_ ? top[1] : &chosen_;
    VisitElements<Dtype>(stored, [&](auto type) {
      using T = decltype(type);
      const T* x = ReadAs<T>(stored, bottom);
      T* y = WriteAs<T>(pooled.WithElement(stored.element), top[0]);
      MaximaAndPlaces<Dtype>(stored, windows, rectifies_, x, y,
                             PlacesToWrite<HostWindowPlaces<Dtype>>(pooled, windows, mask));
    });
    return;
  }
  // In TEST nobody wants a gradient as a rule, and from windows that do not overlap Backward learns
  // the places in passing.
  chosen_known_ = !has_mask_ && this->phase_ == TRAIN && !windows.Tile();
  Dtype* where = nullptr;
  if (has_mask_) where = WriteIn(pooled, top[1]);
  if (chosen_known_) where = WriteIn(pooled, &chosen_);
  VisitElements<Dtype>(stored, [&](auto type) {
    using T = decltype(type);
    const T* x = ReadAs<T>(stored, bottom);
    MaxPool(stored, windows, x, WriteAs<T>(pooled.WithElement(stored.element), top[0]), where);
  });
}

template <typename Dtype>
void PoolingLayer<Dtype>::ForwardStochastic(const Blob<Dtype>& bottom, Blob<Dtype>* top) {
  const bool draw = this->phase_ == TRAIN;
  Dtype* chosen = chosen_.mutable_cpu_data();
  if (draw) caffe_rng_uniform<Dtype>(top->count(), 0, 1, chosen);
  int bad = 0;
  const StochasticWindow<Dtype> pool = {Windows(), draw, bottom.cpu_data(), top->mutable_cpu_data(),
                                        chosen,    &bad};
  for (int o = 0; o < top->count(); ++o) pool(o);
  CheckNoNegative(bad);
}

template <typename Dtype>
void PoolingLayer<Dtype>::CheckNoNegative(int bad) const {
  CHECK(bad == 0) << "a window holds negative values, which stochastic pooling does not take; "
                  << "put a ReLU before it";
}

template <typename Dtype>
void PoolingLayer<Dtype>::Backward_cpu(const vector<Blob<Dtype>*>& top,
                                       const vector<bool>& propagate_down,
                                       const vector<Blob<Dtype>*>& bottom) {
  if (!propagate_down[0]) return;
  switch (this->layer_param_.pooling_param().pool()) {
    case PoolingParameter_PoolMethod_MAX:
      return BackwardMaxima(top, bottom[0]);
    case PoolingParameter_PoolMethod_AVE:
      return BackwardMeans(*top[0], bottom[0]);
    case PoolingParameter_PoolMethod_STOCHASTIC:
      CHECK(this->phase_ == TRAIN) << "stochastic pooling has a gradient in TRAIN only";
      return BackwardChosen(*top[0], chosen_, bottom[0]);
  }
}

template <typename Dtype>
void PoolingLayer<Dtype>::BackwardMaxima(const vector<Blob<Dtype>*>& top, Blob<Dtype>* bottom) {
  if (BackwardPlaces(top, bottom)) return;
  if (has_mask_) return BackwardChosen(*top[0], *top[1], bottom);
  if (Windows().Tile()) return BackwardTiles(*top[0], bottom);
  if (!chosen_known_) FindMaxima(*bottom);
  BackwardChosen(*top[0], chosen_, bottom);
}

template <typename Dtype>
bool PoolingLayer<Dtype>::BackwardPlaces(const vector<Blob<Dtype>*>& top, Blob<Dtype>* bottom) {
  const PoolWindows windows = Windows();
  const PlacesStore* places = nullptr;
  if (has_mask_) places = PlacesOf<HostWindowPlaces<Dtype>>(*top[1]);
  if (rectifies_) places = &KeptPlaces(PlacesOf<HostWindowPlaces<Dtype>>(chosen_));
  if (!places || !places->Has(places->layout(), windows)) return false;
  const Element element = StoredLayout(*top[0], Part::kDiff).element;
  const ChannelLayout pooled = places->layout().WithElement(element);
  const ChannelLayout layout = pooled.WithPlane(height_, width_);
  VisitElements<Dtype>(pooled, [&](auto type) {
    using T = decltype(type);
    FillWindows<Dtype>(layout, windows, ReadAs<T>(pooled, *top[0], Part::kDiff), places->bytes(),
                       WriteAs<T>(layout, bottom, Part::kDiff));
  });
  if (rectifies_) chosen_.data()->Release();
  return true;
}

template <typename Dtype>
void PoolingLayer<Dtype>::BackwardTiles(const Blob<Dtype>& top, Blob<Dtype>* bottom) {
  const ChannelLayout layout = StoredLayout(*bottom);
  const ChannelLayout pooled = layout.WithPlane(pooled_height_, pooled_width_);
  VisitElements<Dtype>(layout, [&](auto type) {
    using T = decltype(type);
    MaxPoolBackwardOfTiles<Dtype>(layout, Windows(), ReadAs<T>(layout, *bottom),
                                  ReadAs<T>(pooled, top, Part::kDiff),
                                  WriteAs<T>(layout, bottom, Part::kDiff));
  });
}

template <typename Dtype>
void PoolingLayer<Dtype>::FindMaxima(const Blob<Dtype>& bottom) {
  const ChannelLayout layout = LayoutOf(bottom);
  const ChannelLayout pooled = layout.WithPlane(pooled_height_, pooled_width_);
  const Dtype* x = ReadIn(layout, bottom);
  MaxPool<Dtype, Dtype>(layout, Windows(), x, nullptr, WriteIn(pooled, &chosen_));
  chosen_known_ = true;
}

template <typename Dtype>
void PoolingLayer<Dtype>::BackwardChosen(const Blob<Dtype>& top, const Blob<Dtype>& chosen,
                                         Blob<Dtype>* bottom) {
  const PoolWindows windows = Windows();
  const ChannelLayout places = LayoutOf(chosen);
  // Where windows overlap, diffs are added up: in float.
  const Element element = windows.Tile() ? StoredLayout(top, Part::kDiff).element : Element::kFloat;
  const ChannelLayout pooled = places.WithElement(element);
  const ChannelLayout layout = pooled.WithPlane(height_, width_);
  VisitElements<Dtype>(pooled, [&](auto type) {
    using T = decltype(type);
    const T* dy = ReadAs<T>(pooled, top, Part::kDiff);
    T* dx = WriteAs<T>(layout, bottom, Part::kDiff);
    MaxPoolBackward(layout, windows, dy, ReadIn(places, chosen), dx);
  });
}

template <typename Dtype>
void PoolingLayer<Dtype>::BackwardMeans(const Blob<Dtype>& top, Blob<Dtype>* bottom) {
  const ChannelLayout pooled = LayoutOf(top, Part::kDiff);
  const ChannelLayout layout = pooled.WithPlane(height_, width_);
  const Dtype* dy = ReadIn(pooled, top, Part::kDiff);
  AveragePoolBackward(layout, Windows(), dy, WriteIn(layout, bottom, Part::kDiff));
}

INSTANTIATE_CLASS(PoolingLayer);
REGISTER_LAYER_CLASS(Pooling);

}  // namespace caffe
