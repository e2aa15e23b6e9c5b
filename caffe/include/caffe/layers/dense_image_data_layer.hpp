#ifndef CAFFE_DENSE_IMAGE_DATA_LAYER_HPP_
#define CAFFE_DENSE_IMAGE_DATA_LAYER_HPP_

#include <string>
#include <vector>

#include "caffe/layers/base_data_layer.hpp"
#include "caffe/util/seeded_order.hpp"

namespace caffe {

inline namespace beyond_caffe_1 {

/// Images with an image of labels each, from a list with lines `image label_image`.
///
/// Tops: data, N x C x H x W; labels, N x 1 x H x W (optional). Crop and mirroring are the same for
/// both; resizing takes the nearest label. Pixels lie as they are stored, whatever EXIF data say,
/// and label images are gray. Parameters: dense_image_data_param, and of transform_param scale,
/// mean_value, mean_file, crop_size and mirror.
template <typename Dtype>
class DenseImageDataLayer : public BasePrefetchingDataLayer<Dtype> {
 public:
  explicit DenseImageDataLayer(const LayerParameter& param);
  ~DenseImageDataLayer() override { this->StopInternalThread(); }
  void DataLayerSetUp(const vector<Blob<Dtype>*>& bottom, const vector<Blob<Dtype>*>& top) override;
  const char* type() const override { return "DenseImageData"; }
  int ExactNumBottomBlobs() const override { return 0; }
  int MinTopBlobs() const override { return 1; }
  int MaxTopBlobs() const override { return 2; }

 protected:
  void load_batch(Batch<Dtype>* batch) override;
  bool BatchesByNumber() const override;

 private:
  struct Pair {
    string image;
    string labels;
  };

  const Pair& PairOf(uint64_t batch, int i);
  cv::Mat ReadImage(const string& file) const;
  cv::Mat ReadLabels(const string& file) const;
  void StorePair(const cv::Mat& image, const cv::Mat& labels, int i, Batch<Dtype>* batch);

  vector<Pair> pairs_;
  SeededOrder order_;
  SolverShare share_;
  Blob<Dtype> transformed_labels_;
};

}  // namespace beyond_caffe_1

}  // namespace caffe

#endif  // CAFFE_DENSE_IMAGE_DATA_LAYER_HPP_
