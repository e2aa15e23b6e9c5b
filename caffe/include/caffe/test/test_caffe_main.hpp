#ifndef CAFFE_TEST_TEST_CAFFE_MAIN_HPP_
#define CAFFE_TEST_TEST_CAFFE_MAIN_HPP_

/// What unit tests written for Caffe 1.0 start from, on googletest: fixtures that choose the
/// device, and the lists of types for typed tests. Link gtest_main, or bring a main of your own.

#include <cstdio>
#include <cstdlib>
#include <iostream>

#include <gtest/gtest.h>

#include "caffe/common.hpp"

// Where such tests look for their files; a build with files elsewhere defines them (-D).
#ifndef EXAMPLES_SOURCE_DIR
#define EXAMPLES_SOURCE_DIR "examples/"
#endif
#ifndef ABS_TEST_DATA_DIR
#define ABS_TEST_DATA_DIR "src/caffe/test/test_data"
#endif
#ifndef CUDA_TEST_DEVICE
#define CUDA_TEST_DEVICE -1
#endif

using std::cout;
using std::endl;

#ifndef CPU_ONLY
/// The properties of the device that is tested on; defined where the tests' main is.
extern cudaDeviceProp CAFFE_TEST_CUDA_PROP;
#endif

namespace caffe {

/// Type parameters: numbers of a kind on a device.
template <typename Number>
struct CPUDevice {
  typedef Number Dtype;
  static const Caffe::Brew device = Caffe::CPU;
};
template <typename Number>
const Caffe::Brew CPUDevice<Number>::device;
#ifndef CPU_ONLY
template <typename Number>
struct GPUDevice {
  typedef Number Dtype;
  static const Caffe::Brew device = Caffe::GPU;
};
template <typename Number>
const Caffe::Brew GPUDevice<Number>::device;
#endif

/// A fixture whose tests run on the device of their type parameter, and are skipped where there is
/// none.
template <typename Device>
class MultiDeviceTest : public ::testing::Test {
 public:
  typedef typename Device::Dtype Dtype;

 protected:
  MultiDeviceTest() {
#ifndef CPU_ONLY
    if (Device::device == Caffe::GPU && !Caffe::CheckDevice(0)) {
      [] { GTEST_SKIP() << "there is no GPU"; }();
      return;
    }
#endif
    Caffe::set_mode(Device::device);
  }
};

/// The same for tests of one device, whose type parameter is the kind of number.
template <typename Dtype>
class CPUDeviceTest : public MultiDeviceTest<CPUDevice<Dtype>> {};
#ifndef CPU_ONLY
template <typename Dtype>
class GPUDeviceTest : public MultiDeviceTest<GPUDevice<Dtype>> {};
#endif

typedef ::testing::Types<float, double> TestDtypes;
#ifdef CPU_ONLY
typedef ::testing::Types<CPUDevice<float>, CPUDevice<double>> TestDtypesAndDevices;
#else
typedef ::testing::Types<CPUDevice<float>, CPUDevice<double>, GPUDevice<float>, GPUDevice<double>>
    TestDtypesAndDevices;
#endif

}  // namespace caffe

#endif  // CAFFE_TEST_TEST_CAFFE_MAIN_HPP_
