#include "caffe/util/stop_request.hpp"

#include <boost/thread/exceptions.hpp>

namespace caffe {

namespace {

thread_local StopRequest* bound_request = nullptr;

}  // namespace

StopRequest::Binding::Binding(StopRequest* request) { bound_request = request; }
StopRequest::Binding::~Binding() { bound_request = nullptr; }

void StopRequest::Request() {
  std::shared_ptr<Waitable> awaited;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    requested_ = true;
    awaited = awaited_;
  }
  if (!awaited) return;
  // With its mutex held, the thread either waits already or has yet to look at requested_.
  const std::lock_guard<std::mutex> lock(awaited->mutex);
  awaited->changed.notify_all();
}

void StopRequest::Wait(const std::shared_ptr<Waitable>& waitable,
                       std::unique_lock<std::mutex>* lock) {
  StopRequest* const self = bound_request;
  if (!self) {
    waitable->changed.wait(*lock);
    return;
  }
  const auto await = [self](const std::shared_ptr<Waitable>& what) {
    const std::lock_guard<std::mutex> guard(self->mutex_);
    self->awaited_ = what;
  };
  await(waitable);
  if (!self->requested_) waitable->changed.wait(*lock);
  await(nullptr);
  if (self->requested_) throw boost::thread_interrupted();
}

}  // namespace caffe
