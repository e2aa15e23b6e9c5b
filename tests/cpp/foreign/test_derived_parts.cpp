// What others derive from Caffe's classes besides layers that compute: data layers, transformers
// and fillers.

#include <fstream>
#include <string>
#include <utility>
#include <vector>

#include <boost/scoped_ptr.hpp>
#include <opencv2/core/core.hpp>
#include <opencv2/imgcodecs/imgcodecs.hpp>

#include "caffe/data_transformer.hpp"
#include "caffe/filler.hpp"
#include "caffe/layers/base_data_layer.hpp"
#include "caffe/layers/data_layer.hpp"
#include "caffe/layers/image_data_layer.hpp"
#include "caffe/layers/window_data_layer.hpp"
#include "caffe/util/benchmark.hpp"
#include "caffe/util/io.hpp"
#include "caffe/util/math_functions.hpp"
#include "caffe/util/rng.hpp"
#include "foreign.hpp"

namespace caffe {

template <typename Dtype>
class DerivedParts : public OneToOne<Dtype> {
 protected:
  DerivedParts() {
    this->bottom_vec_.clear();
    MakeTempDir(&folder_);
  }
  // Grey images 2 x 3 of the values 0, 1, ..., with their values as labels.
  std::string ListOfImages(int images) const {
    for (int i = 0; i < images; ++i) {
      const std::string name = folder_ + "/" + format_int(i, 3) + ".png";
      cv::imwrite(name, cv::Mat(2, 3, CV_8UC1, cv::Scalar::all(i)));
      std::ofstream((folder_ + "/list").c_str(), std::ios::app) << name << " " << i << "\n";
    }
    return folder_ + "/list";
  }

  std::string folder_;
};
TYPED_TEST_SUITE(DerivedParts, FloatAndDouble, );

// ---- data ----

// Images and labels from a list, shuffled with a generator of its own.
template <typename Dtype>
class ShuffledListLayer : public BasePrefetchingDataLayer<Dtype> {
 public:
  explicit ShuffledListLayer(const LayerParameter& param)
      : BasePrefetchingDataLayer<Dtype>(param), lines_id_(0) {}
  virtual ~ShuffledListLayer() { this->StopInternalThread(); }
  virtual void DataLayerSetUp(const vector<Blob<Dtype>*>&, const vector<Blob<Dtype>*>& top) {
    std::ifstream infile(this->layer_param_.image_data_param().source().c_str());
    string name;
    int label;
    while (infile >> name >> label) lines_.push_back(std::make_pair(name, label));
    prefetch_rng_.reset(new Caffe::RNG(caffe_rng_rand()));
    ShuffleImages();
    const int batch_size = this->layer_param_.image_data_param().batch_size();
    cv::Mat image = ReadImageToCVMat(lines_[0].first, 0, 0, false);
    CHECK(image.data) << "Could not load " << lines_[0].first;
    vector<int> shape = this->data_transformer_->InferBlobShape(image);
    this->transformed_data_.Reshape(shape);
    shape[0] = batch_size;
    for (size_t i = 0; i < this->prefetch_.size(); ++i) this->prefetch_[i]->data_.Reshape(shape);
    top[0]->Reshape(shape);
    vector<int> label_shape(1, batch_size);
    top[1]->Reshape(label_shape);
    for (size_t i = 0; i < this->prefetch_.size(); ++i) {
      this->prefetch_[i]->label_.Reshape(label_shape);
    }
  }
  virtual inline const char* type() const { return "ShuffledList"; }
  virtual inline int ExactNumBottomBlobs() const { return 0; }
  virtual inline int ExactNumTopBlobs() const { return 2; }

 protected:
  virtual void ShuffleImages() {
    caffe::rng_t* prefetch_rng = static_cast<caffe::rng_t*>(prefetch_rng_->generator());
    shuffle(lines_.begin(), lines_.end(), prefetch_rng);
  }
  virtual void load_batch(Batch<Dtype>* batch) {
    CPUTimer timer;
    timer.Start();
    CHECK(batch->data_.count());
    CHECK(this->transformed_data_.count());
    Dtype* data = batch->data_.mutable_cpu_data();
    Dtype* labels = batch->label_.mutable_cpu_data();
    for (int i = 0; i < batch->label_.count(); ++i) {
      cv::Mat image = ReadImageToCVMat(lines_[lines_id_].first, false);
      this->transformed_data_.set_cpu_data(data + batch->data_.offset(i));
      this->data_transformer_->Transform(image, &(this->transformed_data_));
      labels[i] = lines_[lines_id_].second;
      if (++lines_id_ == lines_.size()) {
        lines_id_ = 0;
        ShuffleImages();
      }
    }
    timer.Stop();
    DLOG(INFO) << "Prefetch batch: " << timer.MilliSeconds() << " ms.";
  }

