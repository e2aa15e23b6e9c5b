#pragma once

#include <string>
#include <vector>

namespace dcme {

// A row of a list of files that says something.
struct ListRow {
  int number;                      // its line, from 1
  std::string text;                // without blanks around it
  std::vector<std::string> names;  // parted by tabs if there are any, else by blanks

  // Whether the names may hold blanks.
  bool has_tab() const { return text.find('\t') != std::string::npos; }
};

// The rows of a list: what is neither empty nor begins with #. Lines end as on any system, and the
// mark of UTF-8 is no part of the first. The layers and Python read their lists by this.
std::vector<ListRow> list_rows(const std::string& content);

}  // namespace dcme
