#include "caffe/timing.hpp"

#include <cmath>
#include <map>

#include "caffe/net_table.hpp"
#include "caffe/util/benchmark.hpp"
#include "caffe/util/layout_count.hpp"
#include "caffe/util/peak_rates.hpp"

namespace caffe {
namespace tools {

namespace {

/// Shorter times are those of the clock.
const double kShortestMilliseconds = 1e-3;

/// What layers are measured by.
class Peaks {
 public:
  /// In a precision, which is measured where it is asked for first.
  double gflops(Precision precision) {
    const auto known = gflops_.find(precision);
    if (known != gflops_.end()) return known->second;
    return gflops_[precision] = MatrixProductRate(precision);
  }
  double gigabytes() const { return gigabytes_; }

  /// A rate as a share of a peak, e.g. "88 %".
  string Share(double rate, double peak) {
    const double percent = std::round(100 * rate / peak);
    exceeded_ = exceeded_ || percent > 100;
    return Fixed(percent, 0) + " %";
  }

  void Print(std::ostream* out) const {
    *out << "peak: ";
    for (const auto& of : gflops_) {
      *out << Fixed(of.second, 0) << " GFLOP/s, a matrix product in " << Precision_Name(of.first)
           << "; ";
    }
    *out << Fixed(gigabytes_, 0) << " GB/s, a copy of large memory"
         << (exceeded_
                 ? "; above 100 %: Winograd convolutions, which multiply less than is counted, "
                   "and blobs that stay in the caches"
                 : "")
         << "\n";
  }

 private:
  std::map<Precision, double> gflops_;
  double gigabytes_ = CopyRate();
  bool exceeded_ = false;
};

/// Cells of a pass of a layer, e.g. {"12.30", "350 GFLOP/s", "88 %"}; blanks where there is nothing
/// to do, or no time to tell.
vector<string> PassCells(double flops, double values, Precision precision, double milliseconds,
                         Peaks* peaks) {
  const string time = Fixed(milliseconds, 2);
  if (flops + values == 0 || milliseconds < kShortestMilliseconds) return {time, "", ""};
  const bool multiplies = flops > 0;
  const double billions = (multiplies ? flops : values * BytesOfValue(precision)) / 1e9;
  const double rate = billions / (milliseconds / 1e3);
  const double peak = multiplies ? peaks->gflops(precision) : peaks->gigabytes();
  return {time, Fixed(rate, rate < 10 ? 1 : 0) + (multiplies ? " GFLOP/s" : "    GB/s"),
          peaks->Share(rate, peak)};
}

void Append(const vector<string>& cells, vector<string>* row) {
  row->insert(row->end(), cells.begin(), cells.end());
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
  Peaks peaks;
  vector<vector<string>> rows = {{"layer", "type", "forward ms", "rate", "of peak", "backward ms",
                                  "rate", "of peak", "reorders"}};
  for (size_t i = 0; i < net.layers().size(); ++i) {
    const int layer = static_cast<int>(i);
    const Precision precision = net.layers()[i]->layer_param().precision();
    vector<string> row = {net.layer_names()[i], net.layers()[i]->type()};
    if (net.is_fused(layer)) {
      Append({"(computed by the layer before)", "", ""}, &row);
    } else {
      Append(PassCells(ProductFlops(net, layer), ForwardValues(net, layer), precision,
                       times.forward[i] / iterations, &peaks),
             &row);
    }
    if (!net.is_fused_backward(layer)) {
      Append(PassCells(BackwardProductFlops(net, layer), BackwardValues(net, layer), precision,
                       times.backward[i] / iterations, &peaks),
             &row);
      row.push_back(Fixed(double(times.reorders[i]) / iterations, 0));
    }
    rows.push_back(row);
  }
  PrintRows(rows, 2, out);
  peaks.Print(out);
}

}  // namespace tools
}  // namespace caffe
