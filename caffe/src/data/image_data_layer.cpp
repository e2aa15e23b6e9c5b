#include "caffe/layers/image_data_layer.hpp"

#include <vector>

#include <opencv2/core.hpp>

#include "caffe/util/list_file.hpp"
#include "data/batch_size.hpp"
#include "data/listed_image.hpp"
#include "data/name_errors.hpp"
#include "data/shape_top.hpp"
#include "layers/exact_class.hpp"

namespace caffe {

template <typename Dtype>
void ImageDataLayer<Dtype>::DataLayerSetUp(const vector<Blob<Dtype>*>& bottom,
                                           const vector<Blob<Dtype>*>& top) {
  const ImageDataParameter& param = this->layer_param_.image_data_param();
  const int batch_size = CheckedBatchSize(param.batch_size());
  CheckNewSize(param);
  lines_.clear();
  for (const ListLine& line : ReadListFile(param.source())) {
    lines_.emplace_back(line.path, ParseInteger(line.rest, line.where));
  }
  LOG(INFO) << "A total of " << lines_.size() << " images.";
  order_ = SeededOrder(lines_.size(), param.shuffle());
  share_ = SolverShare(this->phase_);

  const string& first = lines_[LineOf(0, 0)].first;
  const cv::Mat image = ReadListedImage(first, param);
  NameErrors([&] { return param.root_folder() + first; },
             [&] { ShapeTop(this->data_transformer_->InferBlobShape(image), batch_size, top[0]); });
  top[1]->Reshape({batch_size});
  this->ShapeBatches(top);
}

template <typename Dtype>
size_t ImageDataLayer<Dtype>::LineOf(uint64_t batch, int i) {
  const ImageDataParameter& param = this->layer_param_.image_data_param();
  return order_.At(PlaceInList(param, share_, this->seed_, batch, i), this->seed_);
}

template <typename Dtype>
bool ImageDataLayer<Dtype>::BatchesByNumber() const {
  return IsExactly<ImageDataLayer>(*this);
}

template <typename Dtype>
void ImageDataLayer<Dtype>::load_batch(Batch<Dtype>* batch) {
  const ImageDataParameter& param = this->layer_param_.image_data_param();
  const int batch_size = static_cast<int>(param.batch_size());
  batch->label_.Reshape({batch_size});
  for (int i = 0; i < batch_size; ++i) {
    const auto& line = lines_[LineOf(this->next_batch_, i)];
    const cv::Mat image = ReadListedImage(line.first, param);
    NameErrors([&] { return param.root_folder() + line.first; },
               [&] {
                 this->AimAtItem(image, i, batch_size, batch);
                 this->data_transformer_->Transform(image, &this->transformed_data_);
               });
    batch->label_.mutable_cpu_data()[i] = line.second;
  }
}

INSTANTIATE_CLASS(ImageDataLayer);
REGISTER_LAYER_CLASS(ImageData);

}  // namespace caffe
