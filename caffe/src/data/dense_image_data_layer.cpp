#include "caffe/layers/dense_image_data_layer.hpp"

#include <vector>

#include <opencv2/core.hpp>

#include "caffe/util/io.hpp"
#include "caffe/util/list_file.hpp"
#include "data/batch_size.hpp"
#include "data/listed_image.hpp"
#include "data/name_errors.hpp"
#include "data/shape_top.hpp"
#include "layers/exact_class.hpp"

namespace caffe {

// What this layer's own parameters say about transformation holds like transform_param.
template <typename Dtype>
DenseImageDataLayer<Dtype>::DenseImageDataLayer(const LayerParameter& param)
    : BasePrefetchingDataLayer<Dtype>(param) {
  const DenseImageDataParameter& own = param.dense_image_data_param();
  if (own.has_mirror()) this->transform_param_.set_mirror(own.mirror());
  if (own.has_mean_file()) this->transform_param_.set_mean_file(own.mean_file());
}

template <typename Dtype>
void DenseImageDataLayer<Dtype>::DataLayerSetUp(const vector<Blob<Dtype>*>& bottom,
                                                const vector<Blob<Dtype>*>& top) {
  const DenseImageDataParameter& param = this->layer_param_.dense_image_data_param();
  const int batch_size = CheckedBatchSize(param.batch_size());
  CheckNewSize(param);
  if (param.crop_height() > 0 || param.crop_width() > 0) {
    this->data_transformer_->set_crop(static_cast<int>(param.crop_height()),
                                      static_cast<int>(param.crop_width()));
  }
  pairs_.clear();
  for (const ListLine& line : ReadListFile(param.source())) {
    pairs_.push_back({line.path, line.rest});
  }
  LOG(INFO) << "A total of " << pairs_.size() << " examples.";
  order_ = SeededOrder(pairs_.size(), param.shuffle());
  share_ = SolverShare(this->phase_);

  const string& first = PairOf(0, 0).image;
  const cv::Mat image = ReadImage(first);
  NameErrors([&] { return param.root_folder() + first; },
             [&] { ShapeTop(this->data_transformer_->InferBlobShape(image), batch_size, top[0]); });
  if (this->output_labels_) {
    top[1]->Reshape({batch_size, 1, top[0]->height(), top[0]->width()});
  }
  this->ShapeBatches(top);
}

template <typename Dtype>
const typename DenseImageDataLayer<Dtype>::Pair& DenseImageDataLayer<Dtype>::PairOf(uint64_t batch,
                                                                                    int i) {
  const DenseImageDataParameter& param = this->layer_param_.dense_image_data_param();
  return pairs_[order_.At(PlaceInList(param, share_, this->seed_, batch, i), this->seed_)];
}

template <typename Dtype>
cv::Mat DenseImageDataLayer<Dtype>::ReadImage(const string& file) const {
  const DenseImageDataParameter& param = this->layer_param_.dense_image_data_param();
  const string path = param.root_folder() + file;
  const cv::Mat image =
      ReadLabelledImageToCVMat(path, static_cast<int>(param.new_height()),
                               static_cast<int>(param.new_width()), param.is_color());
  return CheckListedImage(image, path, param.source());
}

template <typename Dtype>
cv::Mat DenseImageDataLayer<Dtype>::ReadLabels(const string& file) const {
  const DenseImageDataParameter& param = this->layer_param_.dense_image_data_param();
  const string path = param.root_folder() + file;
  const cv::Mat labels = ReadLabelsToCVMat(path, static_cast<int>(param.new_height()),
                                           static_cast<int>(param.new_width()));
  if (labels.data) return labels;
  LOG(FATAL) << "cannot read the label image " + path + " (listed in " + param.source() + ")";
}

template <typename Dtype>
void DenseImageDataLayer<Dtype>::StorePair(const cv::Mat& image, const cv::Mat& labels, int i,
                                           Batch<Dtype>* batch) {
  const int batch_size = static_cast<int>(this->layer_param_.dense_image_data_param().batch_size());
  this->AimAtItem(image, i, batch_size, batch);
  if (!this->output_labels_) {
    this->data_transformer_->Transform(image, &this->transformed_data_);
    return;
  }
  if (i == 0) {
    const Blob<Dtype>& data = batch->data_;
    transformed_labels_.Reshape(1, 1, data.height(), data.width());
    batch->label_.Reshape(batch_size, 1, data.height(), data.width());
  }
  transformed_labels_.set_cpu_data(batch->label_.mutable_cpu_data() + batch->label_.offset(i));
  this->data_transformer_->Transform(image, labels, &this->transformed_data_, &transformed_labels_);
}

template <typename Dtype>
bool DenseImageDataLayer<Dtype>::BatchesByNumber() const {
  return IsExactly<DenseImageDataLayer>(*this);
}

template <typename Dtype>
void DenseImageDataLayer<Dtype>::load_batch(Batch<Dtype>* batch) {
  const DenseImageDataParameter& param = this->layer_param_.dense_image_data_param();
  for (int i = 0; i < static_cast<int>(param.batch_size()); ++i) {
    const Pair& pair = PairOf(this->next_batch_, i);
    const cv::Mat image = ReadImage(pair.image);
    const cv::Mat labels = this->output_labels_ ? ReadLabels(pair.labels) : cv::Mat();
    NameErrors([&] { return param.root_folder() + pair.image; },
               [&] { StorePair(image, labels, i, batch); });
  }
}

inline namespace beyond_caffe_1 {

INSTANTIATE_CLASS(DenseImageDataLayer);
REGISTER_LAYER_CLASS(DenseImageData);

}  // namespace beyond_caffe_1

}  // namespace caffe
