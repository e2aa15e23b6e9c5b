#include "caffe/layers/memory_data_layer.hpp"
#include "caffe/util/io.hpp"
#include "net_core.hpp"

namespace caffe {
namespace python {

namespace {

NetCore LoadNet(const std::string& file, int phase, int level,
                const std::vector<std::string>& stages) {
  const Computing computing;
  return NetCore(NetPtr(new Net<float>(file, static_cast<Phase>(phase), level, &stages)));
}

NetCore ParseNet(const py::bytes& message, int phase, int level,
                 const std::vector<std::string>& stages) {
  NetParameter param;
  CHECK(param.ParseFromString(message)) << "not a serialized NetParameter";
  const Computing computing;
  NetState* state = param.mutable_state();
  state->set_phase(static_cast<Phase>(phase));
  state->set_level(level);
  for (const std::string& stage : stages) state->add_stage(stage);
  return NetCore(NetPtr(new Net<float>(param)));
}

void Save(const Net<float>& net, const std::string& file) {
  NetParameter param;
  net.ToProto(&param, false);
  WriteProtoToBinaryFile(param, file);
}

int CheckedIndex(int index, size_t size, const char* what) {
  if (index < 0 || index >= static_cast<int>(size)) {
    throw py::index_error("the net has no " + std::string(what) + " number " +
                          std::to_string(index));
  }
  return index;
}

/// Throws ValueError unless the array can stand for `shape` values of a MemoryData layer.
void CheckInput(const py::array& array, const char* name, const std::vector<int>& shape) {
  std::string problem;
  if (!py::isinstance<py::array_t<float>>(array)) problem = "must be of type float32";
  if (!(array.flags() & py::array::c_style)) problem = "must be C contiguous";
  if (array.ndim() != 4) problem = "must be 4-d";
  for (int axis = 1; problem.empty() && axis < 4; ++axis) {
    if (array.shape(axis) != shape[axis]) {
      problem = "has size " + std::to_string(array.shape(axis)) + " on axis " +
                std::to_string(axis) + ", the layer wants " + std::to_string(shape[axis]);
    }
  }
  if (!problem.empty()) throw py::value_error(std::string(name) + " array " + problem);
}

/// Keeps Python objects from C++, in any thread.
shared_ptr<void> Keep(const py::object& object) {
  return shared_ptr<void>(new py::object(object), [](void* kept) {
    py::gil_scoped_acquire gil;
    delete static_cast<py::object*>(kept);
  });
}

void SetInputArrays(const NetCore& core, const py::array& data, const py::array& labels,
                    int layer) {
  const Lock lock(core.mutex()->runs);
  const auto& layers = core.net().layers();
  const LayerPtr& found = layers[CheckedIndex(layer, layers.size(), "layer")];
  auto* memory_data = dynamic_cast<MemoryDataLayer<float>*>(found.get());
  if (!memory_data) {
    throw Error("set_input_arrays needs a MemoryData layer; layer '" + found->layer_param().name() +
                "' is of type " + found->type());
  }
  const int n = memory_data->batch_size();
  CheckInput(data, "data",
             {n, memory_data->channels(), memory_data->height(), memory_data->width()});
  CheckInput(labels, "labels", {n, 1, 1, 1});
  if (data.shape(0) != labels.shape(0)) {
    throw py::value_error("data has " + std::to_string(data.shape(0)) + " items, labels has " +
                          std::to_string(labels.shape(0)));
  }
  if (data.shape(0) == 0 || data.shape(0) % n != 0) {
    throw py::value_error("the number of items, " + std::to_string(data.shape(0)) +
                          ", must be a multiple of the batch size, " + std::to_string(n));
  }
  // The layer only reads them.
  memory_data->Reset(static_cast<float*>(const_cast<void*>(data.data())),
                     static_cast<float*>(const_cast<void*>(labels.data())),
                     static_cast<int>(data.shape(0)), Keep(py::make_tuple(data, labels)));
}

py::list BlobHandles(const NetCore& core) {
  py::list blobs;
  for (const BlobPtr& blob : core.net().blobs()) blobs.append(BlobHandle(blob, core.mutex()));
  return blobs;
}

void BindRunning(py::class_<NetCore>& net) {
  net.def("forward",
          [](const NetCore& core, int start, int end) {
            return core.Run([=](Net<float>& n) { return n.ForwardFromTo(start, end); });
          })
      .def("backward",
           [](const NetCore& core, int start, int end) {
             core.Run([=](Net<float>& n) { n.BackwardFromTo(start, end); });
           })
      .def("reshape", [](const NetCore& core) { core.Run([](Net<float>& n) { n.Reshape(); }); })
      .def("clear_param_diffs",
           [](const NetCore& core) { core.Run([](Net<float>& n) { n.ClearParamDiffs(); }); })
      .def("set_input_arrays", &SetInputArrays)
      .def("before_forward", &NetCore::Hook<&Net<float>::add_before_forward>)
      .def("after_forward", &NetCore::Hook<&Net<float>::add_after_forward>)
      .def("before_backward", &NetCore::Hook<&Net<float>::add_before_backward>)
      .def("after_backward", &NetCore::Hook<&Net<float>::add_after_backward>);
}

void BindFiles(py::class_<NetCore>& net) {
  net.def("copy_from",
          [](const NetCore& core, const std::string& file) {
            return Texts(core.Run([&](Net<float>& n) { return n.CopyTrainedLayersFrom(file); }));
          })
      .def("load_hdf5",
           [](const NetCore& core, const std::string& file) {
             return Texts(
                 core.Run([&](Net<float>& n) { return n.CopyTrainedLayersFromHDF5(file); }));
           })
      .def("share_with", &NetCore::ShareWith)
      .def("save", [](const NetCore& core,
                      const std::string& file) { core.Run([&](Net<float>& n) { Save(n, file); }); })
      .def("save_hdf5", [](const NetCore& core, const std::string& file) {
        core.Run([&](Net<float>& n) { n.ToHDF5(file); });
      });
}

void BindStructure(py::class_<NetCore>& net) {
  net.def_property_readonly("name", [](const NetCore& c) { return Text(c.net().name()); })
      .def_property_readonly("phase",
                             [](const NetCore& c) { return static_cast<int>(c.net().phase()); })
      .def_property_readonly("blob_names",
                             [](const NetCore& c) { return Texts(c.net().blob_names()); })
      .def_property_readonly("layer_names",
                             [](const NetCore& c) { return Texts(c.net().layer_names()); })
      .def_property_readonly("blobs", &BlobHandles)
      .def_property_readonly("layers", [](const NetCore& c) { return c.net().layers(); })
      .def("layer_blobs",
           [](const NetCore& c, int layer) {
             const auto& layers = c.net().layers();
             return BlobVec{layers[CheckedIndex(layer, layers.size(), "layer")], c.mutex()};
           })
      .def_property_readonly("blob_loss_weights",
                             [](const NetCore& c) { return c.net().blob_loss_weights(); })
      .def_property_readonly("inputs",
                             [](const NetCore& c) { return c.net().input_blob_indices(); })
      .def_property_readonly("outputs",
                             [](const NetCore& c) { return c.net().output_blob_indices(); })
      .def("top_ids",
           [](const NetCore& c, int layer) {
             return c.net().top_ids(CheckedIndex(layer, c.net().layers().size(), "layer"));
           })
      .def("bottom_ids", [](const NetCore& c, int layer) {
        return c.net().bottom_ids(CheckedIndex(layer, c.net().layers().size(), "layer"));
      });
}

}  // namespace

void BindNet(py::module_& m) {
  py::class_<NetCore> net(m, "NetCore", "A net; caffe.Net is its face.",
                          CollectedFunctions<NetCore>());
  net.def_static("load", &LoadNet).def_static("parse", &ParseNet);
  BindRunning(net);
  BindFiles(net);
  BindStructure(net);
}

}  // namespace python
}  // namespace caffe
