#ifndef CAFFE_SRC_DATA_WINDOW_GEOMETRY_HPP_
#define CAFFE_SRC_DATA_WINDOW_GEOMETRY_HPP_

#include <algorithm>
#include <cmath>

#include <opencv2/core.hpp>

namespace caffe {

/// Where a window's pixels come from and go to: `source` of the image is warped to the size of
/// `target`, at its place in a square of crop_size pixels.
struct WindowPlacement {
  cv::Rect source;
  cv::Rect target;
};

namespace window_geometry {

/// One direction of a window: first and last pixel, and the same within the image.
struct Span {
  int first;
  int last;

  double center() const { return first + (last - first + 1) / 2.0; }
  double half() const { return (last - first + 1) / 2.0; }
  Span Around(double half_length) const {
    return {static_cast<int>(std::lround(center() - half_length)),
            static_cast<int>(std::lround(center() + half_length))};
  }
  Span Within(int length) const { return {std::max(first, 0), std::min(last, length - 1)}; }
  int size() const { return last - first + 1; }
};

/// Pixels of the target before and in the part that has an image behind it.
struct Part {
  int start;
  int size;
};

inline Part PlaceSpan(const Span& whole, const Span& visible, int crop_size, bool mirror) {
  const double scale = static_cast<double>(crop_size) / whole.size();
  const int missing = mirror ? whole.last - visible.last : visible.first - whole.first;
  const int start = std::min(static_cast<int>(std::lround(missing * scale)), crop_size - 1);
  const int size = std::max(static_cast<int>(std::lround(visible.size() * scale)), 1);
  return {start, std::min(size, crop_size - start)};
}

}  // namespace window_geometry

/// Places a window of an image of size `image`, widened so that context_pad pixels of the result
/// lie around it, and made a square first if asked for.
inline WindowPlacement PlaceWindow(const cv::Rect& window, const cv::Size& image, int crop_size,
                                   int context_pad, bool square, bool mirror) {
  using window_geometry::Span;
  Span x{window.x, window.x + window.width - 1};
  Span y{window.y, window.y + window.height - 1};
  if (context_pad > 0 || square) {
    const double widening = static_cast<double>(crop_size) / (crop_size - 2 * context_pad);
    const double side = std::max(x.half(), y.half());
    const double half_width = (square ? side : x.half()) * widening;
    const double half_height = (square ? side : y.half()) * widening;
    x = x.Around(half_width);
    y = y.Around(half_height);
  }
  const Span visible_x = x.Within(image.width);
  const Span visible_y = y.Within(image.height);
  const auto across = window_geometry::PlaceSpan(x, visible_x, crop_size, mirror);
  const auto down = window_geometry::PlaceSpan(y, visible_y, crop_size, false);
  return {{visible_x.first, visible_y.first, visible_x.size(), visible_y.size()},
          {across.start, down.start, across.size, down.size}};
}

}  // namespace caffe

#endif  // CAFFE_SRC_DATA_WINDOW_GEOMETRY_HPP_
