#ifndef CAFFE_DATA_TRANSFORMER_HPP_
#define CAFFE_DATA_TRANSFORMER_HPP_

#include <string>
#include <vector>

#include "caffe/blob.hpp"
#include "caffe/common.hpp"
#include "caffe/proto/caffe.pb.h"

namespace caffe {

/// Turns images into the values a net takes: crop, mirror, minus the mean, times scale.
///
/// Crops lie anywhere in the TRAIN phase, in the centre in the TEST phase. All functions write
/// planes (C x H x W, colours in the order B G R); where blobs have the wrong shape, or an image
/// another one than the mean image, they throw Error.
template <typename Dtype>
class DataTransformer {
 public:
  /// Reads the mean file, if there is one.
  explicit DataTransformer(const TransformationParameter& param, Phase phase);
  virtual ~DataTransformer() = default;

  /// Draws a seed for crops and mirroring from the calling thread's random generator, where the
  /// parameters need one.
  void InitRand();
  /// Makes crops and mirroring the ones of this seed.
  void InitRand(unsigned int seed);

  /// Transform one image into a blob of 1 x C x H x W.
  void Transform(const Datum& datum, Blob<Dtype>* transformed_blob);
  void Transform(const cv::Mat& cv_img, Blob<Dtype>* transformed_blob);
  /// Transform N images into a blob of N x C x H x W; that of datums may have room for more.
  void Transform(const vector<Datum>& datum_vector, Blob<Dtype>* transformed_blob);
  void Transform(const vector<cv::Mat>& mat_vector, Blob<Dtype>* transformed_blob);
  /// Transforms an image and, with the same crop and mirroring, the image of its labels (8 or 16
  /// bits), whose values stay as they are: into blobs of 1 x C x H x W and 1 x 1 x H x W.
  void Transform(const cv::Mat& image, const cv::Mat& labels, Blob<Dtype>* transformed_image,
                 Blob<Dtype>* transformed_labels);
  /// Transforms a blob of images, all with the same crop and mirroring. An empty result is
  /// reshaped.
  void Transform(Blob<Dtype>* input_blob, Blob<Dtype>* transformed_blob);

  /// Size of the crops, instead of the square of crop_size; 0 and 0 for none.
  void set_crop(int height, int width);

  /// The shape that Transform needs for these.
  vector<int> InferBlobShape(const Datum& datum);
  vector<int> InferBlobShape(const vector<Datum>& datum_vector);
  vector<int> InferBlobShape(const vector<cv::Mat>& mat_vector);
  vector<int> InferBlobShape(const cv::Mat& cv_img);

  /// The image in an encoded datum, with the channels that force_color or force_gray ask for.
  cv::Mat Decode(const Datum& datum) const;

  /// The mean image of mean_file; without one, an empty blob.
  const Blob<Dtype>& mean_image() const { return data_mean_; }

 protected:
  /// An integer in [0, n), each as likely.
  virtual int Rand(int n);
  /// Transforms one image into memory that has room for its channels and crop.
  void Transform(const Datum& datum, Dtype* transformed_data);

  TransformationParameter param_;
  shared_ptr<Caffe::RNG> rng_;
  Phase phase_;
  Blob<Dtype> data_mean_;
  vector<Dtype> mean_values_;

 private:
  struct Placement;
  struct PixelMean;

  Placement Place(int height, int width);
  string CropText() const;
  vector<int> OutputShape(int num, int channels, int height, int width) const;
  template <typename Image>
  Placement TransformImage(const Image& image, Blob<Dtype>* transformed_blob, Dtype* out);
  template <typename Image>
  void TransformVector(const vector<Image>& images, Blob<Dtype>* transformed_blob);
  void TransformInto(const Datum& datum, Blob<Dtype>* transformed_blob, Dtype* out);
  void TransformInto(const cv::Mat& image, Blob<Dtype>* transformed_blob, Dtype* out);
  PixelMean MeanFor(int channels, int height, int width) const;

  int crop_height_ = 0;
  int crop_width_ = 0;
};

}  // namespace caffe

#endif  // CAFFE_DATA_TRANSFORMER_HPP_
