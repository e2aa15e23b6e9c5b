#ifndef CAFFE_SRC_SOLVER_LEARNING_RATE_HPP_
#define CAFFE_SRC_SOLVER_LEARNING_RATE_HPP_

#include "caffe/proto/caffe.pb.h"

namespace caffe {

/// The learning rate of an iteration under the solver's lr_policy.
///
/// `step` is the number of steps done; the policies step and multistep bring it up to date. Throws
/// Error where the policy is unknown or a field it needs is missing or makes no sense.
double LearningRate(const SolverParameter& param, int iter, int* step);

}  // namespace caffe

#endif  // CAFFE_SRC_SOLVER_LEARNING_RATE_HPP_
