#ifndef CAFFE_PYTHON_NET_CORE_HPP_
#define CAFFE_PYTHON_NET_CORE_HPP_

#include <exception>
#include <memory>
#include <utility>
#include <vector>

#include "bindings.hpp"

namespace caffe {
namespace python {

/// A Python function called with the index of the layer that is about to run, or has run.
class LayerCallback : public Net<float>::Callback {
 public:
  explicit LayerCallback(py::function function) : function_(std::move(function)) {}

 protected:
  void run(int layer) override {
    py::gil_scoped_acquire gil;
    function_(layer);
  }

 private:
  py::function function_;
};

/// Runs `action` without the GIL, between two calls of `sync`; both, where it throws, too. Errors
/// of `sync` are thrown, but for those after an error of `action`, which is the one to tell.
template <typename Sync, typename Action>
auto RunBetween(const Sync& sync, const Action& action) -> decltype(action()) {
  struct AtEnd {
    const Sync& sync;
    const int exceptions = std::uncaught_exceptions();
    ~AtEnd() noexcept(false) {
      try {
        sync();
      } catch (...) {
        if (std::uncaught_exceptions() == exceptions) throw;
      }
    }
  };
  sync();
  const AtEnd end{sync};
  const py::gil_scoped_release release;
  return action();
}

/// A net and the callbacks that only Python gave it.
class NetCore {
 public:
  explicit NetCore(NetPtr net) : net_(std::move(net)) {}
  NetCore(NetCore&&) = default;
  NetCore& operator=(NetCore&&) = default;

  Net<float>& net() const { return *net_; }
  const NetPtr& ptr() const { return net_; }

  using AddCallback = void (Net<float>::*)(Net<float>::Callback*);
  template <AddCallback add>
  void Hook(py::function function) {
    callbacks_.push_back(std::make_unique<LayerCallback>(std::move(function)));
    (net_.get()->*add)(callbacks_.back().get());
  }

  /// Runs `action` without the GIL, between two meetings of the blobs and their arrays.
  template <typename Action>
  auto Run(const Action& action) const {
    return RunBetween([this] { SyncViews(*net_); }, [&] { return action(*net_); });
  }

 private:
  NetPtr net_;
  std::vector<std::unique_ptr<LayerCallback>> callbacks_;
};

}  // namespace python
}  // namespace caffe

#endif  // CAFFE_PYTHON_NET_CORE_HPP_
