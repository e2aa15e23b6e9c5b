// Runs the tests on the CPU or, where CAFFE_TEST_GPU names one, on a GPU. Exit code 77 means that
// there is no such GPU.

#include <cstdlib>
#include <iostream>

#include <gtest/gtest.h>

#include "caffe/common.hpp"

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  if (const char* gpu = std::getenv("CAFFE_TEST_GPU")) {
    const int device = std::atoi(gpu);
    if (!caffe::Caffe::CheckDevice(device)) {
      std::cout << "Skipped: there is no usable GPU " << device << "\n";
      return 77;
    }
    caffe::Caffe::SetDevice(device);
    caffe::Caffe::set_mode(caffe::Caffe::GPU);
  }
  return RUN_ALL_TESTS();
}
