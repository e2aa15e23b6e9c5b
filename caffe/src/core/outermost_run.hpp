#ifndef CAFFE_SRC_CORE_OUTERMOST_RUN_HPP_
#define CAFFE_SRC_CORE_OUTERMOST_RUN_HPP_

#include "caffe/blob.hpp"
#include "core/device_memory.hpp"

namespace caffe {

/// Lives while a layer or a net runs; tells whether the caller is the program, and not a net or
/// another layer.
class OutermostRun {
 public:
  OutermostRun() : outermost_(Depth() == 0) {
#ifndef CPU_ONLY
    on_gpu_ = outermost_ && Caffe::mode() == Caffe::GPU;
    if (on_gpu_) BeginDeviceRun();
#endif
    ++Depth();
  }
  ~OutermostRun() {
    --Depth();
#ifndef CPU_ONLY
    if (on_gpu_) EndDeviceRun();
#endif
  }
  explicit operator bool() const { return outermost_; }
  /// Whether this thread is within one.
  static bool IsRunning() { return Depth() > 0; }

 private:
  static int& Depth() {
    static thread_local int depth = 0;
    return depth;
  }

  bool outermost_;
#ifndef CPU_ONLY
  bool on_gpu_;
#endif

  DISABLE_COPY_AND_ASSIGN(OutermostRun);
};

/// Makes plain memory a blob's only contents, for programs that keep a pointer to it from run to
/// run: they read it without asking anew, and write to it without saying so.
template <typename Dtype>
void MakePlain(const Blob<Dtype>& blob) {
  if (blob.count() == 0) return;
  blob.data()->KeepOnlyPlain();
  blob.diff()->KeepOnlyPlain();
}

}  // namespace caffe

#endif  // CAFFE_SRC_CORE_OUTERMOST_RUN_HPP_
