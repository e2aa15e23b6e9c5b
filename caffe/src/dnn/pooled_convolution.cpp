#include "dnn/pooled_convolution.hpp"

#include <cstring>

#include "caffe/util/parallel_for.hpp"

namespace caffe {
namespace dnn {

namespace {

// Features smaller than this are no burden, and large ones are made in strips of about this many
// bytes, which stay in the cache until they are pooled.
const std::ptrdiff_t kLargeFeatures = std::ptrdiff_t(24) << 20;
const std::ptrdiff_t kStrip = std::ptrdiff_t(4) << 20;

// Side of the pooling windows where they are square tiles, else 0.
int TileOf(const PoolingParameter& param) {
  const bool tiles = param.has_kernel_size() && param.kernel_size() == param.stride() &&
                     param.pad() == 0 && !param.has_stride_h() && !param.has_stride_w() &&
                     !param.has_pad_h() && !param.has_pad_w();
  return tiles && param.pool() != PoolingParameter_PoolMethod_STOCHASTIC ? param.kernel_size() : 0;
}

// Copies rows [from_row, from_row + rows) of all planes to rows from to_row on; rows that `from`
// does not have become 0.
void CopyRows(const ChannelLayout& from, const void* source, int from_row, int rows,
              const ChannelLayout& to, void* target, int to_row) {
  const std::ptrdiff_t row = from.bytes() / from.planes() / from.height;
  const int above = std::min(rows, std::max(0, -from_row));
  const int below = std::min(rows - above, std::max(0, from_row + rows - from.height));
  const int inside = rows - above - below;
  ParallelFor(from.planes(), 1 + kElementwiseGrain / (rows * row),
              [=](std::ptrdiff_t begin, std::ptrdiff_t end) {
                for (std::ptrdiff_t p = begin; p < end; ++p) {
                  char* out = static_cast<char*>(target) + (p * to.height + to_row) * row;
                  const char* in = static_cast<const char*>(source) + p * from.height * row;
                  std::memset(out, 0, above * row);
                  std::memcpy(out + above * row, in + (from_row + above) * row, inside * row);
                  std::memset(out + (above + inside) * row, 0, below * row);
                }
              });
}

}  // namespace

template <typename Dtype>
shared_ptr<PooledConvolution<Dtype>> PooledConvolution<Dtype>::Create(
    const ConvolutionGeometry& whole, const PoolingParameter& pooling) {
  const int tile = TileOf(pooling);
  const std::ptrdiff_t row = std::ptrdiff_t(whole.num) * whole.feature_channels *
                             whole.features[1] * (whole.element == Element::kFloat ? 4 : 2);
  if (tile == 0 || whole.features[0] % tile != 0 || row * whole.features[0] < kLargeFeatures) {
    return nullptr;
  }
  ConvolutionGeometry strip = whole;
  strip.features[0] = std::max<int>(1, kStrip / row / tile) * tile;
  if (strip.features[0] >= whole.features[0]) return nullptr;
  strip.image[0] =
      (strip.features[0] - 1) * whole.stride[0] + whole.dilation[0] * (whole.kernel[0] - 1) + 1;
  strip.pad[0] = 0;
  const auto convolution = Convolution<Dtype>::Create(strip);
  if (!convolution) return nullptr;
  return shared_ptr<PooledConvolution>(new PooledConvolution(whole, strip, tile, convolution));
}

template <typename Dtype>
PooledConvolution<Dtype>::PooledConvolution(const ConvolutionGeometry& whole,
                                            const ConvolutionGeometry& strip, int tile,
                                            const shared_ptr<Convolution<Dtype>>& convolution)
    : whole_(whole), strip_(strip), tile_(tile), convolution_(convolution) {
  image_.Reshape(strip.num, strip.image_channels, strip.image[0], strip.image[1]);
  features_.Reshape(strip.num, strip.feature_channels, strip.features[0], strip.features[1]);
}

template <typename Dtype>
void PooledConvolution<Dtype>::Run(const Blob<Dtype>& bottom, const Blob<Dtype>& weights,
                                   const Blob<Dtype>* bias, Layer<Dtype>* pool, Blob<Dtype>* top) {
  const int rows = strip_.features[0], last = whole_.features[0] - rows;
  const ChannelLayout from = StoredLayout(bottom);
  const ChannelLayout image = from.WithPlane(strip_.image[0], strip_.image[1]);
  const void* source = ReadBytes(from, bottom, Part::kData);
  for (int row = 0; row <= last; row = row < last ? std::min(row + rows, last) : last + 1) {
    CopyRows(from, source, row * whole_.stride[0] - whole_.pad[0], strip_.image[0], image,
             WriteBytes(image, &image_, Part::kData), 0);
    convolution_->ToFeatures({&image_, Part::kData}, weights, bias, {&features_, Part::kData});
    pool->Forward({&features_}, {&pooled_});
    const ChannelLayout part = StoredLayout(pooled_);
    const ChannelLayout to = part.WithPlane(top->height(), top->width());
    CopyRows(part, ReadBytes(part, pooled_, Part::kData), 0, part.height, to,
             WriteBytes(to, top, Part::kData), row / tile_);
  }
  for (Blob<Dtype>* blob : {&image_, &features_, &pooled_}) {
    blob->data()->Release();
    blob->data()->Renew();
  }
}

template class PooledConvolution<float>;
template class PooledConvolution<double>;

}  // namespace dnn
}  // namespace caffe
