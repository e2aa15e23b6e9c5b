#include "caffe/layers/hdf5_output_layer.hpp"

namespace caffe {

template <typename Dtype>
void HDF5OutputLayer<Dtype>::LayerSetUp(const vector<Blob<Dtype>*>& bottom,
                                        const vector<Blob<Dtype>*>& top) {
  file_name_ = this->layer_param_.hdf5_output_param().file_name();
  CHECK(!file_name_.empty()) << "hdf5_output_param has no file_name";
  file_.reset(new Hdf5File(file_name_, H5F_ACC_TRUNC));
}

template <typename Dtype>
void HDF5OutputLayer<Dtype>::Forward_cpu(const vector<Blob<Dtype>*>& bottom,
                                         const vector<Blob<Dtype>*>& top) {
  const char* const names[] = {HDF5_DATA_DATASET_NAME, HDF5_DATA_LABEL_NAME};
  if (bottom.size() == 2) {
    CHECK_EQ(bottom[0]->shape(0), bottom[1]->shape(0)) << ": data and labels go together";
  }
  for (size_t i = 0; i < bottom.size(); ++i) {
    hdf5_append_rows(file_->id(), names[i], *bottom[i]);
  }
  file_->Flush();
}

template <typename Dtype>
void HDF5OutputLayer<Dtype>::Backward_cpu(const vector<Blob<Dtype>*>& top,
                                          const vector<bool>& propagate_down,
                                          const vector<Blob<Dtype>*>& bottom) {
  // Nothing depends on what was written.
}

INSTANTIATE_CLASS(HDF5OutputLayer);
REGISTER_LAYER_CLASS(HDF5Output);

}  // namespace caffe
