#ifndef TESTS_ERRORS_HPP_
#define TESTS_ERRORS_HPP_

#include <string>

#include <gtest/gtest.h>

#include "caffe/common.hpp"

namespace caffe_test {

/// The message of the exception, of this type, that `act` throws; a failure where it throws none.
template <typename Exception = caffe::Error, typename Act>
std::string ErrorOf(const Act& act) {
  try {
    act();
  } catch (const Exception& e) {
    return e.what();
  }
  ADD_FAILURE() << "no error";
  return "";
}

inline bool Contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace caffe_test

#define EXPECT_ERROR_NAMES(statement, part)                                          \
  do {                                                                               \
    const std::string message = caffe_test::ErrorOf([&] { statement; });             \
    EXPECT_TRUE(caffe_test::Contains(message, part)) << "the error is: " << message; \
  } while (false)

#endif  // TESTS_ERRORS_HPP_
