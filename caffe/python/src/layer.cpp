#include "bindings.hpp"
#include "caffe/layers/python_layer.hpp"
#include "caffe/util/python_exception.hpp"
#include "runs.hpp"

namespace caffe {

namespace python {
namespace {

/// A text as it may stand in an Error.
std::string Bytes(const py::object& text) {
  return text.attr("encode")("utf-8", "backslashreplace").cast<std::string>();
}

/// On Python 3.11 and later, tells in the traceback which layer the exception belongs to.
void AddNote(const py::error_already_set& error, const std::string& note) {
  if (py::hasattr(error.value(), "add_note")) error.value().attr("add_note")(Text(note));
}

/// Passes an exception of a user's class on. Python code gets it as it is. Where no Python code is
/// below (the caffe command), its traceback is printed and its last line becomes an Error.
[[noreturn]] void PassOn(const py::error_already_set& error, const std::string& note) {
  if (PyEval_GetFrame() != nullptr) {
    AddNote(error, note);
    throw;
  }
  const py::module_ traceback = py::module_::import("traceback");
  const py::object trace = error.trace() ? py::object(error.trace()) : py::none();
  traceback.attr("print_exception")(error.type(), error.value(), trace);
  const auto lines = py::list(traceback.attr("format_exception_only")(error.type(), error.value()));
  // Messages may have several lines.
  const py::object line = py::str(" ").attr("join")(lines[lines.size() - 1].attr("split")());
  throw Error(Bytes(line) + ", " + note);
}

/// What Python raised in a layer.
class Raised : public py::error_already_set, public PythonException {
 public:
  explicit Raised(const py::error_already_set& error) : py::error_already_set(error) {}
};

/// Calls action() with the GIL held; a net lets pass what Python raises in it.
template <typename Action>
auto InPython(const Action& action) {
  return CallPython([&] {
    try {
      return action();
    } catch (const py::error_already_set& error) {
      throw Raised(error);
    }
  });
}

/// The method of the user's class, or an empty function. Needs the GIL.
py::function Method(const Layer<float>* layer, const char* name) {
  return py::get_override(layer, name);
}

template <typename... Args>
py::object Call(const Layer<float>* layer, const char* name, const py::function& method,
                Args&&... args) {
  try {
    return method(std::forward<Args>(args)...);
  } catch (const py::error_already_set& error) {
    PassOn(error,
           "in " + std::string(name) + "() of Python layer '" + layer->layer_param().name() + "'");
  }
}

py::function RequiredMethod(const Layer<float>* layer, const char* name) {
  const py::function method = Method(layer, name);
  if (!method) {
    const PythonParameter& param = layer->layer_param().python_param();
    PyErr_Format(PyExc_NotImplementedError, "class %s of Python layer '%s' has no method %s",
                 param.layer().c_str(), layer->layer_param().name().c_str(), name);
    throw py::error_already_set();
  }
  return method;
}

/// The reference to a Python instance that a net holds, through a shared_ptr to its C++ half.
class InstanceReference {
 public:
  explicit InstanceReference(const py::object& instance) : instance_(instance.ptr()) {
    Py_INCREF(instance_);
  }
  void operator()(Layer<float>*) const {
    if (!Py_IsInitialized()) return;
    py::gil_scoped_acquire gil;
    Py_DECREF(instance_);
  }

