#include "caffe/util/names.hpp"

#include <algorithm>
#include <cctype>
#include <cstdio>
#include <sstream>

namespace caffe {

namespace {

// Levenshtein distance: insertions, deletions and replacements of single letters.
size_t EditDistance(const std::string& a, const std::string& b) {
  std::vector<size_t> row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t replaced = diagonal + (a[i - 1] != b[j - 1]);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, replaced});
    }
  }
  return row[b.size()];
}

// The nearest of the names that DidYouMean speaks of.
std::vector<std::string> NearNames(const std::string& name, const std::vector<std::string>& known) {
  const size_t most = 3;
  const std::string wanted = Lower(name);
  const size_t tolerance = std::max<size_t>(2, wanted.size() / 3);
  std::vector<std::pair<size_t, std::string>> near;
  for (const std::string& candidate : known) {
    const size_t distance = EditDistance(wanted, Lower(candidate));
    const bool abbreviated = wanted.size() >= 3 && Lower(candidate).rfind(wanted, 0) == 0;
    if (distance <= tolerance || abbreviated) near.emplace_back(distance, candidate);
  }
  std::sort(near.begin(), near.end());
  near.erase(std::unique(near.begin(), near.end()), near.end());
  std::vector<std::string> names;
  for (const auto& entry : near) {
    if (names.size() < most) names.push_back(entry.second);
  }
  return names;
}

// In ASCII: the bytes of UTF-8's other characters are none.
bool IsControl(unsigned char c) { return c < ' ' || c == 127; }

std::string Escaped(char control) {
  if (control == '\n') return "\\n";
  if (control == '\r') return "\\r";
  if (control == '\t') return "\\t";
  char code[8];
  std::snprintf(code, sizeof code, "\\x%02x", control);
  return code;
}

}  // namespace

std::string DidYouMean(const std::string& name, const std::vector<std::string>& known) {
  const std::vector<std::string> near = NearNames(name, known);
  if (near.empty()) return "";
  std::string text = " (did you mean ";
  for (size_t i = 0; i < near.size(); ++i) text += (i ? ", " : "") + near[i];
  return text + "?)";
}

std::string OneLine(const std::string& text) {
  std::string line;
  for (const char c : text.substr(0, text.find_last_not_of("\r\n") + 1)) {
    line += IsControl(c) ? Escaped(c) : std::string(1, c);
  }
  return line;
}

std::string Lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return std::tolower(c); });
  return text;
}

bool EndsWith(const std::string& text, const std::string& end) {
  return text.size() >= end.size() && text.compare(text.size() - end.size(), end.size(), end) == 0;
}

std::vector<std::string> SplitNames(const std::string& list) {
  std::vector<std::string> names;
  std::istringstream stream(list);
  for (std::string name; std::getline(stream, name, ',');) {
    const size_t begin = name.find_first_not_of(" \t");
    if (begin == std::string::npos) continue;
    names.push_back(name.substr(begin, name.find_last_not_of(" \t") + 1 - begin));
  }
  return names;
}

}  // namespace caffe
