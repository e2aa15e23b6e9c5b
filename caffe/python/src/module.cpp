#include <exception>
#include <limits>
#include <memory>
#include <string>
#include <string_view>

#include <google/protobuf/descriptor.h>
#include <google/protobuf/message.h>
#include <pybind11/stl/filesystem.h>

#include "bindings.hpp"
#include "caffe/util/benchmark.hpp"
#include "caffe/util/io.hpp"
#include "caffe/util/plugins.hpp"
#include "image_codecs/whole_picture.hpp"
#include "runs.hpp"

namespace caffe {
namespace python {

namespace {

/// caffe.Error; lives as long as the interpreter.
PyObject* error_class = nullptr;

/// Messages name what is in files, which need not be UTF-8.
void RaiseError(std::exception_ptr error) {
  try {
    std::rethrow_exception(std::move(error));
  } catch (const Error& e) {
    const std::string message = e.what();
    const auto text = py::reinterpret_steal<py::object>(
        PyUnicode_DecodeUTF8(message.data(), message.size(), "backslashreplace"));
    PyErr_SetObject(error_class, text.ptr());
  }
}

void BindError(py::module_& m) {
  error_class = py::exception<Error>(m, "Error", PyExc_RuntimeError).release().ptr();
  py::register_exception_translator(&RaiseError);
}

void SetLogLevel(int level) { logging::set_min_severity(static_cast<logging::Severity>(level)); }

void SetRandomSeed(const py::object& number) {
  const auto index = py::reinterpret_steal<py::object>(PyNumber_Index(number.ptr()));
  if (!index) throw py::error_already_set();
  int overflow = 0;
  const long long seed = PyLong_AsLongLongAndOverflow(index.ptr(), &overflow);
  constexpr unsigned kLargest = std::numeric_limits<unsigned>::max();
  if (overflow || seed < 0 || seed > kLargest) {
    throw py::value_error("set_random_seed takes a whole number from 0 to " +
                          std::to_string(kLargest) + ", not " +
                          py::repr(index).cast<std::string>());
  }
  Caffe::set_random_seed(static_cast<unsigned>(seed));
}

void SetSolverCount(int count) {
  if (count < 1) {
    throw py::value_error("set_solver_count takes a number from 1, not " + std::to_string(count));
  }
  Caffe::set_solver_count(count);
}

void SetSolverRank(int rank) {
  // It may be set before the count, which is its bound.
  if (rank < 0) {
    throw py::value_error("set_solver_rank takes a number from 0, not " + std::to_string(rank));
  }
  Caffe::set_solver_rank(rank);
}

void BindSettings(py::module_& m) {
  m.def(
      "set_mode_cpu", [] { Caffe::set_mode(Caffe::CPU); },
      "Compute on the CPU (a setting of the calling thread).");
  m.def(
      "set_mode_gpu",
      [] {
#ifdef CPU_ONLY
        throw Error(
            "this caffe was built without CUDA: stay with the CPU, or build it where nvcc is "
            "found");
#else
        Caffe::set_mode(Caffe::GPU);
#endif
      },
      "Compute on the GPU (a setting of the calling thread).");
  m.def("set_device", &Caffe::SetDevice, py::arg("device_id"),
        "Make this GPU the calling thread's device.");
  m.def("set_random_seed", &SetRandomSeed, py::arg("seed"),
        "Seed the random numbers of fillers and layers made from now on.");
  m.def("solver_count", &Caffe::solver_count);
  m.def("set_solver_count", &SetSolverCount, py::arg("count"));
  m.def("solver_rank", &Caffe::solver_rank);
  m.def("set_solver_rank", &SetSolverRank, py::arg("rank"));
  m.def("set_multiprocess", &Caffe::set_multiprocess, py::arg("multiprocess"));
  m.def("layer_type_list", &LayerRegistry<float>::LayerTypeList,
        "The names of all layer types, plug-ins included.");
  m.def(
      "load_plugin", [](const std::filesystem::path& path) { LoadPlugin(path.string()); },
      py::arg("path"), "Load a shared library with layers of your own.");
  m.def(
      "log", [](const std::string& line) { LOG(INFO) << line; }, py::arg("line"),
      "Write a line to the log.");
  m.def("set_log_level", &SetLogLevel);
}

void BindPictures(py::module_& m) {
  m.def(
      "picture_problem",
      [](const py::bytes& content) {
        return image_codecs::picture_problem(std::string_view(content));
      },
      py::arg("content"), "Why the bytes of a picture's file are not to be decoded, or ''.");
}

// What the runtime says of a prototxt that it does not take for a message of this type; nothing
// where it takes it.
std::string PrototxtError(const std::filesystem::path& path, const std::string& type) {
  const auto* known = google::protobuf::DescriptorPool::generated_pool();
  const auto* descriptor = known->FindMessageTypeByName(type);
  if (!descriptor) throw py::value_error("no type of a message: " + type);
  const auto* prototype =
      google::protobuf::MessageFactory::generated_factory()->GetPrototype(descriptor);
  const std::unique_ptr<google::protobuf::Message> message(prototype->New());
  try {
    ReadProtoFromTextFileOrDie(path.string(), message.get());
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

void BindPrototxts(py::module_& m) {
  m.def(
      "prototxt_error",
      [](const std::filesystem::path& path, const std::string& type) {
        return Text(PrototxtError(path, type));
      },
      py::arg("path"), py::arg("type"),
      "What is wrong with a prototxt of a message of this type; empty where nothing is.");
}

void BindTimer(py::module_& m) {
  py::class_<Timer>(m, "Timer", "A stop watch that waits for the GPU in GPU mode.")
      .def(py::init<>())
      .def("start", &Timer::Start)
      .def("stop", &Timer::Stop)
      .def_property_readonly("ms", &Timer::MilliSeconds, "Milliseconds of the last run.");
}

}  // namespace

}  // namespace python
}  // namespace caffe

PYBIND11_MODULE(_caffe, m) {
  namespace py = pybind11;
  m.doc() = "The C++ half of the package caffe; use it through the package.";
  m.attr("__version__") = AS_STRING(CAFFE_VERSION);
  caffe::python::BindError(m);
  caffe::python::BindSettings(m);
  caffe::python::BindPictures(m);
  caffe::python::BindPrototxts(m);
  caffe::python::BindTimer(m);
  caffe::python::BindBlob(m);
  caffe::python::BindLayer(m);
  caffe::python::BindNet(m);
  caffe::python::BindSolver(m);
  caffe::python::RegisterPythonLayer();
  caffe::python::WaitForRunsAtExit();
  // Users know these classes as members of the package.
  for (const char* name : {"Error", "Timer", "Blob", "Layer"}) {
    m.attr(name).attr("__module__") = "caffe";
  }
  caffe::LoadDefaultPlugins();
}
