#ifndef TESTS_RUNTIME_THREAD_COMMUNICATOR_HPP_
#define TESTS_RUNTIME_THREAD_COMMUNICATOR_HPP_

#include <condition_variable>
#include <memory>
#include <mutex>
#include <vector>

#include "parallel/communicator.hpp"

namespace caffe_test {

// Where threads that stand for GPUs wait for each other.
class Meeting {
 public:
  explicit Meeting(int size) : size_(size), posted_(size) {}
  int size() const { return size_; }

  // Waits until every rank has come with its pointers; the last to come combines them all.
  template <typename Combine>
  void Meet(int rank, const std::vector<void*>& mine, const Combine& combine) {
    std::unique_lock<std::mutex> lock(mutex_);
    CHECK(!aborted_) << "the others have ended";
    posted_[rank] = mine;
    const int round = round_;
    if (++arrived_ == size_) {
      combine(posted_);
      arrived_ = 0;
      ++round_;
      all_here_.notify_all();
      return;
    }
    all_here_.wait(lock, [&] { return round_ != round || aborted_; });
    CHECK_NE(round_, round) << ": the others have ended";
  }

  void Abort() {
    std::lock_guard<std::mutex> lock(mutex_);
    aborted_ = true;
    all_here_.notify_all();
  }

 private:
  const int size_;
  std::mutex mutex_;
  std::condition_variable all_here_;
  std::vector<std::vector<void*>> posted_;
  int arrived_ = 0;
  int round_ = 0;
  bool aborted_ = false;
};

// Ranks that are threads of one process and compute on the CPU. Averages at once, so that a
// gradient that is sent before it is complete shows.
template <typename Dtype>
class ThreadCommunicator : public caffe::Communicator<Dtype> {
 public:
  ThreadCommunicator(std::shared_ptr<Meeting> meeting, int rank)
      : meeting_(std::move(meeting)), rank_(rank) {}

  int rank() const override { return rank_; }
  int size() const override { return meeting_->size(); }
  void Join() override {
    Meet({}, [](const auto&) {});
  }
  void Finish() override {}
  void Wait() override {}
  void Leave() override {}
  void Abort() override { meeting_->Abort(); }

  void Broadcast(caffe::SyncedMemory* memory) override {
    Meet({memory->mutable_cpu_data()}, [&](const std::vector<std::vector<void*>>& of) {
      for (const auto& to : of) {
        if (to[0] != of[0][0]) std::memcpy(to[0], of[0][0], memory->size());
      }
    });
  }

  void AverageDiffs(const std::vector<caffe::Blob<Dtype>*>& blobs) override {
    std::vector<void*> diffs;
    for (caffe::Blob<Dtype>* blob : blobs) diffs.push_back(blob->mutable_cpu_diff());
    Meet(diffs, [&](const std::vector<std::vector<void*>>& of) {
      for (size_t b = 0; b < blobs.size(); ++b) {
        for (int i = 0; i < blobs[b]->count(); ++i) {
          Dtype sum = 0;
          for (const auto& rank : of) sum += static_cast<Dtype*>(rank.at(b))[i];
          for (const auto& rank : of) static_cast<Dtype*>(rank[b])[i] = sum / size();
        }
      }
    });
  }

 private:
  template <typename Combine>
  void Meet(const std::vector<void*>& mine, const Combine& combine) {
    meeting_->Meet(rank_, mine, combine);
  }

  std::shared_ptr<Meeting> meeting_;
  int rank_;
};

}  // namespace caffe_test

#endif  // TESTS_RUNTIME_THREAD_COMMUNICATOR_HPP_
