#ifndef CAFFE_IMAGE_DATA_LAYER_HPP_
#define CAFFE_IMAGE_DATA_LAYER_HPP_

#include <string>
#include <utility>
#include <vector>

#include "caffe/layers/base_data_layer.hpp"
#include "caffe/util/seeded_order.hpp"

namespace caffe {

/// Image files and their labels, from a list with lines `file label`.
///
/// Tops: data, N x C x H x W; labels, N. Parameters: image_data_param (source, root_folder,
/// batch_size, new_height and new_width, is_color, shuffle, rand_skip) and transform_param. Without
/// new_height and new_width the images of a batch have to be of one size.
template <typename Dtype>
class ImageDataLayer : public BasePrefetchingDataLayer<Dtype> {
 public:
  explicit ImageDataLayer(const LayerParameter& param) : BasePrefetchingDataLayer<Dtype>(param) {}
  ~ImageDataLayer() override { this->StopInternalThread(); }
  void DataLayerSetUp(const vector<Blob<Dtype>*>& bottom, const vector<Blob<Dtype>*>& top) override;
  const char* type() const override { return "ImageData"; }
  int ExactNumBottomBlobs() const override { return 0; }
  int ExactNumTopBlobs() const override { return 2; }

 protected:
  void load_batch(Batch<Dtype>* batch) override;
  bool BatchesByNumber() const override;

  /// The list: files and their labels.
  vector<std::pair<string, int>> lines_;

 private:
  /// Index into lines_ of image `i` of batch `batch`.
  size_t LineOf(uint64_t batch, int i);

  SeededOrder order_;
  SolverShare share_;
};

}  // namespace caffe

#endif  // CAFFE_IMAGE_DATA_LAYER_HPP_
