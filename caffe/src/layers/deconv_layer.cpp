#include "caffe/layers/deconv_layer.hpp"

#include "dnn/convolution.hpp"
#include "util/per_channel.hpp"

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

template <typename Dtype>
void AddBias(const Blob<Dtype>& bias, const ChannelLayout& plain, Blob<Dtype>* top) {
  const ChannelLayout layout = TopLayout(*top, Part::kData, plain);
  const Dtype* sums = ReadIn(layout, *top);
  const vector<Dtype> offsets(bias.cpu_data(), bias.cpu_data() + bias.count());
  ScalePerChannel(layout, sums, {}, offsets, WriteIn(layout, top));
}

template <typename Dtype>
void AddBiasDiff(const Blob<Dtype>& top, const ChannelLayout& plain, Blob<Dtype>* bias) {
  const ChannelLayout layout = TopLayout(top, Part::kDiff, plain);
  const vector<double> sums = SumPerChannel(layout, ReadIn(layout, top, Part::kDiff));
  Dtype* diff = bias->mutable_cpu_diff();
  for (int c = 0; c < bias->count(); ++c) diff[c] += static_cast<Dtype>(sums[c]);
}

}  // namespace

template <typename Dtype>
void DeconvolutionLayer<Dtype>::compute_output_shape() {
  this->output_shape_.clear();
  for (int i = 0; i < this->num_spatial_axes_; ++i) {
    const int extent = this->dilation_.cpu_data()[i] * (this->kernel_shape_.cpu_data()[i] - 1) + 1;
    const int64_t size = int64_t(this->stride_.cpu_data()[i]) * (this->input_shape(i + 1) - 1) +
                         extent - 2 * int64_t(this->pad_.cpu_data()[i]);
    CHECK(size > 0 && size < (1 << 30))
        << "spatial axis " << i << " of the output would have " << size
        << " elements; use a larger input or kernel, or a smaller pad";
    this->output_shape_.push_back(static_cast<int>(size));
  }
}

template <typename Dtype>
bool DeconvolutionLayer<Dtype>::fast_pays() const {
  // With few outputs a matrix product has far less to do than kernels that fill up the channels.
  return this->num_output_ >= kChannelBlock;
}

template <typename Dtype>
void DeconvolutionLayer<Dtype>::Forward_cpu(const vector<Blob<Dtype>*>& bottom,
                                            const vector<Blob<Dtype>*>& top) {
  const Blob<Dtype>& weights = *this->blobs_[0];
  const ChannelLayout plain = {this->num_, this->num_output_, this->out_spatial_dim_, 1, 1};
  auto* fast = this->fast();
  for (size_t i = 0; i < bottom.size(); ++i) {
    if (fast) {
      fast->ToImage({bottom[i], Part::kData}, weights, {top[i], Part::kData});
    } else {
      const Dtype* features = bottom[i]->cpu_data();
      Dtype* image = top[i]->mutable_cpu_data();
      for (int n = 0; n < this->num_; ++n) {
        this->backward_cpu_gemm(features + n * this->bottom_dim_, weights.cpu_data(),
                                image + n * this->top_dim_);
      }
    }
    if (this->bias_term_) AddBias(*this->blobs_[1], plain, top[i]);
  }
}

template <typename Dtype>
void DeconvolutionLayer<Dtype>::Backward_cpu(const vector<Blob<Dtype>*>& top,
                                             const vector<bool>& propagate_down,
                                             const vector<Blob<Dtype>*>& bottom) {
  const Blob<Dtype>& weights = *this->blobs_[0];
  Blob<Dtype>* weight = this->param_propagate_down(0) ? this->blobs_[0].get() : nullptr;
  const ChannelLayout plain = {this->num_, this->num_output_, this->out_spatial_dim_, 1, 1};
  auto* fast = this->fast();
  for (size_t i = 0; i < top.size(); ++i) {
    if (this->bias_term_ && this->param_propagate_down(1)) {
      AddBiasDiff(*top[i], plain, this->blobs_[1].get());
    }
    if (fast) {
      if (weight) {
        fast->AddWeightDiff({top[i], Part::kDiff}, {bottom[i], Part::kData}, weight, nullptr);
      }
      if (propagate_down[i]) {
        fast->ToFeatures({top[i], Part::kDiff}, weights, nullptr, {bottom[i], Part::kDiff});
      }
      continue;
    }
    for (int n = 0; n < this->num_; ++n) {
      const Dtype* diff = top[i]->cpu_diff() + n * this->top_dim_;
      if (weight) {
        this->weight_cpu_gemm(diff, bottom[i]->cpu_data() + n * this->bottom_dim_,
                              weight->mutable_cpu_diff());
      }
      if (propagate_down[i]) {
        this->forward_cpu_gemm(diff, weights.cpu_data(),
                               bottom[i]->mutable_cpu_diff() + n * this->bottom_dim_,
                               weight != nullptr);
      }
    }
  }
}

INSTANTIATE_CLASS(DeconvolutionLayer);
REGISTER_LAYER_CLASS(Deconvolution);

}  // namespace caffe
