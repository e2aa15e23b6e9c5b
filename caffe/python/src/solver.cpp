#include "caffe/solver.hpp"

#include "caffe/parallel.hpp"
#include "caffe/sgd_solvers.hpp"
#include "caffe/util/upgrade_proto.hpp"
#include "net_core.hpp"

namespace caffe {
namespace python {

namespace {

void SyncAll(Solver<float>& solver) {
  SyncViews(*solver.net());
  for (const NetPtr& net : solver.test_nets()) SyncViews(*net);
}

/// Two Python functions called around the computation of the gradients; None where one is left out.
class GradientCallback : public Solver<float>::Callback {
 public:
  GradientCallback(Solver<float>& solver, py::object on_start, py::object on_gradients_ready)
      : solver_(solver),
        on_start_(std::move(on_start)),
        on_gradients_ready_(std::move(on_gradients_ready)) {}

  template <typename Visit>
  void ForEachFunction(const Visit& visit) {
    visit(on_start_);
    visit(on_gradients_ready_);
  }

 protected:
  void on_start() override { Call(on_start_); }
  void on_gradients_ready() override { Call(on_gradients_ready_); }

 private:
  void Call(const py::object& function) {
    CallPython([&] {
      // Arrays that the function has kept show the newest contents.
      SyncAll(solver_);
      if (function && !function.is_none()) function();
    });
  }

  Solver<float>& solver_;
  py::object on_start_;
  py::object on_gradients_ready_;
};

/// Lets Ctrl-C end a run between two iterations, as KeyboardInterrupt; and others look at the
/// blobs.
SolverAction::Enum RaisePendingSignals() {
  CallPython([] {
    if (PyErr_CheckSignals() != 0) throw py::error_already_set();
  });
  return SolverAction::NONE;
}

/// A solver and the callbacks that Python gave it.
class SolverCore {
 public:
  explicit SolverCore(Solver<float>* solver) : solver_(solver) {
    solver_->SetActionFunction(&RaisePendingSignals);
  }
  SolverCore(SolverCore&&) = default;
  SolverCore& operator=(SolverCore&&) = default;

  Solver<float>& solver() const { return *solver_; }
  const shared_ptr<Solver<float>>& ptr() const { return solver_; }

  void AddCallback(py::object on_start, py::object on_gradients_ready) {
    const Lock lock(mutex_->runs);
    callbacks_.push_back(std::make_unique<GradientCallback>(*solver_, std::move(on_start),
                                                            std::move(on_gradients_ready)));
    solver_->add_callback(callbacks_.back().get());
  }

  template <typename Visit>
  void ForEachFunction(const Visit& visit) {
    for (const auto& callback : callbacks_) callback->ForEachFunction(visit);
  }

  /// A net of the solver's, whose calls wait for the solver's.
  NetCore Core(const NetPtr& net) const { return NetCore(net, mutex_); }

  /// Runs `action` without the GIL, between two meetings of the nets' blobs and their arrays.
  template <typename Action>
  void Run(const Action& action) const {
    RunBetween(
        mutex_, [this] { SyncAll(*solver_); }, [&] { action(*solver_); });
  }

 private:
  shared_ptr<Solver<float>> solver_;
  RunMutexPtr mutex_ = std::make_shared<RunMutex>();
  std::vector<std::unique_ptr<GradientCallback>> callbacks_;
};

/// Reads a solver file; `type`, where given, stands for the file's own.
SolverCore LoadSolver(const std::string& file, const std::string& type) {
  const Computing computing;
  SolverParameter param;
  ReadSolverParamsFromTextFileOrDie(file, &param);
  if (!type.empty()) param.set_type(type);
  return SolverCore(SolverRegistry<float>::CreateSolver(param, file));
}

#ifdef USE_NCCL

bool HasNccl() { return true; }

/// A solver's place among those of other processes.
class NCCLCore {
 public:
  NCCLCore(const SolverCore& solver, const std::string& uid)
      : nccl_(new NCCL<float>(solver.ptr(), uid)) {}
  static py::bytes NewUid() { return NCCL<float>::new_uid(); }
  void Broadcast() { nccl_->Broadcast(); }
  void HookInto(const SolverCore& solver) { solver.solver().add_callback(nccl_.get()); }
  void HookInto(const NetCore& net) { net.net().add_after_backward(nccl_.get()); }

