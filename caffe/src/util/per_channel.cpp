#include "util/per_channel.hpp"

#include "caffe/util/parallel_for.hpp"
#include "util/simd.hpp"

namespace caffe {

namespace {

// Elements of a plane handled together; partial sums this long lose no precision in float.
const int kPiece = 4096;

// A matrix (one value for each channel) is seen as one image with a row of channels for each pixel:
// planes of a single element would be handled one by one.
ChannelLayout Canonical(const ChannelLayout& layout) {
  if (!layout.plain() || layout.area() != 1) return layout;
  return {1, layout.channels, layout.num, 1, layout.channels};
}

// How elements of a plane meet coefficients: element i has the one at i modulo `lanes`.
int LanesOf(const ChannelLayout& layout) {
  return layout.block > 0 && kLanes % layout.block == 0 ? kLanes : layout.block;
}

// Pieces of planes of one layout, and the coefficients for each.
class Pieces {
 public:
  explicit Pieces(const ChannelLayout& layout)
      : layout_(Canonical(layout)),
        lanes_(LanesOf(layout_)),
        piece_(std::max(1, kPiece / lanes_) * std::ptrdiff_t(lanes_)),
        in_plane_((layout_.plane_size() + piece_ - 1) / piece_) {}

  int lanes() const { return lanes_; }
  /// 0 where the blob is empty.
  std::ptrdiff_t count() const { return layout_.planes() * in_plane_; }
  std::ptrdiff_t plane(std::ptrdiff_t piece) const { return piece / in_plane_; }
  std::ptrdiff_t begin(std::ptrdiff_t piece) const {
    return plane(piece) * layout_.plane_size() + piece % in_plane_ * piece_;
  }
  std::ptrdiff_t length(std::ptrdiff_t piece) const {
    return std::min(piece_, layout_.plane_size() - piece % in_plane_ * piece_);
  }

  /// For each block of channels, `lanes` coefficients; the filling has 0, and so has every channel
  /// when `values` is empty and `otherwise` 0.
  template <typename Dtype>
  vector<Dtype> Coefficients(const vector<Dtype>& values, Dtype otherwise) const {
    vector<Dtype> spread(size_t(layout_.blocks()) * lanes_);
    for (size_t i = 0; i < spread.size(); ++i) {
      const int channel = static_cast<int>(i / lanes_) * layout_.block + i % lanes_ % layout_.block;
      if (channel < layout_.channels) spread[i] = values.empty() ? otherwise : values[channel];
    }
    return spread;
  }

  /// Coefficients of a piece's block.
  template <typename Dtype>
  const Dtype* At(const vector<Dtype>& spread, std::ptrdiff_t piece) const {
    return spread.data() + plane(piece) % layout_.blocks() * lanes_;
  }

  /// Calls body(piece) for all of them, on several threads.
  template <typename Body>
  void ForEach(const Body& body) const {
    ParallelFor(count(), kElementwiseGrain / kPiece,
                [&](std::ptrdiff_t first, std::ptrdiff_t last) {
                  for (std::ptrdiff_t piece = first; piece < last; ++piece) body(piece);
                });
  }

  /// Sums of kernel(begin, length, lane sums) over all pieces, for each channel.
  template <typename Dtype, typename Kernel>
  vector<double> Sum(const Kernel& kernel) const {
    vector<Dtype> partial(count() * lanes_);
    ForEach([&](std::ptrdiff_t p) { kernel(p, partial.data() + p * lanes_); });
    vector<double> sums(layout_.channels);
    for (std::ptrdiff_t p = 0; p < count(); ++p) {
      const int first = layout_.first_channel(plane(p));
      const int channels = layout_.channels_of_plane(plane(p));
      for (int lane = 0; lane < lanes_; ++lane) {
        if (lane % layout_.block < channels) {
          sums[first + lane % layout_.block] += partial[p * lanes_ + lane];
        }
      }
    }
    return sums;
  }

