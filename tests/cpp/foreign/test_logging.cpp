// The macros and settings of google-glog, as programs and layers written for Caffe 1.0 use them.

#include <algorithm>
#include <cstdlib>
#include <string>
#include <utility>
#include <vector>

#include <glog/logging.h>
#include <gtest/gtest.h>

#include "caffe/blob.hpp"
#include "caffe/common.hpp"
#include "caffe/net.hpp"
#include "caffe/sgd_solvers.hpp"
#include "foreign.hpp"

// Stands for google-gflags, which a program may link: GlobalInit finds it by its name.
std::vector<std::string> words_for_gflags;
namespace google {
unsigned ParseCommandLineFlags(int* argc, char*** argv, bool remove_flags) {
  words_for_gflags.assign(*argv + 1, *argv + *argc);
  if (remove_flags) *argc = 1;
  return 1;
}
}  // namespace google

namespace caffe {
namespace {

struct Limits {
  static const int kMost = 3;  // without a definition, as classes of old code have them
};

/// What `act` writes to the log.
template <typename Act>
std::string LogOf(const Act& act) {
  const int before = FLAGS_minloglevel;
  FLAGS_minloglevel = google::GLOG_INFO;
  testing::internal::CaptureStderr();
  act();
  FLAGS_minloglevel = before;
  return testing::internal::GetCapturedStderr();
}

int Lines(const std::string& log) {
  return static_cast<int>(std::count(log.begin(), log.end(), '\n'));
}

TEST(Checks, HaveMessagesThatMayFailThemselves) {
  const Blob<float> blob(std::vector<int>(5, 1));
  try {
    CHECK_EQ(blob.count(), 2) << blob.height();  // of five axes
    FAIL();
  } catch (const std::exception& error) {
    EXPECT_NE(std::string(error.what()).find("axes"), std::string::npos) << error.what();
  }
}

TEST(Checks, CompareWhatOldCodeCompares) {
  const std::vector<int> sizes(3);
  const char* name = "conv";
  CHECK_EQ(sizes.size(), 3);
  CHECK_LE(2, Limits::kMost) << "with a message";
  CHECK_GE(Limits::kMost, 2u);
  CHECK_EQ(std::string("conv"), name);
  CHECK_NE(name, static_cast<const char*>(NULL));
  CHECK_STREQ(name, "conv");
  CHECK_STRNE(name, "pool");
  CHECK_STRCASEEQ(name, "CONV");
  CHECK_NEAR(1.f, 1.01f, 0.1);
  CHECK(name) << "is there";
  DCHECK_LT(1, 2) << "of debug builds";
  PCHECK(true);
  if (sizes.empty())
    CHECK_EQ(1, 2);
  else
    CHECK_EQ(1, 1);
  EXPECT_EQ(name, CHECK_NOTNULL(name));
}

TEST(Checks, ThrowWhatTheySay) {
  const auto message = [](const auto& act) -> std::string {
    try {
      act();
    } catch (const Error& error) {
      return error.what();
    }
    return "";
  };
  EXPECT_EQ("Check failed: a == Limits::kMost (1 vs. 3) of them", message([] {
              const int a = 1;
              CHECK_EQ(a, Limits::kMost) << "of them";
            }));
  EXPECT_EQ("Check failed: \"a\" == \"B\" (a vs. B)", message([] { CHECK_STRCASEEQ("a", "B"); }));
  EXPECT_EQ("no way", message([] { LOG(FATAL) << "no way"; }));
  EXPECT_EQ("Check failed: 'nothing' must not be null", message([] {
              int* nothing = NULL;
              CHECK_NOTNULL(nothing);
            }));
}

TEST(FailureDeathTest, TheProcessEndsWhereItIsToldTo) {
  for (const char* style : {"fast", "threadsafe"}) {
    testing::FLAGS_gtest_death_test_style = style;
    EXPECT_DEATH(CHECK_LT(2, 1) << "of a test", "F.*Check failed: 2 < 1 \\(2 vs. 1\\) of a test");
  }
  EXPECT_DEATH(
      {
        google::InstallFailureFunction(&std::abort);
        CHECK_EQ(1, 2) << "of two";
      },
      "F.*test_logging.cpp.*Check failed: 1 == 2 \\(1 vs. 2\\) of two");
  EXPECT_EXIT(
      {
        google::InstallFailureFunction([] { std::_Exit(3); });
        LOG(FATAL) << "enough";
      },
      testing::ExitedWithCode(3), "enough");
  EXPECT_THROW(LOG(FATAL) << "elsewhere it still throws", Error);
}

TEST(Logs, CountTheTimesThatAPlaceIsPassed) {
  // In the life of the process, in which a test may be repeated.
  static int most = 2;
  EXPECT_EQ(std::exchange(most, 0), Lines(LogOf([] {
              for (int i = 0; i < 9; ++i) LOG_FIRST_N(INFO, 2) << i;
            })));
  const std::string every = LogOf([] {
    for (int i = 0; i < 9; ++i)
      if (i > 0)
        LOG_EVERY_N(INFO, 4) << "number " << i << "!";
      else
        LOG(WARNING) << "the first";
  });
  EXPECT_EQ(3, Lines(every));
  EXPECT_NE(std::string::npos, every.find("number 5!")) << every;
  EXPECT_EQ(2, Lines(LogOf([] {
              for (int i = 0; i < 8; ++i) LOG_IF_EVERY_N(ERROR, i % 2 == 0, 2) << i;
            })));
}

TEST(Logs, FollowTheFlagsOfGlog) {
  google::InitGoogleLogging("test");
  FLAGS_alsologtostderr = 1;
  google::SetStderrLogging(google::INFO);
  EXPECT_EQ(0, Lines(LogOf([] {
              FLAGS_minloglevel = google::ERROR;
              LOG(WARNING) << "below";
              PLOG(INFO) << "below";
            })));
  EXPECT_EQ(1, Lines(LogOf([] {
              FLAGS_v = 1;
              VLOG(1) << "told";
              VLOG(2) << "not told";
              FLAGS_v = 0;
              VLOG(1) << "not told";
            })));
  EXPECT_EQ("bare\n", LogOf([] {
              FLAGS_log_prefix = false;
              LOG(INFO) << "bare";
              FLAGS_log_prefix = true;
            }));
}

TEST(Logs, TellMeansOfAllBlobsWithDebugInfo) {
  Net<float> net(FromText<NetParameter>(
      "debug_info: true "
      "layer { name: 'x' type: 'DummyData' top: 'x' dummy_data_param { "
      "  shape { dim: 1 dim: 4 } data_filler { value: -2 } } } "
      "layer { name: 'ip' type: 'InnerProduct' bottom: 'x' top: 'y' inner_product_param { "
      "  num_output: 1 bias_term: false weight_filler { type: 'constant' value: 0.5 } } } "
      "layer { name: 'sum' type: 'Reduction' bottom: 'y' top: 's' loss_weight: 1 }"));
  FLAGS_log_prefix = false;
  const std::string log = LogOf([&net] {
    net.ForwardBackward();
    net.Update();
  });
  const std::string quiet = LogOf([&net] {
    net.set_debug_info(false);
    net.ForwardBackward();
  });
  FLAGS_log_prefix = true;
  EXPECT_EQ(
      "    [Forward] Layer x, top blob x data: 2\n"
      "    [Forward] Layer ip, top blob y data: 4\n"
      "    [Forward] Layer ip, param blob 0 data: 0.5\n"
      "    [Forward] Layer sum, top blob s data: 4\n"
      "    [Backward] Layer sum, bottom blob y diff: 1\n"
      "    [Backward] Layer ip, param blob 0 diff: 2\n"
      "    [Backward] All net params (data, diff): L1 norm = (2, 8); L2 norm = (1, 4)\n"
      "    [Update] Param 0 data: 0.5; diff: 2\n",
      log);
  EXPECT_EQ("", quiet);
}

TEST(Logs, TellMeansOfBlobsInTestsToo) {
  SGDSolver<float> solver(FromText<SolverParameter>(
      "base_lr: 0.1 lr_policy: 'fixed' debug_info: true test_iter: 1 test_interval: 1 net_param { "
      "layer { name: 'x' type: 'DummyData' top: 'x' dummy_data_param { shape { dim: 1 } } } }"));
  const std::string log = LogOf([&solver] { solver.Step(1); });
  const std::string line = "[Forward] Layer x, top blob x data: 0";
  EXPECT_NE(log.find(line), std::string::npos);
  EXPECT_EQ(log.find(line), log.rfind(line)) << "the train net's means come with what is displayed";
}

TEST(GlobalInit, LetsGflagsTakeTheirPart) {
  int argc = 2;
  char* arguments[] = {const_cast<char*>("test"), const_cast<char*>("--gpu=0"), nullptr};
  char** argv = arguments;
  GlobalInit(&argc, &argv);
  EXPECT_EQ(1, argc);
  EXPECT_EQ(std::vector<std::string>{"--gpu=0"}, words_for_gflags);
}

// What GlobalInit leaves of arguments.
std::vector<std::string> LeftOf(std::vector<std::string> words) {
  std::vector<char*> arguments(1, const_cast<char*>("test"));
  for (std::string& word : words) arguments.push_back(&word[0]);
  int argc = static_cast<int>(arguments.size());
  arguments.push_back(nullptr);
  char** argv = arguments.data();
  GlobalInit(&argc, &argv);
  return words_for_gflags;
}

TEST(GlobalInit, TakesTheFlagsOfGlog) {
  const int level = FLAGS_minloglevel, v = FLAGS_v;
  FLAGS_log_prefix = true;
  const std::vector<std::string> left =
      LeftOf({"-logtostderr=1", "train", "--gpu", "0", "-v=2", "-alsologtostderr", "--minloglevel",
              "1", "-nolog_prefix", "--vmodule=net=1", "--max_log_size=9",
              "-nostop_logging_if_full_disk", "-v1", "--log_dir=", "--", "-v=3"});
  EXPECT_EQ((std::vector<std::string>{"train", "--gpu", "0", "-v1", "--", "-v=3"}), left);
  EXPECT_EQ(2, FLAGS_v);
  EXPECT_EQ(1, FLAGS_minloglevel);
  EXPECT_TRUE(FLAGS_logtostderr);
  EXPECT_TRUE(FLAGS_alsologtostderr);
  EXPECT_FALSE(FLAGS_log_prefix);
  EXPECT_EQ(std::vector<std::string>{}, LeftOf({"--log_prefix=TRUE", "-alsologtostderr=no"}));
  EXPECT_TRUE(FLAGS_log_prefix);
  EXPECT_FALSE(FLAGS_alsologtostderr);
  FLAGS_minloglevel = level;
  FLAGS_v = v;
  for (const char* wrong :
       {"-v=much", "-minloglevel=", "--logtostderr=maybe", "-stderrthreshold"}) {
    EXPECT_THROW(LeftOf({wrong}), Error) << wrong;
  }
}

}  // namespace
}  // namespace caffe
