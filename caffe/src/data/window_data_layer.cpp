#include "caffe/layers/window_data_layer.hpp"

#include <vector>

#include <opencv2/core.hpp>
#include <opencv2/imgproc.hpp>

#include "caffe/util/io.hpp"
#include "caffe/util/list_file.hpp"
#include "caffe/util/rng.hpp"
#include "caffe/util/seeded_order.hpp"
#include "data/batch_size.hpp"
#include "data/image_planes.hpp"
#include "data/listed_image.hpp"
#include "data/mat_view.hpp"
#include "data/shape_top.hpp"
#include "data/window_geometry.hpp"
#include "layers/exact_class.hpp"

namespace caffe {

template <typename Dtype>
void WindowDataLayer<Dtype>::DataLayerSetUp(const vector<Blob<Dtype>*>& bottom,
                                            const vector<Blob<Dtype>*>& top) {
  const WindowDataParameter& param = this->layer_param_.window_data_param();
  const int batch_size = CheckedBatchSize(param.batch_size());
  const uint32_t crop_size = this->transform_param_.crop_size();
  CHECK(crop_size > 0 && crop_size <= 1u << 15)
      << "transform_param.crop_size is " << crop_size << ": windows are warped to it";
  CHECK(2.0 * param.context_pad() < crop_size)
      << "context_pad " << param.context_pad() << " leaves nothing of crop_size " << crop_size;
  CHECK(param.crop_mode() == "warp" || param.crop_mode() == "square")
      << "unknown crop_mode '" << param.crop_mode() << "': warp and square exist";
  CHECK(param.fg_fraction() >= 0 && param.fg_fraction() <= 1)
      << "fg_fraction " << param.fg_fraction() << " is not in 0 ... 1";
  ReadWindowFile();
  foreground_in_batch_ = static_cast<int>(batch_size * param.fg_fraction());
  CHECK(!fg_windows_.empty() || foreground_in_batch_ == 0)
      << param.source() << " has no window that reaches fg_threshold " << param.fg_threshold();
  CHECK(!bg_windows_.empty() || foreground_in_batch_ == batch_size)
      << param.source() << " has no window below bg_threshold " << param.bg_threshold();
  const int channels = images_[0].channels;
  CheckMean(channels);
  const int size = static_cast<int>(crop_size);
  ShapeTop({1, channels, size, size}, batch_size, top[0]);
  top[1]->Reshape({batch_size});
  this->ShapeBatches(top);
}

template <typename Dtype>
void WindowDataLayer<Dtype>::ReadWindowFile() {
  const WindowDataParameter& param = this->layer_param_.window_data_param();
  std::ifstream file(param.source());
  file.imbue(std::locale::classic());
  if (!file) LOG(FATAL) << "cannot open the window file " + param.source();
  images_.clear();
  fg_windows_.clear();
  bg_windows_.clear();
  string hash;
  int index = 0;
  while (file >> hash) {
    const string where = param.source() + ": image number " + std::to_string(images_.size());
    ListedImage image;
    if (hash != "#" ||
        !(file >> index >> image.path >> image.channels >> image.height >> image.width)) {
      LOG(FATAL) << where + " does not start with `# index path channels height width`";
    }
    image.path = param.root_folder() + image.path;
    if ((image.channels != 1 && image.channels != 3) || image.height < 1 || image.width < 1 ||
        (!images_.empty() && image.channels != images_[0].channels)) {
      LOG(FATAL) << where + ": all images have 1 or all have 3 channels, and a size";
    }
    if (param.cache_images() && !ReadFileToDatum(image.path, &image.cached)) {
      LOG(FATAL) << "cannot read the image " + image.path + " (listed in " + param.source() + ")";
    }
    images_.push_back(image);
    ReadWindows(&file, where, images_.size() - 1);
  }
  CheckWholeListRead(file, param.source());
  if (images_.empty()) LOG(FATAL) << "the window file " + param.source() + " lists no image";
  LOG(INFO) << "Number of images: " << images_.size()
            << ", foreground windows: " << fg_windows_.size()
            << ", background windows: " << bg_windows_.size();
}

template <typename Dtype>
void WindowDataLayer<Dtype>::ReadWindows(std::istream* file, const string& where, size_t image) {
  const WindowDataParameter& param = this->layer_param_.window_data_param();
  int windows = 0;
  if (!(*file >> windows) || windows < 0)
    LOG(FATAL) << where + ": the number of windows is missing";
  for (int i = 0; i < windows; ++i) {
    Window window;
    window.image = image;
    float overlap = 0;
    if (!(*file >> window.label >> overlap >> window.x1 >> window.y1 >> window.x2 >> window.y2)) {
      LOG(FATAL) << where + ": window " + std::to_string(i) + " is not `class overlap x1 y1 x2 y2`";
    }
    if (window.x1 < 0 || window.y1 < 0 || window.x2 < window.x1 || window.y2 < window.y1 ||
        window.x2 >= images_[image].width || window.y2 >= images_[image].height) {
      LOG(FATAL) << where + ": window " + std::to_string(i) + " is not inside of the image";
    }
    if (overlap >= param.fg_threshold()) {
      if (window.label <= 0) {
        LOG(FATAL) << where + ": window " + std::to_string(i) + " shows an object of class " +
                          std::to_string(window.label) + "; classes start at 1";
      }
      fg_windows_.push_back(window);
    } else if (overlap < param.bg_threshold()) {
      window.label = 0;
      bg_windows_.push_back(window);
    }
  }
}

template <typename Dtype>
void WindowDataLayer<Dtype>::CheckMean(int channels) {
  const TransformationParameter& param = this->transform_param_;
  const int size = static_cast<int>(param.crop_size());
  const auto& values = param.mean_value();
  mean_values_ = OfChannels(vector<Dtype>(values.begin(), values.end()), channels);
  if (!param.has_mean_file()) return;
  // The transformer has seen to it that this is the mean of one image, and the only mean.
  const Blob<Dtype>& mean = this->data_transformer_->mean_image();
  CHECK(mean.channels() == channels && mean.height() == mean.width() && mean.height() >= size)
      << "the mean image of " << param.mean_file() << " has shape " << mean.shape_string()
      << "; a square of " << channels << " channels, of crop_size " << size
      << " or larger, is needed";
}

template <typename Dtype>
cv::Mat WindowDataLayer<Dtype>::ReadImage(const ListedImage& listed) const {
  const bool color = listed.channels == 3;
  const string& source = this->layer_param_.window_data_param().source();
  cv::Mat image = listed.cached.encoded() ? DecodeDatumToCVMat(listed.cached, color)
                                          : ReadListedImage(listed.path, 0, 0, color, source);
  if (!image.data) LOG(FATAL) << "cannot decode the image " + listed.path;
  if (image.rows != listed.height || image.cols != listed.width) {
    LOG(FATAL) << listed.path + " has another size than " + source + " says";
  }
  return image;
}

template <typename Dtype>
void WindowDataLayer<Dtype>::WarpWindow(const Window& window, bool mirror, Dtype* out) const {
  const WindowDataParameter& param = this->layer_param_.window_data_param();
  const int size = static_cast<int>(this->transform_param_.crop_size());
  const Dtype scale = this->transform_param_.scale();
  const cv::Mat image = ReadImage(images_[window.image]);
  const cv::Rect box(window.x1, window.y1, window.x2 - window.x1 + 1, window.y2 - window.y1 + 1);
  const WindowPlacement place =
      PlaceWindow(box, image.size(), size, static_cast<int>(param.context_pad()),
                  param.crop_mode() == "square", mirror);
  cv::Mat warped;
  cv::resize(image(place.source), warped, place.target.size(), 0, 0, cv::INTER_LINEAR);
  if (mirror) cv::flip(warped, warped, 1);

  Mean<Dtype> mean;
  if (!mean_values_.empty()) mean.values = mean_values_.data();
  const Blob<Dtype>& means = this->data_transformer_->mean_image();
  if (means.count() > 0) {
    // Of a larger mean image the central part counts.
    const int margin = (means.height() - size) / 2;
    mean.image = PlanesView(means.cpu_data(), means.channels(), means.height(), means.width());
    mean.image.data = mean.image.At(0, margin + place.target.y, margin + place.target.x);
  }
  const Crop whole = {0, 0, warped.rows, warped.cols, false};
  CopyCrop(MatView<uchar>(warped), whole, mean, scale, out + place.target.y * size + place.target.x,
           size, size * size);
}

template <typename Dtype>
bool WindowDataLayer<Dtype>::BatchesByNumber() const {
  return IsExactly<WindowDataLayer>(*this);
}

template <typename Dtype>
void WindowDataLayer<Dtype>::load_batch(Batch<Dtype>* batch) {
  const int batch_size = static_cast<int>(this->layer_param_.window_data_param().batch_size());
  const int size = static_cast<int>(this->transform_param_.crop_size());
  batch->data_.Reshape({batch_size, images_[0].channels, size, size});
  batch->label_.Reshape({batch_size});
  caffe_set(batch->data_.count(), Dtype(0), batch->data_.mutable_cpu_data());
  rng_t random(this->BatchSeed());
  // Background first.
  for (int i = 0; i < batch_size; ++i) {
    const bool foreground = i >= batch_size - foreground_in_batch_;
    const vector<Window>& windows = foreground ? fg_windows_ : bg_windows_;
    const Window& window = windows[random() % windows.size()];
    const bool mirror = this->transform_param_.mirror() && random() % 2;
    try {
      WarpWindow(window, mirror, batch->data_.mutable_cpu_data() + batch->data_.offset(i));
    } catch (const cv::Exception& e) {
      LOG(FATAL) << images_[window.image].path + ": " + e.err;
    }
    batch->label_.mutable_cpu_data()[i] = window.label;
  }
}

INSTANTIATE_CLASS(WindowDataLayer);
REGISTER_LAYER_CLASS(WindowData);

}  // namespace caffe
