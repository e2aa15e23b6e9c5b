#include "command_line.hpp"

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <cstring>
#include <exception>
#include <iostream>
#include <memory>
#include <new>
#include <vector>

#include "caffe/common.hpp"
#include "caffe/util/names.hpp"
#include "caffe/util/out_of_memory.hpp"
#include "caffe/util/plugins.hpp"
#include "core/log_flags.hpp"

namespace caffe {
namespace tools {

namespace {

// Ends a tool from inside ParseArguments.
struct Exit {
  int code;
};

// `-solver` means `--solver`; a single letter, a number or a lone dash stays what it is.
string TwoDashes(const string& argument) {
  const bool one_dash = argument.size() > 2 && argument[0] == '-' && argument[1] != '-';
  const bool word =
      one_dash && std::isalpha(static_cast<unsigned char>(argument[1])) && argument[2] != '=';
  return word ? "-" + argument : argument;
}

// The option of that name, of the program or of one of its commands; null where there is none.
const CLI::Option* FindOption(const CLI::App& app, const string& name) {
  const CLI::Option* found = app.get_option_no_throw(name);
  for (const CLI::App* command : app.get_subcommands(nullptr)) {
    if (!found) found = command->get_option_no_throw(name);
  }
  return found;
}

// The arguments as the parser takes them. It would take what follows `--name=` for the value, which
// is empty: scripts write --gpu=$GPU, whether there is one or not.
std::vector<string> Words(const CLI::App& app, int argc, char** argv) {
  std::vector<string> words;
  bool options_end = false;
  for (int i = 1; i < argc; ++i) {
    options_end = options_end || string(argv[i]) == "--";
    const string word = options_end ? string(argv[i]) : TwoDashes(argv[i]);
    if (options_end || word[0] != '-' || word.find('=') + 1 != word.size()) {
      words.push_back(word);
      continue;
    }
    const string name = word.substr(0, word.size() - 1);
    const CLI::Option* option = FindOption(app, name);
    if (option && option->get_required()) continue;
    words.push_back(name);
    words.push_back("");
  }
  return words;
}

// Puts the name of the command first, where google-gflags allowed options before it.
void MoveCommandToFront(const CLI::App& app, std::vector<string>* words) {
  if (app.get_subcommands(nullptr).empty()) return;
  for (size_t i = 0; i < words->size(); ++i) {
    const string& word = (*words)[i];
    if (word.size() > 1 && word[0] == '-') {
      const CLI::Option* option = FindOption(app, word);
      if (option && option->get_items_expected_max() > 0) ++i;
      continue;
    }
    std::rotate(words->begin(), words->begin() + i, words->begin() + i + 1);
    return;
  }
}

constexpr size_t kHelpWidth = 80;

// The text with line breaks in place of blanks, so that no line is longer than `width`; lines that
// begin with a blank (examples) stay as they are.
string Wrapped(const string& text, size_t width) {
  string wrapped = text;
  size_t begin = 0;  // of the line
  size_t blank = string::npos;
  for (size_t i = 0; i < wrapped.size(); ++i) {
    if (wrapped[i] == '\n') begin = i + 1;
    if (wrapped[i] == ' ') blank = i;
    const bool example = wrapped[begin] == ' ';
    if (i - begin < width || example || blank == string::npos || blank < begin) continue;
    wrapped[blank] = '\n';
    begin = blank + 1;
  }
  return wrapped;
}

// What is described on the left, its description on the right.
string SideBySide(const string& left, const string& right, size_t column) {
  string text = "  " + left;
  text += text.size() < column ? string(column - text.size(), ' ') : "\n" + string(column, ' ');
  for (const char c : Wrapped(right, kHelpWidth - column)) {
    text += c;
    if (c == '\n') text.append(column, ' ');
  }
  return text + "\n";
}

// Help that fits into a terminal of the usual width. Lines are put together here: versions of CLI11
// do it in different ways, the later ones take the blanks from the beginnings of examples.
class Help : public CLI::Formatter {
 public:
  string make_help(const CLI::App* app, string name, CLI::AppFormatMode mode) const override {
    const string footer = app->get_footer();
    return Wrapped(app->get_description(), kHelpWidth) + "\n" + make_usage(app, std::move(name)) +
           make_positionals(app) + OwnOptions(*app) + make_subcommands(app, mode) +
           (footer.empty() ? "" : "\n" + footer + "\n");
  }
  string make_usage(const CLI::App* app, string name) const override {
    string usage = "Usage: " + name + " [OPTIONS]";
    for (const CLI::Option* option : app->get_options()) {
      if (option->get_positional()) usage += " " + make_option_usage(option);
    }
    if (!app->get_subcommands(nullptr).empty()) usage += " SUBCOMMAND";
    return Wrapped(usage, kHelpWidth) + "\n";
  }
  string make_option(const CLI::Option* option, bool positional) const override {
    return SideBySide(make_option_name(option, positional) + make_option_opts(option),
                      option->get_description(), get_column_width());
  }
  string make_subcommand(const CLI::App* command) const override {
    return SideBySide(command->get_name(), command->get_description(), get_column_width());
  }
  // Behind the options of a command, which has no commands of its own, those of the program.
  string make_subcommands(const CLI::App* app, CLI::AppFormatMode mode) const override {
    const CLI::App* program = app->get_parent();
    return program ? SharedOptions(*program) : Formatter::make_subcommands(app, mode);
  }