  shared_ptr<Caffe::RNG> prefetch_rng_;
  vector<std::pair<std::string, int>> lines_;
  size_t lines_id_;
};

TYPED_TEST(DerivedParts, DataLayersFillTheirBatches) {
  LayerParameter param;
  param.mutable_image_data_param()->set_source(this->ListOfImages(10));
  param.mutable_image_data_param()->set_batch_size(5);
  param.mutable_transform_param()->set_scale(2);
  ShuffledListLayer<TypeParam> layer(param);
  Blob<TypeParam> label;
  this->top_vec_.push_back(&label);
  layer.SetUp(this->bottom_vec_, this->top_vec_);
  EXPECT_EQ("5 1 2 3 (30)", this->top_->shape_string());
  for (int pass = 0; pass < 3; ++pass) {
    std::set<TypeParam> seen;
    for (int batch = 0; batch < 2; ++batch) {
      layer.Forward(this->bottom_vec_, this->top_vec_);
      for (int i = 0; i < 5; ++i) {
        seen.insert(label.cpu_data()[i]);
        EXPECT_EQ(2 * label.cpu_data()[i], this->top_->data_at(i, 0, 1, 2));
      }
    }
    EXPECT_EQ(10u, seen.size());
  }
}

// The labels of a list, a line a batch, from a place of its own on.
template <typename Dtype>
class LinesInTurnLayer : public ImageDataLayer<Dtype> {
 public:
  explicit LinesInTurnLayer(const LayerParameter& param)
      : ImageDataLayer<Dtype>(param), lines_id_(0) {}
  virtual ~LinesInTurnLayer() { this->StopInternalThread(); }

 protected:
  virtual void load_batch(Batch<Dtype>* batch) {
    batch->label_.mutable_cpu_data()[0] = this->lines_[lines_id_++].second;
  }
  size_t lines_id_;
};

// Where a layer stands that does not count its batches as the runtime's do, nobody knows: what it
// has made ahead must not get lost.
TYPED_TEST(DerivedParts, DataLayersWithAPlaceOfTheirOwnBeginWithTheirFirstBatch) {
  LayerParameter param;
  param.mutable_image_data_param()->set_source(this->ListOfImages(20));
  param.mutable_image_data_param()->set_batch_size(1);
  LinesInTurnLayer<TypeParam> layer(param);
  Blob<TypeParam> label;
  this->top_vec_.push_back(&label);
  layer.SetUp(this->bottom_vec_, this->top_vec_);
  LayerState state;
  layer.SaveState(&state);
  EXPECT_EQ("", state.ShortDebugString());
  state.set_batches(3);
  layer.RestoreState(state);
  for (int batch = 0; batch < 3; ++batch) {
    layer.Forward(this->bottom_vec_, this->top_vec_);
    EXPECT_EQ(batch, label.cpu_data()[0]);
  }
}

// Counts up, without a thread.
template <typename Dtype>
class CounterDataLayer : public BaseDataLayer<Dtype> {
 public:
  explicit CounterDataLayer(const LayerParameter& param) : BaseDataLayer<Dtype>(param), next_(0) {}
  virtual void DataLayerSetUp(const vector<Blob<Dtype>*>&, const vector<Blob<Dtype>*>& top) {
    top[0]->Reshape(vector<int>(1, 2));
    labelled_ = this->output_labels_;
    if (labelled_) top[1]->Reshape(vector<int>(1, 2));
  }
  virtual inline const char* type() const { return "CounterData"; }

 protected:
  virtual void Forward_cpu(const vector<Blob<Dtype>*>&, const vector<Blob<Dtype>*>& top) {
    for (size_t t = 0; t < top.size(); ++t) {
      for (int i = 0; i < 2; ++i) top[t]->mutable_cpu_data()[i] = next_ + i;
    }
    next_ += 2;
  }

 private:
  int next_;
  bool labelled_;
};

TYPED_TEST(DerivedParts, DataLayersNeedNoThread) {
  for (const bool labelled : {false, true}) {
    CounterDataLayer<TypeParam> layer((LayerParameter()));
    Blob<TypeParam> label;
    if (labelled) this->top_vec_.push_back(&label);
    layer.SetUp(this->bottom_vec_, this->top_vec_);
    layer.Forward(this->bottom_vec_, this->top_vec_);
    layer.Forward(this->bottom_vec_, this->top_vec_);
    EXPECT_EQ(3, this->top_->cpu_data()[1]);
    EXPECT_EQ(labelled ? 2 : 0, label.count() ? label.cpu_data()[0] : 0);
  }
}

// Labels of the records at the cursor, without their data.
template <typename Dtype>
class LabelsOnlyLayer : public DataLayer<Dtype> {
 public:
  explicit LabelsOnlyLayer(const LayerParameter& param) : DataLayer<Dtype>(param) {}
  virtual ~LabelsOnlyLayer() { this->StopInternalThread(); }

