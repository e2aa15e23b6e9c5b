// After all tests: every layer type has had its gradient checked, or a reason why there is none.

#include <map>
#include <set>
#include <string>

#include <gtest/gtest.h>

#include "caffe/layer_factory.hpp"
#include "gradient_check.hpp"

namespace caffe_test {
namespace {

const std::map<std::string, std::string> kWithoutGradient = {
    {"Accuracy", "counts"},
    {"ArgMax", "gives places"},
    {"CountedBatches", "is a data layer of the tests"},
    {"Data", "has no bottom and no parameter"},
    {"DenseImageData", "has no bottom and no parameter"},
    {"DummyData", "has no bottom and no parameter"},
    {"HDF5Data", "has no bottom and no parameter"},
    {"HDF5Output", "has no top"},
    {"ImageData", "has no bottom and no parameter"},
    {"Input", "has no bottom and no parameter"},
    {"MemoryData", "has no bottom and no parameter"},
    {"Python", "is what its user writes (tests/python/runtime/test_pycaffe_python_layers.py)"},
    {"Threshold", "is flat"},
    {"Triple", "is a plug-in of the tests"},
    {"WindowData", "has no bottom and no parameter"},
};

class GradientCoverage : public ::testing::Environment {
  void TearDown() override {
    if (::testing::GTEST_FLAG(filter) != "*") return;
    for (const std::string& type : caffe::LayerRegistry<double>::LayerTypeList()) {
      const bool checked = CheckedTypes().count(type) > 0;
      const bool excused = kWithoutGradient.count(type) > 0;
      EXPECT_NE(checked, excused)
          << type
          << (checked ? " has a gradient check: its reason to have none is out of date"
                      : " has neither a gradient check nor a reason to have none");
    }
  }
};

// Owned by googletest.
const auto* const kCoverage = ::testing::AddGlobalTestEnvironment(new GradientCoverage);

}  // namespace
}  // namespace caffe_test