 private:
  string OwnOptions(const CLI::App& app) const {
    return Groups(app, app.get_help_ptr()->get_group(),
                  [](const CLI::Option& option) { return option.nonpositional(); });
  }
  string SharedOptions(const CLI::App& program) const {
    return Groups(program, "Options of all commands", [](const CLI::Option& option) {
      return option.get_items_expected_max() > 0;  // unlike --help, --version
    });
  }
  // The options that are to be shown, under their groups' names; `unnamed` is that of the group
  // that --help is in. Each group has one empty line in front.
  template <typename Shown>
  string Groups(const CLI::App& app, const string& unnamed, const Shown& shown) const {
    string text;
    for (const string& group : app.get_groups()) {
      const auto options = app.get_options([&](const CLI::Option* option) {
        return option->get_group() == group && shown(*option);
      });
      const string title = group == app.get_help_ptr()->get_group() ? unnamed : group;
      if (!options.empty()) text += make_group(title, false, options);
    }
    return text;
  }
};

std::vector<string> OptionNames(const CLI::App& app) {
  std::vector<string> names;
  for (const CLI::Option* option : app.get_options()) {
    for (const string& name : option->get_lnames()) names.push_back("--" + name);
  }
  return names;
}

// What may stand where a wrong word does: options of the program, and either of the chosen command
// or all commands with theirs.
std::vector<string> KnownWords(const CLI::App& program, const CLI::App& chosen) {
  std::vector<string> names = OptionNames(program);
  for (const CLI::App* command : program.get_subcommands(nullptr)) {
    if (&chosen != &program && command != &chosen) continue;
    if (command != &chosen) names.push_back(command->get_name());
    for (const string& name : OptionNames(*command)) names.push_back(name);
  }
  return names;
}

const CLI::App& ChosenCommand(const CLI::App& app) {
  const std::vector<CLI::App*> chosen = app.get_subcommands();
  return chosen.empty() ? app : *chosen.front();
}

// " (did you mean --model=x?)" where x stands alone and the command lacks an option that it needs.
string MeantOption(const CLI::App& command, const string& value) {
  for (const CLI::Option* option : command.get_options()) {
    if (option->get_required() && option->count() == 0 && !option->get_positional()) {
      return " (did you mean " + option->get_name() + "=" + value + "?)";
    }
  }
  return "";
}

void ReportWrongArguments(const CLI::App& app, const CLI::ParseError& error) {
  const CLI::App& command = ChosenCommand(app);
  string problem = error.what();
  const std::vector<string> unknown = app.remaining(true);
  if (!unknown.empty()) {
    const string name = unknown.front().substr(0, unknown.front().find('='));
    const bool wants_command = &command == &app && !app.get_subcommands(nullptr).empty();
    const char* what = name[0] == '-' ? "option" : wants_command ? "command" : "argument";
    std::vector<string> known = KnownWords(app, command);
    known.erase(std::remove(known.begin(), known.end(), name), known.end());
    string guess = DidYouMean(name, known);
    if (guess.empty() && name[0] != '-' && !wants_command) guess = MeantOption(command, name);
    problem = string("unknown ") + what + " " + name + guess;
    if (wants_command && FindOption(app, name)) problem = "no command for " + name;
  }
  const string chosen = &command == &app ? "" : " " + command.get_name();
  std::cerr << app.get_name() << ": " << OneLine(problem) << "; see " << app.get_name() << chosen
            << " --help\n";
}

// The exit code of a tool whose output may still be on its way.
int Flushed(int code) {
  errno = 0;
  std::cout.flush();
  if (std::cout) return code;
  std::cerr << "error: cannot write the output: " << std::strerror(errno ? errno : EIO) << "\n";
  return 1;
}

}  // namespace

CLI::Option* AddSwitch(CLI::App* app, const string& name, bool* value, const string& description) {
  CLI::Option* option = app->add_flag("--" + name + ",!--no" + name, *value, description);
  option->default_str(*value ? "true" : "false");
  return option;
}

void AddPluginOption(CLI::App* app, std::vector<std::string>* plugins) {
  app->add_option("--plugin", *plugins,
                  "Shared library with layers or solvers of your own (repeatable); also "
                  "CAFFE_PLUGINS=a.so:b.so")
      ->allow_extra_args(false);
}

void LoadPlugins(const std::vector<std::string>& plugins) {
  LoadDefaultPlugins();
  for (const std::string& path : plugins) LoadPlugin(path);
}

void PrepareHelp(CLI::App* app) {
  // For the help only: ParseArguments lets TakeLogFlags have the flag.
  app->add_option("--minloglevel", FLAGS_minloglevel,
                  "Print lines from this level on: 0 info, 1 warnings, 2 errors (google-glog's "
                  "other flags are accepted too)")
      ->group("Logging");
  const auto help = std::make_shared<Help>();
  app->formatter(help);
  for (CLI::App* command : app->get_subcommands(nullptr)) command->formatter(help);
}

void ParseArguments(CLI::App* app, int argc, char** argv) {
  PrepareHelp(app);
  TakeLogFlags(&argc, argv);
  app->fallthrough();
  const string program = argc > 0 ? argv[0] : "caffe";
  app->name(program.substr(program.rfind('/') + 1));
  std::vector<string> arguments = Words(*app, argc, argv);
  MoveCommandToFront(*app, &arguments);
  std::reverse(arguments.begin(), arguments.end());
  try {
    app->parse(std::move(arguments));
  } catch (const CLI::ParseError& error) {
    // Asking for help or the version is no failure.
    if (error.get_exit_code() == 0) throw Exit{app->exit(error)};
    ReportWrongArguments(*app, error);
    throw Exit{1};
  }
}

int Run(const std::function<int()>& body) {
  try {
    return Flushed(body());
  } catch (const Exit& exit) {
    return Flushed(exit.code);
  } catch (const OutOfMemory& error) {
    std::cerr << "error: " << error.what() << "\n";
  } catch (const std::bad_alloc&) {
    std::cerr << "error: " << OutOfMemory("").what() << "\n";
  } catch (const std::exception& error) {
    std::cerr << "error: " << OneLine(error.what()) << "\n";
  } catch (...) {
    std::cerr << "error: a layer or plug-in threw something that is no std::exception\n";
  }
  return 1;
}

}  // namespace tools
}  // namespace caffe
