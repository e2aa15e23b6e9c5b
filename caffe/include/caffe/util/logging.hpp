#ifndef CAFFE_UTIL_LOGGING_HPP_
#define CAFFE_UTIL_LOGGING_HPP_

/// Log lines in the shape users' scripts parse, and checks that throw.
///
/// The macro names and their meaning are those of google-glog, which code written for Caffe 1.0
/// uses. The difference: a failed CHECK or LOG(FATAL) throws caffe::Error instead of ending the
/// process, so that a program (or Python) that loaded the library can go on.

#include <atomic>
#include <cerrno>
#include <cstring>
#include <memory>
#include <ostream>
#include <sstream>
#include <stdexcept>
#include <string>
#include <utility>

namespace caffe {

/// What every failed check of the runtime throws; what() is one line that names the remedy.
class Error : public std::runtime_error {
 public:
  explicit Error(const std::string& what) : std::runtime_error(what) {}
};

namespace logging {

enum Severity { INFO = 0, WARNING = 1, ERROR = 2, FATAL = 3 };

/// Lines below this severity are not printed. Starts from the variable GLOG_minloglevel, else INFO.
Severity min_severity();
void set_min_severity(Severity severity);
/// Highest n for which VLOG(n) prints. Starts from the variable GLOG_v, else 0.
int verbosity();

/// One line under construction; it is written to stderr, whole, when the object dies.
class Line {
 public:
  Line(const char* file, int line, Severity severity)
      : file_(file), line_(line), severity_(severity) {}
  ~Line();
  std::ostream& stream() { return stream_; }

 private:
  const char* file_;
  int line_;
  Severity severity_;
  std::ostringstream stream_;
};

/// The message of a failure under construction; thrown as caffe::Error when the object dies.
class Failure {
 public:
  Failure() = default;
  explicit Failure(const std::string& condition) { stream_ << condition; }
  [[noreturn]] ~Failure() noexcept(false);
  std::ostream& stream() { return stream_; }

 private:
  std::ostringstream stream_;
};

/// Gives both branches of a conditional log statement the type void.
struct Voidify {
  void operator&(std::ostream&) {}
};

template <typename A, typename B>
std::unique_ptr<std::string> Describe(const char* expression, const A& a, const B& b) {
  std::ostringstream s;
  s << "Check failed: " << expression << " (" << a << " vs. " << b << ") ";
  return std::make_unique<std::string>(s.str());
}

#pragma GCC diagnostic push
// Callers compare sizes with literals; whether the signs agree is not this header's business.
#pragma GCC diagnostic ignored "-Wsign-compare"
#define CAFFE_DEFINE_COMPARISON(name, op)                                                    \
  /** Null where the comparison holds, else what to say; evaluates its operands once. */     \
  template <typename A, typename B>                                                          \
  std::unique_ptr<std::string> Check##name(const char* expression, const A& a, const B& b) { \
    if (a op b) return nullptr;                                                              \
    return Describe(expression, a, b);                                                       \
  }
CAFFE_DEFINE_COMPARISON(EQ, ==)
CAFFE_DEFINE_COMPARISON(NE, !=)
CAFFE_DEFINE_COMPARISON(LT, <)
CAFFE_DEFINE_COMPARISON(LE, <=)
CAFFE_DEFINE_COMPARISON(GT, >)
CAFFE_DEFINE_COMPARISON(GE, >=)
#undef CAFFE_DEFINE_COMPARISON
#pragma GCC diagnostic pop

inline std::unique_ptr<std::string> CheckStrings(const char* expression, const char* a,
                                                 const char* b, bool equal) {
  const bool same = a == b || (a && b && std::strcmp(a, b) == 0);
  if (same == equal) return nullptr;
  return Describe(expression, a ? a : "(null)", b ? b : "(null)");
}

template <typename T>
T NotNull(const char* expression, T&& pointer) {
  if (pointer == nullptr) {
    Failure(std::string("Check failed: '") + expression + "' must not be null ").stream();
  }
  return std::forward<T>(pointer);
}

}  // namespace logging
}  // namespace caffe

/// Calls of google-glog that programs make at their start; there is nothing to set up.
namespace google {
inline void InitGoogleLogging(const char* /*program*/) {}
inline void ShutdownGoogleLogging() {}
inline void InstallFailureSignalHandler() {}
}  // namespace google

// Where google-glog itself was included before, its macros make way: one program, one kind of
// check.
#undef LOG
#undef LOG_IF
#undef LOG_FIRST_N
#undef LOG_EVERY_N
#undef VLOG
#undef VLOG_IS_ON
#undef DLOG
#undef DLOG_IF
#undef CHECK
#undef CHECK_EQ
#undef CHECK_NE
#undef CHECK_LT
#undef CHECK_LE
#undef CHECK_GT
#undef CHECK_GE
#undef CHECK_NEAR
#undef CHECK_DOUBLE_EQ
#undef CHECK_STREQ
#undef CHECK_STRNE
#undef CHECK_NOTNULL
#undef PCHECK
#undef DCHECK
#undef DCHECK_EQ
#undef DCHECK_NE
#undef DCHECK_LT
#undef DCHECK_LE
#undef DCHECK_GT
#undef DCHECK_GE

