#include "dcme/list_rows.hpp"

#include <algorithm>
#include <sstream>
#include <utility>

namespace dcme {
namespace {

const char kBlanks[] = " \t";

std::string strip(const std::string& text) {
  const size_t first = text.find_first_not_of(kBlanks);
  if (first == std::string::npos) return "";
  return text.substr(first, text.find_last_not_of(kBlanks) - first + 1);
}

std::vector<std::string> names_of(const ListRow& row) {
  std::vector<std::string> names;
  std::istringstream parts(row.text);
  for (std::string part; std::getline(parts, part, row.has_tab() ? '\t' : ' ');) {
    part = strip(part);
    if (!part.empty()) names.push_back(part);
  }
  return names;
}

}  // namespace

std::vector<ListRow> list_rows(const std::string& content) {
  std::vector<ListRow> rows;
  const std::string mark = "\xef\xbb\xbf";
  size_t begin = content.compare(0, mark.size(), mark) == 0 ? mark.size() : 0;
  for (int number = 1; begin < content.size(); ++number) {
    const size_t end = std::min(content.find_first_of("\r\n", begin), content.size());
    ListRow row{number, strip(content.substr(begin, end - begin)), {}};
    if (!row.text.empty() && row.text[0] != '#') {
      row.names = names_of(row);
      rows.push_back(std::move(row));
    }
    begin = end + (content.compare(end, 2, "\r\n") == 0 ? 2 : 1);
  }
  return rows;
}

}  // namespace dcme
