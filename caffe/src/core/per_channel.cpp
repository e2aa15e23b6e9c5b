#include "core/per_channel.hpp"

#include "util/rows.hpp"
#include "util/simd.hpp"

namespace caffe {

namespace {

// Elements of a plane handled together; partial sums this long lose no precision in float.
const int kPiece = 4096;
// So many in each lane, where lanes are added up: with a thousand channels side by side the sums of
// shorter pieces would take more memory than the elements do.
const int kSummed = 128;

// A matrix (one value for each channel) is seen as one image with a row of channels for each pixel:
// planes of a single element would be handled one by one.
ChannelLayout Canonical(const ChannelLayout& layout) {
  if (!layout.plain() || layout.area() != 1 || layout.channels == 0) return layout;
  return {1, layout.channels, layout.num, 1, layout.channels};
}

// How elements of a plane meet coefficients: element i has the one at i modulo `lanes`.
int LanesOf(const ChannelLayout& layout) {
  return layout.block > 0 && kLanes % layout.block == 0 ? kLanes : layout.block;
}

// Pieces of planes of one layout, and the coefficients for each.
class PlaneParts {
 public:
  explicit PlaneParts(const ChannelLayout& layout, int least_in_lane = 1)
      : layout_(Canonical(layout)),
        lanes_(LanesOf(layout_)),
        piece_(std::max(least_in_lane, kPiece / lanes_) * std::ptrdiff_t(lanes_)),
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
    ForRows(count(), std::min(piece_, layout_.plane_size()), body);
  }

  /// Sums of kernel(piece, lane sums) over all pieces, for each channel.
  template <typename Dtype, typename Kernel>
  vector<double> Sum(const Kernel& kernel) const {
    vector<Dtype> partial(count() * lanes_);
    ForEach([&](std::ptrdiff_t p) { kernel(p, partial.data() + p * lanes_); });
    return AddUp(partial);
  }

  /// Sums for each channel of the lane sums of all pieces, in their order.
  template <typename Dtype>
  vector<double> AddUp(const vector<Dtype>& partial) const {
    vector<double> sums(layout_.channels);
    ForEachLane([&](std::ptrdiff_t p, int lane, int c) { sums[c] += partial[p * lanes_ + lane]; });
    return sums;
  }

  /// Calls body(piece, lane, channel) for all that are not filling, in their order.
  template <typename Body>
  void ForEachLane(const Body& body) const {
    for (std::ptrdiff_t p = 0; p < count(); ++p) {
      const int first = layout_.first_channel(plane(p));
      const int channels = layout_.channels_of_plane(plane(p));
      for (int start = 0; start < lanes_; start += layout_.block) {
        for (int c = 0; c < channels; ++c) body(p, start + c, first + c);
      }
    }
  }

  /// Elements of a piece in a lane.
  std::ptrdiff_t InLane(std::ptrdiff_t piece, int lane) const {
    return (length(piece) - lane + lanes_ - 1) / lanes_;
  }

