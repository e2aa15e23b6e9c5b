#include "caffe/util/io.hpp"
#include "caffe/util/upgrade_proto.hpp"
#include "common/upgrade_tool.hpp"

int main(int argc, char** argv) {
  const char* const description =
      "Rewrites a solver's prototxt in the current format.\n"
      "Example: upgrade_solver_proto_text old_solver.prototxt new_solver.prototxt";
  return caffe::tools::RunUpgradeTool(
      argc, argv, description, [](const std::string& input, const std::string& output) {
        caffe::SolverParameter solver;
        caffe::ReadProtoFromTextFileOrDie(input, &solver);
        const bool complete = caffe::UpgradeSolverAsNeeded(input, &solver);
        caffe::WriteProtoToTextFile(solver, output);
        return complete;
      });
}
