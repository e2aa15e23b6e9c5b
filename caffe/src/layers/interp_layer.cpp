#include "caffe/layers/interp_layer.hpp"

#include <climits>

#include "core/channel_layout.hpp"
#include "layers/interp_positions.hpp"
#include "util/rows.hpp"

namespace caffe {

namespace {

// All of them, since every plane needs them.
vector<Between> AlignCorners(const AlignedAxis& axis) {
  vector<Between> positions(axis.out);
  for (int o = 0; o < axis.out; ++o) positions[o] = axis.At(o);
  return positions;
}

// Calls body(output offset, the four input offsets, their weights) for the pixels of one plane.
template <typename Dtype, typename Body>
void EachPixel(const vector<Between>& rows, const vector<Between>& columns, int width_in, int block,
               const Body& body) {
  std::ptrdiff_t o = 0;
  for (const Between& row : rows) {
    const std::ptrdiff_t upper = std::ptrdiff_t(row.first) * width_in;
    const std::ptrdiff_t lower = std::ptrdiff_t(row.second) * width_in;
    for (const Between& column : columns) {
      const std::ptrdiff_t at[4] = {(upper + column.first) * block, (upper + column.second) * block,
                                    (lower + column.first) * block,
                                    (lower + column.second) * block};
      body(o, at, CornerWeights<Dtype>(row, column).of);
      o += block;
    }
  }
}

// Calls body(plane) for all planes, on several threads.
template <typename Body>
void EachPlane(const ChannelLayout& from, const ChannelLayout& to, const Body& body) {
  ForRows(from.planes(), 4 * std::max(from.plane_size(), to.plane_size()), body);
}

}  // namespace

template <typename Dtype>
void InterpLayer<Dtype>::LayerSetUp(const vector<Blob<Dtype>*>& bottom,
                                    const vector<Blob<Dtype>*>& top) {
  const InterpParameter& param = this->layer_param_.interp_param();
  pad_beg_ = param.pad_beg();
  pad_end_ = param.pad_end();
  CHECK(pad_beg_ <= 0 && pad_end_ <= 0) << "pad_beg and pad_end can only crop: give values up to 0";
  const bool size = param.has_height() || param.has_width();
  const bool factor = param.has_zoom_factor() || param.has_shrink_factor();
  const bool like_bottom = bottom.size() > 1;
  CHECK(size + factor + like_bottom == 1)
      << "give the output's size in one way: height and width, or zoom_factor and "
         "shrink_factor, or a second bottom";
  CHECK(!size || (param.height() > 0 && param.width() > 0))
      << "height and width must both be given and positive";
  CHECK(param.zoom_factor() >= 1 && param.shrink_factor() >= 1)
      << "zoom_factor and shrink_factor must be 1 or more";
}

template <typename Dtype>
int InterpLayer<Dtype>::Cropped(int size) const {
  const int64_t cropped = size + int64_t(pad_beg_) + pad_end_;
  CHECK(cropped > 0) << "pad_beg and pad_end crop all of a bottom of " << size
                     << " rows or columns";
  return static_cast<int>(cropped);
}

template <typename Dtype>
int InterpLayer<Dtype>::Scaled(int size) const {
  const InterpParameter& param = this->layer_param_.interp_param();
  const int shrunk = (size - 1) / param.shrink_factor() + 1;
  const int64_t zoomed = shrunk + (shrunk - 1) * (int64_t(param.zoom_factor()) - 1);
  CHECK_LE(zoomed, INT_MAX) << " rows or columns are too many: zoom_factor is too large";
  return static_cast<int>(zoomed);
}

template <typename Dtype>
void InterpLayer<Dtype>::Reshape(const vector<Blob<Dtype>*>& bottom,
                                 const vector<Blob<Dtype>*>& top) {
  CHECK_EQ(bottom[0]->num_axes(), 4)
      << " axes: Interp takes num x channels x height x width, not " << bottom[0]->shape_string();
  const InterpParameter& param = this->layer_param_.interp_param();
  height_in_ = Cropped(bottom[0]->height());
  width_in_ = Cropped(bottom[0]->width());
  if (bottom.size() > 1) {
    CHECK_EQ(bottom[1]->num_axes(), 4)
        << " axes: the second bottom gives height and width, not " << bottom[1]->shape_string();
    height_out_ = bottom[1]->height();
    width_out_ = bottom[1]->width();
  } else {
    height_out_ = param.has_height() ? param.height() : Scaled(height_in_);
    width_out_ = param.has_width() ? param.width() : Scaled(width_in_);
  }
  top[0]->Reshape(bottom[0]->num(), bottom[0]->channels(), height_out_, width_out_);
}

template <typename Dtype>
AlignedAxis InterpLayer<Dtype>::rows() const {
  return {-pad_beg_, height_in_, height_out_};
}

template <typename Dtype>
AlignedAxis InterpLayer<Dtype>::columns() const {
  return {-pad_beg_, width_in_, width_out_};
}

template <typename Dtype>
void InterpLayer<Dtype>::Forward_cpu(const vector<Blob<Dtype>*>& bottom,
                                     const vector<Blob<Dtype>*>& top) {
  const ChannelLayout from = LayoutOf(*bottom[0]);
  const ChannelLayout to = from.WithPlane(height_out_, width_out_);
  const Dtype* x = ReadIn(from, *bottom[0]);
  Dtype* y = WriteIn(to, top[0]);
  const vector<Between> rows = AlignCorners(this->rows());
  const vector<Between> columns = AlignCorners(this->columns());
  const int block = from.block;
  EachPlane(from, to, [&](std::ptrdiff_t p) {
    const Dtype* in = x + p * from.plane_size();
    Dtype* out = y + p * to.plane_size();
    EachPixel<Dtype>(rows, columns, from.width, block,
                     [=](std::ptrdiff_t o, const std::ptrdiff_t* at, const Dtype* w) {
                       for (int i = 0; i < block; ++i) {
                         out[o + i] = w[0] * in[at[0] + i] + w[1] * in[at[1] + i] +
                                      w[2] * in[at[2] + i] + w[3] * in[at[3] + i];
                       }
                     });
  });
}

template <typename Dtype>
void InterpLayer<Dtype>::Backward_cpu(const vector<Blob<Dtype>*>& top,
                                      const vector<bool>& propagate_down,
                                      const vector<Blob<Dtype>*>& bottom) {
  if (bottom.size() > 1 && propagate_down[1]) {
    caffe_set(bottom[1]->count(), Dtype(0), bottom[1]->mutable_cpu_diff());
  }
  if (!propagate_down[0]) return;
  const ChannelLayout from = LayoutOf(*top[0], Part::kDiff);
  const ChannelLayout to = from.WithPlane(bottom[0]->height(), bottom[0]->width());
  const Dtype* dy = ReadIn(from, *top[0], Part::kDiff);
  Dtype* dx = WriteIn(to, bottom[0], Part::kDiff);
  const vector<Between> rows = AlignCorners(this->rows());
  const vector<Between> columns = AlignCorners(this->columns());
  const int block = from.block;
  EachPlane(from, to, [&](std::ptrdiff_t p) {
    const Dtype* out = dy + p * from.plane_size();
    Dtype* in = dx + p * to.plane_size();
    std::fill(in, in + to.plane_size(), Dtype(0));
    EachPixel<Dtype>(rows, columns, to.width, block,
                     [=](std::ptrdiff_t o, const std::ptrdiff_t* at, const Dtype* w) {
                       for (int corner = 0; corner < 4; ++corner) {
                         const Dtype weight = w[corner];
                         Dtype* pixel = in + at[corner];
                         for (int i = 0; i < block; ++i) pixel[i] += weight * out[o + i];
                       }
                     });
  });
}

inline namespace beyond_caffe_1 {

INSTANTIATE_CLASS(InterpLayer);
REGISTER_LAYER_CLASS(Interp);

}  // namespace beyond_caffe_1

}  // namespace caffe