 private:
  ChannelLayout layout_;
  int lanes_;
  std::ptrdiff_t piece_;
  std::ptrdiff_t in_plane_;
};

// ---- kernels: n elements, coefficients repeating after `lanes` ----

// The elements that vectors handle: whole rows of lanes. A piece stays in the cache while they take
// kLanes lanes after the others.
inline std::ptrdiff_t InVectors(std::ptrdiff_t n, int lanes) {
  return lanes % kLanes == 0 ? n / lanes * lanes : 0;
}

// Runs step(i, lane) for single elements.
template <typename Step>
inline void EachElement(std::ptrdiff_t first, std::ptrdiff_t n, int lanes, const Step& step) {
  for (std::ptrdiff_t i = first; i < n; i += lanes) {
    const int last = static_cast<int>(std::min<std::ptrdiff_t>(lanes, n - i));
    for (int lane = 0; lane < last; ++lane) step(i + lane, lane);
  }
}

template <typename T, typename C>
CAFFE_SIMD_CLONES void Scale(std::ptrdiff_t n, int lanes, const T* x, const C* a, const C* b,
                             C slope, T* y) {
  using L = Lanes<C>;
  const std::ptrdiff_t whole = InVectors(n, lanes);
  for (int lane = 0; whole > 0 && lane < lanes; lane += kLanes) {
    const typename L::Vector va = L::At(a + lane), vb = L::At(b + lane);
    for (std::ptrdiff_t i = lane; i < whole; i += lanes) {
      typename L::Vector v;
      CAFFE_LOAD_LANES(x + i, v);
      v = v * va + vb;
      v = v > C(0) ? v : v * slope;
      CAFFE_STORE_LANES(v, y + i);
    }
  }
  EachElement(whole, n, lanes, [=](std::ptrdiff_t k, int lane) {
    const C v = x[k] * a[lane] + b[lane];
    y[k] = v > 0 ? v : v * slope;
  });
}

template <typename T, typename C>
CAFFE_SIMD_CLONES void Combine(std::ptrdiff_t n, int lanes, const T* u, const C* a, const T* v,
                               const C* b, const C* c, T* y) {
  using L = Lanes<C>;
  const std::ptrdiff_t whole = InVectors(n, lanes);
  for (int lane = 0; whole > 0 && lane < lanes; lane += kLanes) {
    const typename L::Vector va = L::At(a + lane), vb = L::At(b + lane), vc = L::At(c + lane);
    for (std::ptrdiff_t i = lane; i < whole; i += lanes) {
      typename L::Vector first, second;
      CAFFE_LOAD_LANES(u + i, first);
      CAFFE_LOAD_LANES(v + i, second);
      first = first * va + second * vb + vc;
      CAFFE_STORE_LANES(first, y + i);
    }
  }
  EachElement(whole, n, lanes, [=](std::ptrdiff_t k, int lane) {
    y[k] = u[k] * a[lane] + v[k] * b[lane] + c[lane];
  });
}

template <typename T, typename C>
CAFFE_SIMD_CLONES void Sums(std::ptrdiff_t n, int lanes, const T* x, C* sums) {
  using L = Lanes<C>;
  const std::ptrdiff_t whole = InVectors(n, lanes);
  for (int lane = 0; whole > 0 && lane < lanes; lane += kLanes) {
    typename L::Vector sum = L::At(sums + lane), v;
    for (std::ptrdiff_t i = lane; i < whole; i += lanes) {
      CAFFE_LOAD_LANES(x + i, v);
      sum += v;
    }
    L::At(sums + lane) = sum;
  }
  EachElement(whole, n, lanes, [=](std::ptrdiff_t k, int lane) { sums[lane] += x[k]; });
}

template <typename T, typename C>
CAFFE_SIMD_CLONES void Dots(std::ptrdiff_t n, int lanes, const T* x, const T* y, C* sums) {
  using L = Lanes<C>;
  const std::ptrdiff_t whole = InVectors(n, lanes);
  for (int lane = 0; whole > 0 && lane < lanes; lane += kLanes) {
    typename L::Vector sum = L::At(sums + lane), v, w;
    for (std::ptrdiff_t i = lane; i < whole; i += lanes) {
      CAFFE_LOAD_LANES(x + i, v);
      CAFFE_LOAD_LANES(y + i, w);
      sum += v * w;
    }
    L::At(sums + lane) = sum;
  }
  EachElement(whole, n, lanes,
              [=](std::ptrdiff_t k, int lane) { sums[lane] += C(x[k]) * C(y[k]); });
}

// Sums of x - centre and of its square.
template <typename T, typename C>
CAFFE_SIMD_CLONES void Deviations(std::ptrdiff_t n, int lanes, const T* x, const C* centre, C* sums,
                                  C* squares) {
  using L = Lanes<C>;
  const std::ptrdiff_t whole = InVectors(n, lanes);
  for (int lane = 0; whole > 0 && lane < lanes; lane += kLanes) {
    const typename L::Vector middle = L::At(centre + lane);
    typename L::Vector sum = L::At(sums + lane), square = L::At(squares + lane), v;
    for (std::ptrdiff_t i = lane; i < whole; i += lanes) {
      CAFFE_LOAD_LANES(x + i, v);
      v -= middle;
      sum += v;
      square += v * v;
    }
    L::At(sums + lane) = sum;
    L::At(squares + lane) = square;
  }
  EachElement(whole, n, lanes, [=](std::ptrdiff_t k, int lane) {
    const C v = x[k] - centre[lane];
    sums[lane] += v;
    squares[lane] += v * v;
  });
}

// Of a piece of a RectifiedGradient: pointers to its values and to its channels' coefficients.
template <typename T, typename C>
struct GradientPiece {
  const T* dy;
  const T* x;
  const C* a;
  const C* b;
  C slope;
};

template <typename T, typename C>
CAFFE_SIMD_CLONES void GradientSums(std::ptrdiff_t n, int lanes, const GradientPiece<T, C> p,
                                    const C* centre, C* sums, C* dots) {
  using L = Lanes<C>;
  const std::ptrdiff_t whole = InVectors(n, lanes);
  for (int lane = 0; whole > 0 && lane < lanes; lane += kLanes) {
    const typename L::Vector a = L::At(p.a + lane), b = L::At(p.b + lane),
                             middle = L::At(centre + lane);
    typename L::Vector sum = L::At(sums + lane), dot = L::At(dots + lane), g, in;
    for (std::ptrdiff_t i = lane; i < whole; i += lanes) {
      CAFFE_LOAD_LANES(p.dy + i, g);
      CAFFE_LOAD_LANES(p.x + i, in);
      g = in * a + b > C(0) ? g : g * p.slope;
      sum += g;
      dot += g * (in - middle);
    }
    L::At(sums + lane) = sum;
    L::At(dots + lane) = dot;
  }
  EachElement(whole, n, lanes, [=](std::ptrdiff_t k, int lane) {
    const C g = p.x[k] * p.a[lane] + p.b[lane] > 0 ? C(p.dy[k]) : C(p.dy[k]) * p.slope;
    sums[lane] += g;
    dots[lane] += g * (p.x[k] - centre[lane]);
  });
}

template <typename T, typename C>
CAFFE_SIMD_CLONES void CombineGradient(std::ptrdiff_t n, int lanes, const GradientPiece<T, C> p,
                                       const C* u, const C* v, T* dx) {
  using L = Lanes<C>;
  const std::ptrdiff_t whole = InVectors(n, lanes);
  for (int lane = 0; whole > 0 && lane < lanes; lane += kLanes) {
    const typename L::Vector a = L::At(p.a + lane), b = L::At(p.b + lane), vu = L::At(u + lane),
                             vv = L::At(v + lane);
    typename L::Vector g, in;
    for (std::ptrdiff_t i = lane; i < whole; i += lanes) {
      CAFFE_LOAD_LANES(p.dy + i, g);
      CAFFE_LOAD_LANES(p.x + i, in);
      g = in * a + b > C(0) ? g : g * p.slope;
      g = g * a + in * vu + vv;
      CAFFE_STORE_LANES(g, dx + i);
    }
  }
  EachElement(whole, n, lanes, [=](std::ptrdiff_t k, int lane) {
    const C g = p.x[k] * p.a[lane] + p.b[lane] > 0 ? C(p.dy[k]) : C(p.dy[k]) * p.slope;
    dx[k] = g * p.a[lane] + p.x[k] * u[lane] + v[lane];
  });
}

}  // namespace

