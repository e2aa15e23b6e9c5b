#ifndef CAFFE_UTIL_NAMES_HPP_
#define CAFFE_UTIL_NAMES_HPP_

#include <string>
#include <vector>

namespace caffe {

/// " (did you mean A, B?)" for an error message: of the known names, those that differ from `name`
/// by a few letters or by case, or begin with it (three letters or more), nearest first. Nothing
/// where none does.
std::string DidYouMean(const std::string& name, const std::vector<std::string>& known);

/// The text in small letters (of ASCII).
std::string Lower(std::string text);

/// The text with its control characters, line breaks among them, as programs write them (\n, \x1b),
/// and without line breaks at its end.
std::string OneLine(const std::string& text);

bool EndsWith(const std::string& text, const std::string& end);

/// "a, b" -> {"a", "b"}; empty names are left out.
std::vector<std::string> SplitNames(const std::string& list);

}  // namespace caffe

#endif  // CAFFE_UTIL_NAMES_HPP_
