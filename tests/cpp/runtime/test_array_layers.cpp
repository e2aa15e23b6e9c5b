// Layers over arrays: HDF5Data, HDF5Output, DummyData, MemoryData.

#include <string>
#include <vector>

#include "caffe/layers/memory_data_layer.hpp"
#include "caffe/util/hdf5.hpp"
#include "runtime/data_source.hpp"
#include "runtime/files.hpp"

using caffe::Blob;
using caffe::Datum;
using caffe::LayerParameter;
using caffe_test::DataSource;
using caffe_test::TemporaryFolder;
using caffe_test::Values;
using caffe_test::ValuesOf;
using caffe_test::Write;

namespace {

// Rows numbered through two files of 3 and 2 rows.
std::string WriteRows(const TemporaryFolder& folder) {
  int row = 0;
  for (const int rows : {3, 2}) {
    const caffe::Hdf5File file(folder / (std::to_string(rows) + ".h5"), H5F_ACC_TRUNC);
    Blob<float> data({rows, 2});
    Blob<float> label({rows});
    for (int i = 0; i < rows; ++i, ++row) {
      data.mutable_cpu_data()[2 * i] = data.mutable_cpu_data()[2 * i + 1] = row + 0.5f;
      label.mutable_cpu_data()[i] = row;
    }
    caffe::hdf5_save_nd_dataset(file.id(), "data", data);
    caffe::hdf5_save_nd_dataset(file.id(), "label", label);
  }
  Write(folder / "list.txt", (folder / "3.h5") + "\n" + (folder / "2.h5") + "\n");
  return "type: 'HDF5Data' top: 'data' top: 'label' hdf5_data_param { source: '" +
         (folder / "list.txt") + "' batch_size: 2 ";
}

}  // namespace

TEST(Hdf5Data, ReadsFilesOneAfterTheOther) {
  const TemporaryFolder folder;
  DataSource source(WriteRows(folder) + "}", 2);
  EXPECT_EQ(source.top(0).shape(), (std::vector<int>{2, 2}));
  EXPECT_EQ(source.Labels(4), (Values{0, 1, 2, 3, 4, 0, 1, 2}));
  EXPECT_EQ(ValuesOf(source.top(0)), (Values{1.5, 1.5, 2.5, 2.5}));
}

TEST(Hdf5Data, ShufflesFilesAndRowsAndGoesOnFromAState) {
  const TemporaryFolder folder;
  const std::string layer = WriteRows(folder) + "shuffle: true }";
  DataSource source(layer, 2);
  Values pass = source.Labels(5);
  std::sort(pass.begin(), pass.end());
  EXPECT_EQ(pass, (Values{0, 0, 1, 1, 2, 2, 3, 3, 4, 4}));
  caffe::LayerState state;
  source.layer().SaveState(&state);
  DataSource restored(layer, 2, 5);
  restored.layer().RestoreState(state);
  EXPECT_EQ(source.Labels(7), restored.Labels(7));
}

TEST(Hdf5Data, GoesOnFromAnyBatchAtOnce) {
  const TemporaryFolder folder;
  for (const char* shuffle : {"}", "shuffle: true }"}) {
    DataSource source(WriteRows(folder) + shuffle, 2);
    caffe::LayerState state;
    source.layer().SaveState(&state);
    const auto labels_from = [&](uint64_t batch) {
      state.set_batches(batch);
      source.layer().RestoreState(state);
      return source.Labels(5);
    };
    // Walked to and jumped to: 5 batches are two passes.
    Values walked;
    source.layer().RestoreState(state);
    for (int i = 0; i < 12; ++i) walked = source.Labels(5);
    EXPECT_EQ(labels_from(11 * 5), walked);
    Values far = labels_from((uint64_t(1) << 60) / 5 * 5);
    std::sort(far.begin(), far.end());
    EXPECT_EQ(far, (Values{0, 0, 1, 1, 2, 2, 3, 3, 4, 4}));
  }
}

TEST(Hdf5Data, RowsOfOneFileGoTogether) {
  const TemporaryFolder folder;
  const std::string layer = WriteRows(folder) + "}";
  {
    const caffe::Hdf5File file(folder / "3.h5", H5F_ACC_TRUNC);
    caffe::hdf5_save_nd_dataset(file.id(), "data", Blob<float>(std::vector<int>{3, 2}));
    caffe::hdf5_save_nd_dataset(file.id(), "label", Blob<float>(std::vector<int>{4}));
  }
  EXPECT_ERROR_NAMES(DataSource(layer, 2), "'label' has 4 rows");
}

