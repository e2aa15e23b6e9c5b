#include "caffe/layers/embed_layer.hpp"

#include "core/per_channel.hpp"
#include "layers/learned_blobs.hpp"
#include "layers/row_bias.hpp"

namespace caffe {

template <typename Dtype>
void EmbedLayer<Dtype>::LayerSetUp(const vector<Blob<Dtype>*>& bottom,
                                   const vector<Blob<Dtype>*>& top) {
  const EmbedParameter& param = this->layer_param_.embed_param();
  CHECK(param.num_output() > 0 && param.num_output() < (1u << 30))
      << "num_output is " << param.num_output() << ": give the length of the table's rows";
  CHECK(param.input_dim() > 0 && param.input_dim() < (1u << 30))
      << "input_dim is " << param.input_dim() << ": give the number of the table's rows";
  N_ = static_cast<int>(param.num_output());
  K_ = static_cast<int>(param.input_dim());
  bias_term_ = param.bias_term();
  vector<BlobSpec> specs = {{"table", {K_, N_}, param.weight_filler()}};
  if (bias_term_) specs.push_back({"bias", {N_}, param.bias_filler()});
  SetUpLearnedBlobs(specs, &this->blobs_);
  this->param_propagate_down_.resize(this->blobs_.size(), true);
}

template <typename Dtype>
void EmbedLayer<Dtype>::Reshape(const vector<Blob<Dtype>*>& bottom,
                                const vector<Blob<Dtype>*>& top) {
  M_ = bottom[0]->count();
  vector<int> top_shape = bottom[0]->shape();
  top_shape.push_back(N_);
  top[0]->Reshape(top_shape);
}

template <typename Dtype>
void EmbedLayer<Dtype>::Forward_cpu(const vector<Blob<Dtype>*>& bottom,
                                    const vector<Blob<Dtype>*>& top) {
  const Dtype* indices = bottom[0]->cpu_data();
  const Dtype* table = this->blobs_[0]->cpu_data();
  Dtype* y = top[0]->mutable_cpu_data();
  for (int m = 0; m < M_; ++m) {
    const Dtype index = indices[m];
    CHECK(index >= 0 && index < K_ && index == std::floor(index))
        << "element " << m << " of the bottom is " << index
        << ": Embed takes whole numbers from 0 below input_dim, " << K_;
    const Dtype* row = table + std::ptrdiff_t(index) * N_;
    std::copy(row, row + N_, y + std::ptrdiff_t(m) * N_);
  }
  if (!bias_term_) return;
  const Dtype* bias = this->blobs_[1]->cpu_data();
  ScalePerChannel(ChannelLayout{M_, N_, 1, 1, 1}, y, {}, vector<Dtype>(bias, bias + N_), y);
}

template <typename Dtype>
void EmbedLayer<Dtype>::Backward_cpu(const vector<Blob<Dtype>*>& top,
                                     const vector<bool>& propagate_down,
                                     const vector<Blob<Dtype>*>& bottom) {
  CHECK(!propagate_down[0]) << "indices have no gradient: Embed cannot propagate to its bottom";
  const Dtype* dy = top[0]->cpu_diff();
  if (this->param_propagate_down(0)) {
    const Dtype* indices = bottom[0]->cpu_data();
    Dtype* diff = this->blobs_[0]->mutable_cpu_diff();
    for (int m = 0; m < M_; ++m) {
      const int row = static_cast<int>(indices[m]);
      CHECK(row >= 0 && row < K_) << "an index changed between Forward and Backward";
      caffe_axpy<Dtype>(N_, 1, dy + std::ptrdiff_t(m) * N_, diff + std::ptrdiff_t(row) * N_);
    }
  }
  if (bias_term_ && this->param_propagate_down(1)) AddBiasDiff(M_, dy, this->blobs_[1].get());
}

INSTANTIATE_CLASS(EmbedLayer);
REGISTER_LAYER_CLASS(Embed);

}  // namespace caffe
