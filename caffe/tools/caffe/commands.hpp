#ifndef CAFFE_TOOLS_CAFFE_COMMANDS_HPP_
#define CAFFE_TOOLS_CAFFE_COMMANDS_HPP_

#include "caffe/options.hpp"

namespace caffe {
namespace tools {

// What `caffe train`, `test`, `time` and `check` do. They log, and throw Error.

/// Trains the net of --solver, from scratch, --weights or a --snapshot.
void Train(const Options& options);
/// Averages the outputs of --model over --iterations batches.
void Test(const Options& options);
/// Logs and prints how long each layer of --model takes.
void Time(const Options& options);
/// Prints a table of the layers of --model, which does not run.
void Check(const Options& options);

}  // namespace tools
}  // namespace caffe

#endif  // CAFFE_TOOLS_CAFFE_COMMANDS_HPP_
