#ifndef CAFFE_UTIL_PLAIN_TEXT_HPP_
#define CAFFE_UTIL_PLAIN_TEXT_HPP_

#include <locale>
#include <sstream>

namespace caffe {

/// Text that is put together as for a file that others read: numbers have points and no groups,
/// whatever the program's locale (std::locale::global) has.
class PlainText : public std::ostringstream {
 public:
  PlainText() { imbue(std::locale::classic()); }
};

}  // namespace caffe

#endif  // CAFFE_UTIL_PLAIN_TEXT_HPP_