 protected:
  virtual void load_batch(Batch<Dtype>* batch) {
    const int batch_size = this->layer_param_.data_param().batch_size();
    CHECK(batch->data_.count());
    CHECK(this->transformed_data_.count());
    Datum datum;
    for (int item_id = 0; item_id < batch_size; ++item_id) {
      while (this->Skip()) {
        this->Next();
      }
      datum.ParseFromString(this->cursor_->value());
      batch->label_.mutable_cpu_data()[item_id] = datum.label();
      this->Next();
    }
  }
};

TYPED_TEST(DerivedParts, DataLayersMayReadTheDatabaseThemselves) {
  boost::scoped_ptr<db::DB> database(db::GetDB("lmdb"));
  database->Open(this->folder_ + "/db", db::NEW);
  boost::scoped_ptr<db::Transaction> transaction(database->NewTransaction());
  for (int i = 0; i < 5; ++i) {
    Datum datum = FromText<Datum>("channels: 1 height: 1 width: 1 data: 'x'");
    datum.set_label(i);
    transaction->Put(format_int(i, 2), datum.SerializeAsString());
  }
  transaction->Commit();
  database->Close();
  LayerParameter param;
  param.set_phase(TRAIN);
  param.mutable_data_param()->set_source(this->folder_ + "/db");
  param.mutable_data_param()->set_backend(DataParameter_DB_LMDB);
  param.mutable_data_param()->set_batch_size(4);
  Blob<TypeParam> label;
  this->top_vec_.push_back(&label);
  Caffe::set_solver_count(2);
  Caffe::set_solver_rank(1);
  {
    LabelsOnlyLayer<TypeParam> layer(param);
    layer.SetUp(this->bottom_vec_, this->top_vec_);
    layer.Forward(this->bottom_vec_, this->top_vec_);
    this->ExpectValues({1, 3, 0, 2}, label.cpu_data());
    layer.Forward(this->bottom_vec_, this->top_vec_);
    this->ExpectValues({4, 1, 3, 0}, label.cpu_data());
  }
  Caffe::set_solver_count(1);
  Caffe::set_solver_rank(0);
}

// The list's labels less one, through the members of ImageData.
template <typename Dtype>
class ZeroBasedImageDataLayer : public ImageDataLayer<Dtype> {
 public:
  explicit ZeroBasedImageDataLayer(const LayerParameter& param) : ImageDataLayer<Dtype>(param) {}
  virtual ~ZeroBasedImageDataLayer() { this->StopInternalThread(); }
  size_t lines() { return this->lines_.size(); }

 protected:
  virtual void load_batch(Batch<Dtype>* batch) {
    ImageDataLayer<Dtype>::load_batch(batch);
    caffe_add_scalar(batch->label_.count(), Dtype(-1), batch->label_.mutable_cpu_data());
  }
};

TYPED_TEST(DerivedParts, DataLayersMayChangeTheBatchOfTheirBase) {
  LayerParameter param;
  param.mutable_image_data_param()->set_source(this->ListOfImages(4));
  param.mutable_image_data_param()->set_batch_size(3);
  ZeroBasedImageDataLayer<TypeParam> layer(param);
  Blob<TypeParam> label;
  this->top_vec_.push_back(&label);
  layer.SetUp(this->bottom_vec_, this->top_vec_);
  EXPECT_EQ(4u, layer.lines());
  layer.Forward(this->bottom_vec_, this->top_vec_);
  layer.Forward(this->bottom_vec_, this->top_vec_);
  this->ExpectValues({2, -1, 0}, label.cpu_data());
}

// Fills batches as it finds them.
template <typename Dtype, template <typename> class Kind>
class AsShapedLayer : public Kind<Dtype> {
 public:
  explicit AsShapedLayer(const LayerParameter& param) : Kind<Dtype>(param) {}
  virtual ~AsShapedLayer() { this->StopInternalThread(); }

