#include "caffe/util/io.hpp"
#include "caffe/util/upgrade_proto.hpp"
#include "common/upgrade_tool.hpp"

int main(int argc, char** argv) {
  const char* const description =
      "Rewrites a net's prototxt in the current format.\n"
      "Example: upgrade_net_proto_text old.prototxt new.prototxt";
  return caffe::tools::RunUpgradeTool(
      argc, argv, description, [](const std::string& input, const std::string& output) {
        caffe::NetParameter net;
        caffe::ReadProtoFromTextFileOrDie(input, &net);
        const bool complete = caffe::UpgradeNetAsNeeded(input, &net);
        caffe::WriteProtoToTextFile(net, output);
        return complete;
      });
}
