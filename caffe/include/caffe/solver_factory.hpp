#ifndef CAFFE_SOLVER_FACTORY_HPP_
#define CAFFE_SOLVER_FACTORY_HPP_

#include <map>
#include <string>
#include <vector>

#include "caffe/common.hpp"
#include "caffe/layer_factory.hpp"
#include "caffe/proto/caffe.pb.h"

namespace caffe {

template <typename Dtype>
class Solver;

/// Makes solvers by the type name of the prototxt. Solvers add themselves while their library
/// loads.
template <typename Dtype>
class SolverRegistry {
 public:
  typedef Solver<Dtype>* (*Creator)(const SolverParameter&);
  typedef std::map<string, Creator> CreatorRegistry;

  static CreatorRegistry& Registry();
  /// Adds a type; a second creator of the same name is an error.
  static void AddCreator(const string& type, Creator creator);
  /// A new solver, the caller's to delete. Throws Error with the nearest known names when the type
  /// is unknown.
  static Solver<Dtype>* CreateSolver(const SolverParameter& param) {
    return CreateSolver(param, "");
  }
  /// Of parameters that were read from a file: what is wrong with them is told with its name.
  static Solver<Dtype>* CreateSolver(const SolverParameter& param, const string& file);
  /// All names, sorted.
  static vector<string> SolverTypeList();

 private:
  SolverRegistry() = delete;
};

/// Registers a creator when constructed.
template <typename Dtype>
class SolverRegisterer {
 public:
  SolverRegisterer(const string& type, Solver<Dtype>* (*creator)(const SolverParameter&)) {
    CheckHeaders();
    SolverRegistry<Dtype>::AddCreator(type, creator);
  }
};

#define REGISTER_SOLVER_CREATOR(type, creator)                                     \
  static SolverRegisterer<float> g_solver_creator_f_##type(#type, creator<float>); \
  static SolverRegisterer<double> g_solver_creator_d_##type(#type, creator<double>)

/// Registers class template <type>Solver under the name "<type>".
#define REGISTER_SOLVER_CLASS(type)                                     \
  template <typename Dtype>                                             \
  Solver<Dtype>* Creator_##type##Solver(const SolverParameter& param) { \
    return new type##Solver<Dtype>(param);                              \
  }                                                                     \
  REGISTER_SOLVER_CREATOR(type, Creator_##type##Solver)

}  // namespace caffe

#endif  // CAFFE_SOLVER_FACTORY_HPP_
