#ifndef CAFFE_UTIL_LOGGING_HPP_
#define CAFFE_UTIL_LOGGING_HPP_

/// Log lines in the shape users' scripts parse, and checks that throw.
///
/// The macro names and their meaning are those of google-glog, which code written for Caffe 1.0
/// uses. The difference: a failed CHECK or LOG(FATAL) throws caffe::Error instead of ending the
/// process, so that a program (or Python) that loaded the library can go on. A program that wants
/// to end there says so with google::InstallFailureFunction (caffe/util/log_settings.hpp).

#include <atomic>
#include <cerrno>
#include <cstring>
#include <memory>
#include <ostream>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>

#include <strings.h>

#include "caffe/util/log_settings.hpp"
#include "caffe/util/plain_text.hpp"

namespace caffe {

/// What every failed check of the runtime throws; what() is one line that names the remedy (the
/// message's OneLine: names of layers, blobs and files may hold anything).
class Error : public std::runtime_error {
 public:
  explicit Error(const std::string& what);
};

namespace logging {

enum Severity { INFO = 0, WARNING = 1, ERROR = 2, FATAL = 3 };

/// Lines below this severity are not printed (FLAGS_minloglevel).
Severity min_severity();
void set_min_severity(Severity severity);
/// Highest n for which VLOG(n) prints (FLAGS_v).
int verbosity();

/// Where a statement stands.
struct Place {
  const char* file;
  int line;
  bool in_runtime;  ///< or in a layer that comes with it
};

/// One line under construction; it is written to stderr, whole, when the object dies.
class Line {
 public:
  Line(const Place& place, Severity severity) : place_(place), severity_(severity) {}
  ~Line();
  std::ostream& stream() { return stream_; }

 private:
  Place place_;
  Severity severity_;
  PlainText stream_;
};

/// A message under construction.
class Message {
 public:
  std::ostream& stream() { return stream_; }

 private:
  PlainText stream_;
};

/// What did not hold: as glog tells it, and, of a comparison, its left side and what it should be.
struct Condition {
  std::string text;    ///< "Check failed: a < b (3 vs. 2) "
  std::string value;   ///< "3"
  std::string needed;  ///< "< 2"
};

/// Failure(...) & Message().stream() << ... throws caffe::Error with the condition and the message,
/// unless a failure function is installed, which is called then. It does so when the message is
/// complete: what is put into the message may throw, too.
///
/// The error of a check of the runtime itself is its message alone, a sentence for whoever wrote
/// the prototxt. Checks in other code, whose messages may say less, keep the form that glog gives
/// them.
class Failure {
 public:
  Failure(const Place& place, const Condition& condition = Condition())
      : place_(place), condition_(condition) {}
  /// `message`: of a Message.
  [[noreturn]] void operator&(std::ostream& message) const;

 private:
  Place place_;
  Condition condition_;
};

/// Gives both branches of a conditional log statement the type void.
struct Voidify {
  void operator&(std::ostream&) {}
  Failure operator&(const Failure& failure) { return failure; }
};

template <typename A, typename B>
std::unique_ptr<Condition> Describe(const char* expression, const A& a, const char* op,
                                    const B& b) {
  PlainText value, other;
  value << a;
  other << b;
  return std::unique_ptr<Condition>(new Condition{std::string("Check failed: ") + expression +
                                                      " (" + value.str() + " vs. " + other.str() +
                                                      ") ",
                                                  value.str(), op + other.str()});
}

/// Whether a comparison takes its operands by value: so numbers are, and a constant member of a
/// class can be compared without having a definition outside of it.
template <typename A, typename B>
struct AreNumbers {
  static constexpr bool value = std::is_arithmetic<A>::value && std::is_arithmetic<B>::value;
};

#pragma GCC diagnostic push
// Callers compare sizes with literals; whether the signs agree is not this header's business.
#pragma GCC diagnostic ignored "-Wsign-compare"
#define CAFFE_DEFINE_COMPARISON(name, op, text)                                            \
  /** Null where the comparison holds, else what to say; evaluates its operands once. */   \
  template <typename A, typename B,                                                        \
            typename std::enable_if<AreNumbers<A, B>::value, int>::type = 0>               \
  std::unique_ptr<Condition> Check##name(const char* expression, A a, B b) {               \
    if (a op b) return nullptr;                                                            \
    return Describe(expression, a, text, b);                                               \
  }                                                                                        \
  template <typename A, typename B,                                                        \
            typename std::enable_if<!AreNumbers<A, B>::value, int>::type = 0>              \
  std::unique_ptr<Condition> Check##name(const char* expression, const A& a, const B& b) { \
    if (a op b) return nullptr;                                                            \
    return Describe(expression, a, text, b);                                               \
  }
