#include "caffe/solver_factory.hpp"

#include "caffe/solver.hpp"
#include "caffe/util/names.hpp"
#include "caffe/util/plugins.hpp"
#include "solver/param_file.hpp"

namespace caffe {

template <typename Dtype>
typename SolverRegistry<Dtype>::CreatorRegistry& SolverRegistry<Dtype>::Registry() {
  // Never destroyed: see LayerRegistry.
  static CreatorRegistry* registry = new CreatorRegistry();
  return *registry;
}

template <typename Dtype>
void SolverRegistry<Dtype>::AddCreator(const string& type, Creator creator) {
  if (Registry().emplace(type, creator).second) return;
  const string error = "solver type '" + type + "' is registered twice: rename one of the solvers";
  if (!plugins::KeepRegistrationError(error)) LOG(FATAL) << error;
}

template <typename Dtype>
Solver<Dtype>* SolverRegistry<Dtype>::CreateSolver(const SolverParameter& param,
                                                   const string& file) {
  const string in_file = file.empty() ? "" : file + ": ";
  const auto found = Registry().find(param.type());
  if (found == Registry().end()) {
    LOG(FATAL) << in_file << "unknown solver type '" << param.type() << "'"
               << DidYouMean(param.type(), SolverTypeList())
               << "; solvers of your own come in a plug-in (--plugin, CAFFE_PLUGINS)";
  }
  try {
    Solver<Dtype>* solver = found->second(param);
    solver->set_param_file(file);
    return solver;
  } catch (const SolverParameterError& error) {
    throw Error(in_file + error.what());
  }
}

template <typename Dtype>
vector<string> SolverRegistry<Dtype>::SolverTypeList() {
  vector<string> types;
  for (const auto& entry : Registry()) types.push_back(entry.first);
  return types;
}

INSTANTIATE_CLASS(SolverRegistry);

}  // namespace caffe
