#include "caffe/trace.hpp"

#include <cstdio>

#include "caffe/net_table.hpp"
#include "caffe/util/layout_count.hpp"

namespace caffe {
namespace tools {

namespace {

/// A JSON string.
string Quoted(const string& text) {
  string quoted = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') quoted += '\\';
    if (static_cast<unsigned char>(c) < 0x20) {
      char code[8];
      std::snprintf(code, sizeof(code), "\\u%04x", c);
      quoted += code;
    } else {
      quoted += c;
    }
  }
  return quoted + "\"";
}

}  // namespace

/// Calls a function with a layer's index.
class Trace::Hook : public Net<float>::Callback {
 public:
  explicit Hook(std::function<void(int)> function) : function_(std::move(function)) {}

 private:
  void run(int layer) override { function_(layer); }

  std::function<void(int)> function_;
};

/// The layers of one net.
class Trace::LayerEvents {
 public:
  LayerEvents(Trace* trace, const string& label, Net<float>* net)
      : trace_(trace),
        label_(label),
        net_(net),
        begin_([this](int) { Begin(); }),
        end_forward_([this](int layer) { End(layer, true); }),
        end_backward_([this](int layer) { End(layer, false); }) {
    net->add_before_forward(&begin_);
    net->add_after_forward(&end_forward_);
    net->add_before_backward(&begin_);
    net->add_after_backward(&end_backward_);
  }

 private:
  void Begin() {
    begin_time_ = trace_->Microseconds();
    reorders_ = LayoutReorders();
  }

  void End(int layer, bool forward) {
    if (forward ? net_->is_fused(layer)
                : net_->is_fused_backward(layer) || !net_->layer_need_backward()[layer]) {
      return;
    }
    const double flops = forward ? ProductFlops(*net_, layer) : BackwardProductFlops(*net_, layer);
    string shapes;
    for (const Blob<float>* top : net_->top_vecs()[layer]) {
      shapes += (shapes.empty() ? "" : ", ") + top->shape_string();
    }
    const double elapsed = std::max(trace_->Microseconds() - begin_time_, 1e-3);
    trace_->Add(
        net_->layer_names()[layer], label_ + (forward ? " forward" : " backward"), begin_time_,
        "{\"type\": " + Quoted(net_->layers()[layer]->type()) + ", \"tops\": " + Quoted(shapes) +
            ", \"GFLOP/s\": " + Fixed(flops / elapsed / 1e3, 1) +
            ", \"reorders\": " + std::to_string(LayoutReorders() - reorders_) + "}");
  }

  Trace* trace_;
  string label_;
  Net<float>* net_;
  double begin_time_ = 0;
  int64_t reorders_ = 0;
  Hook begin_, end_forward_, end_backward_;
};

/// The steps of a solver: from its first pass to the gradients, and from there to the next pass.
class Trace::UpdateEvents : public Solver<float>::Callback {
 public:
  UpdateEvents(Trace* trace, Solver<float>* solver) : trace_(trace), solver_(solver) {}
  /// Ends the update that is under way.
  void Finish() {
    if (!updating_) return;
    trace_->Add("update, display, snapshot", "solver", since_, Iteration());
    updating_ = false;
  }

 protected:
  void on_start() override {
    Finish();
    since_ = trace_->Microseconds();
  }
  void on_gradients_ready() override {
    trace_->Add("gradients", "solver", since_, Iteration());
    iteration_ = solver_->iter();
    since_ = trace_->Microseconds();
    updating_ = true;
  }

 private:
  string Iteration() const {
    return "{\"iteration\": " + std::to_string(updating_ ? iteration_ : solver_->iter()) + "}";
  }

  Trace* trace_;
  Solver<float>* solver_;
  double since_ = 0;
  int iteration_ = 0;
  bool updating_ = false;
};

Trace::Trace(const string& path)
    : file_(path), out_(file_.temp_name()), start_(std::chrono::steady_clock::now()) {
  CHECK(out_) << path << " cannot be written";
  out_ << "{\"displayTimeUnit\": \"ms\", \"traceEvents\": [";
}

Trace::~Trace() = default;

double Trace::Microseconds() const {
  const auto elapsed = std::chrono::steady_clock::now() - start_;
  return std::chrono::duration<double, std::micro>(elapsed).count();
}

void Trace::Add(const string& name, const string& category, double begin, const string& details) {
  out_ << (empty_ ? "\n" : ",\n") << "{\"name\": " << Quoted(name)
       << ", \"cat\": " << Quoted(category) << ", \"ph\": \"X\", \"ts\": " << Fixed(begin, 3)
       << ", \"dur\": " << Fixed(Microseconds() - begin, 3)
       << ", \"pid\": 1, \"tid\": 1, \"args\": " << details << "}";
  empty_ = false;
}

void Trace::Watch(const string& label, Net<float>* net) {
  nets_.push_back(std::make_unique<LayerEvents>(this, label, net));
}

void Trace::Watch(Solver<float>* solver) {
  updates_ = std::make_unique<UpdateEvents>(this, solver);
  solver->add_callback(updates_.get());
  Watch("train", solver->net().get());
  for (const auto& net : solver->test_nets()) Watch("test", net.get());
}

void Trace::Finish() {
  if (updates_) updates_->Finish();
  out_ << "\n]}\n";
  out_.close();
  CHECK(out_) << "the trace could not be written: is the disk full?";
  file_.Commit();
}

}  // namespace tools
}  // namespace caffe
