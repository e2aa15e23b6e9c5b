#include "caffe/layers/hdf5_data_layer.hpp"

#include <climits>
#include <fstream>

#include "caffe/util/hdf5.hpp"
#include "caffe/util/list_file.hpp"
#include "caffe/util/math_functions.hpp"
#include "data/batch_size.hpp"

namespace caffe {

namespace {

vector<string> ReadFileNames(const string& list) {
  std::ifstream file(list);
  if (!file) LOG(FATAL) << "cannot open the list " + list;
  vector<string> names;
  string name;
  while (file >> name) names.push_back(name);
  CheckWholeListRead(file, list);
  if (names.empty()) LOG(FATAL) << "the list " + list + " names no HDF5 file";
  return names;
}

}  // namespace

template <typename Dtype>
void HDF5DataLayer<Dtype>::LayerSetUp(const vector<Blob<Dtype>*>& bottom,
                                      const vector<Blob<Dtype>*>& top) {
  const HDF5DataParameter& param = this->layer_param_.hdf5_data_param();
  CHECK(!this->layer_param_.has_transform_param())
      << this->type() << " does not transform data: prepare it when the files are written";
  CHECK_EQ(this->layer_param_.top_size(), static_cast<int>(top.size()))
      << " names of tops for " << top.size()
      << ": each takes the dataset of the name that `top` of "
      << "the layer's message gives it";
  const int batch_size = CheckedBatchSize(param.batch_size());
  hdf_filenames_ = ReadFileNames(param.source());
  LOG(INFO) << "Number of HDF5 files: " << hdf_filenames_.size();
  rows_of_file_.assign(hdf_filenames_.size(), 0);
  file_order_ = SeededOrder(hdf_filenames_.size(), param.shuffle());
  share_ = SolverShare(this->phase_);
  seed_ = caffe_rng_rand();
  batches_ = rows_before_ = 0;
  OpenFile(0);
  for (size_t i = 0; i < top.size(); ++i) {
    vector<int> shape = hdf_blobs_[i]->shape();
    shape[0] = batch_size;
    top[i]->Reshape(shape);
  }
}

template <typename Dtype>
void HDF5DataLayer<Dtype>::LoadHDF5FileData(const char* filename) {
  const Hdf5File file(filename, H5F_ACC_RDONLY);
  const LayerParameter& param = this->layer_param_;
  hdf_blobs_.resize(param.top_size());
  for (int i = 0; i < param.top_size(); ++i) {
    hdf_blobs_[i].reset(new Blob<Dtype>());
    hdf5_load_nd_dataset(file.id(), param.top(i).c_str(), 1, INT_MAX, hdf_blobs_[i].get(), true);
    if (hdf_blobs_[i]->count() == 0) {
      LOG(FATAL) << string(filename) + ": dataset '" + param.top(i) +
                        "' holds no values: its shape is " + hdf_blobs_[i]->shape_string();
    }
    if (hdf_blobs_[i]->shape(0) != hdf_blobs_[0]->shape(0)) {
      LOG(FATAL) << string(filename) + ": dataset '" + param.top(i) + "' has " +
                        std::to_string(hdf_blobs_[i]->shape(0)) + " rows, '" + param.top(0) +
                        "' has " + std::to_string(hdf_blobs_[0]->shape(0)) + ": they go together";
    }
  }
}

// How many rows a file has; its values are not read.
template <typename Dtype>
uint64_t HDF5DataLayer<Dtype>::RowsOf(size_t file) {
  if (rows_of_file_[file] == 0) {
    const string& name = hdf_filenames_[file];
    Blob<Dtype> rows;
    hdf5_load_nd_dataset_helper(Hdf5File(name, H5F_ACC_RDONLY).id(),
                                this->layer_param_.top(0).c_str(), 1, INT_MAX, &rows, true);
    if (rows.shape(0) == 0) LOG(FATAL) << name << ": has no rows";
    rows_of_file_[file] = rows.shape(0);
  }
  return rows_of_file_[file];
}

// Opens the file that is visited after `visit` others.
template <typename Dtype>
void HDF5DataLayer<Dtype>::OpenFile(uint64_t visit) {
  const size_t file = file_order_.At(visit, seed_);
  const string& name = hdf_filenames_[file];
  // A list of one file is the usual case: it is read once.
  if (hdf_blobs_.empty() || hdf_filenames_.size() > 1) LoadHDF5FileData(name.c_str());
  visit_ = visit;
  rows_of_file_[file] = hdf_blobs_[0]->shape(0);
  row_order_ = SeededOrder(rows_of_file_[file], this->layer_param_.hdf5_data_param().shuffle());
}

// Opens the file that holds an item, counted from the first row of the first file.
template <typename Dtype>
void HDF5DataLayer<Dtype>::StepTo(uint64_t item) {
  uint64_t visit = visit_;
  if (item < rows_before_) visit = rows_before_ = 0;
  while (true) {
    const uint64_t rows = RowsOf(file_order_.At(visit, seed_));
    if (item - rows_before_ < rows) break;
    rows_before_ += rows;
    ++visit;
    if (visit % hdf_filenames_.size() == 0) SkipPasses(item, &visit);
  }
  if (visit != visit_) OpenFile(visit);
}

// From the start of a pass over all files to that of the pass that holds an item: a snapshot may
// continue far from here.
template <typename Dtype>
void HDF5DataLayer<Dtype>::SkipPasses(uint64_t item, uint64_t* visit) {
  uint64_t rows = 0;
  for (size_t file = 0; file < hdf_filenames_.size(); ++file) rows += RowsOf(file);
  const uint64_t passes = (item - rows_before_) / rows;
  rows_before_ += passes * rows;
  *visit += passes * hdf_filenames_.size();
}

template <typename Dtype>
void HDF5DataLayer<Dtype>::Forward_cpu(const vector<Blob<Dtype>*>& bottom,
                                       const vector<Blob<Dtype>*>& top) {
  const uint64_t batch_size = this->layer_param_.hdf5_data_param().batch_size();
  for (uint64_t i = 0; i < batch_size; ++i) {
    const uint64_t item = share_.Item(batches_ * batch_size + i);
    StepTo(item);
    // The seed of the visit gives the rows another order each time.
    const size_t row = row_order_.At(item - rows_before_, MixSeed(seed_, visit_));
    for (size_t j = 0; j < top.size(); ++j) {
      const int length = top[j]->count(1);
      if (hdf_blobs_[j]->count(1) != length) {
        LOG(FATAL) << hdf_filenames_[file_order_.At(visit_, seed_)] + ": dataset '" +
                          this->layer_param_.top(j) + "' has shape " +
                          hdf_blobs_[j]->shape_string() +
                          ", which does not fit the first file's: " + top[j]->shape_string();
      }
      caffe_copy(length, hdf_blobs_[j]->cpu_data() + row * length,
                 top[j]->mutable_cpu_data() + i * length);
    }
  }
  ++batches_;
}

template <typename Dtype>
void HDF5DataLayer<Dtype>::SaveState(LayerState* state) const {
  state->set_seed(seed_);
  state->set_batches(batches_);
}

template <typename Dtype>
void HDF5DataLayer<Dtype>::RestoreState(const LayerState& state) {
  seed_ = state.seed();
  batches_ = state.batches();
  rows_before_ = 0;
  OpenFile(0);
}

INSTANTIATE_CLASS(HDF5DataLayer);
REGISTER_LAYER_CLASS(HDF5Data);

}  // namespace caffe
