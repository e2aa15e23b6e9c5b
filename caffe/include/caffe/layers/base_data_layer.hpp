#ifndef CAFFE_BASE_DATA_LAYER_HPP_
#define CAFFE_BASE_DATA_LAYER_HPP_

#include <vector>

#include "caffe/blob.hpp"
#include "caffe/data_transformer.hpp"
#include "caffe/internal_thread.hpp"
#include "caffe/layer.hpp"
#include "caffe/proto/caffe.pb.h"
#include "caffe/util/blocking_queue.hpp"
#include "caffe/util/device_event.hpp"

namespace caffe {

/// A layer without bottoms that makes data (top 0) and, with a second top, labels.
template <typename Dtype>
class BaseDataLayer : public Layer<Dtype> {
 public:
  explicit BaseDataLayer(const LayerParameter& param);
  /// Makes the transformer, then calls DataLayerSetUp.
  void LayerSetUp(const vector<Blob<Dtype>*>& bottom, const vector<Blob<Dtype>*>& top) override;
  /// Opens the source and gives the tops their shapes.
  virtual void DataLayerSetUp(const vector<Blob<Dtype>*>& bottom, const vector<Blob<Dtype>*>& top) {
  }
  /// Tops are shaped by the data.
  void Reshape(const vector<Blob<Dtype>*>& bottom, const vector<Blob<Dtype>*>& top) override {}

 protected:
  void Backward_cpu(const vector<Blob<Dtype>*>& top, const vector<bool>& propagate_down,
                    const vector<Blob<Dtype>*>& bottom) override {}
  void Backward_gpu(const vector<Blob<Dtype>*>& top, const vector<bool>& propagate_down,
                    const vector<Blob<Dtype>*>& bottom) override {}

  TransformationParameter transform_param_;
  shared_ptr<DataTransformer<Dtype>> data_transformer_;
  /// Whether there is a top for labels.
  bool output_labels_ = false;
};

template <typename Dtype>
class Batch {
 public:
  Blob<Dtype> data_;
  Blob<Dtype> label_;
  /// The end of its upload, and of the pass that reads it on the GPU.
  DeviceEvent uploaded_, used_;
};

/// A data layer whose batches a thread makes ahead of time (data_param.prefetch of them, by
/// default 4).
///
/// Derived classes write load_batch, and call StopInternalThread() in their destructor. What
/// load_batch throws, Forward throws when its turn comes to hand out that batch. Where batch number
/// next_batch_ is a function of that number and of seed_ (BatchesByNumber), a run is the same
/// whenever it has the same seed, and can be continued from a snapshot.
template <typename Dtype>
class BasePrefetchingDataLayer : public BaseDataLayer<Dtype>, public InternalThread {
 public:
  explicit BasePrefetchingDataLayer(const LayerParameter& param);
  ~BasePrefetchingDataLayer() override { StopInternalThread(); }
  /// Sets up the data layer (as above), then starts the thread.
  void LayerSetUp(const vector<Blob<Dtype>*>& bottom, const vector<Blob<Dtype>*>& top) override;

  void Forward_cpu(const vector<Blob<Dtype>*>& bottom, const vector<Blob<Dtype>*>& top) override;
  void Forward_gpu(const vector<Blob<Dtype>*>& bottom, const vector<Blob<Dtype>*>& top) override;

  void SaveState(LayerState* state) const override;
  void RestoreState(const LayerState& state) override;

 protected:
  void InternalThreadEntry() override;
  /// For DataLayerSetUp: shapes transformed_data_ for one of the items that the first top has, and
  /// the batches like the tops, before load_batch makes them. Memory is taken at its first use.
  void ShapeBatches(const vector<Blob<Dtype>*>& top);
  /// Fills a batch; shapes it, too.
  virtual void load_batch(Batch<Dtype>* batch) = 0;
  /// Whether load_batch finds what it reads by next_batch_ and draws what is random from seed_.
  /// Else it goes on from a place of its own, which nothing can put back: training that goes on
  /// from a snapshot then begins with the first batch, as in Caffe 1.0.
  virtual bool BatchesByNumber() const { return false; }
  /// For load_batch: makes transformed_data_ item `item` of the batch, for an image (Datum or
  /// cv::Mat) to be transformed into. Item 0 shapes the batch: images may change their size from
  /// batch to batch.
  template <typename Image>
  void AimAtItem(const Image& image, int item, int batch_size, Batch<Dtype>* batch) {
    if (item == 0) {
      vector<int> shape = this->data_transformer_->InferBlobShape(image);
      transformed_data_.Reshape(shape);
      shape[0] = batch_size;
      batch->data_.Reshape(shape);
    }
    transformed_data_.set_cpu_data(batch->data_.mutable_cpu_data() + batch->data_.offset(item));
  }

  /// A seed for what is random in batch next_batch_; solvers that share seed_ get different ones.
  unsigned int BatchSeed() const;

  vector<shared_ptr<Batch<Dtype>>> prefetch_;
  BlockingQueue<Batch<Dtype>*> prefetch_free_;
  BlockingQueue<Batch<Dtype>*> prefetch_full_;
  Batch<Dtype>* prefetch_current_ = nullptr;
  Blob<Dtype> transformed_data_;
  /// Decides all that is random in this layer's data.
  uint64_t seed_ = 0;
  /// Number, counted from 0, of the batch that load_batch is to fill.
  uint64_t next_batch_ = 0;

 private:
#ifndef CPU_ONLY
  void Upload(Batch<Dtype>* batch, cudaStream_t stream);
#endif
  void FreeAllBatches();
  void TakeNextBatch();

  uint64_t batches_handed_out_ = 0;
};

}  // namespace caffe

#endif  // CAFFE_BASE_DATA_LAYER_HPP_
