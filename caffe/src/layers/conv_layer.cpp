#include "caffe/layers/conv_layer.hpp"

#include <algorithm>

#include "caffe/layers/batch_norm_layer.hpp"
#include "caffe/layers/pooling_layer.hpp"
#include "caffe/util/im2col.hpp"
#include "dnn/convolution.hpp"
#include "dnn/pooled_convolution.hpp"
#include "gpu/bias.hpp"
#include "layers/convolution_products.hpp"
#include "layers/exact_class.hpp"
#include "layers/fused_relu.hpp"

namespace caffe {

namespace {

// Runs a layer before its turn: what the net has freed of its top is not ready to be written yet.
template <typename Dtype>
void RunAhead(Layer<Dtype>* reader, Blob<Dtype>* bottom, Blob<Dtype>* top) {
  top->data()->Renew();
  reader->Forward({bottom}, {top});
}

// Frees a blob's contents, unless somebody outside looks at them, as a NumPy array does.
template <typename Dtype>
bool IsFreed(Blob<Dtype>* blob) {
  blob->data()->Release();
  return blob->data()->released();
}

}  // namespace

template <typename Dtype>
ConvolutionLayer<Dtype>::~ConvolutionLayer() = default;

template <typename Dtype>
void ConvolutionLayer<Dtype>::Reshape(const vector<Blob<Dtype>*>& bottom,
                                      const vector<Blob<Dtype>*>& top) {
  BaseConvolutionLayer<Dtype>::Reshape(bottom, top);
  if (pool_) pool_->Reshape(top, {pooled_});
  if (reader_) reader_->Reshape(top, {read_});
}

template <typename Dtype>
void ConvolutionLayer<Dtype>::compute_output_shape() {
  this->output_shape_.clear();
  for (int i = 0; i < this->num_spatial_axes_; ++i) {
    this->output_shape_.push_back(OutputPositions(
        this->input_shape(i + 1), this->kernel_shape_.cpu_data()[i], this->pad_.cpu_data()[i],
        this->stride_.cpu_data()[i], this->dilation_.cpu_data()[i]));
  }
}

template <typename Dtype>
bool ConvolutionLayer<Dtype>::Fuse(const shared_ptr<Layer<Dtype>>& next, bool backward) {
  if (relu_ || !IsExactly<ConvolutionLayer>(*this)) return false;
  const auto slope = SlopeOfFusibleReLU(*next);
  if (!slope) return !backward && FuseAffine(next);
  relu_ = next;
  this->set_relu_slope(*slope);
  return true;
}

template <typename Dtype>
bool ConvolutionLayer<Dtype>::FuseAffine(const shared_ptr<Layer<Dtype>>& next) {
  if (Caffe::mode() == Caffe::GPU || !next->IsAffine()) return false;
  if (affine_.empty()) {
    this->set_scales_features(true);
    // By matrix products nothing is won: BatchNorm takes its Scale and ReLU over itself.
    if (!this->fast()) {
      this->set_scales_features(false);
      return false;
    }
  }
  affine_.push_back(next);
  return true;
}

template <typename Dtype>
dnn::Parameters<Dtype> ConvolutionLayer<Dtype>::FeatureParameters() {
  const Blob<Dtype>* bias = AddsBias() ? this->blobs_[1].get() : nullptr;
  if (affine_.empty()) return {this->blobs_[0].get(), bias, nullptr};
  vector<Dtype> factors(this->num_output_, 1), offsets(this->num_output_, 0);
  if (bias) std::copy_n(bias->cpu_data(), offsets.size(), offsets.begin());
  for (const auto& layer : affine_) layer->ComposeAffine(&factors, &offsets);
  const auto store = [](const vector<Dtype>& values, Blob<Dtype>* blob) {
    blob->Reshape({static_cast<int>(values.size())});
    std::copy(values.begin(), values.end(), blob->mutable_cpu_data());
  };
  store(factors, &factors_);
  store(offsets, &offsets_);
  return {this->blobs_[0].get(), &offsets_, &factors_};
}

template <typename Dtype>
bool ConvolutionLayer<Dtype>::LeaveBias(Layer<Dtype>* next, bool backward) {
  auto* const norm = dynamic_cast<BatchNormLayer<Dtype>*>(next);
  bias_left_ = norm && IsExactly<ConvolutionLayer>(*this) && this->bias_term_ &&
               this->channel_axis_ == 1 && norm->TakeBias(this->blobs_[1], backward);
  return bias_left_;
}

template <typename Dtype>
bool ConvolutionLayer<Dtype>::FuseReader(const shared_ptr<Layer<Dtype>>& next, Blob<Dtype>* top) {
  if (Caffe::mode() == Caffe::GPU || !IsExactly<ConvolutionLayer>(*this)) return false;
  if (IsExactly<PoolingLayer<Dtype>>(*next)) {
    pool_ = next;
    pooled_ = top;
    return true;
  }
  if (!IsExactly<ConvolutionLayer>(*next)) return false;
  const auto reader = boost::static_pointer_cast<ConvolutionLayer>(next);
  if (!this->wants_fast() || !reader->wants_fast() ||
      !dnn::PooledConvolution<Dtype>::IsGoodFront(this->Geometry(), reader->Geometry())) {
    return false;
  }
  reader_ = reader;
  read_ = top;
  return true;
}

template <typename Dtype>
bool ConvolutionLayer<Dtype>::LeaveFusedBackward(Layer<Dtype>* reader) {
  if (!relu_ || relu_->layer_param().relu_param().negative_slope() != 0) return false;
  auto* const pool = dynamic_cast<PoolingLayer<Dtype>*>(reader);
  relu_left_ = pool && pool->RectifyDiff();
  return relu_left_;
}

template <typename Dtype>
bool ConvolutionLayer<Dtype>::RecomputesTop() const {
  // Products that take no longer than writing their sum does.
  const int kFewValues = 32;
  return IsExactly<ConvolutionLayer>(*this) && affine_.empty() &&
         this->blobs_[0]->count(1) <= kFewValues;
}

template <typename Dtype>
void ConvolutionLayer<Dtype>::RecomputeTop(const vector<Blob<Dtype>*>& bottom,
                                           const vector<Blob<Dtype>*>& top) {
  Caffe::mode() == Caffe::GPU ? this->Forward_gpu(bottom, top) : this->Forward_cpu(bottom, top);
}

template <typename Dtype>
bool ConvolutionLayer<Dtype>::ForwardStrips(const Blob<Dtype>& bottom, ConvolutionLayer* front) {
  if (!pool_) return false;
  Strips& strips = front ? strips_behind_front_ : strips_;
  if (strips.bottom_shape != bottom.shape()) {
    strips.bottom_shape = bottom.shape();
    strips.strips.reset();
    if (this->wants_fast()) {
      const auto geometry = front ? front->Geometry() : ConvolutionGeometry();
      strips.strips = dnn::PooledConvolution<Dtype>::Create(
          this->Geometry(), pool_->layer_param().pooling_param(), front ? &geometry : nullptr);
    }
  }
  if (!strips.strips) return false;
  const auto of_front = front ? front->FeatureParameters() : dnn::Parameters<Dtype>();
  strips.strips->Run(bottom, FeatureParameters(), pool_.get(), pooled_,
                     front ? &of_front : nullptr);
  return true;
}

template <typename Dtype>
template <typename Device>
void ConvolutionLayer<Dtype>::ForwardOn(const vector<Blob<Dtype>*>& bottom,
                                        const vector<Blob<Dtype>*>& top) {
  // In strips the features never exist whole.
  const bool may_stay_empty = (pool_ || reader_) && IsFreed(top[0]);
  if (reader_ && may_stay_empty && IsFreed(read_) && reader_->ForwardStrips(*bottom[0], this)) {
    return;
  }
  const ThreadsForOperations threads(this->Operations());
  if (may_stay_empty && ForwardStrips(*bottom[0], nullptr)) return;
  if (may_stay_empty) top[0]->data()->Renew();
  const Blob<Dtype>& weights = *this->blobs_[0];
  const Blob<Dtype>* bias = AddsBias() ? this->blobs_[1].get() : nullptr;
  auto* fast = this->fast();
  const auto parameters = fast ? FeatureParameters() : dnn::Parameters<Dtype>();
  for (size_t i = 0; i < bottom.size(); ++i) {
    if (fast) {
      fast->ToFeatures({bottom[i], Part::kData}, parameters, {top[i], Part::kData});
      continue;
    }
    const Dtype* image = Device::Data(*bottom[i]);
    Dtype* features = Device::MutableData(top[i]);
    for (int n = 0; n < this->num_; ++n) {
      Dtype* item = features + n * this->top_dim_;
      this->template ImageToFeatures<Device>(image + n * this->bottom_dim_, Device::Data(weights),
                                             item);
      if (bias) this->AddBias(Device(), item, Device::Data(*bias));
    }
    for (const auto& layer : affine_) layer->Forward({top[i]}, {top[i]});
    if (relu_) relu_->Forward({top[i]}, {top[i]});
  }
  if (pool_) RunAhead(pool_.get(), top[0], pooled_);
  if (reader_) RunAhead<Dtype>(reader_.get(), top[0], read_);
}

template <typename Dtype>
bool ConvolutionLayer<Dtype>::BackwardRelu(OnCpu, Blob<Dtype>*, Blob<Dtype>*) {
  return false;
}

#ifndef CPU_ONLY

template <typename Dtype>
bool ConvolutionLayer<Dtype>::BackwardRelu(OnGpu, Blob<Dtype>* top, Blob<Dtype>* bias) {
  if (!relu_ || relu_left_) return false;
  const Dtype slope = relu_->layer_param().relu_param().negative_slope();
  RectifyDiffOnGpu({this->num_, this->num_output_, this->out_spatial_dim_, 1}, slope, top,
                   bias ? bias->mutable_gpu_diff() : nullptr);
  return true;
}

#endif

template <typename Dtype>
template <typename Device>
void ConvolutionLayer<Dtype>::BackwardOn(const vector<Blob<Dtype>*>& top,
                                         const vector<bool>& propagate_down,
                                         const vector<Blob<Dtype>*>& bottom) {
  const ThreadsForOperations threads(this->Operations());
  const Blob<Dtype>& weights = *this->blobs_[0];
  Blob<Dtype>* weight = this->param_propagate_down(0) ? this->blobs_[0].get() : nullptr;
  Blob<Dtype>* bias_of_all =
      AddsBias() && this->param_propagate_down(1) ? this->blobs_[1].get() : nullptr;
  auto* fast = this->fast();
  for (size_t i = 0; i < top.size(); ++i) {
    Blob<Dtype>* bias = BackwardRelu(Device(), top[i], bias_of_all) ? nullptr : bias_of_all;
    if (fast && weight) {
      fast->AddWeightDiff({bottom[i], Part::kData}, {top[i], Part::kDiff}, weight, bias);
    }
    if (fast && propagate_down[i]) {
      fast->ToImage({top[i], Part::kDiff}, weights, {bottom[i], Part::kDiff});
    }
    if (fast && (weight || !bias)) continue;
    const Dtype* feature_diff = Device::Diff(*top[i]);
    for (int n = 0; n < this->num_; ++n) {
      const Dtype* diff = feature_diff + n * this->top_dim_;
      if (bias) this->AddBiasDiff(Device(), Device::MutableDiff(bias), diff);
      if (fast) continue;
      if (weight) {
        this->template AddWeightDiff<Device>(Device::Data(*bottom[i]) + n * this->bottom_dim_, diff,
                                             Device::MutableDiff(weight));
      }
      if (propagate_down[i]) {
        this->template FeaturesToImage<Device>(
            diff, Device::Data(weights), Device::MutableDiff(bottom[i]) + n * this->bottom_dim_);
      }
    }
  }
}

DEFINE_PASSES(ConvolutionLayer);
INSTANTIATE_CLASS(ConvolutionLayer);
REGISTER_LAYER_CLASS(Convolution);

}  // namespace caffe
