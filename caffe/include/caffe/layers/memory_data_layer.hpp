#ifndef CAFFE_MEMORY_DATA_LAYER_HPP_
#define CAFFE_MEMORY_DATA_LAYER_HPP_

#include <vector>

#include "caffe/layers/base_data_layer.hpp"

namespace caffe {

/// Data and labels that the program hands over, batch by batch, over and over.
///
/// Tops: data, batch_size x channels x height x width; labels, batch_size. memory_data_param gives
/// these sizes. Datum messages and images are transformed (transform_param); arrays are not.
template <typename Dtype>
class MemoryDataLayer : public BaseDataLayer<Dtype> {
 public:
  explicit MemoryDataLayer(const LayerParameter& param) : BaseDataLayer<Dtype>(param) {}
  void DataLayerSetUp(const vector<Blob<Dtype>*>& bottom, const vector<Blob<Dtype>*>& top) override;
  const char* type() const override { return "MemoryData"; }
  int ExactNumBottomBlobs() const override { return 0; }
  int ExactNumTopBlobs() const override { return 2; }
  /// The tops are the caller's memory, which is read again in later passes.
  bool SharesData() const override { return true; }

  /// Take over images, a multiple of the batch size, and their labels. Throw Error as long as some
  /// of those taken over before have not been used.
  virtual void AddDatumVector(const vector<Datum>& datum_vector);
  virtual void AddMatVector(const vector<cv::Mat>& mat_vector, const vector<int>& labels);

  /// Uses the caller's memory: n images of the layer's size and n labels, n a multiple of the batch
  /// size. `owner` is kept as long as they are used, by a top too; without one they have to outlive
  /// that.
  void Reset(Dtype* data, Dtype* label, int n, const shared_ptr<void>& owner = shared_ptr<void>());
  void set_batch_size(int new_size);

  int batch_size() { return batch_size_; }
  int channels() { return channels_; }
  int height() { return height_; }
  int width() { return width_; }

 protected:
  void Forward_cpu(const vector<Blob<Dtype>*>& bottom, const vector<Blob<Dtype>*>& top) override;
  void Forward_gpu(const vector<Blob<Dtype>*>& bottom, const vector<Blob<Dtype>*>& top) override {
    Forward_cpu(bottom, top);
  }

  int batch_size_ = 0;
  int channels_ = 0;
  int height_ = 0;
  int width_ = 0;
  int size_ = 0;
  Dtype* data_ = nullptr;
  Dtype* labels_ = nullptr;
  int n_ = 0;
  size_t pos_ = 0;
  Blob<Dtype> added_data_;
  Blob<Dtype> added_label_;
  bool has_new_data_ = false;

 private:
  void PrepareToAdd(size_t images);
  void UseAdded(int images);

  shared_ptr<void> data_owner_, labels_owner_;
};

}  // namespace caffe

#endif  // CAFFE_MEMORY_DATA_LAYER_HPP_
