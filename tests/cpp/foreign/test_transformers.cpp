// DataTransformer, used as data layers of others use it.

#include <string>
#include <vector>

#include <opencv2/core.hpp>

#include "caffe/data_transformer.hpp"
#include "caffe/util/io.hpp"
#include "foreign.hpp"

namespace caffe {

template <typename Dtype>
class TransformerTest : public OneToOne<Dtype> {};
TYPED_TEST_SUITE(TransformerTest, FloatAndDouble, );

TYPED_TEST(TransformerTest, TransformersInferShapesAndSubtractMeans) {
  Datum datum;
  datum.set_channels(2);
  datum.set_height(3);
  datum.set_width(4);
  std::string pixels;
  for (int i = 0; i < 24; ++i) pixels += char(i);
  datum.set_data(pixels);
  TransformationParameter param;
  param.set_crop_size(2);
  param.add_mean_value(1);
  param.add_mean_value(10);
  DataTransformer<TypeParam> transformer(param, TEST);
  transformer.InitRand();
  const std::vector<int> shape = transformer.InferBlobShape(datum);
  EXPECT_EQ((std::vector<int>{1, 2, 2, 2}), shape);
  Blob<TypeParam> blob(shape);
  transformer.Transform(datum, &blob);
  // The centre: rows 0 and 1, columns 1 and 2.
  this->ExpectValues({0, 1, 4, 5, 3, 4, 7, 8}, blob.cpu_data());
  std::vector<Datum> two(2, datum);
  EXPECT_EQ(2, transformer.InferBlobShape(two)[0]);
  blob.Reshape(transformer.InferBlobShape(two));
  transformer.Transform(two, &blob);
  EXPECT_EQ(8, blob.cpu_data()[15]);
  const cv::Mat image(3, 4, CV_8UC2, cv::Scalar(5, 12));
  EXPECT_EQ((std::vector<int>{1, 2, 2, 2}), transformer.InferBlobShape(image));
  EXPECT_EQ(3, transformer.InferBlobShape(std::vector<cv::Mat>(3, image))[0]);
  blob.Reshape(1, 2, 2, 2);
  transformer.Transform(image, &blob);
  this->ExpectValues({4, 4, 4, 4, 2, 2, 2, 2}, blob.cpu_data());
  param.add_mean_value(3);
  EXPECT_THROW(DataTransformer<TypeParam>(param, TEST).Transform(datum, &blob), Error);
}

TYPED_TEST(TransformerTest, TransformersReadMeanFiles) {
  BlobProto mean;
  mean.set_num(1);
  mean.set_channels(1);
  mean.set_height(1);
  mean.set_width(3);
  for (int i = 0; i < 3; ++i) mean.add_data(i);
  TransformationParameter param;
  std::string folder;
  MakeTempDir(&folder);
  param.set_mean_file(folder + "/mean.binaryproto");
  param.set_mirror(true);
  WriteProtoToBinaryFile(mean, param.mean_file());
  Datum datum;
  datum.set_channels(1);
  datum.set_height(1);
  datum.set_width(3);
  datum.set_data("\5\6\7");
  DataTransformer<TypeParam> transformer(param, TRAIN);
  Blob<TypeParam> blob(1, 1, 1, 3);
  for (int seed = 0; seed < 20; ++seed) {
    Caffe::set_random_seed(seed);
    transformer.InitRand();
    transformer.Transform(datum, &blob);
    // The mean belongs to the pixel, mirrored or not.
    for (int i = 0; i < 3; ++i) EXPECT_EQ(5, blob.cpu_data()[i]);
  }
}

}  // namespace caffe
