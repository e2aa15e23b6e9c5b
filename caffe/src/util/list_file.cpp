#include "caffe/util/list_file.hpp"

#include <cerrno>
#include <charconv>
#include <cstring>
#include <fstream>

#include "caffe/common.hpp"

namespace caffe {

vector<ListLine> ReadListFile(const string& list) {
  std::ifstream file(list);
  if (!file) LOG(FATAL) << "cannot open the list " + list;
  vector<ListLine> lines;
  string text;
  for (int number = 1; std::getline(file, text); ++number) {
    // Some editors put a mark before UTF-8.
    if (number == 1 && text.compare(0, 3, "\xEF\xBB\xBF") == 0) text.erase(0, 3);
    if (text.find('\0') != string::npos) LOG(FATAL) << list + " is no text file";
    const size_t end = text.find_last_not_of(" \t\r");
    if (end == string::npos) continue;
    text.resize(end + 1);
    const string where = list + ":" + std::to_string(number);
    const size_t gap = text.find_last_of(" \t");
    const size_t path_end = gap == string::npos ? gap : text.find_last_not_of(" \t", gap);
    if (path_end == string::npos) {
      LOG(FATAL) << where + ": '" + text +
                        "' has one part; a file and what belongs to it are needed";
    }
    lines.push_back({text.substr(0, path_end + 1), text.substr(gap + 1), where});
  }
  CheckWholeListRead(file, list);
  if (lines.empty()) LOG(FATAL) << "the list " + list + " is empty";
  return lines;
}

void CheckWholeListRead(const std::istream& file, const string& list) {
  if (file.bad()) LOG(FATAL) << "cannot read all of the list " + list + ": " + std::strerror(errno);
}

int ParseInteger(const string& text, const string& where) {
  int value = 0;
  const char* const end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data(), end, value);
  if (parsed.ec != std::errc() || parsed.ptr != end) {
    LOG(FATAL) << where + ": '" + text + "' is no whole number";
  }
  return value;
}

}  // namespace caffe
