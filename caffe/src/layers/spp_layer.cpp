#include "caffe/layers/spp_layer.hpp"

namespace caffe {

namespace {

// Window and padding that divide an axis into bins.
struct Bins {
  int kernel, pad;
};

Bins Divide(int size, int bins) {
  const int kernel = (size + bins - 1) / bins;
  // What the bins cover beyond the axis is shared between its ends.
  return {kernel, (kernel * bins - size + 1) / 2};
}

// Whether the first of them holds a part of the axis.
bool Divides(const Bins& bins) { return bins.pad < bins.kernel; }

}  // namespace

template <typename Dtype>
LayerParameter SPPLayer<Dtype>::GetPoolingParam(const int pyramid_level, const int bottom_h,
                                                const int bottom_w, const SPPParameter spp_param) {
  const int bins = 1 << pyramid_level;
  const Bins rows = Divide(bottom_h, bins), columns = Divide(bottom_w, bins);
  CHECK(Divides(rows) && Divides(columns))
      << "an image of " << bottom_h << " x " << bottom_w << " cannot be divided into " << bins
      << " x " << bins << " bins; use a smaller pyramid_height or an input of another size";
  LayerParameter param;
  param.set_type("Pooling");
  param.set_phase(this->phase_);
  PoolingParameter* pooling = param.mutable_pooling_param();
  // The enumerations of the two messages have the same numbers.
  pooling->set_pool(static_cast<PoolingParameter_PoolMethod>(spp_param.pool()));
  pooling->set_kernel_h(rows.kernel);
  pooling->set_stride_h(rows.kernel);
  pooling->set_pad_h(rows.pad);
  pooling->set_kernel_w(columns.kernel);
  pooling->set_stride_w(columns.kernel);
  pooling->set_pad_w(columns.pad);
  return param;
}

template <typename Dtype>
void SPPLayer<Dtype>::LayerSetUp(const vector<Blob<Dtype>*>& bottom,
                                 const vector<Blob<Dtype>*>& top) {
  const SPPParameter& param = this->layer_param_.spp_param();
  CHECK(param.pyramid_height() >= 1 && param.pyramid_height() <= 16)
      << "pyramid_height is " << param.pyramid_height() << ": give the number of levels, 1 to 16";
  pyramid_height_ = static_cast<int>(param.pyramid_height());
}

template <typename Dtype>
void SPPLayer<Dtype>::Reshape(const vector<Blob<Dtype>*>& bottom, const vector<Blob<Dtype>*>& top) {
  CHECK_EQ(bottom[0]->num_axes(), 4)
      << " axes: SPP takes num x channels x height x width, not " << bottom[0]->shape_string();
  num_ = bottom[0]->num();
  channels_ = bottom[0]->channels();
  // Where an error came in between, the levels of that size are not all there.
  const bool complete = pooling_outputs_.size() == static_cast<size_t>(pyramid_height_);
  const bool resized =
      !complete || bottom_h_ != bottom[0]->height() || bottom_w_ != bottom[0]->width();
  bottom_h_ = bottom[0]->height();
  bottom_w_ = bottom[0]->width();
  if (resized) {
    pooling_layers_.clear();
    pooling_outputs_.clear();
  }
  int width = 0;
  for (int level = 0; level < pyramid_height_; ++level) {
    if (resized) {
      pooling_layers_.push_back(LayerRegistry<Dtype>::CreateLayer(
          GetPoolingParam(level, bottom_h_, bottom_w_, this->layer_param_.spp_param())));
      const shared_ptr<Blob<Dtype>> output(new Blob<Dtype>());
      pooling_layers_[level]->SetUp(bottom, {output.get()});
      pooling_outputs_.push_back(output);
    } else {
      pooling_layers_[level]->Reshape(bottom, {pooling_outputs_[level].get()});
    }
    width += pooling_outputs_[level]->count(1);
  }
  if (pyramid_height_ == 1) {
    // A single level is an ordinary pooling layer, its top an image.
    top[0]->ReshapeLike(*pooling_outputs_[0]);
  } else {
    top[0]->Reshape({num_, width});
  }
}

template <typename Dtype>
template <typename Copy>
void SPPLayer<Dtype>::EachRow(const Copy& copy) {
  std::ptrdiff_t place = 0;
  for (int n = 0; n < num_; ++n) {
    for (const auto& level : pooling_outputs_) {
      const int length = level->count(1);
      copy(level.get(), n * length, place, length);
      place += length;
    }
  }
}

template <typename Dtype>
void SPPLayer<Dtype>::Forward_cpu(const vector<Blob<Dtype>*>& bottom,
                                  const vector<Blob<Dtype>*>& top) {
  for (int level = 0; level < pyramid_height_; ++level) {
    pooling_layers_[level]->Forward(bottom, {pooling_outputs_[level].get()});
  }
  Dtype* y = top[0]->mutable_cpu_data();
  EachRow([&](Blob<Dtype>* level, std::ptrdiff_t from, std::ptrdiff_t to, int length) {
    caffe_copy(length, level->cpu_data() + from, y + to);
  });
}

template <typename Dtype>
void SPPLayer<Dtype>::Backward_cpu(const vector<Blob<Dtype>*>& top,
                                   const vector<bool>& propagate_down,
                                   const vector<Blob<Dtype>*>& bottom) {
  if (!propagate_down[0]) return;
  const Dtype* dy = top[0]->cpu_diff();
  EachRow([&](Blob<Dtype>* level, std::ptrdiff_t to, std::ptrdiff_t from, int length) {
    caffe_copy(length, dy + from, level->mutable_cpu_diff() + to);
  });
  // Each level writes a diff of its own; their sum is the bottom's.
  level_diff_.ReshapeLike(*bottom[0]);
  level_diff_.ShareData(*bottom[0]);
  Dtype* sum = bottom[0]->mutable_cpu_diff();
  for (int level = 0; level < pyramid_height_; ++level) {
    pooling_layers_[level]->Backward({pooling_outputs_[level].get()}, {true}, {&level_diff_});
    const Dtype* part = level_diff_.cpu_diff();
    if (level == 0) {
      caffe_copy(bottom[0]->count(), part, sum);
    } else {
      caffe_axpy<Dtype>(bottom[0]->count(), 1, part, sum);
    }
  }
}

INSTANTIATE_CLASS(SPPLayer);
REGISTER_LAYER_CLASS(SPP);

}  // namespace caffe
