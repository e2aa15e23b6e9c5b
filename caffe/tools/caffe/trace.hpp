#ifndef CAFFE_TOOLS_CAFFE_TRACE_HPP_
#define CAFFE_TOOLS_CAFFE_TRACE_HPP_

#include <chrono>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "caffe/net.hpp"
#include "caffe/solver.hpp"
#include "caffe/util/atomic_file.hpp"

namespace caffe {
namespace tools {

/// Records when each layer ran, in the JSON format that chrome://tracing and ui.perfetto.dev open.
///
/// The file gets its name when Finish is called; without that, none is left behind.
class Trace {
 public:
  /// Throws Error where the file cannot be written.
  explicit Trace(const string& path);
  ~Trace();

  /// Records all passes of a net from now on; `label` tells it from others. The net must not run
  /// any more when the trace is gone.
  void Watch(const string& label, Net<float>* net);
  /// Records the iterations and updates of a solver, and all its nets.
  void Watch(Solver<float>* solver);
  void Finish();

 private:
  class LayerEvents;
  class Hook;
  class UpdateEvents;

  double Microseconds() const;
  /// Writes one event; `details` is a JSON object.
  void Add(const string& name, const string& category, double begin, const string& details);

  AtomicFile file_;
  std::ofstream out_;
  std::chrono::steady_clock::time_point start_;
  bool empty_ = true;
  vector<std::unique_ptr<LayerEvents>> nets_;
  std::unique_ptr<UpdateEvents> updates_;

  DISABLE_COPY_AND_ASSIGN(Trace);
};

}  // namespace tools
}  // namespace caffe

#endif  // CAFFE_TOOLS_CAFFE_TRACE_HPP_
