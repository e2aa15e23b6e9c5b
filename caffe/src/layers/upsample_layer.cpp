#include "caffe/layers/upsample_layer.hpp"

#include <atomic>
#include <climits>
#include <cstdint>

#include "core/channel_layout.hpp"
#include "layers/host_window_places.hpp"

namespace caffe {

namespace {

// Calls body(i, j) for every element i of the small blob and its place j in the large one; throws
// when a place lies outside its plane.
template <typename Dtype, typename Body>
void EachPlace(const ChannelLayout& small, const ChannelLayout& large, const Dtype* places,
               const Body& body) {
  std::atomic<std::ptrdiff_t> bad(-1);
  const Dtype area = large.area();
  const int block = small.block;
  ParallelFor(small.planes(),
              1 + kElementwiseGrain / std::max<std::ptrdiff_t>(1, large.plane_size()),
              [&](std::ptrdiff_t begin, std::ptrdiff_t end) {
                for (std::ptrdiff_t p = begin; p < end; ++p) {
                  const std::ptrdiff_t first = p * small.plane_size();
                  for (std::ptrdiff_t i = first; i < first + small.plane_size(); i += block) {
                    for (int lane = 0; lane < block; ++lane) {
                      const Dtype place = places[i + lane];
                      if (!(place >= 0 && place < area)) {
                        bad = i + lane;
                        return;
                      }
                      body(i + lane, p * large.plane_size() +
                                         static_cast<std::ptrdiff_t>(place) * block + lane);
                    }
                  }
                }
              });
  CHECK(bad == -1) << "the mask holds the place " << places[bad] << ", outside the top's "
                   << large.height << " x " << large.width
                   << " planes; upsample to the size of the blob that was pooled";
}

int Enlarged(int side, int scale, int pad_out) {
  const int64_t enlarged = int64_t(side) * scale - pad_out;
  CHECK(enlarged >= 0 && enlarged <= INT_MAX)
      << side << " pixels enlarged by " << scale << ", less a pad_out of " << pad_out << ", are "
      << enlarged << ": change upsample_param's scale or pad_out";
  return static_cast<int>(enlarged);
}

}  // namespace

template <typename Dtype>
void UpsampleLayer<Dtype>::LayerSetUp(const vector<Blob<Dtype>*>& bottom,
                                      const vector<Blob<Dtype>*>& top) {
  const UpsampleParameter& param = this->layer_param_.upsample_param();
  CHECK(param.has_upsample_h() == param.has_upsample_w())
      << "give both upsample_h and upsample_w, or a scale";
  CHECK(param.has_scale_h() == param.has_scale_w())
      << "give both scale_h and scale_w, or one scale";
  upsample_h_ = param.upsample_h();
  upsample_w_ = param.upsample_w();
  CHECK(!param.has_upsample_h() || (upsample_h_ > 0 && upsample_w_ > 0))
      << "upsample_h and upsample_w must be positive";
  scale_h_ = param.has_scale_h() ? param.scale_h() : param.scale();
  scale_w_ = param.has_scale_w() ? param.scale_w() : param.scale();
  CHECK(scale_h_ > 0 && scale_w_ > 0) << "the scale must be positive";
  pad_out_h_ = param.pad_out_h();
  pad_out_w_ = param.pad_out_w();
}

template <typename Dtype>
void UpsampleLayer<Dtype>::Reshape(const vector<Blob<Dtype>*>& bottom,
                                   const vector<Blob<Dtype>*>& top) {
  CHECK_EQ(bottom[0]->num_axes(), 4)
      << " axes: Upsample takes num x channels x height x width, not " << bottom[0]->shape_string();
  CHECK(bottom[0]->shape() == bottom[1]->shape())
      << "the values have shape " << bottom[0]->shape_string() << ", their places "
      << bottom[1]->shape_string() << "; both come from one Pooling layer's output";
  channels_ = bottom[0]->channels();
  height_ = bottom[0]->height();
  width_ = bottom[0]->width();
  if (!this->layer_param_.upsample_param().has_upsample_h()) {
    upsample_h_ = Enlarged(height_, scale_h_, pad_out_h_);
    upsample_w_ = Enlarged(width_, scale_w_, pad_out_w_);
  }
  top[0]->Reshape(bottom[0]->num(), channels_, upsample_h_, upsample_w_);
}

template <typename Dtype>
PoolWindows UpsampleLayer<Dtype>::WindowsOfPixels() const {
  const auto axis = [](int large, int small) {
    const int side = small > 0 ? (large + small - 1) / small : 1;
    return PoolAxis{large, small, side, side, 0};
  };
  return {axis(upsample_h_, height_), axis(upsample_w_, width_)};
}

template <typename Dtype>
void UpsampleLayer<Dtype>::Forward_cpu(const vector<Blob<Dtype>*>& bottom,
                                       const vector<Blob<Dtype>*>& top) {
  const ChannelLayout small = StoredLayout(*bottom[0]);
  const ChannelLayout large = small.WithPlane(upsample_h_, upsample_w_);
  const PoolWindows windows = WindowsOfPixels();
  const auto* bytes = PlacesToRead<HostWindowPlaces<Dtype>>(small, windows, *bottom[1]);
  if (bytes) {
    return VisitElements<Dtype>(small, [&](auto type) {
      using T = decltype(type);
      FillWindows<Dtype>(large, windows, ReadAs<T>(small, *bottom[0]), bytes,
                         WriteAs<T>(large, top[0]));
    });
  }
  const Dtype* places = ReadIn(small.WithElement(Element::kFloat), *bottom[1]);
  VisitElements<Dtype>(small, [&](auto type) {
    using T = decltype(type);
    const T* x = ReadAs<T>(small, *bottom[0]);
    T* y = WriteAs<T>(large, top[0]);
    ParallelFor(large.size(), 4 * kElementwiseGrain, [=](std::ptrdiff_t begin, std::ptrdiff_t end) {
      std::fill(y + begin, y + end, T(0));
    });
    EachPlace(small, large, places, [=](std::ptrdiff_t i, std::ptrdiff_t j) { y[j] = x[i]; });
  });
}

template <typename Dtype>
void UpsampleLayer<Dtype>::Backward_cpu(const vector<Blob<Dtype>*>& top,
                                        const vector<bool>& propagate_down,
                                        const vector<Blob<Dtype>*>& bottom) {
  if (!propagate_down[0]) return;
  const ChannelLayout large = StoredLayout(*top[0], Part::kDiff);
  const ChannelLayout small = large.WithPlane(height_, width_);
  const PoolWindows windows = WindowsOfPixels();
  const auto* bytes = PlacesToRead<HostWindowPlaces<Dtype>>(small, windows, *bottom[1]);
  if (bytes) {
    return VisitElements<Dtype>(large, [&](auto type) {
      using T = decltype(type);
      GatherFromWindows<Dtype>(large, windows, ReadAs<T>(large, *top[0], Part::kDiff), bytes,
                               WriteAs<T>(small, bottom[0], Part::kDiff));
    });
  }
  const Dtype* places = ReadIn(small.WithElement(Element::kFloat), *bottom[1]);
  VisitElements<Dtype>(large, [&](auto type) {
    using T = decltype(type);
    const T* dy = ReadAs<T>(large, *top[0], Part::kDiff);
    T* dx = WriteAs<T>(small, bottom[0], Part::kDiff);
    EachPlace(small, large, places, [=](std::ptrdiff_t i, std::ptrdiff_t j) { dx[i] = dy[j]; });
  });
}

inline namespace beyond_caffe_1 {

INSTANTIATE_CLASS(UpsampleLayer);
REGISTER_LAYER_CLASS(Upsample);

}  // namespace beyond_caffe_1

}  // namespace caffe