 private:
  std::unique_ptr<NCCL<float>> nccl_;
};

#else

bool HasNccl() { return false; }

[[noreturn]] void SayNoNccl() {
  throw Error("this caffe was built without NCCL; caffe.has_nccl() tells");
}

/// What there is of it in a build without NCCL: the error.
class NCCLCore {
 public:
  NCCLCore(const SolverCore&, const std::string&) { SayNoNccl(); }
  static py::bytes NewUid() { SayNoNccl(); }
  void Broadcast() { SayNoNccl(); }
  void HookInto(const SolverCore&) { SayNoNccl(); }
  void HookInto(const NetCore&) { SayNoNccl(); }
};

#endif

void BindNccl(py::module_& m) {
  m.def("has_nccl", &HasNccl, "Whether this build can train on several GPUs through NCCL.");
  py::class_<NCCLCore>(m, "NCCLCore", "A solver's place among others; caffe.NCCL is its face.")
      .def(py::init<const SolverCore&, const std::string&>(), py::call_guard<Waiting>())
      .def_static("new_uid", &NCCLCore::NewUid,
                  "Make the name (128 bytes) under which processes meet; one does, and tells the "
                  "others.")
      .def("bcast", &NCCLCore::Broadcast, py::call_guard<Waiting>(),
           "Take over the parameters of rank 0.")
      .def("hook_into_solver", py::overload_cast<const SolverCore&>(&NCCLCore::HookInto))
      .def("hook_into_net", py::overload_cast<const NetCore&>(&NCCLCore::HookInto));
}

float LearningRate(const SolverCore& core) {
  auto* sgd = dynamic_cast<SGDSolver<float>*>(&core.solver());
  if (!sgd) throw Error("a solver of type " + std::string(core.solver().type()) + " has no lr");
  return sgd->GetLearningRate();
}

void SetParam(const SolverCore& core, const py::bytes& message) {
  SolverParameter param;
  CHECK(param.ParseFromString(message)) << "not a serialized SolverParameter";
  core.Run([&](Solver<float>& solver) { solver.set_param(param); });
}

py::list TestNets(const SolverCore& core) {
  py::list nets;
  for (const NetPtr& net : core.solver().test_nets()) nets.append(py::cast(core.Core(net)));
  return nets;
}

void Solve(Solver<float>& solver, const std::string& resume_file) {
  if (resume_file.empty()) {
    solver.Solve();
  } else {
    solver.Solve(resume_file);
  }
}

}  // namespace

void BindSolver(py::module_& m) {
  py::class_<SolverCore>(m, "SolverCore", "A solver; caffe.Solver is its face.",
                         CollectedFunctions<SolverCore>())
      .def_static("load", &LoadSolver)
      .def_property_readonly("type", [](const SolverCore& c) { return c.solver().type(); })
      .def_property_readonly("net", [](const SolverCore& c) { return c.Core(c.solver().net()); })
      .def_property_readonly("test_nets", &TestNets)
      .def_property_readonly("iter", [](const SolverCore& c) { return c.solver().iter(); })
      .def_property_readonly("lr", &LearningRate)
      .def_property_readonly(
          "param",
          [](const SolverCore& c) { return py::bytes(c.solver().param().SerializeAsString()); })
      .def("set_param", &SetParam)
      .def("step", [](const SolverCore& c, int n) { c.Run([=](Solver<float>& s) { s.Step(n); }); })
      .def("solve",
           [](const SolverCore& c, const std::string& resume_file) {
             c.Run([&](Solver<float>& s) { Solve(s, resume_file); });
           })
      .def("restore",
           [](const SolverCore& c, const std::string& file) {
             c.Run([&](Solver<float>& s) { s.Restore(file.c_str()); });
           })
      .def("snapshot", [](const SolverCore& c) { c.Run([](Solver<float>& s) { s.Snapshot(); }); })
      .def("apply_update",
           [](const SolverCore& c) { c.Run([](Solver<float>& s) { s.ApplyUpdate(); }); })
      .def("share_weights",
           [](const SolverCore& c, const NetCore& net) { net.ShareWith(c.Core(c.solver().net())); })
      .def("add_callback", &SolverCore::AddCallback);
  BindNccl(m);
}

}  // namespace python
}  // namespace caffe
