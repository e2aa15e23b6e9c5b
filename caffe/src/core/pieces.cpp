#include "core/pieces.hpp"

#include <iterator>

namespace caffe {

void Pieces::AddGap(std::size_t offset, std::size_t size) {
  gaps_.emplace(offset, size);
  gaps_by_size_.emplace(size, offset);
}

void Pieces::RemoveGap(std::map<std::size_t, std::size_t>::iterator gap) {
  gaps_by_size_.erase({gap->second, gap->first});
  gaps_.erase(gap);
}

std::size_t Pieces::Take(std::size_t bytes) {
  if (bytes > capacity_) return kNone;
  const std::size_t size = (bytes + unit_ - 1) / unit_ * unit_;
  std::size_t offset = extent_;
  const auto fit = gaps_by_size_.lower_bound({size, 0});
  if (fit != gaps_by_size_.end()) {
    const std::size_t found = fit->first;
    offset = fit->second;
    RemoveGap(gaps_.find(offset));
    if (found > size) AddGap(offset + size, found - size);
  } else {
    // A gap at the end is the beginning of what is needed.
    const auto last = gaps_.empty() ? gaps_.end() : std::prev(gaps_.end());
    const bool at_end = last != gaps_.end() && last->first + last->second == extent_;
    if (at_end) offset = last->first;
    if (size > capacity_ - offset) return kNone;
    if (at_end) RemoveGap(last);
    extent_ = offset + size;
  }
  pieces_.emplace(offset, size);
  taken_ += size;
  return offset;
}

void Pieces::GiveBack(std::size_t offset) {
  const auto piece = pieces_.find(offset);
  std::size_t begin = offset, end = offset + piece->second;
  taken_ -= piece->second;
  pieces_.erase(piece);
  const auto next = gaps_.lower_bound(begin);
  if (next != gaps_.end() && next->first == end) {
    end += next->second;
    RemoveGap(next);
  }
  const auto after = gaps_.lower_bound(begin);
  if (after != gaps_.begin()) {
    const auto before = std::prev(after);
    if (before->first + before->second == begin) {
      begin = before->first;
      RemoveGap(before);
    }
  }
  AddGap(begin, end - begin);
}

}  // namespace caffe
