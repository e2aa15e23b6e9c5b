#include "caffe/net_table.hpp"

#include <algorithm>
#include <iomanip>

#include "caffe/util/plain_text.hpp"

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

/// Characters of a text in UTF-8: bytes other than those that continue one.
size_t Characters(const string& text) {
  return std::count_if(text.begin(), text.end(), [](char byte) { return (byte & 0xC0) != 0x80; });
}

double CountValues(const vector<Blob<float>*>& blobs) {
  double count = 0;
  for (const Blob<float>* blob : blobs) count += blob->count();
  return count;
}

/// Floating point operations of a layer's Forward: where it multiplies no matrices, one for each
/// value it puts out.
double ForwardFlops(const Net<float>& net, int layer) {
  const double products = ProductFlops(net, layer);
  return products > 0 ? products : CountValues(net.top_vecs()[layer]);
}

}  // namespace

string Fixed(double value, int decimals) {
  PlainText text;
  text << std::fixed << std::setprecision(decimals) << value;
  return text.str();
}

void PrintRows(const vector<vector<string>>& rows, size_t names, std::ostream* out) {
  vector<size_t> widths;
  for (const vector<string>& row : rows) {
    widths.resize(std::max(widths.size(), row.size()));
    for (size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], Characters(row[i]));
  }
  for (const vector<string>& row : rows) {
    for (size_t i = 0; i < row.size(); ++i) {
      // setw counts bytes.
      const size_t bytes = widths[i] + row[i].size() - Characters(row[i]);
      *out << (i < names ? std::left : std::right) << std::setw(static_cast<int>(bytes)) << row[i]
           << (i + 1 < row.size() ? "  " : "\n");
    }
  }
}

double ProductFlops(const Net<float>& net, int index) {
  Layer<float>& layer = *net.layers()[index];
  const string type = layer.type();
  if (layer.blobs().empty()) return 0;
  const Blob<float>& weight = *layer.blobs()[0];
  const double outputs = CountValues(net.top_vecs()[index]);
  if (type == "Convolution") return 2.0 * outputs * weight.count(1);
  if (type == "Deconvolution") return 2.0 * CountValues(net.bottom_vecs()[index]) * weight.count(1);
  if (type == "InnerProduct") {
    return 2.0 * outputs * weight.count() / layer.layer_param().inner_product_param().num_output();
  }
  return 0;
}

double BackwardProductFlops(const Net<float>& net, int index) {
  if (!net.layer_need_backward()[index]) return 0;
  const Layer<float>& layer = *net.layers()[index];
  const auto& bottoms = net.bottom_need_backward()[index];
  int diffs = std::count(bottoms.begin(), bottoms.end(), true) > 0;
  diffs += layer.param_propagate_down(0);
  return ProductFlops(net, index) * diffs;
}

double ForwardValues(const Net<float>& net, int index) {
  const auto &bottoms = net.bottom_vecs()[index], &tops = net.top_vecs()[index];
  if (bottoms.empty()) return 0;
  double written = 0;
  for (const Blob<float>* top : tops) {
    const bool hands_on = std::any_of(bottoms.begin(), bottoms.end(), [&](Blob<float>* bottom) {
      return bottom != top && bottom->data() == top->data();
    });
    if (!hands_on) written += top->count();
  }
  return written == 0 ? 0 : written + CountValues(bottoms);
}

double BackwardValues(const Net<float>& net, int index) {
  if (!net.layer_need_backward()[index]) return 0;
  const auto &bottoms = net.bottom_vecs()[index], &tops = net.top_vecs()[index];
  double written = 0;
  for (size_t i = 0; i < bottoms.size(); ++i) {
    const bool hands_on = std::any_of(tops.begin(), tops.end(), [&](Blob<float>* top) {
      return bottoms[i] != top && bottoms[i]->diff() == top->diff();
    });
    if (net.bottom_need_backward()[index][i] && !hands_on) written += bottoms[i]->count();
  }
  return written == 0 ? 0 : written + CountValues(tops);
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
  const size_t layers = rows.size() - 1;
  *out << "\n"
       << (net.name().empty() ? "the net" : net.name()) << ": " << layers
       << (layers == 1 ? " layer, " : " layers, ") << params << " parameters ("
       << Fixed(params * sizeof(float) / kMiB, 1) << " MiB), tops of "
       << Fixed(values * sizeof(float) / kMiB, 1) << " MiB (training: twice that), "
       << Fixed(flops / 1e9, 2) << " GFLOP per forward pass\n";
}

}  // namespace tools
}  // namespace caffe