CAFFE_DEFINE_COMPARISON(EQ, ==, "")
CAFFE_DEFINE_COMPARISON(NE, !=, "not ")
CAFFE_DEFINE_COMPARISON(LT, <, "< ")
CAFFE_DEFINE_COMPARISON(LE, <=, "<= ")
CAFFE_DEFINE_COMPARISON(GT, >, "> ")
CAFFE_DEFINE_COMPARISON(GE, >=, ">= ")
#undef CAFFE_DEFINE_COMPARISON
#pragma GCC diagnostic pop

/// The same for texts, by strcmp or strcasecmp.
inline std::unique_ptr<Condition> CheckStrings(const char* expression, const char* a, const char* b,
                                               bool equal,
                                               int (*compare)(const char*, const char*)) {
  const bool same = a == b || (a && b && compare(a, b) == 0);
  if (same == equal) return nullptr;
  return Describe(expression, a ? a : "(null)", equal ? "" : "not ", b ? b : "(null)");
}

template <typename T>
T NotNull(const Place& place, const char* expression, T&& pointer) {
  if (pointer == nullptr) {
    const std::string text = std::string("Check failed: '") + expression + "' must not be null ";
    Failure(place, {text, "", ""}) & Message().stream();
  }
  return std::forward<T>(pointer);
}

}  // namespace logging
}  // namespace caffe

// Where google-glog itself was included before, its macros make way: one program, one kind of
// check.
#undef LOG
#undef LOG_IF
#undef LOG_FIRST_N
#undef LOG_EVERY_N
#undef LOG_IF_EVERY_N
#undef LOG_ASSERT
#undef PLOG
#undef PLOG_IF
#undef VLOG
#undef VLOG_IF
#undef VLOG_EVERY_N
#undef VLOG_IS_ON
#undef DLOG
#undef DLOG_IF
#undef DLOG_EVERY_N
#undef DVLOG
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
#undef CHECK_STRCASEEQ
#undef CHECK_STRCASENE
#undef CHECK_NOTNULL
#undef PCHECK
#undef DCHECK
#undef DCHECK_EQ
#undef DCHECK_NE
#undef DCHECK_LT
#undef DCHECK_LE
#undef DCHECK_GT
#undef DCHECK_GE
#undef DCHECK_STREQ
#undef DCHECK_STRNE
#undef DCHECK_NOTNULL

#ifdef CAFFE_IN_RUNTIME
#define CAFFE_PLACE (::caffe::logging::Place{__FILE__, __LINE__, true})
#else
#define CAFFE_PLACE (::caffe::logging::Place{__FILE__, __LINE__, false})
#endif

#define CAFFE_LOG_INFO ::caffe::logging::Line(CAFFE_PLACE, ::caffe::logging::INFO)
#define CAFFE_LOG_WARNING ::caffe::logging::Line(CAFFE_PLACE, ::caffe::logging::WARNING)
#define CAFFE_LOG_ERROR ::caffe::logging::Line(CAFFE_PLACE, ::caffe::logging::ERROR)
#define CAFFE_LOG_FATAL ::caffe::logging::Failure(CAFFE_PLACE) & ::caffe::logging::Message()
#ifndef NDEBUG
#define CAFFE_LOG_DFATAL CAFFE_LOG_FATAL
#else
#define CAFFE_LOG_DFATAL CAFFE_LOG_ERROR
#endif

#define LOG(severity) CAFFE_LOG_##severity.stream()
#define LOG_IF(severity, condition) \
  !(condition) ? (void)0 : ::caffe::logging::Voidify() & LOG(severity)
/// How often this very place was passed before.
#define CAFFE_LOG_TIMES_PASSED           \
  ([]() -> int {                         \
    static ::std::atomic<int> passed(0); \
    return passed++;                     \
  }())
#define LOG_FIRST_N(severity, n) LOG_IF(severity, CAFFE_LOG_TIMES_PASSED < (n))
#define LOG_EVERY_N(severity, n) LOG_IF(severity, CAFFE_LOG_TIMES_PASSED % (n) == 0)
#define LOG_IF_EVERY_N(severity, condition, n) \
  LOG_IF(severity, (condition) && CAFFE_LOG_TIMES_PASSED % (n) == 0)
#define LOG_ASSERT(condition) CHECK(condition)
/// With the reason of a system call's failure (errno).
#define PLOG(severity) LOG(severity) << ::std::strerror(errno) << ": "
#define PLOG_IF(severity, condition) LOG_IF(severity, condition) << ::std::strerror(errno) << ": "
#define VLOG_IS_ON(level) ((level) <= ::caffe::logging::verbosity())
#define VLOG(level) LOG_IF(INFO, VLOG_IS_ON(level))
#define VLOG_IF(level, condition) LOG_IF(INFO, (condition) && VLOG_IS_ON(level))
#define VLOG_EVERY_N(level, n) LOG_IF_EVERY_N(INFO, VLOG_IS_ON(level), n)

