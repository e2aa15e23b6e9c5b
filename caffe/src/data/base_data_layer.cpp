#include "caffe/layers/base_data_layer.hpp"

#include "caffe/util/seeded_order.hpp"
#include "util/described_exception.hpp"

namespace caffe {

namespace {

// Batches beyond this are memory without a use.
const uint32_t kMaxPrefetch = 1024;

#ifndef CPU_ONLY
// Where a thread's uploads queue; none in CPU mode.
class UploadStream {
 public:
  UploadStream() {
    if (Caffe::mode() != Caffe::GPU) return;
    CUDA_CHECK(cudaStreamCreateWithFlags(&stream_, cudaStreamNonBlocking));
  }
  ~UploadStream() {
    if (!stream_) return;
    cudaStreamSynchronize(stream_);
    cudaStreamDestroy(stream_);
  }
  cudaStream_t get() const { return stream_; }

 private:
  cudaStream_t stream_ = nullptr;

  DISABLE_COPY_AND_ASSIGN(UploadStream);
};
#endif

}  // namespace

template <typename Dtype>
BaseDataLayer<Dtype>::BaseDataLayer(const LayerParameter& param)
    : Layer<Dtype>(param), transform_param_(param.transform_param()) {}

template <typename Dtype>
void BaseDataLayer<Dtype>::LayerSetUp(const vector<Blob<Dtype>*>& bottom,
                                      const vector<Blob<Dtype>*>& top) {
  output_labels_ = top.size() > 1;
  data_transformer_.reset(new DataTransformer<Dtype>(transform_param_, this->phase_));
  data_transformer_->InitRand();
  DataLayerSetUp(bottom, top);
}

template <typename Dtype>
BasePrefetchingDataLayer<Dtype>::BasePrefetchingDataLayer(const LayerParameter& param)
    : BaseDataLayer<Dtype>(param) {
  const uint32_t batches = param.data_param().prefetch();
  CHECK(batches >= 1 && batches <= kMaxPrefetch)
      << "prefetch: " << batches << " is not in 1 ... " << kMaxPrefetch;
  for (uint32_t i = 0; i < batches; ++i) prefetch_.emplace_back(new Batch<Dtype>());
}

template <typename Dtype>
void BasePrefetchingDataLayer<Dtype>::LayerSetUp(const vector<Blob<Dtype>*>& bottom,
                                                 const vector<Blob<Dtype>*>& top) {
  StopInternalThread();
  seed_ = caffe_rng_rand();
  prefetch_current_ = nullptr;
  BaseDataLayer<Dtype>::LayerSetUp(bottom, top);
  FreeAllBatches();
  StartInternalThread();
}

template <typename Dtype>
void BasePrefetchingDataLayer<Dtype>::ShapeBatches(const vector<Blob<Dtype>*>& top) {
  vector<int> item = top[0]->shape();
  item[0] = 1;
  transformed_data_.Reshape(item);
  for (const auto& batch : prefetch_) {
    batch->data_.ReshapeLike(*top[0]);
    if (this->output_labels_) batch->label_.ReshapeLike(*top[1]);
  }
}

// All but the one whose memory the tops use.
template <typename Dtype>
void BasePrefetchingDataLayer<Dtype>::FreeAllBatches() {
  prefetch_free_.clear();
  prefetch_full_.clear();
  for (const auto& batch : prefetch_) {
    if (batch.get() != prefetch_current_) prefetch_free_.push(batch.get());
  }
}

template <typename Dtype>
void BasePrefetchingDataLayer<Dtype>::InternalThreadEntry() {
  try {
#ifndef CPU_ONLY
    const UploadStream stream;
#endif
    while (!must_stop()) {
      Batch<Dtype>* batch = prefetch_free_.pop();
#ifndef CPU_ONLY
      // Its earlier contents have left the host's memory.
      if (stream.get()) CUDA_CHECK(batch->uploaded_.Wait());
#endif
      this->data_transformer_->InitRand(BatchSeed());
      load_batch(batch);
      ++next_batch_;
#ifndef CPU_ONLY
      if (stream.get()) Upload(batch, stream.get());
#endif
      prefetch_full_.push(batch);
    }
  } catch (...) {
    // A wait that is asked to end does so with an exception, which nobody waits for.
    if (!must_stop()) prefetch_full_.fail(DescribedException());
  }
}

#ifndef CPU_ONLY
template <typename Dtype>
void BasePrefetchingDataLayer<Dtype>::Upload(Batch<Dtype>* batch, cudaStream_t stream) {
  // Kernels may still read what was in it before.
  batch->used_.HoldBack(stream);
  batch->data_.data()->async_gpu_push(stream);
  if (this->output_labels_) batch->label_.data()->async_gpu_push(stream);
  batch->uploaded_.Record(stream);
}
#endif

template <typename Dtype>
unsigned int BasePrefetchingDataLayer<Dtype>::BatchSeed() const {
  return MixSeed(seed_, SolverShare(this->phase_).Item(next_batch_));
}

template <typename Dtype>
void BasePrefetchingDataLayer<Dtype>::TakeNextBatch() {
  CHECK(!is_left_behind()) << "the thread that reads ahead stayed in the process that this one "
                           << "forked from: make the net in the process that runs it";
  if (prefetch_current_) prefetch_free_.push(prefetch_current_);
  prefetch_current_ = nullptr;
  prefetch_current_ = prefetch_full_.pop("Waiting for data");
  ++batches_handed_out_;
}

// The tops use the batch's memory, which is theirs until the next Forward, and keep it alive: a
// blob may live longer than its layer.
template <typename Dtype>
void BasePrefetchingDataLayer<Dtype>::Forward_cpu(const vector<Blob<Dtype>*>& bottom,
                                                  const vector<Blob<Dtype>*>& top) {
  TakeNextBatch();
  top[0]->ReshapeLike(prefetch_current_->data_);
  top[0]->set_cpu_data(prefetch_current_->data_.mutable_cpu_data(),
                       prefetch_current_->data_.data());
  if (this->output_labels_) {
    top[1]->ReshapeLike(prefetch_current_->label_);
    top[1]->set_cpu_data(prefetch_current_->label_.mutable_cpu_data(),
                         prefetch_current_->label_.data());
  }
}

#ifdef CPU_ONLY
STUB_GPU_FORWARD(BasePrefetchingDataLayer, Forward);
#else
template <typename Dtype>
void BasePrefetchingDataLayer<Dtype>::Forward_gpu(const vector<Blob<Dtype>*>& bottom,
                                                  const vector<Blob<Dtype>*>& top) {
  // The last batch has been used up when all that is queued by now has been done.
  if (prefetch_current_) prefetch_current_->used_.Record(ThreadStream());
  TakeNextBatch();
  prefetch_current_->uploaded_.HoldBack(ThreadStream());
  // Asking for constant data spares a copy back to the host when the batch is filled anew.
  const auto use = [](const Blob<Dtype>& from, Blob<Dtype>* to) {
    to->ReshapeLike(from);
    to->set_gpu_data(const_cast<Dtype*>(from.gpu_data()), from.data());
  };
  use(prefetch_current_->data_, top[0]);
  if (this->output_labels_) use(prefetch_current_->label_, top[1]);
}
#endif

template <typename Dtype>
void BasePrefetchingDataLayer<Dtype>::SaveState(LayerState* state) const {
  if (!BatchesByNumber()) return;
  state->set_seed(seed_);
  state->set_batches(batches_handed_out_);
}

template <typename Dtype>
void BasePrefetchingDataLayer<Dtype>::RestoreState(const LayerState& state) {
  if (!BatchesByNumber()) return;
  StopInternalThread();
  seed_ = state.seed();
  batches_handed_out_ = next_batch_ = state.batches();
  FreeAllBatches();
  StartInternalThread();
}

INSTANTIATE_CLASS(BaseDataLayer);
INSTANTIATE_CLASS(BasePrefetchingDataLayer);

}  // namespace caffe
