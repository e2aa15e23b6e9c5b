// Solvers that train together: as one with all their batches, and ending together.

#include <opencv2/imgcodecs.hpp>
#include <pthread.h>

#include "caffe/parallel.hpp"
#include "caffe/sgd_solvers.hpp"
#include "caffe/util/io.hpp"
#include "caffe/util/math_functions.hpp"
#include "parallel/training.hpp"
#include "runtime/files.hpp"
#include "runtime/thread_communicator.hpp"

namespace caffe {
namespace {

using caffe_test::Meeting;
using caffe_test::TemporaryFolder;
using caffe_test::ThreadCommunicator;
typedef vector<double> Values;
typedef shared_ptr<Solver<double>> SolverPtr;

const int kImages = 6;

// A shuffled list of images; layers with one parameter in common, and one that does not learn.
class ParallelTraining : public ::testing::Test {
 protected:
  void SetUp() override {
    string list;
    for (int i = 0; i < kImages; ++i) {
      const string name = std::to_string(i) + ".png";
      cv::Mat image(6, 6, CV_8UC3);
      for (int k = 0; k < 6 * 6 * 3; ++k) image.data[k] = (k * (i + 3) * 37) % 251;
      cv::imwrite(folder_ / name, image);
      list += name + " " + std::to_string(i % 3) + "\n";
    }
    caffe_test::Write(folder_ / "list.txt", list);
  }

  void TearDown() override { Caffe::set_solver_count(1); }

  SolverParameter Param(int batch, const string& more = "") const {
    const string text = R"(
      net_param {
        layer { name: 'data' type: 'ImageData' top: 'data' top: 'label'
                transform_param { scale: 0.01 }
                image_data_param { shuffle: true batch_size: )" +
                        std::to_string(batch) + " source: '" + (folder_ / "list.txt") +
                        "' root_folder: '" + folder_.path() + R"(/' } }
        layer { name: 'a' type: 'Convolution' bottom: 'data' top: 'a' param { lr_mult: 0 }
                convolution_param { num_output: 4 kernel_size: 3 pad: 1
                                    weight_filler { type: 'xavier' } } }
        layer { name: 'b' type: 'Convolution' bottom: 'a' top: 'b' param { name: 'shared' }
                convolution_param { num_output: 4 kernel_size: 3 pad: 1
                                    weight_filler { type: 'xavier' } } }
        layer { name: 'relu' type: 'ReLU' bottom: 'b' top: 'b' }
        layer { name: 'c' type: 'Convolution' bottom: 'b' top: 'c' param { name: 'shared' }
                convolution_param { num_output: 4 kernel_size: 3 pad: 1 bias_term: false
                                    weight_filler { type: 'xavier' } } }
        layer { name: 'd' type: 'InnerProduct' bottom: 'c' top: 'd'
                inner_product_param { num_output: 3 weight_filler { type: 'xavier' } } }
        layer { name: 'loss' type: 'SoftmaxWithLoss' bottom: 'd' bottom: 'label' }
      }
      base_lr: 0.05 lr_policy: 'fixed' momentum: 0.9 weight_decay: 0.01 random_seed: 5 max_iter: 4
      snapshot_after_train: false)";
    SolverParameter param, changes;
    ParseProtoTextOrDie(text, "solver", &param);
    ParseProtoTextOrDie(more, "solver", &changes);
    param.MergeFrom(changes);
    return param;
  }

  static SolverPtr Make(const SolverParameter& param, int ranks = 1) {
    Caffe::set_solver_count(ranks);
    return SolverPtr(SolverRegistry<double>::CreateSolver(param));
  }

  // Threads, on the device of the test.
  static Ranks<double> Threads(int count) {
    Ranks<double> ranks;
    ranks.count = count;
    ranks.enter = [](int) {};
    const auto meeting = std::make_shared<Meeting>(count);
    ranks.communicator = [=](int rank) {
      return shared_ptr<Communicator<double>>(new ThreadCommunicator<double>(meeting, rank));
    };
    return ranks;
  }

  static Values ParametersOf(const SolverPtr& solver) {
    Values values;
    for (const Blob<double>* param : solver->net()->learnable_params()) {
      values.insert(values.end(), param->cpu_data(), param->cpu_data() + param->count());
    }
    return values;
  }

  static void ExpectNear(const Values& a, const Values& b) {
    ASSERT_EQ(a.size(), b.size());
    for (size_t i = 0; i < a.size(); ++i) ASSERT_NEAR(a[i], b[i], 1e-9) << "value " << i;
  }

