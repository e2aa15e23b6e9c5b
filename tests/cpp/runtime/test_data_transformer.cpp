#include <string>
#include <vector>

#include <opencv2/imgcodecs.hpp>

#include "caffe/data_transformer.hpp"
#include "caffe/util/io.hpp"
#include "caffe/util/math_functions.hpp"
#include "runtime/blob_values.hpp"
#include "runtime/files.hpp"

using caffe::Blob;
using caffe::DataTransformer;
using caffe::Datum;
using caffe::TransformationParameter;
using caffe_test::ValuesOf;

namespace {

TransformationParameter Param(const std::string& text) {
  TransformationParameter param;
  caffe::ParseProtoTextOrDie(text, "transform_param", &param);
  return param;
}

// Values that tell channel, row and column.
Datum Numbered(int channels, int height, int width) {
  Datum datum;
  datum.set_channels(channels);
  datum.set_height(height);
  datum.set_width(width);
  for (int c = 0; c < channels; ++c) {
    for (int h = 0; h < height; ++h) {
      for (int w = 0; w < width; ++w) {
        datum.mutable_data()->push_back(static_cast<char>(100 * c + 10 * h + w));
      }
    }
  }
  return datum;
}

// The slow, literal statement of what a transformation is.
float Expected(int c, int h, int w, int top, int left, bool mirror, int crop, float mean,
               float scale) {
  const int x = left + (mirror ? crop - 1 - w : w);
  return (100 * c + 10 * (top + h) + x - mean) * scale;
}

}  // namespace

TEST(DataTransformer, CropsTheCentreInTheTestPhase) {
  DataTransformer<float> transformer(Param("crop_size: 3 scale: 0.5 mean_value: 1 mean_value: 2"),
                                     caffe::TEST);
  Blob<float> out(1, 2, 3, 3);
  transformer.Transform(Numbered(2, 5, 7), &out);
  for (int c = 0; c < 2; ++c) {
    for (int h = 0; h < 3; ++h) {
      for (int w = 0; w < 3; ++w) {
        EXPECT_EQ(out.data_at(0, c, h, w), Expected(c, h, w, 1, 2, false, 3, c + 1.f, 0.5f));
      }
    }
  }
}

TEST(DataTransformer, CropsAndMirrorsAtRandomWhenTraining) {
  DataTransformer<float> transformer(Param("crop_size: 3 mirror: true"), caffe::TRAIN);
  Blob<float> out(1, 1, 3, 3);
  std::set<std::vector<float>> seen;
  for (int seed = 0; seed < 400; ++seed) {
    transformer.InitRand(seed);
    transformer.Transform(Numbered(1, 4, 5), &out);
    seen.insert(ValuesOf(out));
  }
  std::set<std::vector<float>> possible;
  for (const int top : {0, 1}) {
    for (const int left : {0, 1, 2}) {
      for (const bool mirror : {false, true}) {
        std::vector<float> crop;
        for (int i = 0; i < 9; ++i) {
          crop.push_back(Expected(0, i / 3, i % 3, top, left, mirror, 3, 0, 1));
        }
        possible.insert(crop);
      }
    }
  }
  EXPECT_EQ(seen, possible);
}

TEST(DataTransformer, IsTheSameForTheSameSeed) {
  DataTransformer<float> transformer(Param("crop_size: 1 mirror: true"), caffe::TRAIN);
  Blob<float> out(1, 1, 1, 1);
  std::vector<float> runs[2];
  for (auto& run : runs) {
    caffe::Caffe::set_random_seed(1701);
    transformer.InitRand();
    for (int i = 0; i < 20; ++i) {
      transformer.Transform(Numbered(1, 5, 5), &out);
      run.push_back(out.cpu_data()[0]);
    }
  }
  EXPECT_EQ(runs[0], runs[1]);
}