 private:
  PyObject* instance_;
};

py::object FindClass(const LayerParameter& param) {
  const std::string& module = param.python_param().module();
  const std::string& name = param.python_param().layer();
  try {
    py::object found = py::module_::import(module.c_str()).attr(name.c_str());
    const py::object base = py::type::of<Layer<float>>();
    if (PyType_Check(found.ptr()) && PyObject_IsSubclass(found.ptr(), base.ptr()) == 1) {
      return found;
    }
  } catch (const py::error_already_set& error) {
    PassOn(error, "looking for the class of Python layer '" + param.name() +
                      "': python_param { module: '" + module + "' layer: '" + name +
                      "' }; the module's folder must be on PYTHONPATH");
  }
  throw Error(module + "." + name + " is not a subclass of caffe.Layer");
}

py::object MakeInstance(const py::object& cls, const LayerParameter& param) {
  try {
    return cls(py::cast(param));
  } catch (const py::error_already_set& error) {
    PassOn(error, "in __init__() of Python layer '" + param.name() + "'");
  }
}

LayerPtr CreatePythonLayer(const LayerParameter& param) {
  return InPython([&] {
    const py::object instance = MakeInstance(FindClass(param), param);
    instance.attr("param_str") = Text(param.python_param().param_str());
    instance.attr("phase") = static_cast<int>(param.phase());
    return LayerPtr(instance.cast<Layer<float>*>(), InstanceReference(instance));
  });
}

/// Calls a method with blobs. What it keeps of arrays from earlier calls shows the newest contents,
/// and what it writes there counts: layers compute between the calls.
template <typename... Args>
void CallWithBlobs(Layer<float>* layer, const char* name, const py::function& method,
                   const std::vector<Blob<float>*>& bottom, const std::vector<Blob<float>*>& top,
                   Args&&... args) {
  SyncViews(bottom);
  SyncViews(top);
  for (const BlobPtr& blob : layer->blobs()) SyncViews({blob.get()});
  Call(layer, name, method, std::forward<Args>(args)...);
}

/// What the prototxt gives every layer, by the name of a Python layer's attribute.
py::object AttributeOfPrototxt(const Layer<float>& layer, const std::string& name) {
  const LayerParameter& param = layer.layer_param();
  if (name == "phase") return py::int_(static_cast<int>(param.phase()));
  if (name == "param_str") return Text(param.python_param().param_str());
  throw py::attribute_error("layer '" + param.name() + "' has no attribute '" + name + "'");
}

std::vector<Blob<float>*> RawBlobs(const std::vector<BlobHandle>& handles) {
  std::vector<Blob<float>*> blobs;
  for (const BlobHandle& handle : handles) blobs.push_back(handle.blob.get());
  return blobs;
}

/// What is for layers alone in the class Layer.
class LayerAccess : public Layer<float> {
 public:
  static void CheckCounts(Layer<float>& layer, const std::vector<Blob<float>*>& bottom,
                          const std::vector<Blob<float>*>& top) {
    (layer.*&LayerAccess::CheckBlobCounts)(bottom, top);
  }
};

using LayerMethod = void (Layer<float>::*)(const std::vector<Blob<float>*>& bottom,
                                           const std::vector<Blob<float>*>& top);

/// A method of a layer of C++, with blobs of the user's. A class of the user's may call
/// super().setup(...): there is nothing to do then.
template <LayerMethod method>
void CallLayer(Layer<float>& layer, const std::vector<BlobHandle>& bottom,
               const std::vector<BlobHandle>& top) {
  if (dynamic_cast<const PythonLayer<float>*>(&layer)) return;
  const std::vector<Blob<float>*> bottoms = RawBlobs(bottom), tops = RawBlobs(top);
  try {
    LayerAccess::CheckCounts(layer, bottoms, tops);
  } catch (const Error& error) {
    throw Error("layer '" + layer.layer_param().name() + "': " + error.what());
  }
  (layer.*method)(bottoms, tops);
}

}  // namespace

void RegisterPythonLayer() {
  // Replaces the entry of the plug-in that starts an interpreter for programs without one.
  LayerRegistry<float>::Registry()["Python"] = &CreatePythonLayer;
}

void BindLayer(py::module_& m) {
  py::class_<LayerParameter>(m, "LayerParameter", "The prototxt of a layer, on its way to it.")
      .def_property_readonly("name", [](const LayerParameter& p) { return p.name(); })
      .def("SerializeToString",
           [](const LayerParameter& p) { return py::bytes(p.SerializeAsString()); });

  py::class_<Layer<float>, PythonLayer<float>, LayerPtr>(
      m, "Layer", "A layer of a net, and the base class of layers written in Python.")
      .def(py::init_alias<const LayerParameter&>(), py::arg("param"))
      .def_property_readonly(
          "blobs",
          [](const LayerPtr& layer) {
            return BlobVec{layer, nullptr};
          },
          "The learnable parameters.")
      .def_property_readonly(
          "type", [](const Layer<float>& layer) { return layer.type(); },
          "The type's name in a prototxt.")
      // Python layers have them as attributes of their own.
      .def("__getattr__", &AttributeOfPrototxt)
      .def("setup", &CallLayer<&Layer<float>::LayerSetUp>, py::arg("bottom"), py::arg("top"))
      .def("reshape", &CallLayer<&Layer<float>::Reshape>, py::arg("bottom"), py::arg("top"));
}

}  // namespace python

using python::Borrow;
using python::Call;
using python::CallWithBlobs;
using python::InPython;
using python::RequiredMethod;
namespace py = pybind11;

template <>
void PythonLayer<float>::LayerSetUp(const vector<Blob<float>*>& bottom,
                                    const vector<Blob<float>*>& top) {
  InPython([&] {
    const py::function setup = python::Method(this, "setup");
    if (!setup) return;
    CallWithBlobs(this, "setup", setup, bottom, top, Borrow(bottom), Borrow(top));
  });
}

template <>
void PythonLayer<float>::Reshape(const vector<Blob<float>*>& bottom,
                                 const vector<Blob<float>*>& top) {
  InPython([&] {
    CallWithBlobs(this, "reshape", RequiredMethod(this, "reshape"), bottom, top, Borrow(bottom),
                  Borrow(top));
  });
}

template <>
void PythonLayer<float>::Forward_cpu(const vector<Blob<float>*>& bottom,
                                     const vector<Blob<float>*>& top) {
  InPython([&] {
    CallWithBlobs(this, "forward", RequiredMethod(this, "forward"), bottom, top, Borrow(bottom),
                  Borrow(top));
  });
}

template <>
void PythonLayer<float>::Backward_cpu(const vector<Blob<float>*>& top,
                                      const vector<bool>& propagate_down,
                                      const vector<Blob<float>*>& bottom) {
  InPython([&] {
    CallWithBlobs(this, "backward", RequiredMethod(this, "backward"), bottom, top, Borrow(top),
                  propagate_down, Borrow(bottom));
  });
}

template <>
void PythonLayer<float>::SaveState(LayerState* state) const {
  InPython([&] {
    const py::function save = python::Method(this, "save_state");
    if (!save) return;
    const py::object extra = Call(this, "save_state", save);
    try {
      state->set_extra(extra.cast<std::string>());
    } catch (const py::cast_error&) {
      throw Error("save_state() of Python layer '" + this->layer_param_.name() + "' returned " +
                  Py_TYPE(extra.ptr())->tp_name + ", bytes are needed");
    }
  });
}

template <>
void PythonLayer<float>::RestoreState(const LayerState& state) {
  InPython([&] {
    const py::function restore = python::Method(this, "restore_state");
    if (restore) Call(this, "restore_state", restore, py::bytes(state.extra()));
  });
}

}  // namespace caffe
