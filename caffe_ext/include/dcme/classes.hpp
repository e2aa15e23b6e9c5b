#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

namespace dcme {

// An instance map holds 16-bit ids: id = 1000 * label + k for instance k of class `label`; smaller
// ids are stuff, void or groups of objects that nobody separated.
constexpr int kFirstInstanceId = 1000;

// The highest label of which all 999 instances that a map numbers fit into 16 bits.
constexpr int kLastLabel = 64;
static_assert(kFirstInstanceId * (kLastLabel + 1) - 1 <= UINT16_MAX &&
              kFirstInstanceId * (kLastLabel + 2) - 1 > UINT16_MAX);

inline bool is_instance(int id) { return id >= kFirstInstanceId; }
inline int label_of(int id) { return id / kFirstInstanceId; }

// Which labels of the instance maps count as classes, and in what order. Class 0 is the background;
// the labels given become classes 1, 2, ... as listed.
class ClassMap {
 public:
  // labels: 1..kLastLabel, each once. names: one a label, or none (then "class24"). ignored: labels
  // that do occur but count as background. priority: all classes (1-based), the one that wins a
  // contested grid block first; empty means the order of `labels`. Throws std::invalid_argument.
  ClassMap(std::vector<int> labels, std::vector<std::string> names = {},
           std::vector<int> ignored = {}, std::vector<int> priority = {});

  // The eight evaluated classes of Cityscapes, 24 person ... 33 bicycle; caravan (29) and trailer
  // (30) ignored; the class with the fewest training instances first in priority.
  static const ClassMap& cityscapes();

  // Number of classes without the background.
  int size() const { return static_cast<int>(labels_.size()); }
  const std::vector<int>& labels() const { return labels_; }
  const std::vector<std::string>& names() const { return names_; }
  const std::vector<int>& ignored() const { return ignored_; }
  const std::vector<int>& priority() const { return priority_; }

  // The class (1..size) of an instance id; 0 for stuff, groups and ignored labels. Throws
  // std::invalid_argument for a label that is neither listed nor ignored.
  int class_of(int id) const;

  // Checks that `priority` names every class once, as the constructor does.
  void check_priority(const std::vector<int>& priority) const;

 private:
  std::vector<int> labels_;
  std::vector<std::string> names_;
  std::vector<int> ignored_;
  std::vector<int> priority_;
  std::array<int8_t, kLastLabel + 1> class_of_label_;  // -1: unknown
};

}  // namespace dcme