 protected:
  virtual void load_batch(Batch<Dtype>* batch) {
    EXPECT_EQ("1 1 2 2 (4)", this->transformed_data_.shape_string());
    caffe_set(batch->data_.count(), Dtype(7), batch->data_.mutable_cpu_data());
    caffe_set(batch->label_.count(), Dtype(5), batch->label_.mutable_cpu_data());
  }
};

template <template <typename> class Kind, typename Dtype>
void ExpectShapedBatches(const LayerParameter& param) {
  Blob<Dtype> data, label;
  const vector<Blob<Dtype>*> none, top = {&data, &label};
  AsShapedLayer<Dtype, Kind> layer(param);
  layer.SetUp(none, top);
  layer.Forward(none, top);
  EXPECT_EQ("3 1 2 2 (12)", data.shape_string());
  EXPECT_EQ("3 (3)", label.shape_string());
  EXPECT_EQ(7, data.cpu_data()[11]);
  EXPECT_EQ(5, label.cpu_data()[2]);
}

TYPED_TEST(DerivedParts, BatchesHaveTheirShapesBeforeTheyAreLoaded) {
  LayerParameter param;
  param.mutable_transform_param()->set_crop_size(2);
  param.mutable_image_data_param()->set_source(this->ListOfImages(4));
  param.mutable_image_data_param()->set_is_color(false);
  param.mutable_image_data_param()->set_batch_size(3);
  ExpectShapedBatches<ImageDataLayer, TypeParam>(param);

  const std::string windows = this->folder_ + "/windows";
  std::ofstream(windows.c_str()) << "# 0\n"
                                 << this->folder_ << "/000.png\n1\n2\n3\n2\n"
                                 << "1 0.9 0 0 1 1\n0 0.1 0 0 1 1\n";
  param.mutable_window_data_param()->set_source(windows);
  param.mutable_window_data_param()->set_batch_size(3);
  ExpectShapedBatches<WindowDataLayer, TypeParam>(param);
}

// Draws the largest number each time.
template <typename Dtype>
class LastCropTransformer : public DataTransformer<Dtype> {
 public:
  LastCropTransformer(const TransformationParameter& param, Phase phase)
      : DataTransformer<Dtype>(param, phase), drawn(0) {
    EXPECT_EQ(param.crop_size(), this->param_.crop_size());
    EXPECT_EQ(phase, this->phase_);
    EXPECT_EQ(1u, this->mean_values_.size());
    EXPECT_EQ(0, this->data_mean_.count());
  }
  // Into memory that is no blob's.
  void Put(const Datum& datum, Dtype* out) { this->Transform(datum, out); }
  int drawn;

 protected:
  virtual int Rand(int n) {
    ++drawn;
    return n - 1;
  }
};

TYPED_TEST(DerivedParts, TransformersMayDrawThemselves) {
  Datum datum = FromText<Datum>("channels: 1 height: 2 width: 3");
  for (int i = 0; i < 6; ++i) datum.mutable_data()->push_back(static_cast<char>(10 * i));
  LastCropTransformer<TypeParam> transformer(
      FromText<TransformationParameter>("crop_size: 2 mirror: true mean_value: 1"), TRAIN);
  Blob<TypeParam> out(transformer.InferBlobShape(datum));
  transformer.Transform(datum, &out);
  EXPECT_EQ(3, transformer.drawn);
  this->ExpectValues({19, 9, 49, 39}, out.cpu_data());
  TypeParam memory[] = {0, 0, 0, 0, 7};
  transformer.Put(datum, memory);
  this->ExpectValues({19, 9, 49, 39, 7}, memory);

  std::vector<uchar> png;
  cv::imencode(".png", cv::Mat(2, 3, CV_8UC1, &(*datum.mutable_data())[0]), png);
  Datum encoded = FromText<Datum>("encoded: true");
  encoded.set_data(png.data(), png.size());
  memory[0] = 0;
  transformer.Put(encoded, memory);
  this->ExpectValues({19, 9, 49, 39, 7}, memory);
  datum.set_height(1);
  EXPECT_THROW(transformer.Put(datum, memory), Error);
}

// ---- fillers ----

template <typename Dtype>
class RampFiller : public Filler<Dtype> {
 public:
  explicit RampFiller(const FillerParameter& param) : Filler<Dtype>(param) {}
  virtual void Fill(Blob<Dtype>* blob) {
    Dtype* data = blob->mutable_cpu_data();
    for (int i = 0; i < blob->count(); ++i) data[i] = this->filler_param_.value() + i;
    CHECK_EQ(this->filler_param_.sparse(), -1) << "Sparsity not supported by this Filler.";
  }
};

TYPED_TEST(DerivedParts, FillersHaveTheirParameter) {
  FillerParameter param;
  param.set_value(3);
  Blob<TypeParam> blob(1, 1, 2, 2);
  const boost::scoped_ptr<Filler<TypeParam>> filler(new RampFiller<TypeParam>(param));
  filler->Fill(&blob);
  this->ExpectValues({3, 4, 5, 6}, blob.cpu_data());
  param.set_sparse(2);
  RampFiller<TypeParam> sparse(param);
  EXPECT_THROW(sparse.Fill(&blob), Error);
}

}  // namespace caffe