TEST(DataTransformer, TreatsDatumsImagesAndBlobsAlike) {
  const std::string param = "crop_size: 2 scale: 0.25 mean_value: 3";
  const Datum datum = Numbered(3, 4, 6);
  cv::Mat image(4, 6, CV_8UC3);
  Blob<float> planes(1, 3, 4, 6);
  for (int c = 0; c < 3; ++c) {
    for (int h = 0; h < 4; ++h) {
      for (int w = 0; w < 6; ++w) {
        const uchar value = datum.data()[(c * 4 + h) * 6 + w];
        image.at<cv::Vec3b>(h, w)[c] = value;
        planes.mutable_cpu_data()[planes.offset(0, c, h, w)] = value;
      }
    }
  }
  Datum encoded;
  std::vector<uchar> png;
  cv::imencode(".png", image, png);
  encoded.set_data(std::string(png.begin(), png.end()));
  encoded.set_encoded(true);

  DataTransformer<float> transformer(Param(param), caffe::TEST);
  EXPECT_EQ(transformer.InferBlobShape(datum), (std::vector<int>{1, 3, 2, 2}));
  EXPECT_EQ(transformer.InferBlobShape(encoded), (std::vector<int>{1, 3, 2, 2}));
  EXPECT_EQ(transformer.InferBlobShape(std::vector<cv::Mat>{image, image}),
            (std::vector<int>{2, 3, 2, 2}));
  Blob<float> one(1, 3, 2, 2);
  transformer.Transform(datum, &one);
  const std::vector<float> expected = ValuesOf(one);
  transformer.Transform(image, &one);
  EXPECT_EQ(ValuesOf(one), expected);
  transformer.Transform(encoded, &one);
  EXPECT_EQ(ValuesOf(one), expected);
  Blob<float> shaped;
  transformer.Transform(&planes, &shaped);
  EXPECT_EQ(ValuesOf(shaped), expected);
  Blob<float> two(2, 3, 2, 2);
  transformer.Transform(std::vector<Datum>{datum, encoded}, &two);
  std::vector<float> twice = expected;
  twice.insert(twice.end(), expected.begin(), expected.end());
  EXPECT_EQ(ValuesOf(two), twice);
}

TEST(DataTransformer, ForcesColourAndGray) {
  Datum encoded;
  std::vector<uchar> png;
  cv::imencode(".png", cv::Mat(2, 2, CV_8UC1, cv::Scalar(9)), png);
  encoded.set_data(std::string(png.begin(), png.end()));
  encoded.set_encoded(true);
  DataTransformer<float> native(Param(""), caffe::TEST);
  DataTransformer<float> color(Param("force_color: true"), caffe::TEST);
  EXPECT_EQ(native.InferBlobShape(encoded)[1], 1);
  EXPECT_EQ(color.InferBlobShape(encoded)[1], 3);
  EXPECT_ERROR_NAMES(
      DataTransformer<float>(Param("force_color: true force_gray: true"), caffe::TEST), "exclude");
}

TEST(DataTransformer, LabelsGetTheCropOfTheirImage) {
  cv::Mat image(5, 6, CV_8UC1);
  cv::Mat labels(5, 6, CV_16UC1);
  for (int i = 0; i < 30; ++i) {
    image.at<uchar>(i / 6, i % 6) = static_cast<uchar>(i);
    labels.at<uint16_t>(i / 6, i % 6) = static_cast<uint16_t>(1000 + i);
  }
  DataTransformer<float> transformer(Param("mirror: true scale: 2"), caffe::TRAIN);
  transformer.set_crop(2, 3);
  Blob<float> data(1, 1, 2, 3);
  Blob<float> label(1, 1, 2, 3);
  for (int seed = 0; seed < 10; ++seed) {
    transformer.InitRand(seed);
    transformer.Transform(image, labels, &data, &label);
    for (int i = 0; i < 6; ++i) EXPECT_EQ(label.cpu_data()[i], 1000 + data.cpu_data()[i] / 2);
  }
}

TEST(DataTransformerError, SaysWhatDoesNotFit) {
  DataTransformer<float> crop(Param("crop_size: 6"), caffe::TEST);
  Blob<float> out(1, 1, 6, 6);
  EXPECT_ERROR_NAMES(crop.Transform(Numbered(1, 5, 7), &out), "larger than the image of 5 x 7");
  DataTransformer<float> means(Param("mean_value: 1 mean_value: 2"), caffe::TEST);
  Blob<float> three(1, 3, 5, 7);
  EXPECT_ERROR_NAMES(means.Transform(Numbered(3, 5, 7), &three), "2 mean_value for 3 channels");
  DataTransformer<float> plain(Param(""), caffe::TEST);
  EXPECT_ERROR_NAMES(plain.Transform(Numbered(1, 5, 7), &three), "one size");
}

