#include <optional>

#include "bindings.hpp"
#include "runs.hpp"

namespace caffe {
namespace python {

namespace {

/// Shapes come as separate numbers, reshape(2, 3), or as one sequence, reshape((2, 3)).
std::vector<int> ShapeFromArgs(const py::args& args) {
  try {
    if (args.size() == 1 && py::isinstance<py::sequence>(args[0])) {
      return args[0].cast<std::vector<int>>();
    }
    return args.cast<std::vector<int>>();
  } catch (const py::cast_error&) {
    throw py::type_error("a shape consists of whole numbers below 2^31, not of " +
                         py::repr(args).cast<std::string>());
  }
}

py::tuple ShapeTuple(const Blob<float>& blob) {
  py::tuple shape(blob.num_axes());
  for (int i = 0; i < blob.num_axes(); ++i) shape[i] = blob.shape(i);
  return shape;
}

BlobHandle BlobAt(const BlobVec& vec, py::ssize_t index) {
  const auto& blobs = vec.layer->blobs();
  const auto size = static_cast<py::ssize_t>(blobs.size());
  if (index < -size || index >= size) {
    throw py::index_error("layer '" + vec.layer->layer_param().name() + "' has " +
                          std::to_string(size) + " parameter blobs, no number " +
                          std::to_string(index));
  }
  return BlobHandle(blobs[index < 0 ? index + size : index], vec.mutex);
}

/// Calls action(blob) when no run of the blob's net works on it.
template <typename Action>
auto BetweenRuns(const BlobHandle& handle, const Action& action) {
  std::optional<Lock> lock;
  if (handle.mutex) lock.emplace(handle.mutex->memory);
  return action(*handle.blob);
}

std::string BlobRepr(const BlobHandle& h) {
  return "<caffe.Blob " + py::str(ShapeTuple(*h.blob)).cast<std::string>() + ">";
}

}  // namespace

std::vector<BlobHandle> Borrow(const std::vector<Blob<float>*>& blobs) {
  std::vector<BlobHandle> handles;
  for (Blob<float>* blob : blobs) handles.emplace_back(blob, Computing::Mutex());
  return handles;
}

void BindBlob(py::module_& m) {
  py::class_<BlobHandle>(m, "Blob", "An N-dimensional array of values (data) and gradients (diff).")
      .def_property_readonly(
          "data", [](const BlobHandle& h) { return BetweenRuns(h, &DataView); },
          "The values, as a writable view (float32).")
      .def_property_readonly(
          "diff", [](const BlobHandle& h) { return BetweenRuns(h, &DiffView); },
          "The gradients, as a writable view (float32).")
      .def_property_readonly("shape", [](const BlobHandle& h) { return ShapeTuple(*h.blob); })
      .def_property_readonly("num", [](const BlobHandle& h) { return h.blob->num(); })
      .def_property_readonly("channels", [](const BlobHandle& h) { return h.blob->channels(); })
      .def_property_readonly("height", [](const BlobHandle& h) { return h.blob->height(); })
      .def_property_readonly("width", [](const BlobHandle& h) { return h.blob->width(); })
      .def_property_readonly("count", [](const BlobHandle& h) { return h.blob->count(); })
      .def(
          "reshape",
          [](const BlobHandle& h, const py::args& args) {
            const std::vector<int> shape = ShapeFromArgs(args);
            BetweenRuns(h, [&](Blob<float>& blob) { blob.Reshape(shape); });
          },
          "Changes the shape: reshape(2, 3) or reshape((2, 3)). Arrays taken before keep the old "
          "memory.")
      .def("__repr__", &BlobRepr)
      .def(
          "__eq__", [](const BlobHandle& a, const BlobHandle& b) { return a.blob == b.blob; },
          py::is_operator())
      .def("__hash__", [](const BlobHandle& h) { return std::hash<void*>()(h.blob.get()); });

  py::class_<BlobVec>(m, "BlobVec", "The parameter blobs of a layer.")
      .def("__len__", [](const BlobVec& v) { return v.layer->blobs().size(); })
      .def("__getitem__", &BlobAt)
      .def("__getitem__",
           [](const BlobVec& v, const py::slice& slice) {
             py::list all;
             for (const BlobPtr& blob : v.layer->blobs()) all.append(BlobHandle(blob, v.mutex));
             return py::list(all[slice]);
           })
      .def(
          "add_blob",
          [](const BlobVec& v, const py::args& shape) {
            v.layer->blobs().emplace_back(new Blob<float>(ShapeFromArgs(shape)));
          },
          "Appends a parameter of this shape, zeroed; for the setup of a Python layer.");
}

}  // namespace python
}  // namespace caffe
