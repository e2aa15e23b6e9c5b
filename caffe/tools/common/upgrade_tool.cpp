#include "upgrade_tool.hpp"

#include "caffe/common.hpp"
#include "command_line.hpp"

namespace caffe {
namespace tools {

int RunUpgradeTool(int argc, char** argv, const string& description, const Upgrade& upgrade) {
  return Run([&] {
    CLI::App app(description);
    string input;
    string output;
    app.add_option("input", input, "File to read")->required();
    app.add_option("output", output, "File to write, which may be the same")->required();
    ParseArguments(&app, argc, argv);
    if (!upgrade(input, output)) {
      LOG(ERROR) << output << ": written, but incomplete: see the lines above";
      return 1;
    }
    LOG(INFO) << "Wrote upgraded file to " << output;
    return 0;
  });
}

}  // namespace tools
}  // namespace caffe
