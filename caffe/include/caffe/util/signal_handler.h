#ifndef CAFFE_UTIL_SIGNAL_HANDLER_H_
#define CAFFE_UTIL_SIGNAL_HANDLER_H_

#include "caffe/solver.hpp"

namespace caffe {

/// Turns SIGINT (Ctrl-C) and SIGHUP (the terminal went away) into requests to a solver, from its
/// construction to its destruction. One at a time can exist.
///
/// A second SIGINT while a stop is pending ends the process at once, as it would without handler;
/// one within a second of the first is taken for the same.
class SignalHandler {
 public:
  SignalHandler(SolverAction::Enum SIGINT_action, SolverAction::Enum SIGHUP_action);
  ~SignalHandler();

  /// What to give to Solver::SetActionFunction. Each signal is reported once.
  ActionCallback GetActionFunction();

 private:
  SolverAction::Enum CheckForSignals() const;

  SolverAction::Enum SIGINT_action_;
  SolverAction::Enum SIGHUP_action_;

  DISABLE_COPY_AND_ASSIGN(SignalHandler);
};

}  // namespace caffe

#endif  // CAFFE_UTIL_SIGNAL_HANDLER_H_
