#ifndef CAFFE_PYTHON_NET_CORE_HPP_
#define CAFFE_PYTHON_NET_CORE_HPP_

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

/// A net and what only Python gave it: callbacks, and the arrays that MemoryData layers read.
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
    SyncViews(*net_);
    struct SyncAtEnd {
      const Net<float>& net;
      ~SyncAtEnd() { SyncViews(net); }
    } sync{*net_};
    py::gil_scoped_release release;
    return action(*net_);
  }

  void KeepInputs(py::array data, py::array labels) {
    inputs_ = {std::move(data), std::move(labels)};
  }

 private:
  NetPtr net_;
  std::vector<std::unique_ptr<LayerCallback>> callbacks_;
  std::vector<py::array> inputs_;
};

}  // namespace python
}  // namespace caffe

#endif  // CAFFE_PYTHON_NET_CORE_HPP_
