#include "core/log_flags.hpp"

#include <climits>
#include <cstdlib>
#include <map>
#include <string>

#include "caffe/common.hpp"

namespace caffe {

namespace {

// Where flags without effect leave their values.
bool unused_switch;
string unused_text;

const std::map<string, bool*>& Switches() {
  static const auto* switches = new std::map<string, bool*>{
      {"logtostderr", &FLAGS_logtostderr},           {"alsologtostderr", &FLAGS_alsologtostderr},
      {"colorlogtostderr", &FLAGS_colorlogtostderr}, {"log_prefix", &FLAGS_log_prefix},
      {"drop_log_memory", &unused_switch},           {"stop_logging_if_full_disk", &unused_switch},
      {"symbolize_stacktrace", &unused_switch}};
  return *switches;
}

const std::map<string, int*>& Numbers() {
  static const auto* numbers =
      new std::map<string, int*>{{"minloglevel", &FLAGS_minloglevel},
                                 {"v", &FLAGS_v},
                                 {"stderrthreshold", &FLAGS_stderrthreshold}};
  return *numbers;
}

const std::map<string, string*>& Texts() {
  static const auto* texts = [] {
    auto* made = new std::map<string, string*>{{"log_dir", &FLAGS_log_dir}};
    for (const char* name :
         {"alsologtoemail", "log_backtrace_at", "log_link", "logbuflevel", "logbufsecs",
          "logemaillevel", "logfile_mode", "logmailer", "max_log_size", "vmodule"}) {
      made->emplace(name, &unused_text);
    }
    return made;
  }();
  return *texts;
}

// One argument, if it is one of these flags.
class LogFlag {
 public:
  explicit LogFlag(const string& word) {
    const size_t dashes = word.rfind("--", 0) == 0 ? 2 : word.rfind('-', 0) == 0 ? 1 : 0;
    if (dashes == 0) return;
    const size_t equals = word.find('=');
    has_value_ = equals != string::npos;
    name_ = word.substr(dashes, has_value_ ? equals - dashes : string::npos);
    if (has_value_) value_ = word.substr(equals + 1);
    if (!has_value_ && name_.rfind("no", 0) == 0 && Switches().count(name_.substr(2))) {
      name_ = name_.substr(2);
      has_value_ = true;
      value_ = "false";
    }
    is_switch_ = Switches().count(name_) > 0;
  }
  bool known() const { return is_switch_ || Numbers().count(name_) || Texts().count(name_); }
  /// Whether its value is the next argument.
  bool lacks_value() const { return !is_switch_ && !has_value_; }

  void Set(const string& value) const {
    if (is_switch_) {
      *Switches().at(name_) = AsSwitch(value);
    } else if (Numbers().count(name_)) {
      *Numbers().at(name_) = AsNumber(value);
    } else {
      *Texts().at(name_) = value;
    }
  }
  void Set() const { Set(is_switch_ && !has_value_ ? "true" : value_); }

 private:
  bool AsSwitch(const string& value) const {
    for (const char* yes : {"1", "t", "true", "y", "yes"}) {
      if (strcasecmp(value.c_str(), yes) == 0) return true;
    }
    for (const char* no : {"0", "f", "false", "n", "no"}) {
      if (strcasecmp(value.c_str(), no) == 0) return false;
    }
    LOG(FATAL) << "the flag --" << name_ << " is true or false, not '" << value << "'";
  }
  int AsNumber(const string& value) const {
    char* end = nullptr;
    const int base = value.find("0x") == string::npos ? 10 : 16;
    const long number = std::strtol(value.c_str(), &end, base);
    CHECK(!value.empty() && *end == '\0' && number >= INT_MIN && number <= INT_MAX)
        << "the flag --" << name_ << " needs a number, not '" << value << "'";
    return static_cast<int>(number);
  }

  string name_, value_;
  bool is_switch_ = false;
  bool has_value_ = false;
};

}  // namespace

void TakeLogFlags(int* argc, char** argv) {
  int kept = 1;
  int i = 1;
  for (; i < *argc && string(argv[i]) != "--"; ++i) {
    const LogFlag flag(argv[i]);
    if (!flag.known()) {
      argv[kept++] = argv[i];
    } else if (flag.lacks_value()) {
      CHECK(i + 1 < *argc) << "the flag " << argv[i] << " needs a value";
      flag.Set(argv[++i]);
    } else {
      flag.Set();
    }
  }
  for (; i < *argc; ++i) argv[kept++] = argv[i];
  if (kept < *argc) argv[kept] = nullptr;
  if (*argc > 0) *argc = kept;
}

}  // namespace caffe
