#include <cstring>
#include <optional>

#include <pybind11/stl.h>

#include "arrays.hpp"
#include "dcme/decode.hpp"

namespace dcme {
namespace {

Instances decoded(const Array<float>& vectors, double dt, double vt, double et,
                  const std::string& mode, double foreground,
                  const std::optional<Array<uint8_t>>& mask) {
  const auto dx = component(vectors, 0), dy = component(vectors, 1);
  DecodeOptions options;
  options.mode = parse_decode_mode(mode);
  options.dt = dt;
  options.vt = vt;
  options.et = et;
  options.foreground = foreground;
  if (mask) options.foreground_mask = plane_of(*mask);
  py::gil_scoped_release release;
  return decode(dx, dy, options);
}

size_t checked_index(const Instances& instances, size_t index) {
  if (index >= instances.list.size()) throw py::index_error("instance index out of range");
  return index;
}

py::array_t<bool> one_mask(const Instances& instances, size_t index) {
  checked_index(instances, index);
  py::array_t<bool> result({instances.rows, instances.cols});
  auto* data = reinterpret_cast<uint8_t*>(result.mutable_data());
  instances.mask(index, {data, instances.rows, instances.cols});
  return result;
}

py::array_t<bool> all_masks(const Instances& instances) {
  const auto count = static_cast<py::ssize_t>(instances.list.size());
  py::array_t<bool> result({count, py::ssize_t{instances.rows}, py::ssize_t{instances.cols}});
  auto* data = reinterpret_cast<uint8_t*>(result.mutable_data());
  py::gil_scoped_release release;
  const size_t plane = static_cast<size_t>(instances.rows) * instances.cols;
  for (size_t k = 0; k < instances.list.size(); ++k) {
    instances.mask(k, {data + k * plane, instances.rows, instances.cols});
  }
  return result;
}

py::array_t<bool> large_mask(const Instances& instances, size_t index, int rows, int cols) {
  checked_index(instances, index);
  require(rows > 0 && cols > 0, "the full resolution must be at least 1x1");
  py::array_t<bool> result({rows, cols});
  auto* data = reinterpret_cast<uint8_t*>(result.mutable_data());
  py::gil_scoped_release release;
  mask_full_resolution(instances, index, {data, rows, cols});
  return result;
}

Array<int32_t> labels_of(const Instances& instances,
                         const std::optional<std::vector<int>>& upwards) {
  Array<int32_t> result({instances.rows, instances.cols});
  const auto plane = writable_plane(result);
  py::gil_scoped_release release;
  if (upwards) {
    instances.label_map(plane, *upwards);
  } else {
    instances.label_map(plane);
  }
  return result;
}

// One value for each instance.
template <typename T, typename Get>
Array<T> column(const Instances& instances, Get get) {
  Array<T> result(static_cast<py::ssize_t>(instances.list.size()));
  for (size_t k = 0; k < instances.list.size(); ++k) result.mutable_at(k) = get(instances.list[k]);
  return result;
}

Array<double> column_of(const std::vector<double>& values) {
  return Array<double>(static_cast<py::ssize_t>(values.size()), values.data());
}

Array<double> means_of(const Instances& instances, const Array<float>& values) {
  return column_of(means_over(instances, plane_of(values)));
}

Array<double> spreads_of(const Instances& instances, const Array<float>& vectors) {
  return column_of(spreads(instances, component(vectors, 0), component(vectors, 1)));
}

Array<double> centres_of(const Instances& instances) {
  Array<double> result({static_cast<py::ssize_t>(instances.list.size()), py::ssize_t{2}});
  for (size_t k = 0; k < instances.list.size(); ++k) {
    result.mutable_at(k, 0) = instances.list[k].row;
    result.mutable_at(k, 1) = instances.list[k].col;
  }
  return result;
}

Array<int32_t> boxes_of(const Instances& instances) {
  Array<int32_t> result({static_cast<py::ssize_t>(instances.list.size()), py::ssize_t{4}});
  for (size_t k = 0; k < instances.list.size(); ++k) {
    const Box box = instances.list[k].box();
    const int sides[] = {box.top, box.left, box.bottom, box.right};
    std::memcpy(result.mutable_data(k, 0), sides, sizeof sides);
  }
  return result;
}

// For pickle: (rows, cols, centres, votes, how many spans each has, all spans).
py::tuple state_of(const Instances& instances) {
  size_t total = 0;
  for (const Instance& one : instances.list) total += one.spans.size();
  Array<int32_t> spans({static_cast<py::ssize_t>(total), py::ssize_t{3}});
  size_t k = 0;
  for (const Instance& one : instances.list) {
    for (const Span& span : one.spans) {
      const int values[] = {span.row, span.begin, span.end};
      std::memcpy(spans.mutable_data(k++, 0), values, sizeof values);
    }
  }
  return py::make_tuple(
      instances.rows, instances.cols, centres_of(instances),
      column<int64_t>(instances, [](const Instance& one) { return one.votes; }),
      column<int64_t>(instances, [](const Instance& one) { return one.spans.size(); }), spans);
}

Instances restored(const py::tuple& state) {
  require(state.size() == 6, "this is no state of instances");
  Instances instances{state[0].cast<int>(), state[1].cast<int>(), {}};
  const auto centres = state[2].cast<Array<double>>();
  const auto votes = state[3].cast<Array<int64_t>>(), counts = state[4].cast<Array<int64_t>>();
  const auto spans = state[5].cast<Array<int32_t>>();
  require(centres.ndim() == 2 && centres.shape(1) == 2 && spans.ndim() == 2 &&
              spans.shape(1) == 3 && votes.size() == centres.shape(0) &&
              counts.size() == votes.size(),
          "the state of the instances is damaged");
  py::ssize_t next = 0;
  for (py::ssize_t k = 0; k < votes.size(); ++k) {
    Instance one{centres.at(k, 0), centres.at(k, 1), votes.at(k), {}};
    require(counts.at(k) >= 0 && counts.at(k) <= spans.shape(0) - next,
            "the state of the instances is damaged");
    for (const py::ssize_t end = next + counts.at(k); next < end; ++next) {
      const Span span{spans.at(next, 0), spans.at(next, 1), spans.at(next, 2)};
      require(span.row >= 0 && span.row < instances.rows && span.begin >= 0 &&
                  span.begin <= span.end && span.end <= instances.cols,
              "the state of the instances is damaged");
      one.spans.push_back(span);
    }
    instances.list.push_back(std::move(one));
  }
  return instances;
}

}  // namespace

void bind_decoding(py::module_& m) {
  const DecodeOptions defaults;
  m.attr("DECODE_DEFAULTS") =
      py::dict(py::arg("dt") = defaults.dt, py::arg("vt") = defaults.vt,
               py::arg("et") = defaults.et, py::arg("foreground") = defaults.foreground);
  py::class_<Instances>(m, "Instances")
      .def("__len__", [](const Instances& i) { return i.list.size(); })
      .def_property_readonly("shape",
                             [](const Instances& i) { return py::make_tuple(i.rows, i.cols); })
      .def("centres", &centres_of)
      .def("votes",
           [](const Instances& i) {
             return column<int64_t>(i, [](const Instance& one) { return one.votes; });
           })
      .def("pixels",
           [](const Instances& i) {
             return column<int64_t>(i, [](const Instance& one) { return one.pixels(); });
           })
      .def("boxes", &boxes_of)
      .def("means_over", &means_of, py::arg("values").noconvert())
      .def("offsets", [](const Instances& i) { return column_of(offsets(i)); })
      .def("spreads", &spreads_of, py::arg("vectors").noconvert())
      .def("mask", &one_mask, py::arg("index"))
      .def("masks", &all_masks)
      .def("mask_full_resolution", &large_mask, py::arg("index"), py::arg("rows"), py::arg("cols"))
      .def("label_map", &labels_of, py::arg("upwards") = py::none())
      .def(py::pickle(&state_of, &restored));
  m.def("decode", &decoded, py::arg("vectors").noconvert(), py::arg("dt"), py::arg("vt"),
        py::arg("et"), py::arg("mode"), py::arg("foreground"), py::arg("mask").noconvert());
}

}  // namespace dcme
