#include "caffe/layers/data_layer.hpp"

#include <vector>

#include <opencv2/core.hpp>

#include "caffe/util/io.hpp"
#include "data/batch_size.hpp"
#include "data/name_errors.hpp"
#include "data/shape_top.hpp"
#include "layers/exact_class.hpp"

namespace caffe {

template <typename Dtype>
void DataLayer<Dtype>::DataLayerSetUp(const vector<Blob<Dtype>*>& bottom,
                                      const vector<Blob<Dtype>*>& top) {
  const DataParameter& param = this->layer_param_.data_param();
  const int batch_size = CheckedBatchSize(param.batch_size());
  share_ = SolverShare(this->phase_);
  db_.reset(db::GetDB(param.backend()));
  db_->Open(param.source(), db::READ);
  cursor_.reset(db_->NewCursor());
  CHECK(cursor_->valid()) << "the database " << param.source() << " is empty";
  record_ = pass_start_ = 0;

  Datum datum;
  ReadDatum(&datum);
  NameErrors([&] { return RecordName(); },
             [&] { ShapeTop(this->data_transformer_->InferBlobShape(datum), batch_size, top[0]); });
  if (this->output_labels_) top[1]->Reshape({batch_size});
  this->ShapeBatches(top);
}

template <typename Dtype>
void DataLayer<Dtype>::Next() {
  cursor_->Next();
  ++record_;
  if (cursor_->valid()) return;
  cursor_->SeekToFirst();
  pass_length_ = record_ - pass_start_;
  pass_start_ = record_;
  LOG_FIRST_N(INFO, 1) << "Restarting data prefetching from start.";
}

// Moves the cursor to a record, over the end of the database where need be.
template <typename Dtype>
void DataLayer<Dtype>::SeekRecord(uint64_t record) {
  if (record < record_) {
    cursor_->SeekToFirst();
    record_ = pass_start_ = 0;
  }
  while (record_ < record) {
    Next();
    if (record_ != pass_start_) continue;
    // The length is known now: whole passes need not be walked.
    pass_start_ = record_ += (record - record_) / pass_length_ * pass_length_;
  }
}

template <typename Dtype>
void DataLayer<Dtype>::ReadDatum(Datum* datum) {
  if (!datum->ParseFromString(cursor_->value())) {
    LOG(FATAL) << RecordName() + " is no Datum message";
  }
  // Before memory is taken for the size that it claims.
  if (!datum->encoded()) {
    NameErrors([&] { return RecordName(); }, [&] { CheckDatum(*datum, "a datum"); });
  }
}

template <typename Dtype>
string DataLayer<Dtype>::RecordName() {
  return "record '" + cursor_->key() + "' of " + this->layer_param_.data_param().source();
}

template <typename Dtype>
bool DataLayer<Dtype>::BatchesByNumber() const {
  return IsExactly<DataLayer>(*this);
}

template <typename Dtype>
void DataLayer<Dtype>::load_batch(Batch<Dtype>* batch) {
  const DataParameter& param = this->layer_param_.data_param();
  const int batch_size = static_cast<int>(param.batch_size());
  const uint64_t first =
      this->next_batch_ * batch_size + RandomSkip(param.rand_skip(), this->seed_);
  if (this->output_labels_) batch->label_.Reshape({batch_size});
  Datum datum;
  for (int i = 0; i < batch_size; ++i) {
    SeekRecord(share_.Item(first + i));
    ReadDatum(&datum);
    const auto fill = [&](const auto& image) {
      this->AimAtItem(image, i, batch_size, batch);
      this->data_transformer_->Transform(image, &this->transformed_data_);
    };
    NameErrors([&] { return RecordName(); },
               [&] {
                 if (datum.encoded()) {
                   fill(this->data_transformer_->Decode(datum));  // once for shape and values
                 } else {
                   fill(datum);
                 }
               });
    if (this->output_labels_) batch->label_.mutable_cpu_data()[i] = datum.label();
  }
}

INSTANTIATE_CLASS(DataLayer);
REGISTER_LAYER_CLASS(Data);

}  // namespace caffe
