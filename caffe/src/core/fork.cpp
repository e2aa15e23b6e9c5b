// Processes that fork after nets have run, as Python's multiprocessing does, or while they run.

#include "core/fork.hpp"

#include <vector>

#include <pthread.h>
#ifdef _OPENMP
#include <omp.h>
#endif

namespace caffe {

namespace {

struct Held {
  std::mutex mutex;  // guards the lists
  std::vector<std::mutex*> outer, inner;
};

Held& TheHeld() {
  static auto* held = new Held();
  return *held;
}

void Lock() {
  Held& held = TheHeld();
  held.mutex.lock();
  for (std::mutex* mutex : held.outer) mutex->lock();
  for (std::mutex* mutex : held.inner) mutex->lock();
}

// In the parent and in the child.
void Unlock() {
  Held& held = TheHeld();
  for (std::mutex* mutex : held.inner) mutex->unlock();
  for (std::mutex* mutex : held.outer) mutex->unlock();
  held.mutex.unlock();
}

// GNU's OpenMP keeps threads for the next loop. A forked process has none of them, but would wait
// for them forever; without them it starts its own.
void EndIdleThreads() {
#if defined(_OPENMP) && defined(__GNUC__) && !defined(__clang__) && __GNUC__ >= 9
  omp_pause_resource_all(omp_pause_soft);
#endif
}

void BeforeFork() {
  EndIdleThreads();
  Lock();
}

const int registered = pthread_atfork(&BeforeFork, &Unlock, &Unlock);

}  // namespace

void HoldWhileForking(std::mutex* mutex, MutexLevel level) {
  Held& held = TheHeld();
  const std::lock_guard<std::mutex> lock(held.mutex);
  (level == MutexLevel::kOuter ? held.outer : held.inner).push_back(mutex);
}

}  // namespace caffe
