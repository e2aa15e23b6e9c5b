// Data sources as outside code drives them: databases, datums, images, lists, HDF5, memory.

#include <fstream>
#include <string>
#include <vector>

#include <boost/scoped_ptr.hpp>
#include <opencv2/core.hpp>
#include <opencv2/imgcodecs.hpp>

#include "caffe/layers/data_layer.hpp"
#include "caffe/layers/dummy_data_layer.hpp"
#include "caffe/layers/hdf5_data_layer.hpp"
#include "caffe/layers/hdf5_output_layer.hpp"
#include "caffe/layers/image_data_layer.hpp"
#include "caffe/layers/memory_data_layer.hpp"
#include "caffe/util/db.hpp"
#include "caffe/util/hdf5.hpp"
#include "caffe/util/io.hpp"
#include "foreign.hpp"

namespace caffe {

using boost::scoped_ptr;

template <typename Dtype>
class DataSourceTest : public OneToOne<Dtype> {
 protected:
  DataSourceTest() {
    this->bottom_vec_.clear();
    this->top_vec_.push_back(&label_);
    MakeTempDir(&folder_);
  }
  ~DataSourceTest() { Caffe::set_solver_count(1); }

  // `items` images of 1 x height x width whose pixels and label are their number.
  std::string MakeLmdb(int items, int height, int width) {
    const std::string path = folder_ + "/db";
    scoped_ptr<db::DB> db(db::GetDB(DataParameter_DB_LMDB));
    db->Open(path, db::NEW);
    scoped_ptr<db::Transaction> txn(db->NewTransaction());
    for (int i = 0; i < items; ++i) {
      Datum datum;
      datum.set_label(i);
      datum.set_channels(1);
      datum.set_height(height);
      datum.set_width(width);
      datum.set_data(std::string(height * width, char(i)));
      std::string bytes;
      CHECK(datum.SerializeToString(&bytes));
      txn->Put("key" + format_int(i, 3), bytes);
    }
    txn->Commit();
    db->Close();
    return path;
  }
  LayerParameter DataParam(const std::string& path, int batch_size) {
    LayerParameter param;
    param.set_phase(TRAIN);
    param.mutable_data_param()->set_source(path);
    param.mutable_data_param()->set_backend(DataParameter_DB_LMDB);
    param.mutable_data_param()->set_batch_size(batch_size);
    return param;
  }

