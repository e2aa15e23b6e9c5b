#ifndef CAFFE_TOOLS_COMMON_COMMAND_LINE_HPP_
#define CAFFE_TOOLS_COMMON_COMMAND_LINE_HPP_

/// What all command line tools share: how options are written, how failures end.
///
///   int main(int argc, char** argv) {
///     return caffe::tools::Run([&] {
///       CLI::App app("Says what the tool does");
///       string source;
///       app.add_option("--source", source, "What it is");
///       caffe::tools::ParseArguments(&app, argc, argv);
///       ...
///       return 0;
///     });
///   }

#include <functional>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

namespace caffe {
namespace tools {

/// Adds a switch that can be written --name, --name=true, --name=false or --noname.
CLI::Option* AddSwitch(CLI::App* app, const std::string& name, bool* value,
                       const std::string& description);

/// Adds --plugin: shared libraries with layers or solvers, for LoadPlugins.
void AddPluginOption(CLI::App* app, std::vector<std::string>* plugins);

/// Loads the plug-ins that CAFFE_PLUGINS names and those given. Throws Error.
void LoadPlugins(const std::vector<std::string>& plugins);

/// Makes the help of a tool and its commands fit into 80 columns, and adds the log's flags to it.
/// ParseArguments does so, too.
void PrepareHelp(CLI::App* app);

/// Parses the arguments. Options take one or two dashes, their values a blank or `=`, and may stand
/// before the command. google-glog's flags are taken first (core/log_flags.hpp).
///
/// Ends Run (after printing) where help is asked for or an argument is wrong.
void ParseArguments(CLI::App* app, int argc, char** argv);

/// Runs a tool. Returns what `body` returns, or prints one line to stderr and returns 1 where it
/// throws.
int Run(const std::function<int()>& body);

}  // namespace tools
}  // namespace caffe

#endif  // CAFFE_TOOLS_COMMON_COMMAND_LINE_HPP_
