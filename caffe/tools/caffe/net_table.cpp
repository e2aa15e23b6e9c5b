#include "caffe/net_table.hpp"

#include <iomanip>

namespace caffe {
namespace tools {

namespace {

const double kMiB = 1024.0 * 1024.0;

string ShapeText(const Blob<float>& blob) {
  string text;
  for (const int dim : blob.shape()) text += (text.empty() ? "" : " x ") + std::to_string(dim);
  return text.empty() ? "1" : text;
}

int64_t ParamCount(const Layer<float>& layer) {
  int64_t count = 0;
  for (const auto& blob : const_cast<Layer<float>&>(layer).blobs()) count += blob->count();
  return count;
}

/// Values of the tops that are not computed in place of a bottom.
int64_t NewValues(const Net<float>& net, int layer) {
  int64_t count = 0;
  const auto& bottoms = net.bottom_vecs()[layer];
  for (Blob<float>* top : net.top_vecs()[layer]) {
    if (std::find(bottoms.begin(), bottoms.end(), top) == bottoms.end()) count += top->count();
  }
  return count;
}

}  // namespace

string Fixed(double value, int decimals) {
  std::ostringstream text;
  text << std::fixed << std::setprecision(decimals) << value;
  return text.str();
}

void PrintRows(const vector<vector<string>>& rows, size_t names, std::ostream* out) {
  vector<size_t> widths;
  for (const vector<string>& row : rows) {
    widths.resize(std::max(widths.size(), row.size()));
    for (size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  }
  for (const vector<string>& row : rows) {
    for (size_t i = 0; i < row.size(); ++i) {
      *out << (i < names ? std::left : std::right) << std::setw(widths[i]) << row[i]
           << (i + 1 < row.size() ? "  " : "\n");
    }
  }
}

double ForwardFlops(const Net<float>& net, int index) {
  Layer<float>& layer = *net.layers()[index];
  const string type = layer.type();
  const auto& tops = net.top_vecs()[index];
  const auto& bottoms = net.bottom_vecs()[index];
  double values = 0;
  for (const Blob<float>* top : tops) values += top->count();
  if (layer.blobs().empty() || bottoms.empty()) return values;
  const Blob<float>& weight = *layer.blobs()[0];
  if (type == "Convolution") return 2.0 * values * weight.count(1);
  if (type == "Deconvolution") {
    double inputs = 0;
    for (const Blob<float>* bottom : bottoms) inputs += bottom->count();
    return 2.0 * inputs * weight.count(1);
  }
  if (type == "InnerProduct") {
    const int outputs = layer.layer_param().inner_product_param().num_output();
    return 2.0 * values * weight.count() / outputs;
  }
  return values;
}

double BackwardFlops(const Net<float>& net, int index) {
  if (!net.layer_need_backward()[index]) return 0;
  const Layer<float>& layer = *net.layers()[index];
  const auto& bottoms = net.bottom_need_backward()[index];
  int diffs = std::count(bottoms.begin(), bottoms.end(), true) > 0;
  diffs += layer.param_propagate_down(0);
  return ForwardFlops(net, index) * diffs;
}

void PrintNetTable(const Net<float>& net, std::ostream* out) {
  vector<vector<string>> rows = {{"layer", "type", "tops", "parameters", "MiB", "MFLOP"}};
  int64_t params = 0, values = 0;
  double flops = 0;
  for (size_t i = 0; i < net.layers().size(); ++i) {
    const Layer<float>& layer = *net.layers()[i];
    if (string(layer.type()) == "Split") continue;
    const int index = static_cast<int>(i);
    string tops;
    for (const Blob<float>* top : net.top_vecs()[i]) {
      tops += (tops.empty() ? "" : ", ") + ShapeText(*top);
    }
    const int64_t layer_values = NewValues(net, index);
    const double layer_flops = ForwardFlops(net, index);
    rows.push_back({net.layer_names()[i], layer.type(), tops, std::to_string(ParamCount(layer)),
                    Fixed(layer_values * sizeof(float) / kMiB, 2), Fixed(layer_flops / 1e6, 1)});
    values += layer_values;
    flops += layer_flops;
  }
  for (const Blob<float>* param : net.learnable_params()) params += param->count();
  PrintRows(rows, 3, out);
  *out << "\n"
       << net.name() << ": " << rows.size() - 1 << " layers, " << params << " parameters ("
       << Fixed(params * sizeof(float) / kMiB, 1) << " MiB), tops of "
       << Fixed(values * sizeof(float) / kMiB, 1) << " MiB (training: twice that), "
       << Fixed(flops / 1e9, 2) << " GFLOP per forward pass\n";
}

}  // namespace tools
}  // namespace caffe