  std::string folder_;
  Blob<Dtype> label_;
};
TYPED_TEST_SUITE(DataSourceTest, FloatAndDouble, );

TYPED_TEST(DataSourceTest, DatabasesKeepTheOrderOfTheirKeys) {
  const std::string path = this->MakeLmdb(3, 1, 2);
  scoped_ptr<db::DB> db(db::GetDB("lmdb"));
  db->Open(path, db::READ);
  {
    scoped_ptr<db::Cursor> cursor(db->NewCursor());
    ASSERT_TRUE(cursor->valid());
    EXPECT_EQ("key000", cursor->key());
    cursor->Next();
    Datum datum;
    datum.ParseFromString(cursor->value());
    EXPECT_EQ(1, datum.label());
    cursor->Next();
    cursor->Next();
    EXPECT_FALSE(cursor->valid());
    cursor->SeekToFirst();
    EXPECT_EQ("key000", cursor->key());
  }
  db->Close();
}

TYPED_TEST(DataSourceTest, DataLayersReadAndWrapAround) {
  DataLayer<TypeParam> layer(this->DataParam(this->MakeLmdb(5, 2, 3), 2));
  layer.SetUp(this->bottom_vec_, this->top_vec_);
  EXPECT_EQ("2 1 2 3 (12)", this->top_->shape_string());
  EXPECT_EQ(1, this->label_.num_axes());
  for (int i = 0; i < 10; i += 2) {
    layer.Forward(this->bottom_vec_, this->top_vec_);
    EXPECT_EQ(i % 5, this->label_.cpu_data()[0]);
    EXPECT_EQ((i + 1) % 5, this->label_.cpu_data()[1]);
    EXPECT_EQ((i + 1) % 5, this->top_->cpu_data()[11]);
  }
}

// How many batches a layer holds.
template <typename Dtype>
class HeldBatches : public DataLayer<Dtype> {
 public:
  explicit HeldBatches(const LayerParameter& param) : DataLayer<Dtype>(param) {}
  virtual ~HeldBatches() { this->StopInternalThread(); }
  size_t held() const { return this->prefetch_.size(); }
};

TYPED_TEST(DataSourceTest, BatchesAreTheSameHoweverManyAreMadeAhead) {
  LayerParameter param = this->DataParam(this->MakeLmdb(5, 1, 1), 2);
  for (const int ahead : {1, 7}) {
    param.mutable_data_param()->set_prefetch(ahead);
    HeldBatches<TypeParam> layer(param);
    EXPECT_EQ(ahead, layer.held());
    layer.SetUp(this->bottom_vec_, this->top_vec_);
    for (int batch = 0; batch < 12; ++batch) {
      layer.Forward(this->bottom_vec_, this->top_vec_);
      EXPECT_EQ(2 * batch % 5, this->label_.cpu_data()[0]);
      EXPECT_EQ((2 * batch + 1) % 5, this->top_->cpu_data()[1]);
    }
  }
}

TYPED_TEST(DataSourceTest, SolversShareTheItems) {
  const std::string path = this->MakeLmdb(6, 1, 1);
  Caffe::set_solver_count(3);
  for (int rank = 0; rank < 3; ++rank) {
    Caffe::set_solver_rank(rank);
    DataLayer<TypeParam> layer(this->DataParam(path, 1));
    layer.SetUp(this->bottom_vec_, this->top_vec_);
    for (int i = 0; i < 4; ++i) {
      layer.Forward(this->bottom_vec_, this->top_vec_);
      EXPECT_EQ((rank + 3 * i) % 6, this->label_.cpu_data()[0]);
    }
  }
  Caffe::set_solver_rank(0);
}

TYPED_TEST(DataSourceTest, CropsAreScaled) {
  LayerParameter param = this->DataParam(this->MakeLmdb(3, 9, 9), 3);
  param.mutable_transform_param()->set_crop_size(2);
  param.mutable_transform_param()->set_mirror(true);
  param.mutable_transform_param()->set_scale(0.5);
  DataLayer<TypeParam> layer(param);
  layer.SetUp(this->bottom_vec_, this->top_vec_);
  layer.Forward(this->bottom_vec_, this->top_vec_);
  EXPECT_EQ("3 1 2 2 (12)", this->top_->shape_string());
  EXPECT_EQ(1, this->top_->cpu_data()[11]);
}

TYPED_TEST(DataSourceTest, EncodedGreyImagesCanBeForcedToColour) {
  cv::imwrite(this->folder_ + "/grey.png", cv::Mat(2, 2, CV_8UC1, cv::Scalar(9)));
  Datum datum;
  ASSERT_TRUE(ReadFileToDatum(this->folder_ + "/grey.png", 1, &datum));
  scoped_ptr<db::DB> db(db::GetDB(DataParameter_DB_LMDB));
  db->Open(this->folder_ + "/db", db::NEW);
  scoped_ptr<db::Transaction> txn(db->NewTransaction());
  txn->Put("a", datum.SerializeAsString());
  txn->Commit();
  db->Close();
  for (int forced = 0; forced < 2; ++forced) {
    LayerParameter param = this->DataParam(this->folder_ + "/db", 1);
    param.mutable_data_param()->set_force_encoded_color(forced);
    DataLayer<TypeParam> layer(param);
    layer.SetUp(this->bottom_vec_, this->top_vec_);
    layer.Forward(this->bottom_vec_, this->top_vec_);
    EXPECT_EQ(forced ? 3 : 1, this->top_->channels());
    EXPECT_EQ(9, this->top_->cpu_data()[0]);
  }
}

TYPED_TEST(DataSourceTest, ImageListsMayHaveSpacesInTheirNames) {
  for (int i = 0; i < 2; ++i) {
    const std::string name = this->folder_ + (i ? "/two words.png" : "/one.png");
    cv::imwrite(name, cv::Mat(4 + i, 6, CV_8UC3, cv::Scalar(10, 20, 30 + i)));
    std::ofstream(this->folder_ + "/list.txt", std::ios::app) << name << " " << i + 5 << "\n";
  }
  LayerParameter param;
  param.mutable_image_data_param()->set_source(this->folder_ + "/list.txt");
  param.mutable_image_data_param()->set_batch_size(1);
  param.mutable_image_data_param()->set_shuffle(false);
  ImageDataLayer<TypeParam> layer(param);
  layer.SetUp(this->bottom_vec_, this->top_vec_);
  for (int i = 0; i < 4; ++i) {
    layer.Forward(this->bottom_vec_, this->top_vec_);
    EXPECT_EQ(4 + i % 2, this->top_->height());
    EXPECT_EQ(5 + i % 2, this->label_.cpu_data()[0]);
    EXPECT_EQ(30 + i % 2, this->top_->data_at(0, 2, 3, 5));
  }
  param.mutable_image_data_param()->set_new_height(2);
  param.mutable_image_data_param()->set_new_width(3);
  param.mutable_image_data_param()->set_batch_size(5);
  ImageDataLayer<TypeParam> resized(param);
  resized.SetUp(this->bottom_vec_, this->top_vec_);
  resized.Forward(this->bottom_vec_, this->top_vec_);
  EXPECT_EQ("5 3 2 3 (90)", this->top_->shape_string());
}

TYPED_TEST(DataSourceTest, ImagesBecomeDatums) {
  const std::string file = this->folder_ + "/i.png";
  cv::Mat image(2, 3, CV_8UC3, cv::Scalar(1, 2, 3));
  image.at<cv::Vec3b>(1, 2) = cv::Vec3b(40, 50, 60);
  cv::imwrite(file, image);
  Datum datum, encoded, converted;
  ASSERT_TRUE(ReadImageToDatum(file, 7, 0, 0, true, &datum));
  EXPECT_EQ(3, datum.channels());
  EXPECT_EQ(2, datum.height());
  EXPECT_EQ(7, datum.label());
  EXPECT_FALSE(datum.encoded());
  EXPECT_EQ(40, datum.data()[5]);
  EXPECT_EQ(60, datum.data()[17]);
  ASSERT_TRUE(ReadFileToDatum(file, &encoded));
  EXPECT_TRUE(encoded.encoded());
  EXPECT_EQ(-1, encoded.label());
  EXPECT_TRUE(DecodeDatumNative(&encoded));
  EXPECT_FALSE(DecodeDatumNative(&encoded));
  EXPECT_EQ(datum.data(), encoded.data());
  CVMatToDatum(ReadImageToCVMat(file), &converted);
  EXPECT_EQ(datum.data(), converted.data());
  ASSERT_TRUE(ReadImageToDatum(file, 0, 4, 5, false, &datum));
  EXPECT_EQ(1, datum.channels());
  EXPECT_EQ(5, datum.width());
  ASSERT_TRUE(ReadImageToDatum(file, 0, std::string("png"), &encoded));
  EXPECT_TRUE(encoded.encoded());
  EXPECT_EQ(3, DecodeDatumToCVMat(encoded, true).channels());
  EXPECT_EQ(1, DecodeDatumToCVMat(encoded, false).channels());
  EXPECT_EQ(2, DecodeDatumToCVMatNative(encoded).rows);
  EXPECT_FALSE(ReadImageToDatum(this->folder_ + "/none.png", 0, &datum));
}

// Writes three items: the labels first, first + 1, first + 2, and data of twice as many numbers.
template <typename Dtype>
void WriteHdf5(const std::string& name, int first) {
  LayerParameter param;
  param.mutable_hdf5_output_param()->set_file_name(name);
  Blob<Dtype> data(3, 1, 1, 2), label(3, 1, 1, 1);
  for (int i = 0; i < 6; ++i) data.mutable_cpu_data()[i] = 2 * first + i;
  for (int i = 0; i < 3; ++i) label.mutable_cpu_data()[i] = first + i;
  std::vector<Blob<Dtype>*> bottoms, none;
  bottoms.push_back(&data);
  bottoms.push_back(&label);
  HDF5OutputLayer<Dtype> layer(param);
  layer.SetUp(bottoms, none);
  layer.Forward(bottoms, none);
  EXPECT_EQ(name, layer.file_name());
}

TYPED_TEST(DataSourceTest, Hdf5FilesAreWrittenAndRead) {
  for (int first = 0; first < 6; first += 3) {
    const std::string name = this->folder_ + "/" + format_int(first) + ".h5";
    WriteHdf5<TypeParam>(name, first);
    const hid_t file = H5Fopen(name.c_str(), H5F_ACC_RDONLY, H5P_DEFAULT);
    ASSERT_GE(file, 0);
    Blob<TypeParam> read;
    hdf5_load_nd_dataset(file, HDF5_DATA_DATASET_NAME, 0, 4, &read, true);
    EXPECT_EQ(2 * first + 5, read.cpu_data()[5]);
    EXPECT_GE(H5Fclose(file), 0);
    std::ofstream(this->folder_ + "/list.txt", std::ios::app) << name << "\n";
  }
  LayerParameter param;
  param.add_top("data");
  param.add_top("label");
  param.mutable_hdf5_data_param()->set_source(this->folder_ + "/list.txt");
  param.mutable_hdf5_data_param()->set_batch_size(2);
  LayerParameter nameless = param;
  nameless.clear_top();
  try {
    HDF5DataLayer<TypeParam>(nameless).SetUp(this->bottom_vec_, this->top_vec_);
    FAIL() << "tops without names have no datasets";
  } catch (const Error& error) {
    EXPECT_NE(string::npos, string(error.what()).find("0 names of tops for 2")) << error.what();
  }
  HDF5DataLayer<TypeParam> layer(param);
  layer.SetUp(this->bottom_vec_, this->top_vec_);
  for (int i = 0; i < 8; i += 2) {
    layer.Forward(this->bottom_vec_, this->top_vec_);
    EXPECT_EQ(i % 6, this->label_.cpu_data()[0]);
    EXPECT_EQ((i + 1) % 6, this->label_.cpu_data()[1]);
    EXPECT_EQ(2 * (i % 6), this->top_->cpu_data()[0]);
  }
  Caffe::set_solver_count(2);
  Caffe::set_solver_rank(1);
  HDF5DataLayer<TypeParam> second(param);
  second.SetUp(this->bottom_vec_, this->top_vec_);
  second.Forward(this->bottom_vec_, this->top_vec_);
  EXPECT_EQ(1, this->label_.cpu_data()[0]);
  EXPECT_EQ(3, this->label_.cpu_data()[1]);
  Caffe::set_solver_rank(0);
}

TYPED_TEST(DataSourceTest, MemoryLayersTakeArraysDatumsAndImages) {
  LayerParameter param;
  MemoryDataParameter* memory = param.mutable_memory_data_param();
  memory->set_batch_size(2);
  memory->set_channels(3);
  memory->set_height(2);
  memory->set_width(2);
  MemoryDataLayer<TypeParam> layer(param);
  layer.SetUp(this->bottom_vec_, this->top_vec_);
  EXPECT_EQ("2 3 2 2 (24)", this->top_->shape_string());
  EXPECT_THROW(layer.Forward(this->bottom_vec_, this->top_vec_), Error);
  std::vector<TypeParam> data(48), labels(4);
  for (int i = 0; i < 48; ++i) data[i] = i;
  for (int i = 0; i < 4; ++i) labels[i] = i;
  layer.Reset(&data[0], &labels[0], 4);
  for (int i = 0; i < 3; ++i) {
    layer.Forward(this->bottom_vec_, this->top_vec_);
    EXPECT_EQ(i % 2 * 24, this->top_->cpu_data()[0]);
    EXPECT_EQ(i % 2 * 2 + 1, this->label_.cpu_data()[1]);
  }
  std::vector<Datum> datums(4);
  for (int i = 0; i < 4; ++i) {
    datums[i].set_channels(3);
    datums[i].set_height(2);
    datums[i].set_width(2);
    datums[i].set_data(std::string(12, char(50 + i)));
    datums[i].set_label(i);
  }
  layer.AddDatumVector(datums);
  EXPECT_EQ(2, layer.batch_size());
  layer.Forward(this->bottom_vec_, this->top_vec_);
  layer.Forward(this->bottom_vec_, this->top_vec_);
  EXPECT_EQ(53, this->top_->cpu_data()[23]);
  layer.set_batch_size(1);
  std::vector<cv::Mat> images(1, cv::Mat(2, 2, CV_8UC3, cv::Scalar(1, 2, 3)));
  layer.AddMatVector(images, std::vector<int>(1, 9));
  layer.Forward(this->bottom_vec_, this->top_vec_);
  EXPECT_EQ(1, this->top_->num());
  EXPECT_EQ(9, this->label_.cpu_data()[0]);
  EXPECT_EQ(3, this->top_->cpu_data()[11]);
  // What cannot be added leaves nothing behind that could be taken for data.
  datums[3].clear_data();
  EXPECT_THROW(layer.AddDatumVector(datums), Error);
  EXPECT_THROW(layer.Forward(this->bottom_vec_, this->top_vec_), Error);
}

TYPED_TEST(DataSourceTest, DummyLayersRefillOnlyWhatIsRandom) {
  LayerParameter param = FromText<LayerParameter>(
      "dummy_data_param { num: 5 channels: 3 height: 2 width: 4 num: 5 channels: 1 height: 1 "
      "width: "
      "1 data_filler { type: 'constant' value: 7 } data_filler { type: 'gaussian' } }");
  DummyDataLayer<TypeParam> layer(param);
  layer.SetUp(this->bottom_vec_, this->top_vec_);
  EXPECT_EQ(7, this->top_->cpu_data()[119]);
  layer.Forward(this->bottom_vec_, this->top_vec_);
  const TypeParam before = this->label_.cpu_data()[0];
  this->top_->mutable_cpu_data()[0] = 3;
  layer.Forward(this->bottom_vec_, this->top_vec_);
  EXPECT_NE(before, this->label_.cpu_data()[0]);
  EXPECT_EQ(3, this->top_->cpu_data()[0]);
}

}  // namespace caffe
