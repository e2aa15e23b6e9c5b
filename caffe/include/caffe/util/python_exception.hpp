#ifndef CAFFE_UTIL_PYTHON_EXCEPTION_HPP_
#define CAFFE_UTIL_PYTHON_EXCEPTION_HPP_

namespace caffe {

/// The base of exceptions that are Python's: nets let them through as they are.
class PythonException {
 protected:
  PythonException() = default;
};

}  // namespace caffe

#endif  // CAFFE_UTIL_PYTHON_EXCEPTION_HPP_
