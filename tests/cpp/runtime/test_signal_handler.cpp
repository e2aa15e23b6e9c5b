// Signals as requests to a solver.

#include <chrono>
#include <csignal>
#include <thread>

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

// `timeout` and the death of a parent with threads signal twice.
TEST(SignalHandler, TakesSignalsOfOneMomentForOneWish) {
  SignalHandler handler(SolverAction::STOP, SolverAction::NONE);
  std::raise(SIGINT);
  std::raise(SIGINT);
  EXPECT_EQ(handler.GetActionFunction()(), SolverAction::STOP);
}

TEST(SignalHandler, EndsTheProcessAtALaterSignalThatFindsAStopPending) {
  const auto interrupted_later = [] {
    SignalHandler handler(SolverAction::STOP, SolverAction::NONE);
    std::raise(SIGINT);
    std::this_thread::sleep_for(std::chrono::milliseconds(1001));
    std::raise(SIGINT);
  };
  EXPECT_EXIT(interrupted_later(), testing::KilledBySignal(SIGINT), "");
}

}  // namespace caffe
