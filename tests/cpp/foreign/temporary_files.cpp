// Code written for Caffe 1.0 leaves its temporary files where they are; here they vanish with the
// tests.

#include <cstdlib>
#include <memory>

#include <gtest/gtest.h>

#include "temporary_folder.hpp"

namespace {

class TemporaryFiles : public testing::Environment {
 public:
  void SetUp() override {
    folder_ = std::make_unique<caffe_test::TemporaryFolder>();
    setenv("TMPDIR", folder_->path().c_str(), 1);
  }
  void TearDown() override { folder_.reset(); }

 private:
  std::unique_ptr<caffe_test::TemporaryFolder> folder_;
};

const testing::Environment* const kTemporaryFiles =
    testing::AddGlobalTestEnvironment(new TemporaryFiles);

}  // namespace
