#ifndef CAFFE_UTIL_NAMES_HPP_
#define CAFFE_UTIL_NAMES_HPP_

#include <string>
#include <vector>

namespace caffe {

/// Known names that differ from `name` by a few letters or by case, or begin with it (three letters
/// or more), nearest first, at most `most`.
std::vector<std::string> NearNames(const std::string& name, const std::vector<std::string>& known,
                                   size_t most = 3);

/// " (did you mean A, B?)" for an error message, or nothing where no name is near.
std::string DidYouMean(const std::string& name, const std::vector<std::string>& known);

/// The same in small letters (of ASCII).
std::string Lower(std::string text);

bool EndsWith(const std::string& text, const std::string& end);

/// "a, b" -> {"a", "b"}; empty names are left out.
std::vector<std::string> SplitNames(const std::string& list);

}  // namespace caffe

#endif  // CAFFE_UTIL_NAMES_HPP_