TEST(Hdf5Data, RowsOfNoValuesAreRefused) {
  const TemporaryFolder folder;
  const std::string layer = WriteRows(folder) + "}";
  {
    const caffe::Hdf5File file(folder / "3.h5", H5F_ACC_TRUNC);
    caffe::hdf5_save_nd_dataset(file.id(), "data", Blob<float>(std::vector<int>{3, 0}));
    caffe::hdf5_save_nd_dataset(file.id(), "label", Blob<float>(std::vector<int>{3}));
  }
  EXPECT_ERROR_NAMES(DataSource(layer, 2),
                     "3.h5: dataset 'data' holds no values: its shape is 3 0");
}

TEST(Hdf5Data, NeedsAListOfFilesAndTransformsNothing) {
  const TemporaryFolder folder;
  const std::string layer = WriteRows(folder) + "}";
  EXPECT_ERROR_NAMES(DataSource(layer + " transform_param { scale: 2 }", 2), "does not transform");
  Write(folder / "list.txt", " \n");
  EXPECT_ERROR_NAMES(DataSource(layer, 2), "list.txt names no HDF5 file");
  const std::string unreadable = std::string("source: '") + caffe_test::kUnreadable + "'";
  EXPECT_ERROR_NAMES(
      DataSource(
          "type: 'HDF5Data' hdf5_data_param { batch_size: 1 " + unreadable + " } top: 'data'", 1),
      "cannot read all of the list");
  std::filesystem::remove(folder / "list.txt");
  EXPECT_ERROR_NAMES(DataSource(layer, 2), "cannot open the list " + (folder / "list.txt"));
}

TEST(Hdf5Output, CollectsTheRowsOfEveryForward) {
  const TemporaryFolder folder;
  LayerParameter param;
  caffe::ParseProtoTextOrDie(
      "type: 'HDF5Output' hdf5_output_param { file_name: '" + (folder / "out.h5") + "' }", "layer",
      &param);
  Blob<float> data(2, 1, 2, 2);
  Blob<float> label(std::vector<int>{2});
  const auto layer = caffe::LayerRegistry<float>::CreateLayer(param);
  layer->SetUp({&data, &label}, {});
  for (int i = 0; i < 3; ++i) {
    caffe::caffe_set(data.count(), float(i), data.mutable_cpu_data());
    layer->Forward({&data, &label}, {});
  }
  const caffe::Hdf5File file(folder / "out.h5", H5F_ACC_RDONLY);
  Blob<float> read;
  caffe::hdf5_load_nd_dataset(file.id(), "data", 4, 4, &read, true);
  EXPECT_EQ(read.shape(), (std::vector<int>{6, 1, 2, 2}));
  EXPECT_EQ(read.data_at(5, 0, 1, 1), 2);
}

// ---- data without files ----

TEST(DummyData, FillsConstantsOnceAndRandomNumbersEveryTime) {
  DataSource source(
      "type: 'DummyData' dummy_data_param { shape { dim: 2 dim: 3 } shape { dim: 4 } "
      "data_filler { type: 'constant' value: 7 } data_filler { type: 'uniform' } }",
      2);
  EXPECT_EQ(ValuesOf(source.top(0)), Values(6, 7));
  const Values first = source.Labels(1);
  EXPECT_NE(first, source.Labels(1));
  EXPECT_EQ(ValuesOf(source.top(0)), Values(6, 7));
}

TEST(DummyData, TakesOneSizeForAllOrOneForEach) {
  DataSource source(
      "type: 'DummyData' dummy_data_param { num: 5 channels: 3 channels: 1 height: 2 width: 4 }",
      2);
  EXPECT_EQ(source.top(0).shape(), (std::vector<int>{5, 3, 2, 4}));
  EXPECT_EQ(source.top(1).shape(), (std::vector<int>{5, 1, 2, 4}));
  EXPECT_ERROR_NAMES(
      DataSource("type: 'DummyData' dummy_data_param { num: 5 channels: 3 height: 2 }", 1),
      "width");
  const std::string dummy = "type: 'DummyData' dummy_data_param { ";
  DataSource shaped(dummy + "shape { dim: 3 } data_filler { value: 2 } }", 2);
  EXPECT_EQ(ValuesOf(shaped.top(1)), Values(3, 2));
  EXPECT_ERROR_NAMES(DataSource(dummy + "}", 1), "0 shapes for 1 tops");
  EXPECT_ERROR_NAMES(DataSource(dummy + "shape { dim: 3 } shape { dim: 3 } }", 3),
                     "2 shapes for 3 tops");
  EXPECT_ERROR_NAMES(DataSource(dummy + "shape { dim: 3 } data_filler { } data_filler { } }", 3),
                     "2 data_filler for 3 tops");
}

