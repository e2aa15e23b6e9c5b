#ifndef CAFFE_SRC_UTIL_START_THREAD_HPP_
#define CAFFE_SRC_UTIL_START_THREAD_HPP_

#include <system_error>
#include <thread>
#include <utility>

#include "caffe/common.hpp"

namespace caffe {

/// A new thread that runs body(). Throws Error where the system has none to give.
template <typename Body>
std::thread StartThread(Body&& body) {
  try {
    return std::thread(std::forward<Body>(body));
  } catch (const std::system_error& error) {
    throw Error(string("the system starts no further thread (") + error.code().message() +
                "): end other programs, or raise its limits of threads and memory");
  }
}

}  // namespace caffe

#endif  // CAFFE_SRC_UTIL_START_THREAD_HPP_
