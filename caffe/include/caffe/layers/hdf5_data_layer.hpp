#ifndef CAFFE_HDF5_DATA_LAYER_HPP_
#define CAFFE_HDF5_DATA_LAYER_HPP_

#include <string>
#include <vector>

#include "caffe/layer.hpp"
#include "caffe/util/seeded_order.hpp"

// Not needed here: code written for Caffe 1.0 finds BaseDataLayer and hid_t through this header.
#include "caffe/layers/base_data_layer.hpp"
#include "hdf5.h"

namespace caffe {

/// Rows (along the first axis) of datasets in HDF5 files, which are listed in a text file.
///
/// Each top takes the dataset of its name; its shape is the dataset's with batch_size in front.
/// Files are read whole, one at a time; with `shuffle`, files and the rows in each come in a new
/// order in every pass. Parameters: hdf5_data_param (source, batch_size, shuffle).
template <typename Dtype>
class HDF5DataLayer : public Layer<Dtype> {
 public:
  explicit HDF5DataLayer(const LayerParameter& param) : Layer<Dtype>(param) {}
  void LayerSetUp(const vector<Blob<Dtype>*>& bottom, const vector<Blob<Dtype>*>& top) override;
  void Reshape(const vector<Blob<Dtype>*>& bottom, const vector<Blob<Dtype>*>& top) override {}
  const char* type() const override { return "HDF5Data"; }
  int ExactNumBottomBlobs() const override { return 0; }
  int MinTopBlobs() const override { return 1; }

  void SaveState(LayerState* state) const override;
  void RestoreState(const LayerState& state) override;

 protected:
  void Forward_cpu(const vector<Blob<Dtype>*>& bottom, const vector<Blob<Dtype>*>& top) override;
  void Forward_gpu(const vector<Blob<Dtype>*>& bottom, const vector<Blob<Dtype>*>& top) override {
    Forward_cpu(bottom, top);
  }
  void Backward_cpu(const vector<Blob<Dtype>*>& top, const vector<bool>& propagate_down,
                    const vector<Blob<Dtype>*>& bottom) override {}
  void Backward_gpu(const vector<Blob<Dtype>*>& top, const vector<bool>& propagate_down,
                    const vector<Blob<Dtype>*>& bottom) override {}
  /// Reads a file's datasets into hdf_blobs_.
  virtual void LoadHDF5FileData(const char* filename);

  vector<string> hdf_filenames_;
  vector<shared_ptr<Blob<Dtype>>> hdf_blobs_;

 private:
  uint64_t RowsOf(size_t file);
  void OpenFile(uint64_t visit);
  void StepTo(uint64_t item);
  void SkipPasses(uint64_t item, uint64_t* visit);

  uint64_t seed_ = 0;
  uint64_t batches_ = 0;
  SolverShare share_;
  SeededOrder file_order_;
  SeededOrder row_order_;
  /// Number of files visited before the open one, and of rows in them.
  uint64_t visit_ = 0;
  uint64_t rows_before_ = 0;
  /// By place in the list; 0 where it is not known yet.
  vector<uint64_t> rows_of_file_;
};

}  // namespace caffe

#endif  // CAFFE_HDF5_DATA_LAYER_HPP_
