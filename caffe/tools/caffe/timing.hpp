#ifndef CAFFE_TOOLS_CAFFE_TIMING_HPP_
#define CAFFE_TOOLS_CAFFE_TIMING_HPP_

#include <cstdint>
#include <ostream>
#include <vector>

#include "caffe/net.hpp"

namespace caffe {
namespace tools {

/// What passes of a net took, summed over the iterations: milliseconds, and blobs that had to be
/// brought into another layout.
struct LayerTimes {
  vector<double> forward, backward;
  vector<int64_t> reorders;
  double forward_pass = 0, backward_pass = 0, total = 0;
};

/// Runs forward and backward passes layer by layer, and logs the time of each iteration.
LayerTimes TimeLayers(int iterations, Net<float>* net);

/// Prints for each layer the means of its times, the rate they amount to, this as a share of what
/// is reached here at most, and the layout changes of an iteration. Layers that multiply matrices
/// are measured by a large product in their precision, the others by a copy of large memory.
void PrintTimeTable(const Net<float>& net, const LayerTimes& times, int iterations,
                    std::ostream* out);

}  // namespace tools
}  // namespace caffe

#endif  // CAFFE_TOOLS_CAFFE_TIMING_HPP_
