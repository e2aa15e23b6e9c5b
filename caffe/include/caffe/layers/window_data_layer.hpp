#ifndef CAFFE_WINDOW_DATA_LAYER_HPP_
#define CAFFE_WINDOW_DATA_LAYER_HPP_

#include <string>
#include <vector>

#include "caffe/layers/base_data_layer.hpp"

namespace caffe {

/// Windows of images, drawn at random: fg_fraction of each batch shows objects (windows that
/// overlap one by at least fg_threshold), the rest background (by less than bg_threshold; label 0).
///
/// Tops: data, N x C x crop_size x crop_size; labels, N. The source lists images with windows:
///
///     # image_index
///     image_path
///     channels
///     height
///     width
///     number_of_windows
///     class_index overlap x1 y1 x2 y2      (a line a window; the corners belong to it)
///
/// A window is warped to crop_size x crop_size, with context_pad pixels of its surroundings at each
/// side; with crop_mode "square" it is first made a square. What lies outside of the image is 0.
/// Parameters: window_data_param; of transform_param crop_size (needed), scale, mirror, mean_file,
/// mean_value.
template <typename Dtype>
class WindowDataLayer : public BasePrefetchingDataLayer<Dtype> {
 public:
  explicit WindowDataLayer(const LayerParameter& param) : BasePrefetchingDataLayer<Dtype>(param) {}
  ~WindowDataLayer() override { this->StopInternalThread(); }
  void DataLayerSetUp(const vector<Blob<Dtype>*>& bottom, const vector<Blob<Dtype>*>& top) override;
  const char* type() const override { return "WindowData"; }
  int ExactNumBottomBlobs() const override { return 0; }
  int ExactNumTopBlobs() const override { return 2; }

 protected:
  void load_batch(Batch<Dtype>* batch) override;
  bool BatchesByNumber() const override;

 private:
  struct ListedImage {
    string path;
    int channels;
    int height;
    int width;
    /// The file's bytes, where images are cached.
    Datum cached;
  };
  struct Window {
    size_t image;
    int label;
    int x1, y1, x2, y2;
  };

  void ReadWindowFile();
  void ReadWindows(std::istream* file, const string& where, size_t image);
  void CheckMean(int channels);
  cv::Mat ReadImage(const ListedImage& listed) const;
  void WarpWindow(const Window& window, bool mirror, Dtype* out) const;

  vector<ListedImage> images_;
  vector<Window> fg_windows_;
  vector<Window> bg_windows_;
  int foreground_in_batch_ = 0;
  vector<Dtype> mean_values_;
};

}  // namespace caffe

#endif  // CAFFE_WINDOW_DATA_LAYER_HPP_
