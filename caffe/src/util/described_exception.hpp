#ifndef CAFFE_UTIL_DESCRIBED_EXCEPTION_HPP_
#define CAFFE_UTIL_DESCRIBED_EXCEPTION_HPP_

#include <exception>

#include <boost/thread/exceptions.hpp>

#include "caffe/common.hpp"

namespace caffe {

/// The exception that is being handled, as a std::exception: what code of others throws need be
/// none, and then says nothing of itself.
inline std::exception_ptr DescribedException() {
  try {
    throw;
  } catch (const std::exception&) {
    return std::current_exception();
  } catch (const boost::thread_interrupted&) {
    return std::make_exception_ptr(Error("a thread was interrupted that was not asked to end"));
  } catch (...) {
    return std::make_exception_ptr(Error("something was thrown that is no std::exception"));
  }
}

}  // namespace caffe

#endif  // CAFFE_UTIL_DESCRIBED_EXCEPTION_HPP_
