// The settings of a thread, its random numbers, other threads and timers, as outside code uses
// them.

#include "caffe/caffe.hpp"
#include "caffe/internal_thread.hpp"
#include "caffe/util/benchmark.hpp"
#include "caffe/util/math_functions.hpp"
#include "caffe/util/rng.hpp"
#include "foreign.hpp"

namespace caffe {

TEST(CaffeSettings, AreOfTheThread) {
  EXPECT_EQ(&Caffe::Get(), &Caffe::Get());
  Caffe::set_mode(Caffe::CPU);
  EXPECT_EQ(Caffe::CPU, Caffe::mode());
  EXPECT_TRUE(Caffe::root_solver());
  EXPECT_EQ(1, Caffe::solver_count());
  EXPECT_EQ(0, Caffe::solver_rank());
  EXPECT_FALSE(Caffe::multiprocess());
#ifdef CPU_ONLY
  EXPECT_EQ(-1, Caffe::FindDevice());
  EXPECT_FALSE(Caffe::CheckDevice(0));
#endif
}

TEST(CaffeSettings, OneSeedGivesOneSequence) {
  SyncedMemory a(10 * sizeof(int)), b(10 * sizeof(int));
  Caffe::set_random_seed(1701);
  caffe_rng_bernoulli(10, 0.5, static_cast<int*>(a.mutable_cpu_data()));
  Caffe::set_random_seed(1701);
  caffe_rng_bernoulli(10, 0.5, static_cast<int*>(b.mutable_cpu_data()));
  for (int i = 0; i < 10; ++i) {
    EXPECT_EQ(static_cast<const int*>(a.cpu_data())[i], static_cast<const int*>(b.cpu_data())[i]);
  }
  // The generator is the 32-bit Mersenne twister, whose first number for seed 5489 is known.
  Caffe::set_random_seed(5489);
  EXPECT_EQ(3499211612u, caffe_rng_rand());
}

class NumberThread : public InternalThread {
 public:
  unsigned int number;

 private:
  virtual void InternalThreadEntry() { number = caffe_rng_rand(); }
};

TEST(InternalThreads, AreSeededByTheThreadThatStartsThem) {
  rng_t parent(42);
  rng_t child(parent());
  NumberThread thread;
  Caffe::set_random_seed(42);
  EXPECT_FALSE(thread.is_started());
  thread.StartInternalThread();
  EXPECT_TRUE(thread.is_started());
  thread.StopInternalThread();
  EXPECT_FALSE(thread.is_started());
  EXPECT_EQ(child(), thread.number);
}

TEST(Timers, TellTheirState) {
  Timer timer;
  EXPECT_TRUE(timer.initted());
  EXPECT_FALSE(timer.running());
  EXPECT_FALSE(timer.has_run_at_least_once());
  timer.Start();
  EXPECT_TRUE(timer.running());
  EXPECT_TRUE(timer.has_run_at_least_once());
  EXPECT_GE(timer.MicroSeconds(), 0);
  EXPECT_FALSE(timer.running());
  EXPECT_TRUE(timer.has_run_at_least_once());
  CPUTimer cpu;
  cpu.Start();
  cpu.Stop();
  EXPECT_GE(cpu.MilliSeconds(), 0);
}

}  // namespace caffe