#define CAFFE_LOG_INFO ::caffe::logging::Line(__FILE__, __LINE__, ::caffe::logging::INFO)
#define CAFFE_LOG_WARNING ::caffe::logging::Line(__FILE__, __LINE__, ::caffe::logging::WARNING)
#define CAFFE_LOG_ERROR ::caffe::logging::Line(__FILE__, __LINE__, ::caffe::logging::ERROR)
#define CAFFE_LOG_FATAL ::caffe::logging::Failure()

#define LOG(severity) CAFFE_LOG_##severity.stream()
#define LOG_IF(severity, condition) \
  !(condition) ? (void)0 : ::caffe::logging::Voidify() & LOG(severity)
#define CAFFE_LOG_JOIN2(a, b) a##b
#define CAFFE_LOG_JOIN(a, b) CAFFE_LOG_JOIN2(a, b)
#define CAFFE_LOG_NAME(base) CAFFE_LOG_JOIN(base, __LINE__)
#define LOG_FIRST_N(severity, n)                             \
  static ::std::atomic<int> CAFFE_LOG_NAME(occurrences_)(0); \
  LOG_IF(severity, CAFFE_LOG_NAME(occurrences_)++ < (n))
#define LOG_EVERY_N(severity, n)                             \
  static ::std::atomic<int> CAFFE_LOG_NAME(occurrences_)(0); \
  LOG_IF(severity, CAFFE_LOG_NAME(occurrences_)++ % (n) == 0)
#define VLOG_IS_ON(level) ((level) <= ::caffe::logging::verbosity())
#define VLOG(level) LOG_IF(INFO, VLOG_IS_ON(level))

#define CHECK(condition)                      \
  (condition) ? (void)0                       \
              : ::caffe::logging::Voidify() & \
                    ::caffe::logging::Failure("Check failed: " #condition " ").stream()

#define CAFFE_CHECK(verdict) \
  while (auto caffe_verdict_ = (verdict)) ::caffe::logging::Failure(*caffe_verdict_).stream()
#define CHECK_EQ(a, b) CAFFE_CHECK(::caffe::logging::CheckEQ(#a " == " #b, a, b))
#define CHECK_NE(a, b) CAFFE_CHECK(::caffe::logging::CheckNE(#a " != " #b, a, b))
#define CHECK_LT(a, b) CAFFE_CHECK(::caffe::logging::CheckLT(#a " < " #b, a, b))
#define CHECK_LE(a, b) CAFFE_CHECK(::caffe::logging::CheckLE(#a " <= " #b, a, b))
#define CHECK_GT(a, b) CAFFE_CHECK(::caffe::logging::CheckGT(#a " > " #b, a, b))
#define CHECK_GE(a, b) CAFFE_CHECK(::caffe::logging::CheckGE(#a " >= " #b, a, b))
#define CHECK_NEAR(a, b, margin) CHECK(((a) >= (b) - (margin)) && ((a) <= (b) + (margin)))
#define CHECK_DOUBLE_EQ(a, b) CHECK_NEAR(a, b, 1e-15)
/// For calls that leave the reason of a failure in errno.
#define PCHECK(condition) CHECK(condition) << std::strerror(errno) << ": "
#define CHECK_STREQ(a, b) CAFFE_CHECK(::caffe::logging::CheckStrings(#a " == " #b, a, b, true))
#define CHECK_STRNE(a, b) CAFFE_CHECK(::caffe::logging::CheckStrings(#a " != " #b, a, b, false))
#define CHECK_NOTNULL(pointer) ::caffe::logging::NotNull(#pointer, (pointer))

#ifndef NDEBUG
#define DLOG(severity) LOG(severity)
#define DLOG_IF(severity, condition) LOG_IF(severity, condition)
#define DCHECK(condition) CHECK(condition)
#define DCHECK_EQ(a, b) CHECK_EQ(a, b)
#define DCHECK_NE(a, b) CHECK_NE(a, b)
#define DCHECK_LT(a, b) CHECK_LT(a, b)
#define DCHECK_LE(a, b) CHECK_LE(a, b)
#define DCHECK_GT(a, b) CHECK_GT(a, b)
#define DCHECK_GE(a, b) CHECK_GE(a, b)
#else
#define DLOG(severity) LOG_IF(severity, false)
#define DLOG_IF(severity, condition) LOG_IF(severity, false && (condition))
#define DCHECK(condition) \
  while (false) CHECK(condition)
#define DCHECK_EQ(a, b) \
  while (false) CHECK_EQ(a, b)
#define DCHECK_NE(a, b) \
  while (false) CHECK_NE(a, b)
#define DCHECK_LT(a, b) \
  while (false) CHECK_LT(a, b)
#define DCHECK_LE(a, b) \
  while (false) CHECK_LE(a, b)
#define DCHECK_GT(a, b) \
  while (false) CHECK_GT(a, b)
#define DCHECK_GE(a, b) \
  while (false) CHECK_GE(a, b)
#endif

#endif  // CAFFE_UTIL_LOGGING_HPP_
