#include "util/lmdb_check.hpp"

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <vector>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "caffe/common.hpp"

namespace caffe {
namespace db {

namespace {

const size_t kPageHeader = 16;
const size_t kNodeHeader = 8;
const uint32_t kMagic = 0xBEEFC0DE;
const uint32_t kVersion = 1;
const uint64_t kNoPage = ~uint64_t(0);
// LMDB's own limit for the height of a tree.
const int kMaxDepth = 32;

enum PageFlags : uint16_t { kBranch = 0x01, kLeaf = 0x02, kMeta = 0x08, kDirty = 0x10 };
enum NodeFlags : uint16_t { kBigValue = 0x01, kDuplicates = 0x04 };
// Of a tree: several values a key.
const uint16_t kDupSort = 0x04;

// One of a database's two trees: that of free pages (first) or that of the records.
struct TreeInfo {
  uint32_t page_size;  // set in the first tree only
  uint16_t flags;
  uint16_t depth;
  uint64_t branch_pages, leaf_pages, overflow_pages, entries;
  uint64_t root;
};

// What the first two pages hold behind their header; the newer one counts.
struct MetaInfo {
  uint32_t magic;
  uint32_t version;
  uint64_t address;
  uint64_t map_size;
  TreeInfo trees[2];
  uint64_t last_page;
  uint64_t transaction;
};
static_assert(sizeof(TreeInfo) == 48 && sizeof(MetaInfo) == 136, "the layout of the file");

class Checker {
 public:
  explicit Checker(const string& path)
      : path_(path), fd_(open(path.c_str(), O_RDONLY | O_CLOEXEC)) {
    struct stat status;
    if (fd_ < 0 || fstat(fd_, &status) != 0) {
      const string reason = std::strerror(errno);
      Close();
      LOG(FATAL) << "cannot open the LMDB file " + path + ": " + reason;
    }
    file_size_ = status.st_size;
  }
  ~Checker() { Close(); }
  Checker(const Checker&) = delete;
  Checker& operator=(const Checker&) = delete;

  void Check() {
    const MetaInfo first = ReadMeta(0);
    page_size_ = first.trees[0].page_size;
    const bool power_of_two = (page_size_ & (page_size_ - 1)) == 0;
    if (page_size_ < 512 || page_size_ > 65536 || !power_of_two) Fail("has no page size");
    const MetaInfo second = ReadMeta(page_size_);
    if (second.trees[0].page_size != page_size_) Fail("has two page sizes");
    CheckMeta(first);
    CheckMeta(second);
    // Readers take the newer one.
    CheckTree(second.transaction > first.transaction ? second : first);
  }

 private:
  [[noreturn]] void Fail(const string& what) const {
    LOG(FATAL) << "the LMDB file " + path_ + " " + what +
                      ": it is damaged, only partly copied, or no LMDB";
  }

  void Close() {
    if (fd_ >= 0) close(fd_);
    fd_ = -1;
  }

  void Read(uint64_t offset, void* to, size_t size) const {
    if (offset > file_size_ || size > file_size_ - offset) Fail("is shorter than it says");
    if (pread(fd_, to, size, static_cast<off_t>(offset)) != static_cast<ssize_t>(size)) {
      Fail("cannot be read");
    }
  }

  MetaInfo ReadMeta(uint64_t offset) const {
    uint16_t flags = 0;
    MetaInfo meta;
    Read(offset + 10, &flags, sizeof(flags));
    Read(offset + kPageHeader, &meta, sizeof(meta));
    if (!(flags & kMeta) || meta.magic != kMagic || meta.version != kVersion) {
      Fail("does not begin as it should");
    }
    return meta;
  }

  void CheckMeta(const MetaInfo& meta) const {
    const TreeInfo& tree = meta.trees[1];
    if (file_size_ / page_size_ <= meta.last_page) Fail("is shorter than it says");
    if (tree.flags & kDupSort) Fail("has several values a key");
    if (tree.depth > kMaxDepth) Fail("is deeper than possible");
  }

  void CheckTree(const MetaInfo& meta) {
    pages_ = meta.last_page + 1;
    visited_ = 0;
    depth_ = meta.trees[1].depth;
    records_ = 0;
    if (meta.trees[1].root != kNoPage) CheckPage(meta.trees[1].root, 1);
    if (records_ != meta.trees[1].entries) Fail("holds fewer or more records than it says");
  }

  template <typename T>
  static T At(const std::vector<char>& page, size_t offset) {
    T value;
    std::memcpy(&value, &page[offset], sizeof(T));
    return value;
  }

  // Checks a page of the tree, and those below it.
  void CheckPage(uint64_t number, int level) {
    // A page is in the tree once: else there is a loop.
    if (number < 2 || number >= pages_ || ++visited_ > pages_) Fail("refers to wrong pages");
    if (level > depth_) Fail("is deeper than it says");
    std::vector<char> page(page_size_);
    Read(number * page_size_, page.data(), page_size_);
    const uint16_t flags = At<uint16_t>(page, 10) & ~kDirty;
    const size_t lower = At<uint16_t>(page, 12);
    if (lower < kPageHeader || lower > page_size_) Fail("has a damaged page");
    const size_t keys = (lower - kPageHeader) / 2;
    if (flags != (level == depth_ ? kLeaf : kBranch)) Fail("has a page of the wrong kind");
    if (keys < (flags == kLeaf ? 1 : 2)) Fail("has an empty page");
    if (flags == kLeaf) records_ += keys;
    for (size_t i = 0; i < keys; ++i) {
      const size_t node = At<uint16_t>(page, kPageHeader + 2 * i);
      if (node < lower || node + kNodeHeader > page_size_) Fail("has a damaged page");
      if (flags == kLeaf) {
        CheckRecord(page, node);
      } else {
        CheckPage(Child(page, node), level + 1);
      }
    }
  }

  // A branch's node holds the page below it in the fields of a record's size and flags.
  uint64_t Child(const std::vector<char>& page, size_t node) const {
    if (node + kNodeHeader + KeySize(page, node) > page_size_) Fail("has a damaged page");
    return At<uint32_t>(page, node) | uint64_t(At<uint16_t>(page, node + 4)) << 32;
  }

  static size_t KeySize(const std::vector<char>& page, size_t node) {
    return At<uint16_t>(page, node + 6);
  }

  void CheckRecord(const std::vector<char>& page, size_t node) const {
    const uint64_t size = At<uint32_t>(page, node);
    const uint16_t flags = At<uint16_t>(page, node + 4);
    const size_t value = node + kNodeHeader + KeySize(page, node);
    const bool big = flags & kBigValue;
    if ((flags & kDuplicates) || value + (big ? sizeof(uint64_t) : size) > page_size_) {
      Fail("has a damaged record");
    }
    if (!big) return;
    // The value stands on pages of its own, behind the header of the first.
    const uint64_t first = At<uint64_t>(page, value);
    const uint64_t pages = (kPageHeader + size + page_size_ - 1) / page_size_;
    if (first < 2 || first >= pages_ || pages > pages_ - first) Fail("has a damaged record");
  }

  string path_;
  int fd_;
  uint64_t file_size_ = 0;
  uint64_t page_size_ = 0;
  uint64_t pages_ = 0;
  uint64_t visited_ = 0;
  uint64_t records_ = 0;
  int depth_ = 0;
};

}  // namespace

void CheckLmdbFile(const string& path) { Checker(path).Check(); }

}  // namespace db
}  // namespace caffe
