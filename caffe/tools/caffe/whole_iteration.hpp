#ifndef CAFFE_TOOLS_CAFFE_WHOLE_ITERATION_HPP_
#define CAFFE_TOOLS_CAFFE_WHOLE_ITERATION_HPP_

#include "caffe/solver.hpp"
#include "caffe/util/rng.hpp"

namespace caffe {
namespace tools {

/// Lets a training that an error ends leave a snapshot of its last whole iteration.
///
/// At the beginning of every iteration it notes what the passes change before the update does: the
/// places of the data layers, the random numbers, and the statistics of batch normalisation. The
/// solver must not run any more when this is gone.
class WholeIteration : public Solver<float>::Callback {
 public:
  explicit WholeIteration(Solver<float>* solver);

  /// Called after an error has left Solver::Solve. Takes the solver back to the end of its last
  /// whole iteration and writes a snapshot, unless there is nothing new to keep, or the state is
  /// not to be had: then the log says why. Throws nothing.
  void SnapshotAfterError();

 protected:
  void on_start() override;
  void on_gradients_ready() override;

 private:
  typedef shared_ptr<Blob<float>> Parameter;

  void PutBack();
  /// Why there is no whole iteration to go back to; empty where there is one.
  string Lost() const;

  Solver<float>* solver_;
  /// Where this run began.
  int first_;
  /// The iteration that was begun last, and whether its update has been.
  int begun_ = -1;
  bool updating_ = false;

  // Of the training net.
  vector<Layer<float>*> sources_;
  vector<LayerState> places_;
  vector<Parameter> statistics_, statistics_before_;
  rng_t random_;
  /// A layer between data and loss that keeps something from pass to pass; empty where none does.
  string keeper_;

  DISABLE_COPY_AND_ASSIGN(WholeIteration);
};

}  // namespace tools
}  // namespace caffe

#endif  // CAFFE_TOOLS_CAFFE_WHOLE_ITERATION_HPP_
