#include "caffe/layers/image_data_layer.hpp"

#include <vector>

#include <opencv2/core.hpp>

#include "caffe/util/list_file.hpp"
#include "data/batch_size.hpp"
#include "data/listed_image.hpp"

namespace caffe {

template <typename Dtype>
void ImageDataLayer<Dtype>::DataLayerSetUp(const vector<Blob<Dtype>*>& bottom,
                                           const vector<Blob<Dtype>*>& top) {
  const ImageDataParameter& param = this->layer_param_.image_data_param();
  const int batch_size = CheckedBatchSize(param.batch_size());
  CHECK((param.new_height() > 0) == (param.new_width() > 0))
      << "new_height and new_width go together: set both or none";
  lines_.clear();
  for (const ListLine& line : ReadListFile(param.source())) {
    lines_.emplace_back(line.path, ParseInteger(line.rest, line.where));
  }
  LOG(INFO) << "A total of " << lines_.size() << " images.";
  order_ = SeededOrder(lines_.size(), param.shuffle());
  share_ = SolverShare(this->phase_);

  const cv::Mat image = ReadImage(lines_[LineOf(0, 0)].first);
  vector<int> shape = this->data_transformer_->InferBlobShape(image);
  shape[0] = batch_size;
  top[0]->Reshape(shape);
  LOG(INFO) << "output data size: " << top[0]->num() << "," << top[0]->channels() << ","
            << top[0]->height() << "," << top[0]->width();
  top[1]->Reshape({batch_size});
}

template <typename Dtype>
size_t ImageDataLayer<Dtype>::LineOf(uint64_t batch, int i) {
  const ImageDataParameter& param = this->layer_param_.image_data_param();
  const uint64_t index = batch * param.batch_size() + i;
  const uint64_t place = share_.Item(index) + RandomSkip(param.rand_skip(), this->seed_);
  return order_.At(place, this->seed_);
}

template <typename Dtype>
cv::Mat ImageDataLayer<Dtype>::ReadImage(const string& file) const {
  const ImageDataParameter& param = this->layer_param_.image_data_param();
  return ReadListedImage(param.root_folder() + file, static_cast<int>(param.new_height()),
                         static_cast<int>(param.new_width()), param.is_color(), param.source());
}

template <typename Dtype>
void ImageDataLayer<Dtype>::load_batch(Batch<Dtype>* batch) {
  const ImageDataParameter& param = this->layer_param_.image_data_param();
  const int batch_size = static_cast<int>(param.batch_size());
  batch->label_.Reshape({batch_size});
  for (int i = 0; i < batch_size; ++i) {
    const auto& line = lines_[LineOf(this->next_batch_, i)];
    const cv::Mat image = ReadImage(line.first);
    try {
      this->AimAtItem(image, i, batch_size, batch);
      this->data_transformer_->Transform(image, &this->transformed_data_);
    } catch (const Error& e) {
      throw Error(param.root_folder() + line.first + ": " + e.what());
    }
    batch->label_.mutable_cpu_data()[i] = line.second;
  }
}

INSTANTIATE_CLASS(ImageDataLayer);
REGISTER_LAYER_CLASS(ImageData);

}  // namespace caffe
