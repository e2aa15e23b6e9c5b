#include "caffe/layers/embed_layer.hpp"
#include "gpu/bias.hpp"
#include "gpu/rows.cuh"

namespace caffe {

namespace {

// The number of a table's row, or of row 0 and a note of the error.
template <typename Dtype>
struct RowNumber {
  int rows;
  const Dtype* indices;
  int* numbers;
  int* bad;
  CAFFE_HOST_DEVICE void operator()(int m) const {
    const Dtype index = indices[m];
    const bool good = index >= 0 && index < rows && index == std::floor(index);
    numbers[m] = good ? static_cast<int>(index) : 0;
    if (!good) *bad = 1 + m;
  }
};

}  // namespace

template <typename Dtype>
void EmbedLayer<Dtype>::CheckIndices() {
  const int bad = bad_index_.Take();
  CHECK_EQ(bad, 0) << ": element " << bad - 1 << " of the bottom was no index: Embed takes whole "
                   << "numbers from 0 below input_dim, " << K_;
}

template <typename Dtype>
void EmbedLayer<Dtype>::Forward_gpu(const vector<Blob<Dtype>*>& bottom,
                                    const vector<Blob<Dtype>*>& top) {
  CheckIndices();
  device_rows_.Reshape(vector<int>{M_});
  ForElements(M_, RowNumber<Dtype>{K_, bottom[0]->gpu_data(), device_rows_.mutable_gpu_data(),
                                   bad_index_.device()});
  const std::ptrdiff_t count = top[0]->count();
  Dtype* y = top[0]->mutable_gpu_data();
  ForElements(count,
              GatherRowElement<Dtype>{N_, device_rows_.gpu_data(), this->blobs_[0]->gpu_data(), y});
  if (bias_term_) AddBiasOnGpu(M_, N_, 1, this->blobs_[1]->gpu_data(), Dtype(1), y);
}

template <typename Dtype>
void EmbedLayer<Dtype>::Backward_gpu(const vector<Blob<Dtype>*>& top,
                                     const vector<bool>& propagate_down,
                                     const vector<Blob<Dtype>*>& bottom) {
  CHECK(!propagate_down[0]) << "indices have no gradient: Embed cannot propagate to its bottom";
  CheckIndices();
  const Dtype* dy = top[0]->gpu_diff();
  if (this->param_propagate_down(0)) {
    ForElements(N_, AddColumnToRows<Dtype>{M_, N_, device_rows_.gpu_data(), dy,
                                           this->blobs_[0]->mutable_gpu_diff()});
  }
  if (bias_term_ && this->param_propagate_down(1)) {
    AddBiasDiffOnGpu(M_, N_, 1, dy, this->blobs_[1]->mutable_gpu_diff());
  }
}

INSTANTIATE_LAYER_GPU_FUNCS(EmbedLayer);

}  // namespace caffe
