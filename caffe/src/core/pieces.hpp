#ifndef CAFFE_SRC_CORE_PIECES_HPP_
#define CAFFE_SRC_CORE_PIECES_HPP_

#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <utility>

namespace caffe {

/// Which pieces of a range of bytes are taken. A piece comes from the smallest gap that holds it,
/// and gaps beside each other become one: what is taken and given back in the same order again and
/// again hardly breaks the range up. It knows offsets only, and does not lock.
class Pieces {
 public:
  static constexpr std::size_t kNone = SIZE_MAX;

  /// Sizes are rounded up to multiples of `unit`.
  Pieces(std::size_t capacity, std::size_t unit) : capacity_(capacity), unit_(unit) {}

  /// The offset of a piece of `bytes`; kNone where there is no room.
  std::size_t Take(std::size_t bytes);
  /// Gives back the piece at an offset that Take has returned.
  void GiveBack(std::size_t offset);

  /// Bytes taken at present, and the range's part that has ever been in use.
  std::size_t taken() const { return taken_; }
  std::size_t extent() const { return extent_; }
  /// Sizes of the gaps within the extent, by their offsets.
  const std::map<std::size_t, std::size_t>& gaps() const { return gaps_; }

 private:
  void AddGap(std::size_t offset, std::size_t size);
  void RemoveGap(std::map<std::size_t, std::size_t>::iterator gap);

  const std::size_t capacity_, unit_;
  std::size_t taken_ = 0, extent_ = 0;
  std::map<std::size_t, std::size_t> pieces_, gaps_;  // offset -> size
  std::set<std::pair<std::size_t, std::size_t>> gaps_by_size_;
};

}  // namespace caffe

#endif  // CAFFE_SRC_CORE_PIECES_HPP_
