// Training that goes on from a snapshot, in programs that lead the data on themselves: the
// snapshots of Caffe 1.0 do not say where the data were.

#include <fstream>
#include <string>
#include <vector>

#include "caffe/caffe.hpp"
#include "caffe/sgd_solvers.hpp"
#include "caffe/util/hdf5.hpp"
#include "foreign.hpp"

namespace caffe {

template <typename Dtype>
class RestoredSolver : public ::testing::Test {
 protected:
  RestoredSolver() {
    MakeTempDir(&folder_);
    // Five rows in batches of two: no batch is that of another iteration before the fifth.
    Blob<Dtype> x(std::vector<int>{5, 3}), t(std::vector<int>{5, 1});
    for (int i = 0; i < x.count(); ++i) x.mutable_cpu_data()[i] = (i * 7 % 11) / Dtype(10);
    for (int i = 0; i < t.count(); ++i) t.mutable_cpu_data()[i] = i - Dtype(2);
    const std::string file = folder_ + "/rows.h5";
    const hid_t id = H5Fcreate(file.c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
    hdf5_save_nd_dataset(id, "x", x);
    hdf5_save_nd_dataset(id, "t", t);
    H5Fclose(id);
    std::ofstream(folder_ + "/list.txt") << file << "\n";
  }

  // Least squares; `twins`: of two layers with the same parameters.
  shared_ptr<Solver<Dtype>> Make(const std::string& type, const std::string& format,
                                 bool twins = false) const {
    const std::string product =
        "type: 'InnerProduct' bottom: 'x' param { name: 'w' } param { name: 'b' } "
        "inner_product_param { num_output: 1 weight_filler { type: 'gaussian' } }";
    const std::string sum =
        "layer { name: 'ip2' top: 'y2' " + product +
        " } layer { name: 'sum' type: 'Eltwise' bottom: 'y' bottom: 'y2' top: 'both' } ";
    const SolverParameter param = FromText<SolverParameter>(
        "base_lr: 0.1 lr_policy: 'fixed' momentum: 0.5 delta: 0.1 max_iter: 99 random_seed: 4 "
        "solver_mode: CPU type: '" +
        type + "' snapshot_format: " + format + " snapshot_prefix: '" + folder_ +
        "/s' net_param { layer { name: 'rows' type: 'HDF5Data' top: 'x' top: 't' "
        "hdf5_data_param { batch_size: 2 source: '" +
        folder_ + "/list.txt' } } layer { name: 'ip' top: 'y' " + product + " } " +
        (twins ? sum : "") + "layer { name: 'loss' type: 'EuclideanLoss' bottom: '" +
        (twins ? "both" : "y") + "' bottom: 't' top: 'loss' } }");
    return shared_ptr<Solver<Dtype>>(SolverRegistry<Dtype>::CreateSolver(param));
  }
  static std::vector<Dtype> Learned(Solver<Dtype>* solver) {
    std::vector<Dtype> values;
    for (const Blob<Dtype>* blob : solver->net()->learnable_params()) {
      values.insert(values.end(), blob->cpu_data(), blob->cpu_data() + blob->count());
    }
    return values;
  }

  std::string folder_;
};
TYPED_TEST_SUITE(RestoredSolver, FloatAndDouble, );

TYPED_TEST(RestoredSolver, GoesOnWithItsDataHoweverManyBatchesTheProgramReadBefore) {
  for (const std::string format : {"BINARYPROTO", "HDF5"}) {
    const std::string state =
        this->folder_ + "/s_iter_3.solverstate" + (format == "HDF5" ? ".h5" : "");
    // The solvers that take a momentum.
    for (const char* type : {"SGD", "Nesterov", "AdaDelta", "Adam"}) {
      for (const bool twins : {false, true}) {
        const shared_ptr<Solver<TypeParam>> unbroken = this->Make(type, format, twins);
        unbroken->Step(3);
        unbroken->Snapshot();
        unbroken->Step(4);
        const std::vector<TypeParam> expected = this->Learned(unbroken.get());
        for (const int batches : {0, 1, 3}) {
          const shared_ptr<Solver<TypeParam>> restored = this->Make(type, format, twins);
          restored->Restore(state.c_str());
          for (int i = 0; i < batches; ++i) restored->net()->Forward();
          restored->Step(4);
          EXPECT_EQ(expected, this->Learned(restored.get())) << type << " " << format << batches;
        }
      }
    }
  }
}

TYPED_TEST(RestoredSolver, CountsTheBatchesThatAreReadAfterItsFirstStep) {
  const shared_ptr<Solver<TypeParam>> unbroken = this->Make("SGD", "BINARYPROTO");
  unbroken->Step(2);
  unbroken->Snapshot();
  const shared_ptr<Solver<TypeParam>> restored = this->Make("SGD", "BINARYPROTO");
  restored->Restore((this->folder_ + "/s_iter_2.solverstate").c_str());
  for (Solver<TypeParam>* solver : {unbroken.get(), restored.get()}) {
    solver->Step(1);
    solver->net()->Forward();
    solver->Step(1);
  }
  EXPECT_EQ(this->Learned(unbroken.get()), this->Learned(restored.get()));
}

}  // namespace caffe
