#ifndef CAFFE_TOOLS_COMMON_UPGRADE_TOOL_HPP_
#define CAFFE_TOOLS_COMMON_UPGRADE_TOOL_HPP_

#include <functional>
#include <string>

namespace caffe {
namespace tools {

/// What a tool that brings a file up to date does with its two arguments; false where something of
/// the old file was left out.
using Upgrade = std::function<bool(const std::string& input, const std::string& output)>;

/// Runs such a tool. The exit code is 1 where the result is incomplete.
int RunUpgradeTool(int argc, char** argv, const std::string& description, const Upgrade& upgrade);

}  // namespace tools
}  // namespace caffe

#endif  // CAFFE_TOOLS_COMMON_UPGRADE_TOOL_HPP_