template <typename T>
vector<double> SumPerChannel(const ChannelLayout& layout, const T* x) {
  const PlaneParts pieces(layout, kSummed);
  return pieces.Sum<Arithmetic<T>>([&](std::ptrdiff_t p, Arithmetic<T>* sums) {
    Sums(pieces.length(p), pieces.lanes(), x + pieces.begin(p), sums);
  });
}

template <typename T>
vector<double> DotPerChannel(const ChannelLayout& layout, const T* x, const T* y) {
  const PlaneParts pieces(layout, kSummed);
  return pieces.Sum<Arithmetic<T>>([&](std::ptrdiff_t p, Arithmetic<T>* sums) {
    const std::ptrdiff_t begin = pieces.begin(p);
    Dots(pieces.length(p), pieces.lanes(), x + begin, y + begin, sums);
  });
}

// Memory is read once: each lane of a piece, still in the cache, is summed up about a centre near
// its own mean. With n values, their differences from the centre c, the sum s of these and q of
// their squares: the values' sum is n c + s, and about another mean m the squares are
// q + 2 (c - m) s + n (c - m)^2.
template <typename T>
void MomentsPerChannel(const ChannelLayout& layout, const T* x, vector<Arithmetic<T>>* means,
                       vector<double>* squares) {
  using C = Arithmetic<T>;
  const PlaneParts pieces(layout, kSummed);
  const int lanes = pieces.lanes();
  vector<C> centres(pieces.count() * lanes), s(centres.size()), q(centres.size());
  pieces.ForEach([&](std::ptrdiff_t p) {
    const std::ptrdiff_t length = pieces.length(p), at = p * lanes;
    const T* values = x + pieces.begin(p);
    Sums(length, lanes, values, centres.data() + at);
    for (int lane = 0; lane < std::min<std::ptrdiff_t>(lanes, length); ++lane) {
      centres[at + lane] /= static_cast<C>(pieces.InLane(p, lane));
    }
    Deviations(length, lanes, values, centres.data() + at, s.data() + at, q.data() + at);
  });

  vector<double> sums(layout.channels);
  pieces.ForEachLane([&](std::ptrdiff_t p, int lane, int c) {
    const std::ptrdiff_t at = p * lanes + lane;
    sums[c] += pieces.InLane(p, lane) * double(centres[at]) + s[at];
  });
  const double count = double(layout.num) * layout.area();
  means->resize(layout.channels);
  for (int c = 0; c < layout.channels; ++c) {
    (*means)[c] = static_cast<C>(count > 0 ? sums[c] / count : 0);
  }
  squares->assign(layout.channels, 0);
  pieces.ForEachLane([&](std::ptrdiff_t p, int lane, int c) {
    const std::ptrdiff_t at = p * lanes + lane;
    const double shift = double(centres[at]) - (*means)[c];
    (*squares)[c] += q[at] + shift * (2 * double(s[at]) + pieces.InLane(p, lane) * shift);
  });
}

