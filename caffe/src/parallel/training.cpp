#include "parallel/training.hpp"

#include <exception>
#include <mutex>

#include "caffe/util/math_functions.hpp"
#include "util/start_thread.hpp"

namespace caffe {

namespace {

/// Those who train together, so that the end of one is the end of all.
template <typename Dtype>
class Crew {
 public:
  void Add(const shared_ptr<Communicator<Dtype>>& communicator) {
    std::lock_guard<std::mutex> lock(mutex_);
    CHECK(!ended_) << "the training on the other devices has ended";
    communicators_.push_back(communicator);
  }

  /// Wakes everybody who waits for another. `error`, where it is one and the first, is the reason.
  void End(std::exception_ptr error) {
    std::lock_guard<std::mutex> lock(mutex_);
    if (ended_) return;
    ended_ = true;
    error_ = error;
    for (const auto& communicator : communicators_) communicator->Abort();
  }

  void Rethrow() const {
    if (error_) std::rethrow_exception(error_);
  }

 private:
  std::mutex mutex_;
  vector<shared_ptr<Communicator<Dtype>>> communicators_;
  bool ended_ = false;
  std::exception_ptr error_;
};

template <typename Dtype>
void SolveInStep(Solver<Dtype>* solver, const shared_ptr<Communicator<Dtype>>& communicator,
                 size_t bucket_bytes, Crew<Dtype>* crew) {
  crew->Add(communicator);
  communicator->Join();
  GradientSync<Dtype> sync(solver, communicator.get(), bucket_bytes);
  sync.Broadcast();
  sync.Attach();
  solver->Solve();
  communicator->Wait();
  // One that stops before its time leaves the others in an iteration which it takes no part in.
  if (solver->iter() >= solver->param().max_iter()) {
    communicator->Leave();
  } else {
    crew->End(nullptr);
  }
}

/// A rank above 0, from its solver's making to its end.
template <typename Dtype>
void RunWorker(const SolverParameter& param, const string& file, int rank,
               const Ranks<Dtype>& ranks, const string& restore, Crew<Dtype>* crew) {
  Caffe::set_solver_count(ranks.count);
  Caffe::set_solver_rank(rank);
  ranks.enter(rank);
  const std::unique_ptr<Solver<Dtype>> solver(SolverRegistry<Dtype>::CreateSolver(param, file));
  if (!restore.empty()) {
    solver->Restore(restore.c_str());
    // The state's generator is rank 0's.
    Caffe::set_random_seed(caffe_rng_rand() + rank);
  }
  SolveInStep(solver.get(), ranks.communicator(rank), ranks.bucket_bytes, crew);
}

}  // namespace

template <typename Dtype>
void TrainInParallel(const shared_ptr<Solver<Dtype>>& root, const Ranks<Dtype>& ranks,
                     const char* restore) {
  CHECK_EQ(Caffe::solver_count(), ranks.count)
      << ": the root solver's data layers would not read their share";
  Crew<Dtype> crew;
  vector<std::thread> threads;
  const auto work = [&, mode = Caffe::mode(), file = string(restore ? restore : "")](int rank) {
    try {
      Caffe::set_mode(mode);
      RunWorker(root->param(), root->param_file(), rank, ranks, file, &crew);
    } catch (...) {
      crew.End(std::current_exception());
    }
  };
  try {
    for (int rank = 1; rank < ranks.count; ++rank) {
      threads.push_back(StartThread([&work, rank] { work(rank); }));
    }
    SolveInStep(root.get(), ranks.communicator(0), ranks.bucket_bytes, &crew);
  } catch (...) {
    crew.End(std::current_exception());
  }
  for (std::thread& thread : threads) thread.join();
  crew.Rethrow();
}

template void TrainInParallel(const shared_ptr<Solver<float>>&, const Ranks<float>&, const char*);
template void TrainInParallel(const shared_ptr<Solver<double>>&, const Ranks<double>&, const char*);

}  // namespace caffe
