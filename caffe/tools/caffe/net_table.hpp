#ifndef CAFFE_TOOLS_CAFFE_NET_TABLE_HPP_
#define CAFFE_TOOLS_CAFFE_NET_TABLE_HPP_

#include <ostream>
#include <string>
#include <vector>

#include "caffe/net.hpp"

namespace caffe {
namespace tools {

/// Floating point operations of a layer's Forward, two for each multiply-add of a convolution or a
/// matrix product; 0 for layers that are neither.
double ProductFlops(const Net<float>& net, int layer);

/// The same of a layer's Backward: as many again for each of the diffs of bottoms and of weights
/// that it computes.
double BackwardProductFlops(const Net<float>& net, int layer);

/// How many values of its bottoms and tops a layer's Forward reads and writes at least: each once.
/// 0 where that says nothing: for layers without bottoms, and those that hand on what they get.
double ForwardValues(const Net<float>& net, int layer);

/// The same of the diffs in a layer's Backward.
double BackwardValues(const Net<float>& net, int layer);

/// Prints rows of cells below each other: the first `names` columns aligned to the left, numbers to
/// the right.
void PrintRows(const vector<vector<string>>& rows, size_t names, std::ostream* out);

/// A number with that many decimals.
string Fixed(double value, int decimals);

/// Prints the layers of a net with their types, top shapes, parameters, memory of the tops and
/// operations, then the totals. Nothing is run; Split layers, which the net adds, are left out.
void PrintNetTable(const Net<float>& net, std::ostream* out);

}  // namespace tools
}  // namespace caffe

#endif  // CAFFE_TOOLS_CAFFE_NET_TABLE_HPP_
