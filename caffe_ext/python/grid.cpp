#include "dcme/grid.hpp"

#include <pybind11/stl.h>

#include "arrays.hpp"

namespace dcme {
namespace {

Array<uint8_t> grid_of(const Array<uint16_t>& ids, int grid_size, const ClassMap& classes,
                       const std::vector<int>& priority) {
  const auto from = plane_of(ids);
  Array<uint8_t> result({grid_blocks(from.rows, grid_size), grid_blocks(from.cols, grid_size)});
  const auto to = writable_plane(result);
  py::gil_scoped_release release;
  grid_classes(from, grid_size, classes, priority, to);
  return result;
}

py::tuple classified(const Array<double>& centres, const Array<float>& probabilities, int grid_size,
                     bool foreground_only) {
  if (centres.ndim() != 2 || centres.shape(1) != 2 || probabilities.ndim() != 3) {
    throw std::invalid_argument(
        "expected centres of shape (K, 2) and block probabilities of shape (classes, rows, cols)");
  }
  const py::ssize_t count = centres.shape(0);
  Array<int32_t> classes(count);
  Array<float> confidences(count);
  const auto shape = probabilities.shape();
  for (py::ssize_t k = 0; k < count; ++k) {
    const Classification found = classify_centre(
        centres.at(k, 0), centres.at(k, 1), probabilities.data(), static_cast<int>(shape[0]),
        static_cast<int>(shape[1]), static_cast<int>(shape[2]), grid_size, foreground_only);
    classes.mutable_at(k) = found.class_index;
    confidences.mutable_at(k) = found.confidence;
  }
  return py::make_tuple(classes, confidences);
}

}  // namespace

void bind_grid(py::module_& m) {
  m.def("grid_classes", &grid_of, py::arg("ids").noconvert(), py::arg("grid_size"),
        py::arg("classes"), py::arg("priority"));
  m.def("classify_instances", &classified, py::arg("centres").noconvert(),
        py::arg("block_probabilities").noconvert(), py::arg("grid_size"),
        py::arg("foreground_only"));
}

}  // namespace dcme
