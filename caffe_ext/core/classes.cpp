#include "dcme/classes.hpp"

#include <algorithm>
#include <cctype>
#include <cstring>
#include <numeric>
#include <stdexcept>

namespace dcme {
namespace {

void check_label(int label) {
  if (label < 1 || label > kLastLabel) {
    throw std::invalid_argument("class label " + std::to_string(label) + " is outside 1.." +
                                std::to_string(kLastLabel) +
                                ", which 16-bit ids of 1000 * label + k can hold");
  }
}

std::string listed(const ClassMap& classes, const char* of, const char* between) {
  std::string text;
  for (int i = 0; i < classes.size(); ++i) {
    text += (i ? between : "") + std::to_string(classes.labels()[i]) + of + classes.names()[i];
  }
  return text;
}

// These classes and a further label as --classes takes them; the label alone where the classes are
// Cityscapes', which are also the default for data that have nothing to do with them.
std::string with_label(const ClassMap& classes, int label) {
  const bool by_default = classes.labels() == ClassMap::cityscapes().labels();
  const std::string further = std::to_string(label) + ":class" + std::to_string(label);
  return by_default ? further : listed(classes, ":", ",") + "," + further;
}

// As a shell takes it for one word.
std::string shell_word(const std::string& text) {
  const auto plain = [](unsigned char c) { return std::isalnum(c) || std::strchr(":,._-", c); };
  if (std::all_of(text.begin(), text.end(), plain)) return text;
  std::string quoted = "'";
  for (const char c : text) quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return quoted + "'";
}

}  // namespace

ClassMap::ClassMap(std::vector<int> labels, std::vector<std::string> names,
                   std::vector<int> ignored, std::vector<int> priority)
    : labels_(std::move(labels)),
      names_(std::move(names)),
      ignored_(std::move(ignored)),
      priority_(std::move(priority)) {
  if (labels_.empty()) throw std::invalid_argument("a class map needs at least one label");
  class_of_label_.fill(-1);
  for (int label : ignored_) {
    check_label(label);
    class_of_label_[label] = 0;
  }
  for (int i = 0; i < size(); ++i) {
    check_label(labels_[i]);
    if (class_of_label_[labels_[i]] != -1) {
      throw std::invalid_argument("class label " + std::to_string(labels_[i]) + " is given twice");
    }
    class_of_label_[labels_[i]] = static_cast<int8_t>(i + 1);
  }
  if (names_.empty()) {
    for (int label : labels_) names_.push_back("class" + std::to_string(label));
  }
  if (names_.size() != labels_.size()) {
    throw std::invalid_argument("a class map has " + std::to_string(labels_.size()) +
                                " labels but " + std::to_string(names_.size()) + " names");
  }
  if (priority_.empty()) {
    priority_.resize(labels_.size());
    std::iota(priority_.begin(), priority_.end(), 1);
  }
  check_priority(priority_);
}

const ClassMap& ClassMap::cityscapes() {
  static const ClassMap classes(
      {24, 25, 26, 27, 28, 31, 32, 33},
      {"person", "rider", "car", "truck", "bus", "train", "motorcycle", "bicycle"}, {29, 30},
      {6, 5, 4, 7, 2, 8, 1, 3});
  return classes;
}

int ClassMap::class_of(int id) const {
  if (!is_instance(id)) return 0;
  const int label = label_of(id);
  const int found = label <= kLastLabel ? class_of_label_[label] : -1;
  if (found < 0) {
    throw std::invalid_argument(
        "instance " + std::to_string(id) + " is of class label " + std::to_string(label) +
        ", which is not among the classes (" + listed(*this, " ", ", ") + "); " +
        (label > kLastLabel ? "labels end at " + std::to_string(kLastLabel)
                            : "name all classes of your data, e.g. --classes " +
                                  shell_word(with_label(*this, label))));
  }
  return found;
}

void ClassMap::check_priority(const std::vector<int>& priority) const {
  std::vector<int> sorted = priority;
  std::sort(sorted.begin(), sorted.end());
  std::vector<int> all(labels_.size());
  std::iota(all.begin(), all.end(), 1);
  if (sorted != all) {
    throw std::invalid_argument("the priority list must name each of the classes 1.." +
                                std::to_string(size()) + " once");
  }
}

}  // namespace dcme
