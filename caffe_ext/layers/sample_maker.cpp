#include "sample_maker.hpp"

#include <algorithm>
#include <climits>
#include <cmath>
#include <fstream>
#include <stdexcept>
#include <string>

#include <opencv2/imgproc.hpp>

#include "dcme/grid.hpp"
#include "dcme/instance_map.hpp"
#include "dcme/split_row.hpp"

namespace dcme {

namespace {

ClassMap class_map(const DataParameter& parameters) {
  if (parameters.label_size() == 0) return ClassMap::cityscapes();
  return ClassMap({parameters.label().begin(), parameters.label().end()}, {},
                  {parameters.ignored_label().begin(), parameters.ignored_label().end()});
}

void demand(bool condition, const std::string& message) {
  if (!condition) throw std::runtime_error(message);
}

// A plane over the memory of a continuous matrix.
template <typename T>
Plane<T> plane_of(cv::Mat matrix) {
  return Plane<T>(matrix.ptr<T>(), matrix.rows, matrix.cols);
}

// What `window` shows of `from`; zeros where it reaches beyond.
cv::Mat cut(const cv::Mat& from, const cv::Rect& window) {
  const cv::Rect inside = window & cv::Rect(cv::Point(), from.size());
  if (inside == window) return from.size() == window.size() ? from : from(window).clone();
  cv::Mat result = cv::Mat::zeros(window.size(), from.type());
  if (!inside.empty()) from(inside).copyTo(result(inside - window.tl()));
  return result;
}

// The shape that a blob's message gives, in the older form or in the newer.
std::vector<int64_t> shape_of(const caffe::BlobProto& blob) {
  if (blob.has_num() || blob.has_channels() || blob.has_height() || blob.has_width()) {
    return {blob.num(), blob.channels(), blob.height(), blob.width()};
  }
  return {blob.shape().dim().begin(), blob.shape().dim().end()};
}

// The values of a blob's message, whichever precision they have.
std::vector<float> values_of(const caffe::BlobProto& blob) {
  if (blob.double_data_size() == 0) return {blob.data().begin(), blob.data().end()};
  return {blob.double_data().begin(), blob.double_data().end()};
}

std::string shape_text(const std::vector<int64_t>& shape) {
  std::string text;
  for (const int64_t dim : shape) text += (text.empty() ? "" : " x ") + std::to_string(dim);
  return text.empty() ? "none" : text;
}

// Offset of a window of `window` pixels along a side of `side` pixels, or of the side within the
// window where that is larger (then negative).
int place(int side, int window, bool at_random, SeededRandom* random) {
  const int room = std::abs(side - window);
  const int offset = at_random ? random->below(room + 1) : room / 2;
  return side >= window ? offset : -offset;
}

}  // namespace

SampleMaker::SampleMaker(const DataParameter& parameters,
                         const caffe::TransformationParameter& transform, bool train,
                         const Sample& first)
    : parameters_(parameters),
      train_(train),
      mirror_(transform.mirror()),
      scale_(transform.scale()),
      classes_(class_map(parameters)),
      priority_(parameters.priority().begin(), parameters.priority().end()),
      channels_(first.image.channels()) {
  demand((parameters.new_height() > 0) == (parameters.new_width() > 0),
         "give both new_height and new_width, or neither");
  demand((parameters.crop_height() > 0) == (parameters.crop_width() > 0),
         "give both crop_height and crop_width, or neither");
  for (const uint32_t size :
       {parameters.new_height(), parameters.new_width(), parameters.crop_height(),
        parameters.crop_width(), parameters.grid_size(), transform.crop_size()}) {
    demand(size <= INT_MAX, "no image has a side of " + std::to_string(size) +
                                " pixels, as a parameter (new_..., crop_... or grid_size) says");
  }
  demand(parameters.grid_size() > 0, "grid_size must be at least 1");
  if (!priority_.empty()) classes_.check_priority(priority_);
  const cv::Size reduced = parameters.new_height() > 0
                               ? cv::Size(parameters.new_width(), parameters.new_height())
                               : first.image.size();
  size_ = reduced;
  crops_ = true;
  if (parameters.crop_height() > 0) {
    size_ = cv::Size(parameters.crop_width(), parameters.crop_height());
  } else if (transform.crop_size() > 0) {
    size_ = cv::Size(transform.crop_size(), transform.crop_size());
  } else {
    crops_ = false;
  }
  check_augmentation();
  read_mean(transform, reduced);
}

void SampleMaker::check_augmentation() const {
  demand(0 < parameters_.min_zoom() && parameters_.min_zoom() <= parameters_.max_zoom() &&
             parameters_.max_zoom() <= 16,
         "min_zoom and max_zoom must be in ascending order, above 0 and at most 16");
  demand(0 <= parameters_.brightness() && parameters_.brightness() <= 1,
         "brightness is a share of the full range, 0 .. 1");
  demand(0 <= parameters_.contrast() && parameters_.contrast() < 1,
         "contrast is the largest change of the gain, 0 .. below 1");
}

void SampleMaker::read_mean(const caffe::TransformationParameter& transform, cv::Size reduced) {
  if (transform.has_mean_file()) {
    const std::string& path = transform.mean_file();
    demand(transform.mean_value_size() == 0, "give either mean_file or mean_value");
    std::ifstream file(path, std::ios::binary);
    caffe::BlobProto blob;
    demand(file && blob.ParseFromIstream(&file), "cannot read the mean image " + path);
    std::vector<float> values = values_of(blob);
    const std::vector<int64_t> wanted{1, channels_, reduced.height, reduced.width};
    demand(shape_of(blob) == wanted &&
               values.size() == static_cast<size_t>(channels_) * reduced.height * reduced.width,
           path + " does not have the size of the data, " + shape_text(wanted) + ": it holds " +
               std::to_string(values.size()) + " values of shape " + shape_text(shape_of(blob)));
    std::vector<cv::Mat> planes;
    for (int c = 0; c < channels_; ++c) {
      planes.emplace_back(reduced, CV_32F, values.data() + c * reduced.area());
    }
    cv::merge(planes, mean_);
  } else if (transform.mean_value_size() > 0) {
    const int given = transform.mean_value_size();
    demand(given == 1 || given == channels_,
           "give one mean_value, or one a channel (" + std::to_string(channels_) + ")");
    mean_.create(1, 1, CV_32FC(channels_));
    for (int c = 0; c < channels_; ++c) {
      mean_.ptr<float>()[c] = transform.mean_value(given == 1 ? 0 : c);
    }
  }
}

int SampleMaker::grid_rows() const { return grid_blocks(rows(), parameters_.grid_size()); }
int SampleMaker::grid_cols() const { return grid_blocks(cols(), parameters_.grid_size()); }

void SampleMaker::make(const Sample& sample, SeededRandom random,
                       const SamplePlanes& planes) const {
  try {
    Reduced reduced = reduce(sample);
    if (train_) {
      zoom(&reduced, &random);
      turn(&reduced, &random);
    }
    const Window window = place_window(reduced.image.size(), &random);
    write_image(reduced.image, window, &random, planes.data);
    write_labels(reduced.ids, window, planes);
  } catch (const std::exception& error) {
    throw std::runtime_error(sample.name + ": " + error.what());
  }
}

SampleMaker::Reduced SampleMaker::reduce(const Sample& sample) const {
  cv::Mat image = sample.image;
  cv::Mat ids = sample.ids;
  if (parameters_.new_height() > 0) {
    const cv::Size size(parameters_.new_width(), parameters_.new_height());
    demand(size.height <= image.rows && size.width <= image.cols,
           "cannot be reduced from " + size_text(image.rows, image.cols) + " to " +
               size_text(size.height, size.width) + ", the layer's new_height x new_width");
    cv::resize(sample.image, image, size, 0, 0, cv::INTER_AREA);
    ids = cv::Mat(size, CV_16U);
    reduce_ids(plane_of<uint16_t>(sample.ids), plane_of<uint16_t>(ids));
  } else {
    demand(crops_ || image.size() == size_, "is " + size_text(image.rows, image.cols) +
                                                ", others are " +
                                                size_text(size_.height, size_.width) +
                                                ": set new_height and new_width, or a crop size");
  }
  // A mean image belongs to these pixels, before they move; one value a channel waits until the
  // end.
  if (mean_.total() > 1) {
    demand(mean_.size() == image.size(), "does not have the size of the mean image");
    cv::Mat difference;
    image.convertTo(difference, CV_32F);
    difference -= mean_;
    image = difference;
  }
  return Reduced{image, ids};
}

void SampleMaker::zoom(Reduced* reduced, SeededRandom* random) const {
  if (parameters_.min_zoom() == 1 && parameters_.max_zoom() == 1) return;
  const double factor =
      std::exp(random->uniform(std::log(parameters_.min_zoom()), std::log(parameters_.max_zoom())));
  const cv::Size old = reduced->image.size();
  const cv::Size size(std::max(1, static_cast<int>(std::lround(old.width * factor))),
                      std::max(1, static_cast<int>(std::lround(old.height * factor))));
  const int kind = factor < 1 ? cv::INTER_AREA : cv::INTER_LINEAR;
  reduced->image.convertTo(reduced->image, CV_32F);
  cv::resize(reduced->image, reduced->image, size, 0, 0, kind);
  // Takes the id at the same place as the image's pixel; plain INTER_NEAREST is half a pixel off.
  cv::resize(reduced->ids, reduced->ids, size, 0, 0, cv::INTER_NEAREST_EXACT);
}

void SampleMaker::turn(Reduced* reduced, SeededRandom* random) const {
  for (cv::Mat* pixels : {&reduced->image, &reduced->ids}) {
    // Both take the same turns: the numbers are drawn from equal copies.
    SeededRandom same = *random;
    if ((mirror_ || parameters_.rotate()) && same.coin()) cv::flip(*pixels, *pixels, 1);
    const int quarters = parameters_.rotate() ? same.below(4) : 0;
    if (quarters > 0) cv::rotate(*pixels, *pixels, quarters - 1);
  }
  random->next();
  random->next();
}

SampleMaker::Window SampleMaker::place_window(cv::Size image, SeededRandom* random) const {
  const int left = place(image.width, size_.width, train_, random);
  const int top = place(image.height, size_.height, train_, random);
  return Window(cv::Point(left, top), size_);
}

void SampleMaker::write_image(const cv::Mat& image, Window window, SeededRandom* random,
                              float* data) const {
  float gain = 1;
  float shift = 0;
  if (train_) {
    gain += static_cast<float>(random->uniform(-parameters_.contrast(), parameters_.contrast()));
    shift = 255 * static_cast<float>(
                      random->uniform(-parameters_.brightness(), parameters_.brightness()));
  }
  PlaneRule rule{channels_, {}, gain * scale_, shift * scale_};
  if (mean_.total() == 1) std::copy_n(mean_.ptr<float>(), channels_, rule.mean);
  const cv::Rect inside = window & cv::Rect(cv::Point(), image.size());
  if (inside != window) std::fill_n(data, channels_ * size_.area(), rule.shift);
  for (int r = inside.y; r < inside.y + inside.height; ++r) {
    float* row = data + (r - window.y) * size_.width + inside.x - window.x;
    if (image.depth() == CV_8U) {
      split_row(image.ptr<uint8_t>(r, inside.x), inside.width, rule, size_.area(), row);
    } else {
      split_row(image.ptr<float>(r, inside.x), inside.width, rule, size_.area(), row);
    }
  }
}

void SampleMaker::encode_into(const cv::Mat& ids, cv::Mat* dx, cv::Mat* dy) const {
  const Anchor anchor =
      parameters_.anchor() == DataParameter::BOX_CENTRE ? Anchor::kBox : Anchor::kMass;
  encode(plane_of<uint16_t>(ids), plane_of<float>(*dx), plane_of<float>(*dy), anchor,
         parameters_.round_centre(), &classes_);
}

void SampleMaker::write_labels(const cv::Mat& ids, Window window,
                               const SamplePlanes& planes) const {
  cv::Mat seen = cut(ids, window);
  cv::Mat dx(size_, CV_32F, planes.vectors);
  cv::Mat dy(size_, CV_32F, planes.vectors + size_.area());
  if (parameters_.crop_centre() == DataParameter::CROPPED) {
    encode_into(seen, &dx, &dy);
  } else {
    // Vectors do not change when the origin moves, so those of the whole map are cut as they are.
    cv::Mat whole_dx(ids.size(), CV_32F), whole_dy(ids.size(), CV_32F);
    encode_into(ids, &whole_dx, &whole_dy);
    cut(whole_dx, window).copyTo(dx);
    cut(whole_dy, window).copyTo(dy);
  }
  if (planes.grid) {
    grid_classes(plane_of<uint16_t>(seen), parameters_.grid_size(), classes_, priority_,
                 Plane<uint8_t>(planes.grid, grid_rows(), grid_cols()));
  }
  if (planes.ids) seen.copyTo(cv::Mat(size_, CV_16U, planes.ids));
}

}  // namespace dcme
