#ifndef CAFFE_SRC_SOLVER_KEEP_RANDOM_STATE_HPP_
#define CAFFE_SRC_SOLVER_KEEP_RANDOM_STATE_HPP_

#include "caffe/util/rng.hpp"

namespace caffe {

/// Gives the thread's random numbers back the state they had when this was made: what test nets
/// draw must not change the training.
class KeepRandomState {
 public:
  KeepRandomState() : state_(*caffe_rng()) {}
  ~KeepRandomState() { *caffe_rng() = state_; }

 private:
  rng_t state_;

  DISABLE_COPY_AND_ASSIGN(KeepRandomState);
};

}  // namespace caffe

#endif  // CAFFE_SRC_SOLVER_KEEP_RANDOM_STATE_HPP_
