#include <pybind11/stl.h>

#include "arrays.hpp"
#include "dcme/list_rows.hpp"

namespace dcme {

void bind_lists(py::module_& m) {
  py::class_<ListRow>(m, "ListRow")
      .def_readonly("number", &ListRow::number)
      .def_readonly("text", &ListRow::text)
      .def_readonly("names", &ListRow::names)
      .def_property_readonly("has_tab", &ListRow::has_tab);
  m.def("list_rows", &list_rows, py::arg("content"));
}

}  // namespace dcme
