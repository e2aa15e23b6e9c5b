#include "caffe/timing.hpp"

#include "caffe/net_table.hpp"
#include "caffe/util/benchmark.hpp"
#include "caffe/util/layout_count.hpp"
#include "caffe/util/math_functions.hpp"

namespace caffe {
namespace tools {

namespace {

/// GFLOP/s of a product of matrices that are large enough to keep all units busy, where the net is
/// computed.
double MatrixProductRate() {
  const bool gpu = Caffe::mode() == Caffe::GPU;
  const int n = gpu ? 4096 : 512;
  Blob<float> a({n, n}), b({n, n}), c({n, n});
  double best = 0;
  for (int run = 0; run < 4; ++run) {
    Timer timer;
    timer.Start();
    if (gpu) {
#ifndef CPU_ONLY
      caffe_gpu_gemm<float>(CblasNoTrans, CblasNoTrans, n, n, n, 1, a.gpu_data(), b.gpu_data(), 0,
                            c.mutable_gpu_data());
#endif
    } else {
      caffe_cpu_gemm<float>(CblasNoTrans, CblasNoTrans, n, n, n, 1, a.cpu_data(), b.cpu_data(), 0,
                            c.mutable_cpu_data());
    }
    best = std::max(best, 2.0 * n * n * n / (timer.MicroSeconds() * 1e3));
  }
  return best;
}

/// E.g. {"12.3", "350", "88 %"}; blanks where there is nothing to do.
void AppendRate(double flops, double milliseconds, double peak, vector<string>* row) {
  row->push_back(Fixed(milliseconds, 2));
  const bool known = flops > 0 && milliseconds > 0;
  const double rate = known ? flops / (milliseconds * 1e6) : 0;
  row->push_back(known ? Fixed(rate, rate < 10 ? 1 : 0) : "");
  row->push_back(known ? Fixed(100 * rate / peak, 0) + " %" : "");
}

}  // namespace

LayerTimes TimeLayers(int iterations, Net<float>* net) {
  const int layers = static_cast<int>(net->layers().size());
  LayerTimes times{vector<double>(layers), vector<double>(layers), vector<int64_t>(layers)};
  Timer pass, single, all, iteration;
  const auto run = [&](int layer, vector<double>* sums, void (*step)(int, Net<float>*)) {
    const int64_t reorders = LayoutReorders();
    single.Start();
    step(layer, net);
    (*sums)[layer] += single.MicroSeconds() / 1000;
    times.reorders[layer] += LayoutReorders() - reorders;
  };
  all.Start();
  for (int k = 0; k < iterations; ++k) {
    net->ClearParamDiffs();
    iteration.Start();
    pass.Start();
    for (int i = 0; i < layers; ++i) {
      run(i, &times.forward, [](int layer, Net<float>* of) { of->ForwardFromTo(layer, layer); });
    }
    times.forward_pass += pass.MicroSeconds() / 1000;
    pass.Start();
    for (int i = layers - 1; i >= 0; --i) {
      run(i, &times.backward, [](int layer, Net<float>* of) { of->BackwardFromTo(layer, layer); });
    }
    times.backward_pass += pass.MicroSeconds() / 1000;
    LOG(INFO) << "Iteration: " << k + 1 << " forward-backward time: " << iteration.MilliSeconds()
              << " ms.";
  }
  times.total = all.MilliSeconds();
  return times;
}

void PrintTimeTable(const Net<float>& net, const LayerTimes& times, int iterations,
                    std::ostream* out) {
  const double peak = MatrixProductRate();
  vector<vector<string>> rows = {{"layer", "type", "forward ms", "GFLOP/s", "of peak",
                                  "backward ms", "GFLOP/s", "of peak", "reorders"}};
  for (size_t i = 0; i < net.layers().size(); ++i) {
    const int layer = static_cast<int>(i);
    vector<string> row = {net.layer_names()[i], net.layers()[i]->type()};
    if (net.is_absorbed(layer)) {
      row.insert(row.end(), {"(computed by the layer before)", "", ""});
    } else {
      AppendRate(ForwardFlops(net, layer), times.forward[i] / iterations, peak, &row);
    }
    if (!net.is_absorbed_backward(layer)) {
      AppendRate(BackwardFlops(net, layer), times.backward[i] / iterations, peak, &row);
      row.push_back(Fixed(double(times.reorders[i]) / iterations, 0));
    }
    rows.push_back(row);
  }
  PrintRows(rows, 2, out);
  *out << "peak: " << Fixed(peak, 0) << " GFLOP/s, a matrix product of floats\n";
}

}  // namespace tools
}  // namespace caffe