 private:
  ChannelLayout layout_;
  int lanes_;
  std::ptrdiff_t piece_;
  std::ptrdiff_t in_plane_;
};

// ---- kernels: n elements, coefficients repeating after `lanes` ----

// Runs step(i, lane) for single elements.
template <typename Step>
inline void EachElement(std::ptrdiff_t first, std::ptrdiff_t n, int lanes, const Step& step) {
  for (std::ptrdiff_t i = first; i < n; i += lanes) {
    const int last = static_cast<int>(std::min<std::ptrdiff_t>(lanes, n - i));
    for (int lane = 0; lane < last; ++lane) step(i + lane, lane);
  }
}

template <typename Dtype>
CAFFE_SIMD_CLONES void Scale(std::ptrdiff_t n, int lanes, const Dtype* x, const Dtype* a,
                             const Dtype* b, Dtype* y) {
  using L = Lanes<Dtype>;
  std::ptrdiff_t i = 0;
  if (lanes == kLanes) {
    const typename L::Vector va = L::At(a), vb = L::At(b);
    for (; i + kLanes <= n; i += kLanes) L::At(y + i) = L::At(x + i) * va + vb;
  }
  EachElement(i, n, lanes, [=](std::ptrdiff_t k, int lane) { y[k] = x[k] * a[lane] + b[lane]; });
}

template <typename Dtype>
CAFFE_SIMD_CLONES void Combine(std::ptrdiff_t n, int lanes, const Dtype* u, const Dtype* a,
                               const Dtype* v, const Dtype* b, const Dtype* c, Dtype* y) {
  using L = Lanes<Dtype>;
  std::ptrdiff_t i = 0;
  if (lanes == kLanes) {
    const typename L::Vector va = L::At(a), vb = L::At(b), vc = L::At(c);
    for (; i + kLanes <= n; i += kLanes) {
      L::At(y + i) = L::At(u + i) * va + L::At(v + i) * vb + vc;
    }
  }
  EachElement(i, n, lanes, [=](std::ptrdiff_t k, int lane) {
    y[k] = u[k] * a[lane] + v[k] * b[lane] + c[lane];
  });
}

template <typename Dtype>
CAFFE_SIMD_CLONES void Sums(std::ptrdiff_t n, int lanes, const Dtype* x, Dtype* sums) {
  using L = Lanes<Dtype>;
  std::ptrdiff_t i = 0;
  if (lanes == kLanes) {
    typename L::Vector sum = L::At(sums);
    for (; i + kLanes <= n; i += kLanes) sum += L::At(x + i);
    L::At(sums) = sum;
  }
  EachElement(i, n, lanes, [=](std::ptrdiff_t k, int lane) { sums[lane] += x[k]; });
}

template <typename Dtype>
CAFFE_SIMD_CLONES void Dots(std::ptrdiff_t n, int lanes, const Dtype* x, const Dtype* y,
                            Dtype* sums) {
  using L = Lanes<Dtype>;
  std::ptrdiff_t i = 0;
  if (lanes == kLanes) {
    typename L::Vector sum = L::At(sums);
    for (; i + kLanes <= n; i += kLanes) sum += L::At(x + i) * L::At(y + i);
    L::At(sums) = sum;
  }
  EachElement(i, n, lanes, [=](std::ptrdiff_t k, int lane) { sums[lane] += x[k] * y[k]; });
}

template <typename Dtype>
CAFFE_SIMD_CLONES void Squares(std::ptrdiff_t n, int lanes, const Dtype* x, const Dtype* centre,
                               Dtype* sums) {
  using L = Lanes<Dtype>;
  std::ptrdiff_t i = 0;
  if (lanes == kLanes) {
    const typename L::Vector middle = L::At(centre);
    typename L::Vector sum = L::At(sums);
    for (; i + kLanes <= n; i += kLanes) {
      const typename L::Vector distance = L::At(x + i) - middle;
      sum += distance * distance;
    }
    L::At(sums) = sum;
  }
  EachElement(i, n, lanes, [=](std::ptrdiff_t k, int lane) {
    sums[lane] += (x[k] - centre[lane]) * (x[k] - centre[lane]);
  });
}

}  // namespace

template <typename Dtype>
vector<double> SumPerChannel(const ChannelLayout& layout, const Dtype* x) {
  const Pieces pieces(layout);
  return pieces.Sum<Dtype>([&](std::ptrdiff_t p, Dtype* sums) {
    Sums(pieces.length(p), pieces.lanes(), x + pieces.begin(p), sums);
  });
}

template <typename Dtype>
vector<double> DotPerChannel(const ChannelLayout& layout, const Dtype* x, const Dtype* y) {
  const Pieces pieces(layout);
  return pieces.Sum<Dtype>([&](std::ptrdiff_t p, Dtype* sums) {
    const std::ptrdiff_t begin = pieces.begin(p);
    Dots(pieces.length(p), pieces.lanes(), x + begin, y + begin, sums);
  });
}

template <typename Dtype>
vector<double> SquaresPerChannel(const ChannelLayout& layout, const Dtype* x,
                                 const vector<Dtype>& centre) {
  const Pieces pieces(layout);
  const vector<Dtype> middle = pieces.Coefficients(centre, Dtype(0));
  return pieces.Sum<Dtype>([&](std::ptrdiff_t p, Dtype* sums) {
    Squares(pieces.length(p), pieces.lanes(), x + pieces.begin(p), pieces.At(middle, p), sums);
  });
}

template <typename Dtype>
void ScalePerChannel(const ChannelLayout& layout, const Dtype* x, const vector<Dtype>& a,
                     const vector<Dtype>& b, Dtype* y) {
  const Pieces pieces(layout);
  const vector<Dtype> factor = pieces.Coefficients(a, Dtype(1));
  const vector<Dtype> offset = pieces.Coefficients(b, Dtype(0));
  pieces.ForEach([&](std::ptrdiff_t p) {
    const std::ptrdiff_t begin = pieces.begin(p);
    Scale(pieces.length(p), pieces.lanes(), x + begin, pieces.At(factor, p), pieces.At(offset, p),
          y + begin);
  });
}

template <typename Dtype>
void CombinePerChannel(const ChannelLayout& layout, const Dtype* u, const vector<Dtype>& a,
                       const Dtype* v, const vector<Dtype>& b, const vector<Dtype>& c, Dtype* y) {
  const Pieces pieces(layout);
  const vector<Dtype> factor_u = pieces.Coefficients(a, Dtype(1));
  const vector<Dtype> factor_v = pieces.Coefficients(b, Dtype(1));
  const vector<Dtype> offset = pieces.Coefficients(c, Dtype(0));
  pieces.ForEach([&](std::ptrdiff_t p) {
    const std::ptrdiff_t begin = pieces.begin(p);
    Combine(pieces.length(p), pieces.lanes(), u + begin, pieces.At(factor_u, p), v + begin,
            pieces.At(factor_v, p), pieces.At(offset, p), y + begin);
  });
}

#define INSTANTIATE_PER_CHANNEL(Dtype)                                                             \
  template vector<double> SumPerChannel<Dtype>(const ChannelLayout&, const Dtype*);                \
  template vector<double> DotPerChannel<Dtype>(const ChannelLayout&, const Dtype*, const Dtype*);  \
  template vector<double> SquaresPerChannel<Dtype>(const ChannelLayout&, const Dtype*,             \
                                                   const vector<Dtype>&);                          \
  template void ScalePerChannel<Dtype>(const ChannelLayout&, const Dtype*, const vector<Dtype>&,   \
                                       const vector<Dtype>&, Dtype*);                              \
  template void CombinePerChannel<Dtype>(const ChannelLayout&, const Dtype*, const vector<Dtype>&, \
                                         const Dtype*, const vector<Dtype>&, const vector<Dtype>&, \
                                         Dtype*)
INSTANTIATE_PER_CHANNEL(float);
INSTANTIATE_PER_CHANNEL(double);

}  // namespace caffe
