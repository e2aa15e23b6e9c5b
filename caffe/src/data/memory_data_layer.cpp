#include "caffe/layers/memory_data_layer.hpp"

#include <climits>
#include <vector>

#include <opencv2/core.hpp>

namespace caffe {

template <typename Dtype>
void MemoryDataLayer<Dtype>::DataLayerSetUp(const vector<Blob<Dtype>*>& bottom,
                                            const vector<Blob<Dtype>*>& top) {
  const MemoryDataParameter& param = this->layer_param_.memory_data_param();
  for (const uint32_t size :
       {param.batch_size(), param.channels(), param.height(), param.width()}) {
    CHECK(size > 0 && size <= static_cast<uint32_t>(INT_MAX))
        << "memory_data_param needs batch_size, channels, height and width, all from 1 to "
        << INT_MAX << ", not " << size;
  }
  batch_size_ = static_cast<int>(param.batch_size());
  channels_ = static_cast<int>(param.channels());
  height_ = static_cast<int>(param.height());
  width_ = static_cast<int>(param.width());
  top[0]->Reshape({batch_size_, channels_, height_, width_});
  size_ = top[0]->count(1);
  top[1]->Reshape({batch_size_});
  added_data_.Reshape({0, channels_, height_, width_});
  added_label_.Reshape(vector<int>{0});
  data_ = labels_ = nullptr;
}

template <typename Dtype>
void MemoryDataLayer<Dtype>::PrepareToAdd(size_t images) {
  CHECK(this->data_transformer_) << "SetUp comes before data are added";
  CHECK(!has_new_data_) << "data can be added when those added before have been used";
  CHECK(images > 0 && images <= INT_MAX && images % batch_size_ == 0)
      << images << " images are no multiple of the batch size " << batch_size_;
  // Where adding fails, neither the memory of what was added before nor half of the new is used.
  data_ = labels_ = nullptr;
  added_data_.Reshape({static_cast<int>(images), channels_, height_, width_});
  added_label_.Reshape({static_cast<int>(images)});
}

template <typename Dtype>
void MemoryDataLayer<Dtype>::UseAdded(int images) {
  data_ = added_data_.mutable_cpu_data();
  labels_ = added_label_.mutable_cpu_data();
  data_owner_ = added_data_.data();
  labels_owner_ = added_label_.data();
  n_ = images;
  pos_ = 0;
  has_new_data_ = true;
}

template <typename Dtype>
void MemoryDataLayer<Dtype>::AddDatumVector(const vector<Datum>& datum_vector) {
  PrepareToAdd(datum_vector.size());
  this->data_transformer_->Transform(datum_vector, &added_data_);
  Dtype* labels = added_label_.mutable_cpu_data();
  for (size_t i = 0; i < datum_vector.size(); ++i) labels[i] = datum_vector[i].label();
  UseAdded(static_cast<int>(datum_vector.size()));
}

template <typename Dtype>
void MemoryDataLayer<Dtype>::AddMatVector(const vector<cv::Mat>& mat_vector,
                                          const vector<int>& labels) {
  CHECK_EQ(mat_vector.size(), labels.size()) << ": every image has one label";
  PrepareToAdd(mat_vector.size());
  this->data_transformer_->Transform(mat_vector, &added_data_);
  std::copy(labels.begin(), labels.end(), added_label_.mutable_cpu_data());
  UseAdded(static_cast<int>(mat_vector.size()));
}

template <typename Dtype>
void MemoryDataLayer<Dtype>::Reset(Dtype* data, Dtype* label, int n,
                                   const shared_ptr<void>& owner) {
  CHECK(data && label) << "data and labels must not be null";
  CHECK(n > 0 && n % batch_size_ == 0)
      << n << " images are no multiple of the batch size " << batch_size_;
  if (this->layer_param_.has_transform_param()) {
    LOG(WARNING) << this->type() << " does not transform arrays: transform_param has no effect";
  }
  data_ = data;
  labels_ = label;
  data_owner_ = labels_owner_ = owner;
  n_ = n;
  pos_ = 0;
}

template <typename Dtype>
void MemoryDataLayer<Dtype>::set_batch_size(int new_size) {
  CHECK(!has_new_data_) << "the batch size can be changed when the data added have been used";
  CHECK_GT(new_size, 0) << " is no batch size";
  batch_size_ = new_size;
}

template <typename Dtype>
void MemoryDataLayer<Dtype>::Forward_cpu(const vector<Blob<Dtype>*>& bottom,
                                         const vector<Blob<Dtype>*>& top) {
  CHECK(data_) << this->layer_param_.name()
               << " has no data: call Reset, AddDatumVector or AddMatVector (in Python "
                  "net.set_input_arrays) first";
  CHECK_LE(pos_ + batch_size_, static_cast<size_t>(n_))
      << " images: the batch size no longer divides the data";
  top[0]->Reshape({batch_size_, channels_, height_, width_});
  top[1]->Reshape({batch_size_});
  top[0]->set_cpu_data(data_ + pos_ * size_, data_owner_);
  top[1]->set_cpu_data(labels_ + pos_, labels_owner_);
  pos_ = (pos_ + batch_size_) % n_;
  if (pos_ == 0) has_new_data_ = false;
}

INSTANTIATE_CLASS(MemoryDataLayer);
REGISTER_LAYER_CLASS(MemoryData);

}  // namespace caffe
