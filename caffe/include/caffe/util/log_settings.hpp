#ifndef CAFFE_UTIL_LOG_SETTINGS_HPP_
#define CAFFE_UTIL_LOG_SETTINGS_HPP_

/// google-glog's settings and calls under their own names, for programs written for Caffe 1.0.
///
/// The log goes to stderr and nowhere else: what chooses other places is accepted and changes
/// nothing. Where google-glog itself can be included, its declarations take the place of those
/// here, whichever header comes first; a program that links it shares its variables with the
/// runtime.

#include <string>

#if __has_include(<glog/logging.h>)
// The real header (0.7) asks for this name of those who do not use its CMake target.
#if __has_include(<glog/export.h>) && !defined(GLOG_USE_GLOG_EXPORT)
#define GLOG_USE_GLOG_EXPORT
#endif
#include <glog/logging.h>
#ifndef CAFFE_GLOG_LOGGING_H_  // the runtime's stand-in
#define CAFFE_HAS_GOOGLE_GLOG
#endif
#endif

namespace fLI {
/// Lines below this severity (0 INFO, 1 WARNING, 2 ERROR, 3 FATAL) are not printed. Starts from the
/// variable GLOG_minloglevel of the environment.
extern int FLAGS_minloglevel;
/// Highest n for which VLOG(n) prints. Starts from GLOG_v.
extern int FLAGS_v;
extern int FLAGS_stderrthreshold;
}  // namespace fLI
namespace fLB {
/// Whether lines begin with severity, time, thread and place. Starts from GLOG_log_prefix.
extern bool FLAGS_log_prefix;
extern bool FLAGS_logtostderr;
extern bool FLAGS_alsologtostderr;
extern bool FLAGS_colorlogtostderr;
}  // namespace fLB
namespace fLS {
extern std::string& FLAGS_log_dir;
}  // namespace fLS

using fLB::FLAGS_alsologtostderr;
using fLB::FLAGS_colorlogtostderr;
using fLB::FLAGS_log_prefix;
using fLB::FLAGS_logtostderr;
using fLI::FLAGS_minloglevel;
using fLI::FLAGS_stderrthreshold;
using fLI::FLAGS_v;
using fLS::FLAGS_log_dir;

namespace caffe {
namespace logging {

/// From now on a failed CHECK or LOG(FATAL), of any thread, writes its message to stderr and calls
/// `fail`, which should not return: if it does, or is null, caffe::Error is thrown as usual. Starts
/// as std::abort where the variable CAFFE_ABORT_ON_FATAL of the environment is 1. In the death
/// tests of googletest (EXPECT_DEATH), too, a failure ends the process.
void set_failure_function(void (*fail)());

}  // namespace logging
}  // namespace caffe

#ifndef CAFFE_HAS_GOOGLE_GLOG
// There is nothing to set up, and no file to flush.
namespace google {
inline void InitGoogleLogging(const char* /*program*/) {}
inline void ShutdownGoogleLogging() {}
inline void InstallFailureSignalHandler() {}
inline void InstallFailureFunction(void (*fail)()) { caffe::logging::set_failure_function(fail); }
inline void LogToStderr() {}
inline void SetStderrLogging(int /*severity*/) {}
inline void SetLogDestination(int /*severity*/, const char* /*file*/) {}
inline void FlushLogFiles(int /*severity*/) {}

typedef int LogSeverity;
const LogSeverity GLOG_INFO = 0, GLOG_WARNING = 1, GLOG_ERROR = 2, GLOG_FATAL = 3;
const LogSeverity INFO = GLOG_INFO, WARNING = GLOG_WARNING, ERROR = GLOG_ERROR, FATAL = GLOG_FATAL;
}  // namespace google
#endif

#endif  // CAFFE_UTIL_LOG_SETTINGS_HPP_
