#include "caffe/layers/deconv_layer.hpp"

#include "core/per_channel.hpp"
#include "dnn/convolution.hpp"
#include "gpu/bias.hpp"
#include "layers/convolution_products.hpp"

namespace caffe {

namespace {

// oneDNN's kernels fill up the channels to a multiple of this.
const int kChannelBlock = 16;

// `plain` says where the channels are when the top is in plain order: with `axis`, they need not be
// its second axis.
template <typename Dtype>
ChannelLayout TopLayout(const Blob<Dtype>& top, Part part, const ChannelLayout& plain) {
  const ChannelLayout layout = LayoutOf(top, part);
  return layout.plain() ? plain : layout;
}

}  // namespace

template <typename Dtype>
void DeconvolutionLayer<Dtype>::compute_output_shape() {
  this->output_shape_.clear();
  for (int i = 0; i < this->num_spatial_axes_; ++i) {
    const int64_t extent =
        int64_t(this->dilation_.cpu_data()[i]) * (this->kernel_shape_.cpu_data()[i] - 1) + 1;
    const int64_t padded =
        int64_t(this->stride_.cpu_data()[i]) * (this->input_shape(i + 1) - 1) + extent;
    const int64_t size = padded - 2 * int64_t(this->pad_.cpu_data()[i]);
    CHECK(size > 0 && size < (1 << 30))
        << "spatial axis " << i << " of the output would have " << size
        << " elements; use a larger input or kernel, or a smaller pad";
    CHECK_LE(padded, INT_MAX) << " places of a padded axis are too many; use a smaller pad";
    this->output_shape_.push_back(static_cast<int>(size));
  }
}

template <typename Dtype>
bool DeconvolutionLayer<Dtype>::fast_pays() const {
  // With few outputs a matrix product has far less to do than kernels that fill up the channels.
  return this->num_output_ >= kChannelBlock;
}

template <typename Dtype>
void DeconvolutionLayer<Dtype>::AddBiasToAll(OnCpu, Blob<Dtype>* top) {
  const Blob<Dtype>& bias = *this->blobs_[1];
  const ChannelLayout layout =
      TopLayout(*top, Part::kData, {this->num_, this->num_output_, this->out_spatial_dim_, 1, 1});
  const Dtype* sums = ReadIn(layout, *top);
  ScalePerChannel(layout, sums, {}, ValuesOf(bias), WriteIn(layout, top));
}

template <typename Dtype>
void DeconvolutionLayer<Dtype>::AddBiasDiffOfAll(OnCpu, const Blob<Dtype>& top) {
  const ChannelLayout layout =
      TopLayout(top, Part::kDiff, {this->num_, this->num_output_, this->out_spatial_dim_, 1, 1});
  AddSums(SumPerChannel(layout, ReadIn(layout, top, Part::kDiff)),
          this->blobs_[1]->mutable_cpu_diff());
}

#ifndef CPU_ONLY

template <typename Dtype>
void DeconvolutionLayer<Dtype>::AddBiasToAll(OnGpu, Blob<Dtype>* top) {
  AddBiasOnGpu(this->num_, this->num_output_, this->out_spatial_dim_, this->blobs_[1]->gpu_data(),
               Dtype(1), top->mutable_gpu_data());
}

template <typename Dtype>
void DeconvolutionLayer<Dtype>::AddBiasDiffOfAll(OnGpu, const Blob<Dtype>& top) {
  AddBiasDiffOnGpu(this->num_, this->num_output_, this->out_spatial_dim_, top.gpu_diff(),
                   this->blobs_[1]->mutable_gpu_diff());
}

#endif

template <typename Dtype>
template <typename Device>
void DeconvolutionLayer<Dtype>::ForwardOn(const vector<Blob<Dtype>*>& bottom,
                                          const vector<Blob<Dtype>*>& top) {
  const ThreadsForOperations threads(this->Operations());
  const Blob<Dtype>& weights = *this->blobs_[0];
  auto* fast = this->fast();
  for (size_t i = 0; i < bottom.size(); ++i) {
    if (fast) {
      fast->ToImage({bottom[i], Part::kData}, weights, {top[i], Part::kData});
    } else {
      const Dtype* features = Device::Data(*bottom[i]);
      Dtype* image = Device::MutableData(top[i]);
      for (int n = 0; n < this->num_; ++n) {
        this->template FeaturesToImage<Device>(features + n * this->bottom_dim_,
                                               Device::Data(weights), image + n * this->top_dim_);
      }
    }
    if (this->bias_term_) AddBiasToAll(Device(), top[i]);
  }
}

template <typename Dtype>
template <typename Device>
void DeconvolutionLayer<Dtype>::BackwardOn(const vector<Blob<Dtype>*>& top,
                                           const vector<bool>& propagate_down,
                                           const vector<Blob<Dtype>*>& bottom) {
  const ThreadsForOperations threads(this->Operations());
  const Blob<Dtype>& weights = *this->blobs_[0];
  Blob<Dtype>* weight = this->param_propagate_down(0) ? this->blobs_[0].get() : nullptr;
  auto* fast = this->fast();
  for (size_t i = 0; i < top.size(); ++i) {
    if (this->bias_term_ && this->param_propagate_down(1)) AddBiasDiffOfAll(Device(), *top[i]);
    if (fast) {
      if (weight) {
        fast->AddWeightDiff({top[i], Part::kDiff}, {bottom[i], Part::kData}, weight, nullptr);
      }
      if (propagate_down[i]) {
        fast->ToFeatures({top[i], Part::kDiff}, {&weights}, {bottom[i], Part::kDiff});
      }
      continue;
    }
    for (int n = 0; n < this->num_; ++n) {
      const Dtype* diff = Device::Diff(*top[i]) + n * this->top_dim_;
      if (weight) {
        this->template AddWeightDiff<Device>(diff, Device::Data(*bottom[i]) + n * this->bottom_dim_,
                                             Device::MutableDiff(weight));
      }
      if (propagate_down[i]) {
        this->template ImageToFeatures<Device>(
            diff, Device::Data(weights), Device::MutableDiff(bottom[i]) + n * this->bottom_dim_,
            weight != nullptr);
      }
    }
  }
}

DEFINE_PASSES(DeconvolutionLayer);
INSTANTIATE_CLASS(DeconvolutionLayer);
REGISTER_LAYER_CLASS(Deconvolution);

}  // namespace caffe