#define CHECK(condition)                                                                         \
  (condition)                                                                                    \
      ? (void)0                                                                                  \
      : ::caffe::logging::Failure(                                                               \
            CAFFE_PLACE, ::caffe::logging::Condition{"Check failed: " #condition " ", "", ""}) & \
            ::caffe::logging::Message().stream()

#define CAFFE_CHECK(verdict)              \
  while (auto caffe_verdict_ = (verdict)) \
  ::caffe::logging::Failure(CAFFE_PLACE, *caffe_verdict_) & ::caffe::logging::Message().stream()
#define CHECK_EQ(a, b) CAFFE_CHECK(::caffe::logging::CheckEQ(#a " == " #b, a, b))
#define CHECK_NE(a, b) CAFFE_CHECK(::caffe::logging::CheckNE(#a " != " #b, a, b))
#define CHECK_LT(a, b) CAFFE_CHECK(::caffe::logging::CheckLT(#a " < " #b, a, b))
#define CHECK_LE(a, b) CAFFE_CHECK(::caffe::logging::CheckLE(#a " <= " #b, a, b))
#define CHECK_GT(a, b) CAFFE_CHECK(::caffe::logging::CheckGT(#a " > " #b, a, b))
#define CHECK_GE(a, b) CAFFE_CHECK(::caffe::logging::CheckGE(#a " >= " #b, a, b))
#define CHECK_NEAR(a, b, margin) CHECK(((a) >= (b) - (margin)) && ((a) <= (b) + (margin)))
#define CHECK_DOUBLE_EQ(a, b) CHECK_NEAR(a, b, 1e-15)
#define PCHECK(condition) CHECK(condition) << ::std::strerror(errno) << ": "
#define CAFFE_CHECK_TEXTS(a, b, op, equal, compare) \
  CAFFE_CHECK(::caffe::logging::CheckStrings(#a op #b, a, b, equal, compare))
#define CHECK_STREQ(a, b) CAFFE_CHECK_TEXTS(a, b, " == ", true, ::strcmp)
#define CHECK_STRNE(a, b) CAFFE_CHECK_TEXTS(a, b, " != ", false, ::strcmp)
#define CHECK_STRCASEEQ(a, b) CAFFE_CHECK_TEXTS(a, b, " == ", true, ::strcasecmp)
#define CHECK_STRCASENE(a, b) CAFFE_CHECK_TEXTS(a, b, " != ", false, ::strcasecmp)
#define CHECK_NOTNULL(pointer) ::caffe::logging::NotNull(CAFFE_PLACE, #pointer, (pointer))

#ifndef NDEBUG
#define CAFFE_ONLY_DEBUG
#define DLOG(severity) LOG(severity)
#define DCHECK_NOTNULL(pointer) CHECK_NOTNULL(pointer)
#else
#define CAFFE_ONLY_DEBUG while (false)
#define DLOG(severity) LOG_IF(severity, false)
#define DCHECK_NOTNULL(pointer) (pointer)
#endif
#define DLOG_IF(severity, condition) CAFFE_ONLY_DEBUG LOG_IF(severity, condition)
#define DLOG_EVERY_N(severity, n) CAFFE_ONLY_DEBUG LOG_EVERY_N(severity, n)
#define DVLOG(level) CAFFE_ONLY_DEBUG VLOG(level)
#define DCHECK(condition) CAFFE_ONLY_DEBUG CHECK(condition)
#define DCHECK_EQ(a, b) CAFFE_ONLY_DEBUG CHECK_EQ(a, b)
#define DCHECK_NE(a, b) CAFFE_ONLY_DEBUG CHECK_NE(a, b)
#define DCHECK_LT(a, b) CAFFE_ONLY_DEBUG CHECK_LT(a, b)
#define DCHECK_LE(a, b) CAFFE_ONLY_DEBUG CHECK_LE(a, b)
#define DCHECK_GT(a, b) CAFFE_ONLY_DEBUG CHECK_GT(a, b)
#define DCHECK_GE(a, b) CAFFE_ONLY_DEBUG CHECK_GE(a, b)
#define DCHECK_STREQ(a, b) CAFFE_ONLY_DEBUG CHECK_STREQ(a, b)
#define DCHECK_STRNE(a, b) CAFFE_ONLY_DEBUG CHECK_STRNE(a, b)

#endif  // CAFFE_UTIL_LOGGING_HPP_