template <typename T>
void ScalePerChannel(const ChannelLayout& layout, const T* x, const vector<Arithmetic<T>>& a,
                     const vector<Arithmetic<T>>& b, T* y, Arithmetic<T> slope) {
  const PlaneParts pieces(layout);
  const auto factor = pieces.Coefficients(a, Arithmetic<T>(1));
  const auto offset = pieces.Coefficients(b, Arithmetic<T>(0));
  pieces.ForEach([&](std::ptrdiff_t p) {
    const std::ptrdiff_t begin = pieces.begin(p);
    Scale(pieces.length(p), pieces.lanes(), x + begin, pieces.At(factor, p), pieces.At(offset, p),
          slope, y + begin);
  });
}

template <typename T>
void CombinePerChannel(const ChannelLayout& layout, const T* u, const vector<Arithmetic<T>>& a,
                       const T* v, const vector<Arithmetic<T>>& b, const vector<Arithmetic<T>>& c,
                       T* y) {
  const PlaneParts pieces(layout);
  const auto factor_u = pieces.Coefficients(a, Arithmetic<T>(1));
  const auto factor_v = pieces.Coefficients(b, Arithmetic<T>(1));
  const auto offset = pieces.Coefficients(c, Arithmetic<T>(0));
  pieces.ForEach([&](std::ptrdiff_t p) {
    const std::ptrdiff_t begin = pieces.begin(p);
    Combine(pieces.length(p), pieces.lanes(), u + begin, pieces.At(factor_u, p), v + begin,
            pieces.At(factor_v, p), pieces.At(offset, p), y + begin);
  });
}

