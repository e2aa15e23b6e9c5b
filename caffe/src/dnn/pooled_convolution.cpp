#include "dnn/pooled_convolution.hpp"

#include <cstring>

#include "caffe/util/parallel_for.hpp"
#include "core/large_blobs.hpp"

namespace caffe {
namespace dnn {

namespace {

// A front is to take at most this part of its reader's multiplications.
const int kFrontShare = 8;

std::ptrdiff_t BytesOfFeatureRow(const ConvolutionGeometry& g) {
  return std::ptrdiff_t(g.num) * g.feature_channels * g.features[1] *
         static_cast<std::ptrdiff_t>(BytesOf(g.element));
}

std::ptrdiff_t Multiplications(const ConvolutionGeometry& g) {
  return std::ptrdiff_t(g.kernel[0]) * g.kernel[1] * g.image_channels / g.groups *
         g.feature_channels * g.features[0] * g.features[1];
}

// Side of the pooling windows where they are square tiles, else 0.
int TileOf(const PoolingParameter& param) {
  const bool tiles = param.has_kernel_size() && param.kernel_size() == param.stride() &&
                     param.pad() == 0 && !param.has_stride_h() && !param.has_stride_w() &&
                     !param.has_pad_h() && !param.has_pad_w();
  return tiles && param.pool() != PoolingParameter_PoolMethod_STOCHASTIC ? param.kernel_size() : 0;
}

// Sets `count` rows of all planes to 0, from row `first` on.
void ClearRows(const ChannelLayout& layout, void* values, int first, int count) {
  const std::ptrdiff_t row = layout.bytes() / layout.planes() / layout.height;
  for (std::ptrdiff_t p = 0; p < layout.planes(); ++p) {
    std::memset(static_cast<char*>(values) + (p * layout.height + first) * row, 0, count * row);
  }
}

// Copies rows [from_row, from_row + rows) of all planes to rows from to_row on; rows that `from`
// does not have become 0.
void CopyStrip(const ChannelLayout& from, const void* source, int from_row, int rows,
               const ChannelLayout& to, void* target, int to_row) {
  const std::ptrdiff_t row = from.bytes() / from.planes() / from.height;
  const int above = std::min(rows, std::max(0, -from_row));
  const int below = std::min(rows - above, std::max(0, from_row + rows - from.height));
  const int inside = rows - above - below;
  ClearRows(to, target, to_row, above);
  ClearRows(to, target, to_row + above + inside, below);
  ParallelFor(from.planes(), 1 + kElementwiseGrain / (rows * row),
              [=](std::ptrdiff_t begin, std::ptrdiff_t end) {
                for (std::ptrdiff_t p = begin; p < end; ++p) {
                  std::memcpy(
                      static_cast<char*>(target) + (p * to.height + to_row + above) * row,
                      static_cast<const char*>(source) + (p * from.height + from_row + above) * row,
                      inside * row);
                }
              });
}

}  // namespace

template <typename Dtype>
bool PooledConvolution<Dtype>::Strip::SetUp(const ConvolutionGeometry& whole_geometry, int rows) {
  whole = part = whole_geometry;
  part.features[0] = rows;
  part.image[0] = (rows - 1) * whole.stride[0] + whole.dilation[0] * (whole.kernel[0] - 1) + 1;
  part.pad[0] = 0;
  convolution = Convolution<Dtype>::Create(part);
  image.Reshape(part.num, part.image_channels, part.image[0], part.image[1]);
  return convolution != nullptr;
}

template <typename Dtype>
void PooledConvolution<Dtype>::Strip::Run(const Parameters<Dtype>& parameters,
                                          Blob<Dtype>* features) {
  convolution->ToFeatures({&image, Part::kData}, parameters, {features, Part::kData});
}

template <typename Dtype>
bool PooledConvolution<Dtype>::IsGoodFront(const ConvolutionGeometry& front,
                                           const ConvolutionGeometry& reader) {
  return BytesOfFeatureRow(front) * front.features[0] >= LargeBlobs::Get().pooled_in_strips &&
         Multiplications(front) <= Multiplications(reader) / kFrontShare;
}

template <typename Dtype>
shared_ptr<PooledConvolution<Dtype>> PooledConvolution<Dtype>::Create(
    const ConvolutionGeometry& whole, const PoolingParameter& pooling,
    const ConvolutionGeometry* front) {
  const int tile = TileOf(pooling);
  const std::ptrdiff_t row = BytesOfFeatureRow(whole);
  if (tile == 0 || whole.features[0] % tile != 0 ||
      row * whole.features[0] < LargeBlobs::Get().pooled_in_strips) {
    return nullptr;
  }
  const int rows = std::max<int>(1, LargeBlobs::Get().strip / row / tile) * tile;
  if (rows >= whole.features[0]) return nullptr;
  shared_ptr<PooledConvolution> strips(new PooledConvolution());
  strips->tile_ = tile;
  if (!strips->strip_.SetUp(whole, rows)) return nullptr;
  const ConvolutionGeometry& part = strips->strip_.part;
  strips->features_.Reshape(part.num, part.feature_channels, part.features[0], part.features[1]);
  if (front && !strips->front_.SetUp(*front, part.image[0])) return nullptr;
  return strips;
}

// Rows of the image from first_row on, which may lie above it, to the size of the strip's.
template <typename Dtype>
void PooledConvolution<Dtype>::FillImage(const Blob<Dtype>& bottom, int first_row,
                                         const Parameters<Dtype>* front) {
  const Strip& strip = front ? front_ : strip_;
  Blob<Dtype>* image = front ? &front_.image : &strip_.image;
  const ChannelLayout from = StoredLayout(bottom);
  const ChannelLayout to = from.WithPlane(strip.part.image[0], strip.part.image[1]);
  const int row = front ? first_row * front_.whole.stride[0] - front_.whole.pad[0] : first_row;
  CopyStrip(from, ReadBytes(from, bottom, Part::kData), row, to.height, to,
            WriteBytes(to, image, Part::kData), 0);
  if (!front) return;
  front_.Run(*front, &strip_.image);
  // Beyond its edges the image is padding, whatever the front makes of its own.
  const int height = strip_.part.image[0];
  const int above = std::min(height, std::max(0, -first_row));
  const int below = std::min(height, std::max(0, first_row + height - strip_.whole.image[0]));
  const ChannelLayout layout = StoredLayout(strip_.image);
  void* values = WriteBytes(layout, &strip_.image, Part::kData);
  ClearRows(layout, values, 0, above);
  ClearRows(layout, values, height - below, below);
}

template <typename Dtype>
void PooledConvolution<Dtype>::Run(const Blob<Dtype>& bottom, const Parameters<Dtype>& parameters,
                                   Layer<Dtype>* pool, Blob<Dtype>* top,
                                   const Parameters<Dtype>* front) {
  const ConvolutionGeometry& whole = strip_.whole;
  const int rows = strip_.part.features[0], last = whole.features[0] - rows;
  for (int row = 0; row <= last; row = row < last ? std::min(row + rows, last) : last + 1) {
    FillImage(bottom, row * whole.stride[0] - whole.pad[0], front);
    strip_.Run(parameters, &features_);
    pool->Forward({&features_}, {&pooled_});
    const ChannelLayout part = StoredLayout(pooled_);
    const ChannelLayout to = part.WithPlane(top->height(), top->width());
    CopyStrip(part, ReadBytes(part, pooled_, Part::kData), 0, part.height, to,
              WriteBytes(to, top, Part::kData), row / tile_);
  }
  for (Blob<Dtype>* blob : {&strip_.image, &front_.image, &features_, &pooled_}) {
    if (blob->count() == 0) continue;
    blob->data()->Release();
    blob->data()->Renew();
  }
}

template class PooledConvolution<float>;
template class PooledConvolution<double>;

}  // namespace dnn
}  // namespace caffe
