#ifndef CAFFE_PYTHON_NET_CORE_HPP_
#define CAFFE_PYTHON_NET_CORE_HPP_

#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "bindings.hpp"
#include "runs.hpp"

namespace caffe {
namespace python {

/// A Python function called with the index of the layer that is about to run, or has run.
class LayerCallback : public Net<float>::Callback {
 public:
  LayerCallback(const Net<float>& net, py::object function)
      : net_(net), function_(std::move(function)) {}

  py::object& function() { return function_; }

 protected:
  void run(int layer) override {
    CallPython([&] {
      // Arrays that the function has kept show what the layers before have made.
      SyncViews(net_);
      if (function_) function_(layer);
    });
  }

 private:
  const Net<float>& net_;
  py::object function_;
};

/// Lets Python's garbage collector see the functions that a T keeps, which mostly know the net or
/// solver they are given to: an option of the class of T. T gives them with ForEachFunction(visit);
/// where the collector takes them away, they become null.
template <typename T>
py::custom_type_setup CollectedFunctions() {
  return py::custom_type_setup([](PyHeapTypeObject* heap_type) {
    // Null until the object is complete.
    static constexpr auto kept = [](PyObject* self) {
      return static_cast<T*>(
          reinterpret_cast<py::detail::instance*>(self)->get_value_and_holder().value_ptr());
    };
    PyTypeObject* const type = &heap_type->ht_type;
    type->tp_flags |= Py_TPFLAGS_HAVE_GC;
    type->tp_traverse = [](PyObject* self, visitproc visit, void* arg) {
      Py_VISIT(Py_TYPE(self));
      int result = 0;
      if (T* core = kept(self)) {
        core->ForEachFunction([&](py::object& function) {
          if (result == 0 && function) result = visit(function.ptr(), arg);
        });
      }
      return result;
    };
    type->tp_clear = [](PyObject* self) {
      if (T* core = kept(self)) {
        core->ForEachFunction([](py::object& function) { function = py::object(); });
      }
      return 0;
    };
  });
}

/// A net and the callbacks that only Python gave it.
class NetCore {
 public:
  /// A solver's net has the solver's mutex.
  explicit NetCore(NetPtr net, RunMutexPtr mutex = std::make_shared<RunMutex>())
      : net_(std::move(net)), mutex_(std::move(mutex)) {}
  NetCore(NetCore&&) = default;
  NetCore& operator=(NetCore&&) = default;

  Net<float>& net() const { return *net_; }
  const NetPtr& ptr() const { return net_; }
  const RunMutexPtr& mutex() const { return mutex_; }

  using AddCallback = void (Net<float>::*)(Net<float>::Callback*);
  template <AddCallback add>
  void Hook(py::function function) {
    const Lock lock(mutex_->runs);
    callbacks_.push_back(std::make_unique<LayerCallback>(*net_, std::move(function)));
    (net_.get()->*add)(callbacks_.back().get());
  }

  template <typename Visit>
  void ForEachFunction(const Visit& visit) {
    for (const auto& callback : callbacks_) visit(callback->function());
  }

  /// Uses the parameters of `other` from now on.
  void ShareWith(const NetCore& other) const {
    const Waiting waiting;
    const std::scoped_lock runs(mutex_->runs, other.mutex_->runs);
    const std::scoped_lock memory(mutex_->memory, other.mutex_->memory);
    net_->ShareTrainedLayersWith(&other.net());
  }

  /// Runs `action` without the GIL, between two meetings of the blobs and their arrays.
  template <typename Action>
  auto Run(const Action& action) const {
    return RunBetween(
        mutex_, [this] { SyncViews(*net_); }, [&] { return action(*net_); });
  }

 private:
  NetPtr net_;
  RunMutexPtr mutex_;
  std::vector<std::unique_ptr<LayerCallback>> callbacks_;
};

}  // namespace python
}  // namespace caffe

#endif  // CAFFE_PYTHON_NET_CORE_HPP_
