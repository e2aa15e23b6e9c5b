#include <fstream>

#include <lmdb.h>

#include "data_set.hpp"
#include "dcme_layers.hpp"

namespace dcme_test {
namespace {

// Sets the layer up and makes its first batch.
void run(const std::string& own, const std::string& text = "phase: TRAIN") {
  LayerCase<float>(layer_parameter("DCMEData", own, text), 3).Forward();
}

TEST(DCMEDataErrors, MissingAndEmptyLists) {
  const DataSet set(1);
  EXPECT_ERROR_NAMES(run("source: \"nowhere.txt\""), "cannot open the list file nowhere.txt");
  EXPECT_ERROR_NAMES(run("source: \"" + set.folder.path() + "\""), "cannot open the list file");
  // A file that opens, and has not all the bytes that it says.
  const std::string shorter = "/sys/devices/system/cpu/possible";
  if (std::filesystem::exists(shorter)) {
    EXPECT_ERROR_NAMES(run("source: \"" + shorter + "\""), shorter + ": cannot be read");
  }
  EXPECT_ERROR_NAMES(run(""), "needs a source");
  std::ofstream(set.folder / "list.txt", std::ios::trunc) << "# nothing\n\n";
  EXPECT_ERROR_NAMES(run(set.parameters("")), "names no images");
}

TEST(DCMEDataErrors, MoreThreadsOrBatchesThanAreOfUse) {
  const DataSet set(1);
  for (const std::string count : {"0", "1025", "4294967294", "4294967295"}) {
    EXPECT_ERROR_NAMES(run(set.parameters("threads: " + count)),
                       "threads and prefetch from 1 to 1024");
    EXPECT_ERROR_NAMES(run(set.parameters("prefetch: " + count)),
                       "threads and prefetch from 1 to 1024");
  }
}

TEST(DCMEDataErrors, AnImageWithoutItsMapIsFoundAtSetUp) {
  const DataSet set(3);
  std::filesystem::remove(set.folder / "ids2.png");
  LayerCase<float> layer(layer_parameter("DCMEData", set.parameters("")), 2);
  EXPECT_ERROR_NAMES(layer.layer->SetUp(layer.bottom, layer.top), "line 3: there is no file");
  EXPECT_ERROR_NAMES(layer.layer->SetUp(layer.bottom, layer.top), "ids2.png");
}

TEST(DCMEDataErrors, ALineWithoutTwoNames) {
  for (const std::string line : {"image0.png", "\timage0.png\t", "image0.png ids0.png ids0.png"}) {
    const DataSet set(1);
    std::ofstream(set.folder / "list.txt", std::ios::app) << line << "\n";
    EXPECT_ERROR_NAMES(run(set.parameters("")), "list.txt, line 2: 'image0.png");
    EXPECT_ERROR_NAMES(run(set.parameters("")), "does not name an image and its instance map");
  }
}

TEST(DCMEDataErrors, SizesThatDiffer) {
  const DataSet set(1);
  cv::imwrite(set.folder / "ids0.png", random_ids(24, 39, 0));
  EXPECT_ERROR_NAMES(run(set.parameters("")), "ids0.png is 24x39 but its image");
}

TEST(DCMEDataErrors, AMapOfEightBits) {
  const DataSet set(1);
  cv::imwrite(set.folder / "ids0.png", cv::Mat::zeros(24, 40, CV_8U));
  EXPECT_ERROR_NAMES(run(set.parameters("")), "this one has 8 bits");
}

TEST(DCMEDataErrors, AnImageOfSixteenBits) {
  const DataSet set(1);
  cv::imwrite(set.folder / "image0.png", cv::Mat(24, 40, CV_16U, cv::Scalar(900)));
  EXPECT_ERROR_NAMES(run(set.parameters("")), "image0.png has 16 bits a channel");
}

TEST(DCMEDataErrors, ATruncatedFile) {
  for (const std::string name : {"image1.png", "ids1.png"}) {
    const DataSet damaged(2);
    const std::string file = damaged.folder / name;
    std::filesystem::resize_file(file, std::filesystem::file_size(file) / 2);
    EXPECT_ERROR_NAMES(run(damaged.parameters("batch_size: 2")), file + " is cut off");
  }
}

TEST(DCMEDataErrors, AJpegThatWasCutOffIsNotFilledUpWithGrey) {
  const DataSet set(1);
  std::vector<uint8_t> content;
  cv::imencode(".jpg", image_of(random_ids(24, 40, 0)), content);
  const std::string file = set.folder / "image0.png";
  std::ofstream(file, std::ios::binary)
      .write(reinterpret_cast<const char*>(content.data()), content.size() / 2);
  EXPECT_ERROR_NAMES(run(set.parameters("")), file + " is cut off");
}

TEST(DCMEDataErrors, AFileThatIsNoImage) {
  const DataSet set(1);
  const std::string file = set.folder / "image0.png";
  for (const std::string content : {"no image", ""}) {
    std::ofstream(file, std::ios::trunc) << content;
    EXPECT_ERROR_NAMES(run(set.parameters("")), file + " is damaged, or no image: copy");
  }
}

// OpenCV may hand it to GDCM, which ends the process where it is damaged.
TEST(DCMEDataErrors, AFileOfDICOM) {
  const DataSet set(1);
  const std::string file = set.folder / "image0.png";
  std::ofstream(file) << std::string(128, ' ') << "DICM\xaa\xbal";
  EXPECT_ERROR_NAMES(run(set.parameters("")), file + " is a DICOM file");
}

TEST(DCMEDataErrors, ImagesOfSeveralSizesWithoutAReduction) {
  const DataSet set(2);
  const cv::Mat ids = random_ids(30, 30, 1);
  cv::imwrite(set.folder / "image1.png", image_of(ids));
  cv::imwrite(set.folder / "ids1.png", ids);
  EXPECT_ERROR_NAMES(run(set.parameters("batch_size: 2")), "is 30x30, others are 24x40");
  EXPECT_NO_THROW(run(set.parameters("batch_size: 2 crop_height: 20 crop_width: 20")));
}

TEST(DCMEDataErrors, MeansThatDoNotFit) {
  const DataSet set(2);
  const auto run_with = [&set](const std::string& transform, const std::string& own = "") {
    run(set.parameters(own), "phase: TRAIN transform_param { " + transform + " }");
  };
  const std::string path = set.folder / "mean.binaryproto", file = "mean_file: \"" + path + "\"";
  EXPECT_ERROR_NAMES(run_with(file), "cannot read the mean image " + path);
  caffe::BlobProto mean;
  for (int i = 0; i < 24 * 40; ++i) mean.add_data(1);
  const auto store = [&](int num, int channels, int height, int width) {
    mean.set_num(num);
    mean.set_channels(channels);
    mean.set_height(height);
    mean.set_width(width);
    std::ofstream(path, std::ios::binary) << mean.SerializeAsString();
  };
  // As many values, but in other places.
  store(1, 1, 40, 24);
  EXPECT_ERROR_NAMES(run_with(file), path + " does not have the size of the data, 1 x 1 x 24 x 40" +
                                         ": it holds 960 values of shape 1 x 1 x 40 x 24");
  store(24, 1, 1, 40);
  EXPECT_ERROR_NAMES(run_with(file), "960 values of shape 24 x 1 x 1 x 40");
  store(1, 1, 24, 40);
  EXPECT_NO_THROW(run_with(file));
  EXPECT_ERROR_NAMES(run_with(file + " mean_value: 1"), "either mean_file or");
  EXPECT_ERROR_NAMES(run_with(file, "new_height: 12 new_width: 40"),
                     "does not have the size of the data, 1 x 1 x 12 x 40");
  EXPECT_ERROR_NAMES(run_with("mean_value: 1 mean_value: 2"), "one a channel (1)");
  const cv::Mat ids = random_ids(30, 30, 1);
  cv::imwrite(set.folder / "image1.png", image_of(ids));
  cv::imwrite(set.folder / "ids1.png", ids);
  EXPECT_ERROR_NAMES(run_with(file, "batch_size: 2 crop_height: 20 crop_width: 20"),
                     "image1.png: does not have the size of the mean image");
}

TEST(DCMEDataErrors, LabelsThatNobodyMentioned) {
  const DataSet set(1);
  EXPECT_ERROR_NAMES(run(set.parameters("label: 24")), "image0.png: ");
  EXPECT_ERROR_NAMES(run(set.parameters("label: 24")), "26");
}

TEST(DCMEDataErrors, ParametersThatContradictThemselves) {
  const DataSet set(1);
  EXPECT_ERROR_NAMES(run(set.parameters("new_height: 10")), "new_height and new_width");
  EXPECT_ERROR_NAMES(run(set.parameters("new_height: 100 new_width: 100")), "cannot be reduced");
  EXPECT_ERROR_NAMES(run(set.parameters("crop_width: 10")), "crop_height and crop_width");
  EXPECT_ERROR_NAMES(run(set.parameters("new_height: 100 new_width: 20")), "cannot be reduced");
  EXPECT_ERROR_NAMES(run(set.parameters("new_height: 20 new_width: 100")), "cannot be reduced");
  for (const std::string zoom : {"min_zoom: 2", "min_zoom: 0", "max_zoom: 17"}) {
    EXPECT_ERROR_NAMES(run(set.parameters(zoom)),
                       "min_zoom and max_zoom must be in ascending order");
  }
  for (const std::string contrast : {"contrast: 1", "contrast: -0.1"}) {
    EXPECT_ERROR_NAMES(run(set.parameters(contrast)), "contrast is the largest change of the gain");
  }
  for (const std::string brightness : {"brightness: 1.1", "brightness: -0.1"}) {
    EXPECT_ERROR_NAMES(run(set.parameters(brightness)), "brightness is a share of the full range");
  }
  for (const std::string zero : {"batch_size: 0", "threads: 0", "prefetch: 0"}) {
    EXPECT_ERROR_NAMES(run(set.parameters(zero)), "must be at least 1");
  }
  EXPECT_ERROR_NAMES(run(set.parameters("grid_size: 0")), "grid_size");
  EXPECT_ERROR_NAMES(run(set.parameters("batch_size: 4000000000")), "at most 2147483647");
  for (const std::string side :
       {"new_height: 4000000000 new_width: 9", "new_height: 9 new_width: 4000000000",
        "crop_height: 4000000000 crop_width: 9", "crop_height: 9 crop_width: 4000000000",
        "grid_size: 4000000000"}) {
    EXPECT_ERROR_NAMES(run(set.parameters(side)), "no image has a side of 4000000000 pixels");
  }
}

// ---- LMDB ----

void put(MDB_txn* writing, MDB_dbi records, const std::string& key, const cv::Mat& pixels) {
  std::vector<uchar> png;
  cv::imencode(".png", pixels, png);
  caffe::Datum datum;
  datum.set_channels(pixels.channels());
  datum.set_height(pixels.rows);
  datum.set_width(pixels.cols);
  datum.set_data(png.data(), png.size());
  datum.set_encoded(true);
  const std::string bytes = datum.SerializeAsString();
  MDB_val name{key.size(), const_cast<char*>(key.data())};
  MDB_val value{bytes.size(), const_cast<char*>(bytes.data())};
  ASSERT_EQ(mdb_put(writing, records, &name, &value, 0), 0);
}

void write_lmdb(const std::string& path, int images) {
  std::filesystem::create_directory(path);
  MDB_env* env;
  MDB_txn* writing;
  MDB_dbi records;
  ASSERT_EQ(mdb_env_create(&env), 0);
  ASSERT_EQ(mdb_env_open(env, path.c_str(), 0, 0664), 0);
  ASSERT_EQ(mdb_txn_begin(env, nullptr, 0, &writing), 0);
  ASSERT_EQ(mdb_dbi_open(writing, nullptr, 0, &records), 0);
  for (int i = 0; i < images; ++i) {
    const std::string number = "0000000" + std::to_string(i);
    put(writing, records, number + ".image", image_of(random_ids(24, 40, i)));
    put(writing, records, number + ".ids", random_ids(24, 40, i));
  }
  ASSERT_EQ(mdb_txn_commit(writing), 0);
  mdb_env_close(env);
}

TEST(DCMEDataLmdb, GivesTheSameBatchesAsTheList) {
  const DataSet set(5);
  write_lmdb(set.folder / "lmdb", 5);
  const std::string random =
      "batch_size: 2 shuffle: true rotate: true crop_height: 16 "
      "crop_width: 16 seed: 3 is_color: false grid_size: 8 ";
  LayerCase<float> list(layer_parameter("DCMEData", set.parameters(random)), 4);
  LayerCase<float> lmdb(
      layer_parameter("DCMEData", random + "backend: LMDB source: \"" + (set.folder / "lmdb\"")),
      4);
  list.layer->SetUp(list.bottom, list.top);
  lmdb.layer->SetUp(lmdb.bottom, lmdb.top);
  for (int b = 0; b < 7; ++b) {
    list.layer->Forward(list.bottom, list.top);
    lmdb.layer->Forward(lmdb.bottom, lmdb.top);
    for (int t = 0; t < 4; ++t) {
      ASSERT_EQ(list.top[t]->shape(), lmdb.top[t]->shape());
      for (int i = 0; i < list.top[t]->count(); ++i) {
        ASSERT_EQ(list.top[t]->cpu_data()[i], lmdb.top[t]->cpu_data()[i]);
      }
    }
  }
}

TEST(DCMEDataLmdb, WrongPlacesAreNamed) {
  const DataSet set(1);
  EXPECT_ERROR_NAMES(run("backend: LMDB source: \"nowhere\""), "nowhere");
  write_lmdb(set.folder / "lmdb", 0);
  EXPECT_ERROR_NAMES(run("backend: LMDB source: \"" + (set.folder / "lmdb\"")), "holds no images");
}

}  // namespace
}  // namespace dcme_test
