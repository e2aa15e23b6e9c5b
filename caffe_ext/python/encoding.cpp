#include <algorithm>

#include <pybind11/stl.h>

#include "arrays.hpp"
#include "dcme/encode.hpp"

namespace dcme {
namespace {

// One row of the table that instances() returns; a NumPy record.
struct InstanceRow {
  int32_t id, label;
  int64_t pixels;
  double row, col;
  int32_t top, left, bottom, right;
};

Array<InstanceRow> instance_table(const Array<uint16_t>& ids, const ClassMap* classes) {
  const auto plane = plane_of(ids);
  std::vector<InstanceInfo> found;
  {
    py::gil_scoped_release release;
    found = instances(plane, classes);
  }
  Array<InstanceRow> table(static_cast<py::ssize_t>(found.size()));
  std::transform(found.begin(), found.end(), table.mutable_data(), [](const InstanceInfo& i) {
    return InstanceRow{i.id,      i.label,    i.pixels,     i.row,      i.col,
                       i.box.top, i.box.left, i.box.bottom, i.box.right};
  });
  return table;
}

Array<uint16_t> reduced_ids(const Array<uint16_t>& ids, int rows, int cols) {
  const auto from = plane_of(ids);
  // Refuse sizes before taking memory for them.
  if (rows < 1 || cols < 1 || rows > from.rows || cols > from.cols) {
    reduce_ids(from, {nullptr, rows, cols});
  }
  Array<uint16_t> result({rows, cols});
  const auto to = writable_plane(result);
  py::gil_scoped_release release;
  reduce_ids(from, to);
  return result;
}

Array<float> encoded(const Array<uint16_t>& ids, const std::string& anchor, bool round_centre,
                     const ClassMap* classes) {
  const auto from = plane_of(ids);
  const Anchor point = parse_anchor(anchor);
  Array<float> result({2, from.rows, from.cols});
  float* data = result.mutable_data();
  py::gil_scoped_release release;
  encode(from, {data, from.rows, from.cols}, {data + from.size(), from.rows, from.cols}, point,
         round_centre, classes);
  return result;
}

Array<uint8_t> magnitude_map(const Array<float>& vectors) {
  const auto dx = component(vectors, 0), dy = component(vectors, 1);
  Array<uint8_t> result({dx.rows, dx.cols});
  const auto to = writable_plane(result);
  py::gil_scoped_release release;
  magnitude(dx, dy, to);
  return result;
}

}  // namespace

void bind_encoding(py::module_& m) {
  PYBIND11_NUMPY_DTYPE(InstanceRow, id, label, pixels, row, col, top, left, bottom, right);

  py::class_<ClassMap>(
      m, "ClassMap",
      "Which labels of instance maps (id = 1000 * label + k) count as classes.\n\n"
      "The labels become classes 1, 2, ... in the order given; class 0 is the background.\n\n"
      "Parameters\n----------\n"
      "labels : labels that are classes, each 1..LAST_LABEL.\n"
      "names : one name a label; 'class<label>' if left out.\n"
      "ignored : labels that occur but count as background.\n"
      "priority : classes (1-based), the one that wins a contested grid block first;\n"
      "    the order of `labels` if left out.")
      .def(py::init<std::vector<int>, std::vector<std::string>, std::vector<int>,
                    std::vector<int>>(),
           py::arg("labels"), py::arg("names") = std::vector<std::string>{},
           py::arg("ignored") = std::vector<int>{}, py::arg("priority") = std::vector<int>{})
      .def("__len__", &ClassMap::size)
      .def_property_readonly("labels", &ClassMap::labels)
      .def_property_readonly("names", &ClassMap::names)
      .def_property_readonly("ignored", &ClassMap::ignored)
      .def_property_readonly("priority", &ClassMap::priority)
      .def("class_of", &ClassMap::class_of, py::arg("id"),
           "Class (1-based) of an instance id; 0 for stuff, groups and ignored labels.")
      .def("__repr__", [](const ClassMap& c) {
        return "<dcme.ClassMap " + std::string(py::repr(py::cast(c.names()))) + ">";
      });
  m.attr("FIRST_INSTANCE_ID") = kFirstInstanceId;
  m.attr("LAST_LABEL") = kLastLabel;
  m.attr("CITYSCAPES") = py::cast(ClassMap::cityscapes());

  m.def("instances", &instance_table, py::arg("ids").noconvert(), py::arg("classes") = nullptr);
  m.def("reduce_ids", &reduced_ids, py::arg("ids").noconvert(), py::arg("rows"), py::arg("cols"));
  m.def("encode", &encoded, py::arg("ids").noconvert(), py::arg("anchor"), py::arg("round_centre"),
        py::arg("classes"));
  m.def("magnitude", &magnitude_map, py::arg("vectors").noconvert());
}

}  // namespace dcme