TEST(DataTransformerError, ImagesThatAreNone) {
  DataTransformer<float> plain(Param(""), caffe::TEST);
  Blob<float> out(1, 1, 5, 7);
  const cv::Mat wide(5, 7, CV_16UC1, cv::Scalar(1));
  EXPECT_ERROR_NAMES(plain.Transform(cv::Mat(), &out), "the image is empty");
  EXPECT_ERROR_NAMES(plain.Transform(wide, &out), "8 bits a channel");
  EXPECT_ERROR_NAMES(plain.Transform(std::vector<cv::Mat>(), &out), "0 images are given");
  EXPECT_ERROR_NAMES(plain.Transform(std::vector<Datum>(), &out), "no image to transform");
  EXPECT_ERROR_NAMES(plain.Transform(std::vector<Datum>(2, Numbered(1, 5, 7)), &out),
                     "2 images do not fit into a blob of 1");
  Blob<float> two(2, 1, 5, 7);
  const std::vector<cv::Mat> one(1, cv::Mat(5, 7, CV_8UC1, cv::Scalar(1)));
  EXPECT_ERROR_NAMES(plain.Transform(one, &two), "1 images are given for a blob of 2");
}

TEST(DataTransformer, LeavesRoomForMoreDatumsAsItIs) {
  DataTransformer<float> plain(Param(""), caffe::TEST);
  Blob<float> alone(1, 1, 5, 7), three(3, 1, 5, 7);
  caffe::caffe_set(three.count(), -1.f, three.mutable_cpu_data());
  plain.Transform(Numbered(1, 5, 7), &alone);
  plain.Transform(std::vector<Datum>(2, Numbered(1, 5, 7)), &three);
  for (int i = 0; i < three.count(); ++i) {
    ASSERT_EQ(three.cpu_data()[i], i < 70 ? alone.cpu_data()[i % 35] : -1) << i;
  }
}

TEST(DataTransformerError, LabelsThatAreNotOfTheirImage) {
  DataTransformer<float> crop(Param(""), caffe::TEST);
  crop.set_crop(2, 3);
  const cv::Mat image(5, 7, CV_8UC3, cv::Scalar(1, 2, 3));
  const cv::Mat labels(5, 7, CV_8UC1, cv::Scalar(4));
  const cv::Mat turned(7, 5, CV_8UC1, cv::Scalar(4));
  const cv::Mat wide(5, 7, CV_32FC1, cv::Scalar(4));
  Blob<float> data(1, 3, 2, 3);
  Blob<float> of_labels(1, 1, 2, 3);
  Blob<float> uncropped(1, 1, 5, 7);
  EXPECT_ERROR_NAMES(crop.Transform(cv::Mat(), labels, &data, &of_labels), "are empty");
  EXPECT_ERROR_NAMES(crop.Transform(image, cv::Mat(), &data, &of_labels), "are empty");
  EXPECT_ERROR_NAMES(crop.Transform(wide, labels, &data, &of_labels), "8 bits a channel");
  EXPECT_ERROR_NAMES(crop.Transform(image, image, &data, &of_labels), "one channel");
  EXPECT_ERROR_NAMES(crop.Transform(image, wide, &data, &of_labels), "8 or 16 bits");
  EXPECT_ERROR_NAMES(crop.Transform(image, turned, &data, &of_labels), "its labels 7 x 5");
  EXPECT_ERROR_NAMES(crop.Transform(image, labels, &data, &uncropped),
                     "another size than the crop");
  crop.Transform(image, labels, &data, &of_labels);
  EXPECT_EQ(ValuesOf(of_labels), std::vector<float>(6, 4));
  EXPECT_EQ(data.data_at(0, 2, 1, 2), 3);
}

TEST(DataTransformerError, ADatumThatLiesAboutItsSize) {
  DataTransformer<float> plain(Param(""), caffe::TEST);
  Datum datum = Numbered(1, 5, 7);
  datum.set_width(70000);
  datum.set_height(70000);
  Blob<float> out(1, 1, 5, 7);
  EXPECT_ERROR_NAMES(plain.Transform(datum, &out), "holds 35 values");
  datum.set_encoded(true);
  EXPECT_ERROR_NAMES(plain.Transform(datum, &out), "cannot be decoded");
}
