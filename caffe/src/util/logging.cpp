#include "caffe/util/logging.hpp"

#include <cstdio>
#include <cstdlib>
#include <ctime>

#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

#include "caffe/util/names.hpp"

// Of googletest, where the program links it: whether this process is there to die, in a death test.
extern "C" __attribute__((weak)) bool IsChildOfDeathTest() __asm__(
    "_ZN7testing8internal16InDeathTestChildEv");

namespace {

int FromEnvironment(const char* variable, int otherwise) {
  const char* value = std::getenv(variable);
  return value ? std::atoi(value) : otherwise;
}

}  // namespace

namespace fLI {
int FLAGS_minloglevel = FromEnvironment("GLOG_minloglevel", 0);
int FLAGS_v = FromEnvironment("GLOG_v", 0);
int FLAGS_stderrthreshold = 0;
}  // namespace fLI
namespace fLB {
bool FLAGS_log_prefix = FromEnvironment("GLOG_log_prefix", 1) != 0;
bool FLAGS_logtostderr = true;
bool FLAGS_alsologtostderr = false;
bool FLAGS_colorlogtostderr = false;
}  // namespace fLB
namespace fLS {
std::string& FLAGS_log_dir = *new std::string();
}  // namespace fLS

namespace caffe {

Error::Error(const std::string& what) : std::runtime_error(OneLine(what)) {}

namespace logging {

namespace {

std::atomic<void (*)()> failure_function(FromEnvironment("CAFFE_ABORT_ON_FATAL", 0) ? &std::abort
                                                                                    : nullptr);

const char* BaseName(const char* path) {
  const char* slash = std::strrchr(path, '/');
  return slash ? slash + 1 : path;
}

// Severity, time, thread and place of a line.
std::string Prefix(Severity severity, const Place& place) {
  timeval now;
  gettimeofday(&now, nullptr);
  tm local;
  localtime_r(&now.tv_sec, &local);
  char text[160];
  std::snprintf(text, sizeof text, "%c%02d%02d %02d:%02d:%02d.%06ld %5ld %s:%d] ", "IWEF"[severity],
                local.tm_mon + 1, local.tm_mday, local.tm_hour, local.tm_min, local.tm_sec,
                static_cast<long>(now.tv_usec), static_cast<long>(syscall(SYS_gettid)),
                BaseName(place.file), place.line);
  return text;
}

void Write(Severity severity, const Place& place, const std::string& message) {
  const std::string prefix = FLAGS_log_prefix ? Prefix(severity, place) : "";
  const std::string text = prefix + message + "\n";
  // One call, so that lines of several threads do not mix.
  std::fwrite(text.data(), 1, text.size(), stderr);
}

// A message that goes on from the comparison's left side (" axes: ...") or stands alone (": ...").
std::string Sentence(const Condition& condition, std::string message) {
  if (message.rfind(' ', 0) == 0) return condition.value + message;
  if (message.rfind(": ", 0) == 0) message.erase(0, 2);
  if (condition.needed.empty()) return message;
  return message + " (got " + condition.value + ", needed " + condition.needed + ")";
}

}  // namespace

Severity min_severity() { return static_cast<Severity>(FLAGS_minloglevel); }

void set_min_severity(Severity severity) { FLAGS_minloglevel = severity; }

int verbosity() { return FLAGS_v; }

void set_failure_function(void (*fail)()) { failure_function = fail; }

Line::~Line() {
  if (severity_ >= min_severity()) Write(severity_, place_, stream_.str());
}

void Failure::operator&(std::ostream& message) const {
  const std::string said = static_cast<std::ostringstream&>(message).str();
  std::string text = condition_.text + said;
  while (!text.empty() && text.back() == ' ') text.pop_back();
  void (*fail)() = failure_function;
  if (!fail && IsChildOfDeathTest && IsChildOfDeathTest()) fail = &std::abort;
  if (fail) {
    Write(FATAL, place_, text);
    fail();
  }
  throw Error(!said.empty() && place_.in_runtime ? Sentence(condition_, said) : text);
}

}  // namespace logging
}  // namespace caffe
