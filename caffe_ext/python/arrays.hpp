#pragma once

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>

#include "dcme/image.hpp"

namespace dcme {

namespace py = pybind11;

// Arrays are taken as they are (dtype and layout are seen to in Python), never converted silently.
template <typename T>
using Array = py::array_t<T, py::array::c_style>;

template <typename T>
Plane<const T> plane_of(const Array<T>& array) {
  if (array.ndim() != 2) throw std::invalid_argument("expected a two-dimensional array");
  return {array.data(), static_cast<int>(array.shape(0)), static_cast<int>(array.shape(1))};
}

template <typename T>
Plane<T> writable_plane(Array<T>& array) {
  return {array.mutable_data(), static_cast<int>(array.shape(0)), static_cast<int>(array.shape(1))};
}

// One of the planes of a (2, H, W) vector field: 0 = dx, 1 = dy.
inline Plane<const float> component(const Array<float>& vectors, int index) {
  if (vectors.ndim() != 3 || vectors.shape(0) != 2) {
    throw std::invalid_argument("expected vectors of shape (2, H, W)");
  }
  const int rows = static_cast<int>(vectors.shape(1)), cols = static_cast<int>(vectors.shape(2));
  return {vectors.data() + static_cast<size_t>(index) * rows * cols, rows, cols};
}

// Each file of this folder adds its part of the module.
void bind_encoding(py::module_& m);
void bind_grid(py::module_& m);
void bind_lists(py::module_& m);
void bind_decoding(py::module_& m);
void bind_evaluation(py::module_& m);

}  // namespace dcme
