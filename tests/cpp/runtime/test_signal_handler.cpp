// Signals as requests to a solver.

#include <csignal>

#include <gtest/gtest.h>

#include "caffe/util/signal_handler.h"

namespace caffe {

namespace {

int caught = 0;
void Catch(int) { ++caught; }

}  // namespace

TEST(SignalHandler, ReportsEachSignalOnceAndThenLeavesItToWhoHadIt) {
  const auto before = std::signal(SIGINT, Catch);
  caught = 0;
  {
    SignalHandler handler(SolverAction::SNAPSHOT, SolverAction::NONE);
    const ActionCallback asked = handler.GetActionFunction();
    EXPECT_EQ(asked(), SolverAction::NONE);
    std::raise(SIGINT);
    EXPECT_EQ(asked(), SolverAction::SNAPSHOT);
    EXPECT_EQ(asked(), SolverAction::NONE);
    EXPECT_EQ(caught, 0);
  }
  std::raise(SIGINT);
  EXPECT_EQ(caught, 1);
  std::signal(SIGINT, before);
}

}  // namespace caffe
