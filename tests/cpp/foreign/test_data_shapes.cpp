// Data whose size changes from item to item, and a layer that is set up by hand.

#include <fstream>
#include <string>
#include <vector>

#include <boost/scoped_ptr.hpp>
#include <opencv2/core/core.hpp>
#include <opencv2/highgui/highgui.hpp>

#include "caffe/layers/data_layer.hpp"
#include "caffe/layers/image_data_layer.hpp"
#include "caffe/layers/memory_data_layer.hpp"
#include "caffe/util/db.hpp"
#include "caffe/util/io.hpp"
#include "foreign.hpp"

namespace caffe {

template <typename Dtype>
class DataShapes : public OneToOne<Dtype> {
 protected:
  static const int kItems = 5;

  DataShapes() {
    this->bottom_vec_.clear();
    this->top_vec_.push_back(&label_);
    MakeTempDir(&folder_);
  }
  static int Height(int item) { return 1 + item % 2; }
  static int Width(int item) { return 2 + item % 4; }

  LayerParameter Database(int batch_size) const {
    boost::scoped_ptr<db::DB> db(db::GetDB("lmdb"));
    db->Open(folder_ + "/db", db::NEW);
    boost::scoped_ptr<db::Transaction> txn(db->NewTransaction());
    for (int i = 0; i < kItems; ++i) {
      Datum datum;
      datum.set_label(i);
      datum.set_channels(2);
      datum.set_height(Height(i));
      datum.set_width(Width(i));
      datum.set_data(std::string(2 * Height(i) * Width(i), char(i)));
      txn->Put(format_int(i), datum.SerializeAsString());
    }
    txn->Commit();
    db->Close();
    LayerParameter param;
    param.mutable_data_param()->set_source(folder_ + "/db");
    param.mutable_data_param()->set_backend(DataParameter_DB_LMDB);
    param.mutable_data_param()->set_batch_size(batch_size);
    return param;
  }

  void ExpectItemsOneByOne(int channels, Layer<Dtype>* layer) {
    layer->SetUp(this->bottom_vec_, this->top_vec_);
    for (int i = 0; i < kItems + 2; ++i) {
      const int item = i % kItems;
      layer->Forward(this->bottom_vec_, this->top_vec_);
      const std::vector<int> shape{1, channels, Height(item), Width(item)};
      EXPECT_EQ(shape, this->top_->shape());
      EXPECT_EQ(item, label_.cpu_data()[0]);
      for (int j = 0; j < this->top_->count(); ++j) EXPECT_EQ(item, this->top_->cpu_data()[j]);
    }
  }

  std::string folder_;
  Blob<Dtype> label_;
};
TYPED_TEST_SUITE(DataShapes, FloatAndDouble, );

TYPED_TEST(DataShapes, OfADatabasesItemsMayDiffer) {
  DataLayer<TypeParam> layer(this->Database(1));
  this->ExpectItemsOneByOne(2, &layer);
}

TYPED_TEST(DataShapes, OfListedImagesMayDiffer) {
  LayerParameter param;
  param.mutable_image_data_param()->set_source(this->folder_ + "/list.txt");
  std::ofstream list(this->folder_ + "/list.txt");
  for (int i = 0; i < this->kItems; ++i) {
    const std::string name = this->folder_ + "/" + format_int(i) + ".png";
    cv::imwrite(name, cv::Mat(this->Height(i), this->Width(i), CV_8UC3, cv::Scalar::all(i)));
    list << name << " " << i << std::endl;
  }
  ImageDataLayer<TypeParam> layer(param);
  this->ExpectItemsOneByOne(3, &layer);
}

TYPED_TEST(DataShapes, InABatchAreTheSame) {
  DataLayer<TypeParam> layer(this->Database(2));
  layer.SetUp(this->bottom_vec_, this->top_vec_);
  EXPECT_THROW(layer.Forward(this->bottom_vec_, this->top_vec_), Error);
}

TYPED_TEST(DataShapes, OfArraysAreKnownWithoutTheRestOfSetUp) {
  LayerParameter param = FromText<LayerParameter>(
      "memory_data_param { batch_size: 2 channels: 3 height: 1 width: 2 }");
  std::vector<TypeParam> values(4 * 6), labels(4);
  for (size_t i = 0; i < values.size(); ++i) values[i] = i;
  for (size_t i = 0; i < labels.size(); ++i) labels[i] = 10 * i;
  MemoryDataLayer<TypeParam> layer(param);
  layer.DataLayerSetUp(this->bottom_vec_, this->top_vec_);
  // These have to be transformed.
  EXPECT_THROW(layer.AddDatumVector(std::vector<Datum>(2)), Error);
  layer.Reset(&values[0], &labels[0], 4);
  for (int i = 0; i < 6; ++i) {
    layer.Forward(this->bottom_vec_, this->top_vec_);
    EXPECT_EQ("2 3 1 2 (12)", this->top_->shape_string());
    EXPECT_EQ(12 * (i % 2), this->top_->cpu_data()[0]);
    EXPECT_EQ(20 * (i % 2) + 10, this->label_.cpu_data()[1]);
  }
}

}  // namespace caffe
