#include "caffe/util/logging.hpp"

#include <cstdio>
#include <cstdlib>
#include <ctime>

#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

namespace caffe {
namespace logging {

namespace {

int FromEnvironment(const char* variable, int otherwise) {
  const char* value = std::getenv(variable);
  return value ? std::atoi(value) : otherwise;
}

std::atomic<int>& MinSeverity() {
  static std::atomic<int> severity(FromEnvironment("GLOG_minloglevel", INFO));
  return severity;
}

const char* BaseName(const char* path) {
  const char* slash = std::strrchr(path, '/');
  return slash ? slash + 1 : path;
}

}  // namespace

Severity min_severity() { return static_cast<Severity>(MinSeverity().load()); }

void set_min_severity(Severity severity) { MinSeverity() = severity; }

int verbosity() {
  static const int level = FromEnvironment("GLOG_v", 0);
  return level;
}

Line::~Line() {
  if (severity_ < min_severity()) return;
  timeval now;
  gettimeofday(&now, nullptr);
  tm local;
  localtime_r(&now.tv_sec, &local);
  char head[160];
  std::snprintf(head, sizeof head, "%c%02d%02d %02d:%02d:%02d.%06ld %5ld %s:%d] ",
                "IWEF"[severity_], local.tm_mon + 1, local.tm_mday, local.tm_hour, local.tm_min,
                local.tm_sec, static_cast<long>(now.tv_usec),
                static_cast<long>(syscall(SYS_gettid)), BaseName(file_), line_);
  const std::string text = head + stream_.str() + "\n";
  // One call, so that lines of several threads do not mix.
  std::fwrite(text.data(), 1, text.size(), stderr);
}

Failure::~Failure() noexcept(false) {
  std::string text = stream_.str();
  while (!text.empty() && text.back() == ' ') text.pop_back();
  throw Error(text);
}

}  // namespace logging
}  // namespace caffe