  TemporaryFolder folder_;
};

TEST_F(ParallelTraining, IsThatOfOneSolverWithAllTheBatches) {
  for (const char* more : {"", "layer_wise_reduce: false", "iter_size: 2",
                           "type: 'Adam' momentum2: 0.99 clip_gradients: 0.1"}) {
    const SolverPtr alone = Make(Param(6, more));
    alone->Solve();
    for (const int ranks : {2, 3}) {
      const SolverPtr root = Make(Param(6 / ranks, more), ranks);
      Ranks<double> threads = Threads(ranks);
      threads.bucket_bytes = 1;  // every layer's gradients on their own
      TrainInParallel(root, threads, nullptr);
      SCOPED_TRACE(more);
      ExpectNear(ParametersOf(root), ParametersOf(alone));
    }
  }
}

TEST_F(ParallelTraining, GoesOnFromASnapshotOfTheRootAlone) {
  const string files = "snapshot: 2 snapshot_prefix: '" + (folder_ / "s") + "'";
  const SolverPtr whole = Make(Param(2, files), 2);
  TrainInParallel(whole, Threads(2), nullptr);
  const string state = folder_ / "s_iter_2.solverstate";
  const SolverPtr root = Make(Param(2), 2);
  root->Restore(state.c_str());
  TrainInParallel(root, Threads(2), state.c_str());
  ExpectNear(ParametersOf(root), ParametersOf(whole));
}

TEST_F(ParallelTraining, EndsWithTheRoot) {
  const SolverPtr root = Make(Param(1, "max_iter: 1000000"), 2);
  root->SetActionFunction(
      [&] { return root->iter() == 3 ? SolverAction::STOP : SolverAction::NONE; });
  TrainInParallel(root, Threads(2), nullptr);
  EXPECT_EQ(root->iter(), 3);
}

TEST_F(ParallelTraining, EndsWithTheFirstErrorOfAnyRank) {
  const SolverParameter endless = Param(1, "max_iter: 1000000");
  Ranks<double> ranks = Threads(3);
  ranks.enter = [](int rank) { CHECK_NE(rank, 2) << ": on purpose"; };
  EXPECT_ERROR_NAMES(TrainInParallel(Make(endless, 3), ranks, nullptr), "on purpose");

  const SolverPtr root = Make(endless, 2);
  root->SetActionFunction([&]() -> SolverAction::Enum {
    CHECK_LT(root->iter(), 3) << ": on purpose";
    return SolverAction::NONE;
  });
  EXPECT_ERROR_NAMES(TrainInParallel(root, Threads(2), nullptr), "on purpose");
}

// While it lives, a new thread asks for a stack larger than any address space.
class NoRoomForThreads {
 public:
  NoRoomForThreads() {
    pthread_attr_init(&before_);
    pthread_getattr_default_np(&before_);
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, size_t(1) << 60);
    set_ = pthread_setattr_default_np(&attributes) == 0;
    pthread_attr_destroy(&attributes);
  }
  ~NoRoomForThreads() {
    pthread_setattr_default_np(&before_);
    pthread_attr_destroy(&before_);
  }
  bool set() const { return set_; }

 private:
  pthread_attr_t before_;
  bool set_;
};

TEST_F(ParallelTraining, EndsWhereAThreadCannotBeMade) {
  const SolverPtr root = Make(Param(1, "max_iter: 1000000"), 3);
  const NoRoomForThreads limit;
  ASSERT_TRUE(limit.set());
  EXPECT_ERROR_NAMES(TrainInParallel(root, Threads(3), nullptr), "starts no further thread");
}

// Notes what is sent, and when.
class Recording : public Communicator<double> {
 public:
  explicit Recording(const Net<double>& net) : net_(net) {}
  vector<string> events;

  int rank() const override { return 0; }
  int size() const override { return 1; }
  void Join() override {}
  void Broadcast(SyncedMemory*) override { events.push_back("broadcast"); }
  void AverageDiffs(const vector<Blob<double>*>& blobs) override {
    string names;
    for (const Blob<double>* blob : blobs) {
      const auto& all = net_.learnable_params();
      const auto place = std::find(all.begin(), all.end(), blob) - all.begin();
      names += (names.empty() ? "" : " ") + std::to_string(place);
    }
    events.push_back(names);
  }
  void Finish() override { events.push_back("finish"); }
  void Wait() override { events.push_back("wait"); }
  void Leave() override {}
  void Abort() override {}

 private:
  const Net<double>& net_;
};

TEST_F(ParallelTraining, SendsGradientsAsTheyBecomeComplete) {
  // Learnable: a's weights (frozen) and bias 0 1, b's 2 3 of which 2 is c's too, d's 4 5.
  const SolverPtr solver = Make(Param(2, "iter_size: 2"));
  Recording ether(*solver->net());
  const auto events_of_a_step = [&](size_t bucket_bytes) {
    GradientSync<double> sync(solver.get(), &ether, bucket_bytes);
    sync.Attach();
    solver->Step(1);  // the first sends all at the end
    ether.events.clear();
    solver->Step(1);
    return ether.events;
  };
  const vector<string> layer_by_layer = {"5 4", "3 2", "1", "finish"};
  EXPECT_EQ(events_of_a_step(1), layer_by_layer);
  const vector<string> in_buckets = {"5 4 3 2", "1", "finish"};
  EXPECT_EQ(events_of_a_step(4 * 6 * 6 * 3 * sizeof(double) + 100), in_buckets);
  const vector<string> at_once = {"5 4 3 2 1", "finish"};
  EXPECT_EQ(events_of_a_step(size_t(1) << 30), at_once);
}

TEST_F(ParallelTraining, WaitsForTheLastGradientsBeforeASnapshot) {
  const SolverPtr solver = Make(Param(2, "snapshot_prefix: '" + (folder_ / "s") + "'"));
  Recording ether(*solver->net());
  GradientSync<double> sync(solver.get(), &ether);
  sync.Attach();
  solver->Step(1);
  ether.events.clear();
  solver->Snapshot();
  EXPECT_EQ(ether.events, vector<string>{"wait"});
}

#ifdef USE_NCCL

TEST_F(ParallelTraining, OnGpusIsThatOfOneSolverWithAllTheBatches) {
  if (Caffe::mode() != Caffe::GPU) GTEST_SKIP() << "for GPUs";
  if (!Caffe::CheckDevice(1)) GTEST_SKIP() << "there is one GPU only";
  Caffe::SetDevice(0);
  const SolverPtr alone = Make(Param(6));
  alone->Solve();
  const SolverPtr root = Make(Param(3), 2);
  NCCL<double> nccl(root);
  nccl.Run({0, 1}, nullptr);
  ExpectNear(ParametersOf(root), ParametersOf(alone));
}

#endif

}  // namespace
}  // namespace caffe
