#include "caffe/util/signal_handler.h"

#include <atomic>
#include <csignal>
#include <cstdint>
#include <ctime>

namespace caffe {

namespace {

// Set by the signal handler, which only lock-free atomics are safe in.
std::atomic<bool> got_sigint(false), got_sighup(false), second_sigint_ends(false);
std::atomic<int64_t> first_sigint(0);  // the time of it
static_assert(std::atomic<bool>::is_always_lock_free && std::atomic<int64_t>::is_always_lock_free,
              "a signal handler must not wait");
bool installed = false;
// What was done on these signals before.
struct sigaction before_sigint, before_sighup;

constexpr int64_t kSecond = 1000000000;  // in nanoseconds
// After this time another SIGINT is a wish of its own. What comes sooner is the same wish:
// `timeout` signals to a process and to its group, and Linux, which signals at a parent's death,
// may do so once for each of the parent's threads.
constexpr int64_t kImpatience = kSecond;

int64_t Now() {
  timespec now = {};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * kSecond + now.tv_nsec;
}

void OnSignal(int signal) {
  if (signal == SIGHUP) {
    got_sighup = true;
    return;
  }
  const int64_t now = Now();
  if (!got_sigint) first_sigint = now;
  if (second_sigint_ends && now - first_sigint >= kImpatience) {
    std::signal(SIGINT, SIG_DFL);
    std::raise(SIGINT);
  }
  got_sigint = true;
}

void Handle(int signal, struct sigaction* before) {
  struct sigaction action = {};
  action.sa_handler = OnSignal;
  // Reads of data files go on after the signal instead of failing.
  action.sa_flags = SA_RESTART;
  sigfillset(&action.sa_mask);
  CHECK_EQ(sigaction(signal, &action, before), 0) << ": cannot handle signal " << signal;
}

}  // namespace

SignalHandler::SignalHandler(SolverAction::Enum SIGINT_action, SolverAction::Enum SIGHUP_action)
    : SIGINT_action_(SIGINT_action), SIGHUP_action_(SIGHUP_action) {
  CHECK(!installed) << "only one SignalHandler can exist at a time";
  got_sigint = got_sighup = false;
  second_sigint_ends = SIGINT_action == SolverAction::STOP;
  Handle(SIGINT, &before_sigint);
  Handle(SIGHUP, &before_sighup);
  installed = true;
}

SignalHandler::~SignalHandler() {
  sigaction(SIGINT, &before_sigint, nullptr);
  sigaction(SIGHUP, &before_sighup, nullptr);
  installed = false;
}

SolverAction::Enum SignalHandler::CheckForSignals() const {
  // Read and cleared in one, so that none that comes in between is lost.
  const bool hung_up = got_sighup.exchange(false), interrupted = got_sigint.exchange(false);
  SolverAction::Enum request = SolverAction::NONE;
  if (hung_up) request = SIGHUP_action_;
  // A stop outranks the rest: it takes a snapshot anyway.
  if (interrupted && SIGINT_action_ != SolverAction::NONE && request != SolverAction::STOP) {
    request = SIGINT_action_;
  }
  return request;
}

ActionCallback SignalHandler::GetActionFunction() {
  return [this] { return CheckForSignals(); };
}

}  // namespace caffe
