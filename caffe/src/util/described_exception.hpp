#ifndef CAFFE_SRC_UTIL_DESCRIBED_EXCEPTION_HPP_
#define CAFFE_SRC_UTIL_DESCRIBED_EXCEPTION_HPP_

#include <exception>
#include <stdexcept>

#include <boost/thread/exceptions.hpp>

#include "caffe/common.hpp"
#include "caffe/util/names.hpp"
#include "caffe/util/out_of_memory.hpp"
#include "caffe/util/python_exception.hpp"

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

/// Throws the std::exception that is being handled again, with `where` in front of what it says.
///
/// Classes of the standard library that Python knows by other names (IndexError, ValueError and so
/// on) stay what they are; all others, also those of layers' own, become an Error. What is none is
/// thrown again as it is.
[[noreturn]] inline void RethrowFrom(const string& where) {
  const auto told = [&where](const std::exception& error) { return OneLine(where + error.what()); };
  try {
    throw;
  } catch (const PythonException&) {
    throw;  // has its traceback, and a note with the layer's name
  } catch (const OutOfMemory& error) {
    throw OutOfMemory(OneLine(where), error);
  } catch (const std::bad_alloc&) {
    throw OutOfMemory(OneLine(where));
  } catch (const std::out_of_range& error) {
    throw std::out_of_range(told(error));
  } catch (const std::length_error& error) {
    throw std::length_error(told(error));
  } catch (const std::domain_error& error) {
    throw std::domain_error(told(error));
  } catch (const std::invalid_argument& error) {
    throw std::invalid_argument(told(error));
  } catch (const std::overflow_error& error) {
    throw std::overflow_error(told(error));
  } catch (const std::range_error& error) {
    throw std::range_error(told(error));
  } catch (const std::exception& error) {
    throw Error(told(error));
  }
}

}  // namespace caffe

#endif  // CAFFE_SRC_UTIL_DESCRIBED_EXCEPTION_HPP_
