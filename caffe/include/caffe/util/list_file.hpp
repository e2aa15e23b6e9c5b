#ifndef CAFFE_UTIL_LIST_FILE_HPP_
#define CAFFE_UTIL_LIST_FILE_HPP_

#include <istream>
#include <string>
#include <vector>

namespace caffe {

/// A line `path rest` of a list of files; the path may contain blanks, the rest not.
struct ListLine {
  std::string path;
  std::string rest;
  /// `list:line`, for error messages.
  std::string where;
};

/// Reads a list; empty lines are skipped. Throws Error naming file and line where a line has not
/// two parts, or where the list is empty.
std::vector<ListLine> ReadListFile(const std::string& list);

/// Throws Error naming the file where a failure, not its end, ended the reading of `list`.
void CheckWholeListRead(const std::istream& file, const std::string& list);

/// A whole number, e.g. a label. Throws Error (after `where`) where the text is none.
int ParseInteger(const std::string& text, const std::string& where);

}  // namespace caffe

#endif  // CAFFE_UTIL_LIST_FILE_HPP_
