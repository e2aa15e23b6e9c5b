#ifndef CAFFE_SRC_SOLVER_PARAM_FILE_HPP_
#define CAFFE_SRC_SOLVER_PARAM_FILE_HPP_

#include <string>

#include "caffe/solver.hpp"

namespace caffe {

/// What is wrong with a solver's parameters, before it is known which file they are from.
class SolverParameterError : public Error {
 public:
  using Error::Error;
};

template <typename Dtype>
template <typename Action>
auto Solver<Dtype>::InParamFile(const Action& action) const -> decltype(action()) {
  try {
    return action();
  } catch (const Error& error) {
    if (param_file_.empty()) throw SolverParameterError(error.what());
    throw Error(param_file_ + ": " + error.what());
  }
}

}  // namespace caffe

#endif  // CAFFE_SRC_SOLVER_PARAM_FILE_HPP_
