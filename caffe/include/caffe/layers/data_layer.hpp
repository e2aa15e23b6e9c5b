#ifndef CAFFE_DATA_LAYER_HPP_
#define CAFFE_DATA_LAYER_HPP_

#include <string>
#include <vector>

#include "caffe/layers/base_data_layer.hpp"
#include "caffe/util/db.hpp"
#include "caffe/util/seeded_order.hpp"

namespace caffe {

/// Images (Datum messages) from an LMDB or LevelDB, in the order of their keys, over and over.
///
/// Tops: data, N x C x H x W; labels, N (optional). Parameters: data_param (source, backend,
/// batch_size, prefetch, rand_skip) and transform_param. Solvers that run in parallel read
/// different records.
template <typename Dtype>
class DataLayer : public BasePrefetchingDataLayer<Dtype> {
 public:
  explicit DataLayer(const LayerParameter& param) : BasePrefetchingDataLayer<Dtype>(param) {
    // The older name of transform_param.force_color.
    if (param.data_param().force_encoded_color()) this->transform_param_.set_force_color(true);
  }
  ~DataLayer() override { this->StopInternalThread(); }
  void DataLayerSetUp(const vector<Blob<Dtype>*>& bottom, const vector<Blob<Dtype>*>& top) override;
  const char* type() const override { return "Data"; }
  int ExactNumBottomBlobs() const override { return 0; }
  int MinTopBlobs() const override { return 1; }
  int MaxTopBlobs() const override { return 2; }

 protected:
  void load_batch(Batch<Dtype>* batch) override;
  bool BatchesByNumber() const override;

  // For derived layers with a load_batch of their own.
  /// Moves the cursor to the next record, from the last one to the first.
  void Next();
  /// Whether the record at the cursor is one that another solver reads.
  bool Skip() const { return !share_.Has(record_); }

  shared_ptr<db::DB> db_;
  shared_ptr<db::Cursor> cursor_;

 private:
  void SeekRecord(uint64_t record);
  void ReadDatum(Datum* datum);
  /// What an error calls the record at the cursor.
  string RecordName();

  /// Numbers, counted over all passes, of the record at the cursor and of its pass's first one.
  uint64_t record_ = 0;
  uint64_t pass_start_ = 0;
  /// Records of a pass; known after the first one.
  uint64_t pass_length_ = 0;
  SolverShare share_;
};

}  // namespace caffe

#endif  // CAFFE_DATA_LAYER_HPP_
