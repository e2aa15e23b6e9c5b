#include "caffe/data_transformer.hpp"

#include <climits>

#include <opencv2/core.hpp>

#include "caffe/util/io.hpp"
#include "caffe/util/math_functions.hpp"
#include "caffe/util/rng.hpp"
#include "data/mat_view.hpp"
#include "util/blob_file.hpp"

namespace caffe {

template <typename Dtype>
struct DataTransformer<Dtype>::Placement : Crop {};

template <typename Dtype>
struct DataTransformer<Dtype>::PixelMean : Mean<Dtype> {
  vector<Dtype> of_channels;
};

template <typename Dtype>
DataTransformer<Dtype>::DataTransformer(const TransformationParameter& param, Phase phase)
    : param_(param),
      phase_(phase),
      mean_values_(param.mean_value().begin(), param.mean_value().end()) {
  CHECK(!param_.force_color() || !param_.force_gray())
      << "force_color and force_gray exclude each other";
  CHECK_LE(param_.crop_size(), static_cast<uint32_t>(INT_MAX)) << " is no crop_size";
  set_crop(static_cast<int>(param_.crop_size()), static_cast<int>(param_.crop_size()));
  if (!param_.has_mean_file()) return;
  CHECK(mean_values_.empty()) << "mean_file and mean_value exclude each other";
  ReadBlobFile(param_.mean_file(), &data_mean_);
  CHECK_EQ(data_mean_.num(), 1) << ": " << param_.mean_file() << " is no mean of one image";
}

template <typename Dtype>
void DataTransformer<Dtype>::set_crop(int height, int width) {
  CHECK(height >= 0 && width >= 0 && (height > 0) == (width > 0))
      << height << " x " << width << " is no size of a crop: height and width go together";
  crop_height_ = height;
  crop_width_ = width;
}

template <typename Dtype>
void DataTransformer<Dtype>::InitRand() {
  const bool needed = param_.mirror() || (phase_ == TRAIN && crop_height_ > 0);
  if (needed) {
    InitRand(caffe_rng_rand());
  } else {
    rng_.reset();
  }
}

template <typename Dtype>
void DataTransformer<Dtype>::InitRand(unsigned int seed) {
  rng_.reset(new Caffe::RNG(seed));
}

template <typename Dtype>
int DataTransformer<Dtype>::Rand(int n) {
  CHECK(rng_) << "call InitRand before images are transformed";
  CHECK_GT(n, 0) << " is no number of possibilities";
  return static_cast<int>((*static_cast<rng_t*>(rng_->generator()))() % n);
}

// The next image's crop and mirroring.
template <typename Dtype>
typename DataTransformer<Dtype>::Placement DataTransformer<Dtype>::Place(int height, int width) {
  Placement place;
  place.mirror = param_.mirror() && Rand(2);
  if (!crop_height_) {
    place.top = place.left = 0;
    place.height = height;
    place.width = width;
    return place;
  }
  place.height = crop_height_;
  place.width = crop_width_;
  const bool random = phase_ == TRAIN;
  place.top = random ? Rand(height - crop_height_ + 1) : (height - crop_height_) / 2;
  place.left = random ? Rand(width - crop_width_ + 1) : (width - crop_width_) / 2;
  return place;
}

template <typename Dtype>
string DataTransformer<Dtype>::CropText() const {
  if (!crop_height_) return "no crop";
  return "crop " + std::to_string(crop_height_) + " x " + std::to_string(crop_width_);
}

template <typename Dtype>
vector<int> DataTransformer<Dtype>::OutputShape(int num, int channels, int height,
                                                int width) const {
  CHECK_GT(num, 0) << " images: at least one is needed";
  CHECK(channels > 0 && height > 0 && width > 0)
      << "an image of " << channels << " channels, " << height << " x " << width << " pixels";
  if (!crop_height_) return {num, channels, height, width};
  CHECK(crop_height_ <= height && crop_width_ <= width)
      << CropText() << " is larger than the image of " << height << " x " << width;
  return {num, channels, crop_height_, crop_width_};
}

// The mean of an image of this size.
template <typename Dtype>
typename DataTransformer<Dtype>::PixelMean DataTransformer<Dtype>::MeanFor(int channels, int height,
                                                                           int width) const {
  PixelMean mean;
  if (data_mean_.count() > 0) {
    CHECK(data_mean_.channels() == channels && data_mean_.height() == height &&
          data_mean_.width() == width)
        << "the image (" << channels << " x " << height << " x " << width
        << ") and the mean image of " << param_.mean_file() << " (" << data_mean_.channels()
        << " x " << data_mean_.height() << " x " << data_mean_.width() << ") differ in shape";
    mean.image = PlanesView(data_mean_.cpu_data(), channels, height, width);
  }
  mean.of_channels = OfChannels(mean_values_, channels);
  if (!mean.of_channels.empty()) mean.values = mean.of_channels.data();
  return mean;
}

// Transforms one image (an ImageView) to `out`, a part of the blob.
template <typename Dtype>
template <typename Image>
typename DataTransformer<Dtype>::Placement DataTransformer<Dtype>::TransformImage(
    const Image& image, Blob<Dtype>* transformed_blob, Dtype* out) {
  const vector<int> shape =
      OutputShape(transformed_blob->num(), image.channels, image.height, image.width);
  CHECK(shape == transformed_blob->shape())
      << "the image (" << image.channels << " x " << image.height << " x " << image.width << ", "
      << CropText() << ") does not fit into a blob of shape " << transformed_blob->shape_string()
      << ": images of a batch have one size";
  const PixelMean mean = MeanFor(image.channels, image.height, image.width);
  const Placement place = Place(image.height, image.width);
  CopyCrop(image, place, mean, static_cast<Dtype>(param_.scale()), out);
  return place;
}

template <typename Dtype>
cv::Mat DataTransformer<Dtype>::Decode(const Datum& datum) const {
  const cv::Mat image = param_.force_color() || param_.force_gray()
                            ? DecodeDatumToCVMat(datum, param_.force_color())
                            : DecodeDatumToCVMatNative(datum);
  CHECK(image.data) << "an encoded image cannot be decoded";
  return image;
}

template <typename Dtype>
void DataTransformer<Dtype>::TransformInto(const Datum& datum, Blob<Dtype>* transformed_blob,
                                           Dtype* out) {
  if (datum.encoded()) {
    TransformInto(Decode(datum), transformed_blob, out);
    return;
  }
  if (param_.force_color() || param_.force_gray()) {
    LOG_FIRST_N(WARNING, 1) << "force_color and force_gray only mean something for encoded images";
  }
  CheckDatum(datum, "a datum");
  if (!datum.data().empty()) {
    const auto* data = reinterpret_cast<const uint8_t*>(datum.data().data());
    TransformImage(PlanesView(data, datum.channels(), datum.height(), datum.width()),
                   transformed_blob, out);
  } else {
    TransformImage(
        PlanesView(datum.float_data().data(), datum.channels(), datum.height(), datum.width()),
        transformed_blob, out);
  }
}

template <typename Dtype>
void DataTransformer<Dtype>::TransformInto(const cv::Mat& image, Blob<Dtype>* transformed_blob,
                                           Dtype* out) {
  CHECK(image.data) << "the image is empty";
  CHECK_EQ(image.depth(), CV_8U) << ": images have 8 bits a channel here";
  TransformImage(MatView<uchar>(image), transformed_blob, out);
}

template <typename Dtype>
void DataTransformer<Dtype>::Transform(const Datum& datum, Dtype* transformed_data) {
  if (datum.encoded()) {
    const cv::Mat image = Decode(datum);
    Blob<Dtype> shape(InferBlobShape(image));
    TransformInto(image, &shape, transformed_data);
  } else {
    Blob<Dtype> shape(InferBlobShape(datum));
    TransformInto(datum, &shape, transformed_data);
  }
}

template <typename Dtype>
void DataTransformer<Dtype>::Transform(const Datum& datum, Blob<Dtype>* transformed_blob) {
  TransformInto(datum, transformed_blob, transformed_blob->mutable_cpu_data());
}

template <typename Dtype>
void DataTransformer<Dtype>::Transform(const cv::Mat& cv_img, Blob<Dtype>* transformed_blob) {
  TransformInto(cv_img, transformed_blob, transformed_blob->mutable_cpu_data());
}

template <typename Dtype>
void DataTransformer<Dtype>::Transform(const cv::Mat& image, const cv::Mat& labels,
                                       Blob<Dtype>* transformed_image,
                                       Blob<Dtype>* transformed_labels) {
  CHECK(image.data && labels.data) << "an image or its labels are empty";
  CHECK_EQ(image.depth(), CV_8U) << ": images have 8 bits a channel here";
  CHECK(labels.type() == CV_8UC1 || labels.type() == CV_16UC1)
      << "labels are an image of one channel of 8 or 16 bits";
  CHECK(labels.size() == image.size())
      << "the image has " << image.rows << " x " << image.cols << " pixels, its labels "
      << labels.rows << " x " << labels.cols;
  const Placement place = TransformImage(MatView<uchar>(image), transformed_image,
                                         transformed_image->mutable_cpu_data());
  CHECK_EQ(transformed_labels->count(), place.height * place.width)
      << ": the blob of labels has another size than the crop";
  Dtype* out = transformed_labels->mutable_cpu_data();
  const Mean<Dtype> none;
  if (labels.depth() == CV_8U) {
    CopyCrop(MatView<uchar>(labels), place, none, Dtype(1), out);
  } else {
    CopyCrop(MatView<uint16_t>(labels), place, none, Dtype(1), out);
  }
}

template <typename Dtype>
template <typename Image>
void DataTransformer<Dtype>::TransformVector(const vector<Image>& images,
                                             Blob<Dtype>* transformed_blob) {
  CHECK(!images.empty()) << "there is no image to transform";
  const int stride = transformed_blob->count(1);
  Dtype* out = transformed_blob->mutable_cpu_data();
  for (size_t i = 0; i < images.size(); ++i) {
    TransformInto(images[i], transformed_blob, out + i * stride);
  }
}

template <typename Dtype>
void DataTransformer<Dtype>::Transform(const vector<Datum>& datum_vector,
                                       Blob<Dtype>* transformed_blob) {
  // The blob may have room for more images, which stay as they are.
  const int images = static_cast<int>(datum_vector.size());
  CHECK(images <= transformed_blob->num())
      << images << " images do not fit into a blob of " << transformed_blob->num();
  TransformVector(datum_vector, transformed_blob);
}

template <typename Dtype>
void DataTransformer<Dtype>::Transform(const vector<cv::Mat>& mat_vector,
                                       Blob<Dtype>* transformed_blob) {
  const int images = static_cast<int>(mat_vector.size());
  CHECK(images == transformed_blob->num())
      << images << " images are given for a blob of " << transformed_blob->num();
  TransformVector(mat_vector, transformed_blob);
}

template <typename Dtype>
void DataTransformer<Dtype>::Transform(Blob<Dtype>* input_blob, Blob<Dtype>* transformed_blob) {
  const int channels = input_blob->channels();
  const int height = input_blob->height();
  const int width = input_blob->width();
  const vector<int> shape = OutputShape(input_blob->num(), channels, height, width);
  if (transformed_blob->count() == 0) transformed_blob->Reshape(shape);
  // The result may have room for more images than there are.
  CHECK(input_blob->num() <= transformed_blob->num() && transformed_blob->channels() == shape[1] &&
        transformed_blob->height() == shape[2] && transformed_blob->width() == shape[3])
      << "images of shape " << input_blob->shape_string() << " (" << CropText()
      << ") do not fit into a blob of shape " << transformed_blob->shape_string();
  const PixelMean mean = MeanFor(channels, height, width);
  const Placement place = Place(height, width);
  Dtype* out = transformed_blob->mutable_cpu_data();
  for (int n = 0; n < input_blob->num(); ++n) {
    const Dtype* image = input_blob->cpu_data() + input_blob->offset(n);
    CopyCrop(PlanesView(image, channels, height, width), place, mean,
             static_cast<Dtype>(param_.scale()), out + transformed_blob->offset(n));
  }
}

template <typename Dtype>
vector<int> DataTransformer<Dtype>::InferBlobShape(const Datum& datum) {
  if (datum.encoded()) return InferBlobShape(Decode(datum));
  return OutputShape(1, datum.channels(), datum.height(), datum.width());
}

template <typename Dtype>
vector<int> DataTransformer<Dtype>::InferBlobShape(const cv::Mat& cv_img) {
  return OutputShape(1, cv_img.channels(), cv_img.rows, cv_img.cols);
}

template <typename Dtype>
vector<int> DataTransformer<Dtype>::InferBlobShape(const vector<Datum>& datum_vector) {
  CHECK(!datum_vector.empty()) << "there is no datum to infer a shape from";
  vector<int> shape = InferBlobShape(datum_vector[0]);
  shape[0] = static_cast<int>(datum_vector.size());
  return shape;
}

template <typename Dtype>
vector<int> DataTransformer<Dtype>::InferBlobShape(const vector<cv::Mat>& mat_vector) {
  CHECK(!mat_vector.empty()) << "there is no image to infer a shape from";
  vector<int> shape = InferBlobShape(mat_vector[0]);
  shape[0] = static_cast<int>(mat_vector.size());
  return shape;
}

INSTANTIATE_CLASS(DataTransformer);

}  // namespace caffe
