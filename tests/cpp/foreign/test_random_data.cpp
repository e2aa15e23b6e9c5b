// What is random in data layers follows from the seed, and nothing else does.

#include <fstream>
#include <set>
#include <string>
#include <vector>

#include <boost/scoped_ptr.hpp>
#include <opencv2/core/core.hpp>
#include <opencv2/imgcodecs/imgcodecs.hpp>

#include "caffe/data_transformer.hpp"
#include "caffe/layers/data_layer.hpp"
#include "caffe/layers/hdf5_data_layer.hpp"
#include "caffe/layers/image_data_layer.hpp"
#include "caffe/util/db.hpp"
#include "caffe/util/hdf5.hpp"
#include "caffe/util/io.hpp"
#include "foreign.hpp"

namespace caffe {

using boost::scoped_ptr;

template <typename Dtype>
class RandomDataTest : public OneToOne<Dtype> {
 protected:
  typedef std::vector<Dtype> Values;

  RandomDataTest() {
    this->bottom_vec_.clear();
    this->top_vec_.push_back(&label_);
    MakeTempDir(&folder_);
  }

  // An image whose pixels are all different.
  static Datum Image() {
    Datum datum;
    datum.set_channels(2);
    datum.set_height(3);
    datum.set_width(5);
    for (int i = 0; i < 30; ++i) datum.mutable_data()->push_back(static_cast<char>(i));
    return datum;
  }

  // The data of `batches` batches of a layer that is made anew.
  template <template <typename> class DataSource>
  Values DataOf(const LayerParameter& param, int batches) {
    DataSource<Dtype> layer(param);
    layer.SetUp(this->bottom_vec_, this->top_vec_);
    Values values;
    for (int i = 0; i < batches; ++i) {
      layer.Forward(this->bottom_vec_, this->top_vec_);
      const Dtype* data = this->top_->cpu_data();
      values.insert(values.end(), data, data + this->top_->count());
    }
    return values;
  }

  static Values Transformed(const TransformationParameter& param, Phase phase) {
    DataTransformer<Dtype> transformer(param, phase);
    transformer.InitRand();
    const Datum image = Image();
    Blob<Dtype> blob(transformer.InferBlobShape(image));
    Values values;
    for (int i = 0; i < 20; ++i) {
      transformer.Transform(image, &blob);
      values.insert(values.end(), blob.cpu_data(), blob.cpu_data() + blob.count());
    }
    return values;
  }

  std::string folder_;
  Blob<Dtype> label_;
};
TYPED_TEST_SUITE(RandomDataTest, FloatAndDouble, );

TYPED_TEST(RandomDataTest, CropsOfADataLayerRepeatWithTheSeed) {
  scoped_ptr<db::DB> db(db::GetDB("lmdb"));
  db->Open(this->folder_ + "/db", db::NEW);
  scoped_ptr<db::Transaction> txn(db->NewTransaction());
  for (int i = 0; i < 6; ++i) txn->Put(std::to_string(i), this->Image().SerializeAsString());
  txn->Commit();
  db->Close();
  LayerParameter param;
  param.set_phase(TRAIN);
  param.mutable_data_param()->set_source(this->folder_ + "/db");
  param.mutable_data_param()->set_backend(DataParameter_DB_LMDB);
  param.mutable_data_param()->set_batch_size(6);
  param.mutable_transform_param()->set_crop_size(1);
  param.mutable_transform_param()->set_mirror(true);
  Caffe::set_random_seed(1701);
  const auto first = this->template DataOf<DataLayer>(param, 2);
  const auto next = this->template DataOf<DataLayer>(param, 2);
  Caffe::set_random_seed(1701);
  EXPECT_EQ(first, this->template DataOf<DataLayer>(param, 2));
  EXPECT_NE(first, next);
  param.set_phase(TEST);
  param.mutable_transform_param()->set_mirror(false);
  EXPECT_EQ(this->template DataOf<DataLayer>(param, 1), this->template DataOf<DataLayer>(param, 1));
}

TYPED_TEST(RandomDataTest, ShuffledListsAreWholeAndInAnotherOrder) {
  const int images = 9;
  for (int i = 0; i < images; ++i) {
    const std::string name = this->folder_ + "/" + std::to_string(i) + ".png";
    cv::imwrite(name, cv::Mat(1, 1, CV_8UC3, cv::Scalar::all(i)));
    std::ofstream(this->folder_ + "/list", std::ios::app) << name << " " << i << "\n";
  }
  LayerParameter param;
  param.mutable_image_data_param()->set_source(this->folder_ + "/list");
  param.mutable_image_data_param()->set_batch_size(images);
  param.mutable_image_data_param()->set_shuffle(true);
  std::set<std::vector<TypeParam>> orders;
  for (int seed = 0; seed < 5; ++seed) {
    Caffe::set_random_seed(seed);
    const auto data = this->template DataOf<ImageDataLayer>(param, 1);
    EXPECT_EQ(static_cast<size_t>(images), std::set<TypeParam>(data.begin(), data.end()).size());
    orders.insert(data);
  }
  EXPECT_EQ(5u, orders.size());
}

TYPED_TEST(RandomDataTest, MirrorsInEitherPhaseAndCropsAtRandomOnlyInTrain) {
  for (const bool mirror : {false, true}) {
    for (const int crop : {0, 2}) {
      for (const Phase phase : {TRAIN, TEST}) {
        TransformationParameter param;
        param.set_mirror(mirror);
        param.set_crop_size(crop);
        Caffe::set_random_seed(1701);
        const auto first = this->Transformed(param, phase);
        const auto next = this->Transformed(param, phase);
        Caffe::set_random_seed(1701);
        EXPECT_EQ(first, this->Transformed(param, phase));
        EXPECT_EQ(!mirror && (crop == 0 || phase == TEST), first == next)
            << mirror << " " << crop << " " << phase;
      }
    }
  }
}

TYPED_TEST(RandomDataTest, CompressedHdf5FilesOfWholeNumbersAreRead) {
  const std::string name = this->folder_ + "/c.h5";
  const hid_t file = H5Fcreate(name.c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
  const hsize_t shape[] = {4, 300}, chunk[] = {1, 300};
  const hid_t space = H5Screate_simple(2, shape, NULL);
  const hid_t properties = H5Pcreate(H5P_DATASET_CREATE);
  H5Pset_chunk(properties, 2, chunk);
  H5Pset_deflate(properties, 9);
  const hid_t dataset =
      H5Dcreate2(file, "data", H5T_NATIVE_UCHAR, space, H5P_DEFAULT, properties, H5P_DEFAULT);
  std::vector<unsigned char> values(1200);
  for (int i = 0; i < 1200; ++i) values[i] = i / 300;
  ASSERT_GE(H5Dwrite(dataset, H5T_NATIVE_UCHAR, H5S_ALL, H5S_ALL, H5P_DEFAULT, &values[0]), 0);
  H5Dclose(dataset);
  H5Pclose(properties);
  H5Sclose(space);
  H5Fclose(file);
  std::ofstream(this->folder_ + "/list") << name << "\n";
  this->top_vec_.resize(1);
  LayerParameter param;
  param.add_top("data");
  param.mutable_hdf5_data_param()->set_source(this->folder_ + "/list");
  param.mutable_hdf5_data_param()->set_batch_size(3);
  const auto data = this->template DataOf<HDF5DataLayer>(param, 2);
  ASSERT_EQ(1800u, data.size());
  for (int row = 0; row < 6; ++row) EXPECT_EQ(row % 4, data[300 * row + 299]);
}

}  // namespace caffe
