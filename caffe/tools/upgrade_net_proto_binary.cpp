#include "caffe/util/io.hpp"
#include "caffe/util/upgrade_proto.hpp"
#include "common/upgrade_tool.hpp"

int main(int argc, char** argv) {
  const char* const description =
      "Rewrites a .caffemodel in the current format.\n"
      "Example: upgrade_net_proto_binary old.caffemodel new.caffemodel";
  return caffe::tools::RunUpgradeTool(
      argc, argv, description, [](const std::string& input, const std::string& output) {
        caffe::NetParameter net;
        caffe::ReadProtoFromBinaryFileOrDie(input, &net);
        const bool complete = caffe::UpgradeNetAsNeeded(input, &net);
        caffe::WriteProtoToBinaryFile(net, output);
        return complete;
      });
}
