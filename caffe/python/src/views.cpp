#include <unordered_map>

#include "bindings.hpp"

namespace caffe {
namespace python {

namespace {

using MemoryPtr = boost::shared_ptr<SyncedMemory>;

/// How many arrays look at a memory. Guarded by the GIL; never destroyed, because arrays may
/// outlive static objects.
std::unordered_map<const SyncedMemory*, int>& ViewCounts() {
  static auto* counts = new std::unordered_map<const SyncedMemory*, int>();
  return *counts;
}

/// The base object of an array: keeps the memory and counts as one view of it.
class View {
 public:
  explicit View(MemoryPtr memory) : memory_(std::move(memory)), values_(memory_->ViewCpuData()) {
    ++ViewCounts()[memory_.get()];
  }
  ~View() {
    const auto count = ViewCounts().find(memory_.get());
    if (--count->second == 0) ViewCounts().erase(count);
  }
  View(const View&) = delete;
  View& operator=(const View&) = delete;

  float* values() const { return static_cast<float*>(values_.get()); }

 private:
  MemoryPtr memory_;
  std::shared_ptr<void> values_;
};

py::array MakeView(const Blob<float>& blob, bool diff) {
  const std::vector<py::ssize_t> shape(blob.shape().begin(), blob.shape().end());
  if (blob.count() == 0) return py::array_t<float>(shape);
  View* const view = new View(diff ? blob.diff() : blob.data());
  const py::capsule base(view, [](void* pointer) { delete static_cast<View*>(pointer); });
  return py::array_t<float>(shape, view->values(), base);
}

void SyncMemory(const MemoryPtr& memory) {
  if (memory->layout() && ViewCounts().count(memory.get())) memory->mutable_cpu_data();
}

void SyncBlob(const Blob<float>& blob) {
  if (blob.count() == 0) return;
  SyncMemory(blob.data());
  SyncMemory(blob.diff());
}

}  // namespace

py::array DataView(const Blob<float>& blob) { return MakeView(blob, false); }
py::array DiffView(const Blob<float>& blob) { return MakeView(blob, true); }

void SyncViews(const Net<float>& net) {
  if (ViewCounts().empty()) return;
  for (const BlobPtr& blob : net.blobs()) SyncBlob(*blob);
  for (const BlobPtr& blob : net.params()) SyncBlob(*blob);
}

void SyncViews(const std::vector<Blob<float>*>& blobs) {
  if (ViewCounts().empty()) return;
  for (const Blob<float>* blob : blobs) SyncBlob(*blob);
}

}  // namespace python
}  // namespace caffe