template <typename T>
void GradientSumsPerChannel(const ChannelLayout& layout, const RectifiedGradient<T>& g,
                            const vector<Arithmetic<T>>& centre, vector<double>* sums,
                            vector<double>* dots) {
  using C = Arithmetic<T>;
  const PlaneParts pieces(layout, kSummed);
  const auto a = pieces.Coefficients(g.a, C(1)), b = pieces.Coefficients(g.b, C(0));
  const auto middle = pieces.Coefficients(centre, C(0));
  vector<C> partial_sums(pieces.count() * pieces.lanes());
  vector<C> partial_dots(partial_sums.size());
  pieces.ForEach([&](std::ptrdiff_t p) {
    const std::ptrdiff_t begin = pieces.begin(p), lane = p * pieces.lanes();
    const GradientPiece<T, C> piece = {g.dy + begin, g.x + begin, pieces.At(a, p), pieces.At(b, p),
                                       g.slope};
    GradientSums(pieces.length(p), pieces.lanes(), piece, pieces.At(middle, p),
                 partial_sums.data() + lane, partial_dots.data() + lane);
  });
  *sums = pieces.AddUp(partial_sums);
  *dots = pieces.AddUp(partial_dots);
}

template <typename T>
void CombineGradientPerChannel(const ChannelLayout& layout, const RectifiedGradient<T>& g,
                               const vector<Arithmetic<T>>& u, const vector<Arithmetic<T>>& v,
                               T* dx) {
  using C = Arithmetic<T>;
  const PlaneParts pieces(layout);
  const auto a = pieces.Coefficients(g.a, C(1)), b = pieces.Coefficients(g.b, C(0));
  const auto factor = pieces.Coefficients(u, C(1)), offset = pieces.Coefficients(v, C(0));
  pieces.ForEach([&](std::ptrdiff_t p) {
    const std::ptrdiff_t begin = pieces.begin(p);
    const GradientPiece<T, C> piece = {g.dy + begin, g.x + begin, pieces.At(a, p), pieces.At(b, p),
                                       g.slope};
    CombineGradient(pieces.length(p), pieces.lanes(), piece, pieces.At(factor, p),
                    pieces.At(offset, p), dx + begin);
  });
}

#define INSTANTIATE_PER_CHANNEL(T)                                                                 \
  template vector<double> SumPerChannel<T>(const ChannelLayout&, const T*);                        \
  template vector<double> DotPerChannel<T>(const ChannelLayout&, const T*, const T*);              \
  template void MomentsPerChannel<T>(const ChannelLayout&, const T*, vector<Arithmetic<T>>*,       \
                                     vector<double>*);                                             \
  template void ScalePerChannel<T>(const ChannelLayout&, const T*, const vector<Arithmetic<T>>&,   \
                                   const vector<Arithmetic<T>>&, T*, Arithmetic<T>);               \
  template void CombinePerChannel<T>(const ChannelLayout&, const T*, const vector<Arithmetic<T>>&, \
                                     const T*, const vector<Arithmetic<T>>&,                       \
                                     const vector<Arithmetic<T>>&, T*);                            \
  template void GradientSumsPerChannel<T>(const ChannelLayout&, const RectifiedGradient<T>&,       \
                                          const vector<Arithmetic<T>>&, vector<double>*,           \
                                          vector<double>*);                                        \
  template void CombineGradientPerChannel<T>(const ChannelLayout&, const RectifiedGradient<T>&,    \
                                             const vector<Arithmetic<T>>&,                         \
                                             const vector<Arithmetic<T>>&, T*)
INSTANTIATE_PER_CHANNEL(float);
INSTANTIATE_PER_CHANNEL(double);
INSTANTIATE_PER_CHANNEL(BFloat16);

}  // namespace caffe