/// A MemoryData layer that has been set up, and its tops.
struct MemorySource {
  explicit MemorySource(const std::string& fields) : layer(Parameter(fields)) {
    layer.SetUp({}, tops);
  }
  static LayerParameter Parameter(const std::string& fields) {
    LayerParameter param;
    caffe::ParseProtoTextOrDie("type: 'MemoryData' " + fields, "layer", &param);
    return param;
  }

  caffe::MemoryDataLayer<float> layer;
  Blob<float> data, label;
  const std::vector<Blob<float>*> tops = {&data, &label};
};

TEST(MemoryData, HasAShapeThatABlobCanHave) {
  for (const std::string size : {"0", "4000000000"}) {
    EXPECT_ERROR_NAMES(MemorySource("memory_data_param { batch_size: " + size +
                                    " channels: 1 height: 1 width: 1 }"),
                       "all from 1 to 2147483647, not " + size);
  }
}

TEST(MemoryData, TakesWholeBatches) {
  MemorySource source("memory_data_param { batch_size: 2 channels: 1 height: 1 width: 1 }");
  auto& layer = source.layer;
  const auto& data = source.data;
  const auto& tops = source.tops;
  Datum datum;
  caffe::ParseProtoTextOrDie("channels: 1 height: 1 width: 1 data: 'a'", "datum", &datum);
  EXPECT_ERROR_NAMES(layer.AddDatumVector({}), "0 images are no multiple");
  EXPECT_ERROR_NAMES(layer.AddDatumVector({datum}), "1 images are no multiple");
  EXPECT_ERROR_NAMES(layer.AddDatumVector({3, datum}), "3 images are no multiple");

  Values values = {1, 2, 3, 4};
  EXPECT_ERROR_NAMES(layer.Reset(values.data(), values.data(), 0), "0 images are no multiple");
  EXPECT_ERROR_NAMES(layer.Reset(values.data(), values.data(), -2), "-2 images are no multiple");
  EXPECT_ERROR_NAMES(layer.Reset(nullptr, values.data(), 2), "must not be null");
  EXPECT_ERROR_NAMES(layer.Reset(values.data(), nullptr, 2), "must not be null");
  // New arrays are read from their start, wherever the old ones were.
  layer.Reset(values.data(), values.data(), 4);
  layer.Forward({}, tops);
  layer.Reset(values.data(), values.data(), 4);
  layer.Forward({}, tops);
  EXPECT_EQ(ValuesOf(data), (Values{1, 2}));
  EXPECT_ERROR_NAMES(layer.set_batch_size(0), "0");
  layer.set_batch_size(3);
  EXPECT_ERROR_NAMES(layer.Forward({}, tops), "no longer divides");
}

TEST(MemoryData, HandsOutWhatItIsGiven) {
  MemorySource source(
      "memory_data_param { batch_size: 2 channels: 1 height: 1 width: 2 } "
      "transform_param { scale: 2 }");
  auto& layer = source.layer;
  const auto& data = source.data;
  const auto& label = source.label;
  const auto& tops = source.tops;
  EXPECT_ERROR_NAMES(layer.Forward({}, tops), "has no data");

  Values values = {1, 2, 3, 4, 5, 6, 7, 8};
  Values labels = {0, 1, 2, 3};
  layer.Reset(values.data(), labels.data(), 4);
  for (const float first : {1.f, 5.f, 1.f}) {
    layer.Forward({}, tops);
    EXPECT_EQ(data.cpu_data()[0], first);
  }
  EXPECT_ERROR_NAMES(layer.Reset(values.data(), labels.data(), 3), "multiple");

  std::vector<Datum> datums(2);
  for (int i = 0; i < 2; ++i) {
    datums[i].set_channels(1);
    datums[i].set_height(1);
    datums[i].set_width(2);
    datums[i].set_data(std::string(2, static_cast<char>(10 + i)));
    datums[i].set_label(i);
  }
  layer.AddDatumVector(datums);
  EXPECT_ERROR_NAMES(layer.AddDatumVector(datums), "have been used");
  layer.Forward({}, tops);
  EXPECT_EQ(ValuesOf(data), (Values{20, 20, 22, 22}));
  EXPECT_EQ(ValuesOf(label), (Values{0, 1}));
}
