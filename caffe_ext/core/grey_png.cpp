#include "dcme/grey_png.hpp"

#include <algorithm>
#include <climits>
#include <cstring>
#include <memory>

#include <libdeflate.h>
#include <opencv2/imgcodecs.hpp>
#include <opencv2/imgproc.hpp>

#include "dcme/read_file.hpp"
#include "dcme/simd.hpp"
#include "scratch.hpp"

namespace dcme {
namespace {

constexpr uint8_t kSignature[] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};
constexpr int64_t kMostPixels = int64_t{1} << 28;
constexpr size_t kZlibHeader = 2;    // bytes
constexpr size_t kMostRatio = 1032;  // of deflate: 258 bytes out of two bits

[[noreturn]] void fail(const std::string& path, const std::string& why) {
  throw std::invalid_argument(path + ": " + why);
}

[[noreturn]] void fail_damaged(const std::string& path, const std::string& how) {
  fail(path, how + "; copy or create the file again");
}

uint32_t big_endian(const uint8_t* bytes) {
  return uint32_t{bytes[0]} << 24 | uint32_t{bytes[1]} << 16 | uint32_t{bytes[2]} << 8 | bytes[3];
}

struct Header {
  uint32_t cols, rows;
  int bits, colour, interlace;

  size_t row_bytes() const { return (static_cast<size_t>(cols) * bits + 7) / 8; }
};

// The chunks of a PNG file: the header and the stretches of compressed data.
struct PngFile {
  const uint8_t* content;
  size_t size;
  Header header{};
  std::vector<std::pair<const uint8_t*, size_t>> data;

  PngFile(const std::string& path, const uint8_t* content, size_t size)
      : content(content), size(size) {
    if (size < 8 || std::memcmp(content, kSignature, 8) != 0) fail(path, "is not a PNG");
    bool ended = false;
    for (size_t at = 8; !ended;) {
      const size_t left = size - at;
      if (left < 12) fail_damaged(path, "is cut off");
      const uint8_t* chunk = content + at;
      const size_t length = big_endian(chunk);
      if (length > left - 12) fail_damaged(path, "is cut off");
      const uint8_t* body = chunk + 8;
      if (libdeflate_crc32(0, chunk + 4, length + 4) != big_endian(body + length)) {
        fail_damaged(path, "is damaged (checksum)");
      }
      ended = take_chunk(path, std::string(chunk + 4, chunk + 8), body, length);
      at += length + 12;
    }
  }

 private:
  // True after the last chunk.
  bool take_chunk(const std::string& path, const std::string& type, const uint8_t* body,
                  size_t length) {
    if (type == "IHDR") {
      // Which of two headers another decoder takes is not known.
      if (length != 13 || header.cols != 0) fail_damaged(path, "is damaged (header)");
      header = {big_endian(body), big_endian(body + 4), body[8], body[9], body[12]};
      // Sides of up to 2^32 - 1: their product might overflow.
      const bool none = header.cols == 0 || header.rows == 0;
      if (none || header.rows > kMostPixels / header.cols) {
        fail(path, "claims a size of " + std::to_string(header.rows) + "x" +
                       std::to_string(header.cols) + ", which is not accepted");
      }
    } else if (type == "IDAT") {
      data.push_back({body, length});
    }
    return type == "IEND";
  }
};

// The file's compressed data in one piece, the zlib header included.
std::vector<uint8_t> compressed(const std::string& path, const PngFile& file) {
  std::vector<uint8_t> joined;
  joined.reserve(file.size);
  for (const auto& [begin, size] : file.data) joined.insert(joined.end(), begin, begin + size);
  if (joined.size() < kZlibHeader) fail_damaged(path, "is cut off");
  return joined;
}

// Decompresses a file's data to `size` bytes at `out`. Behind its header it is taken as bare
// deflate data: the checksum of the pixels behind it is not compared, since the chunks' own have
// been.
void decompress(const std::string& path, const std::vector<uint8_t>& data, uint8_t* out,
                size_t size) {
  struct Free {
    void operator()(libdeflate_decompressor* made) const { libdeflate_free_decompressor(made); }
  };
  static thread_local const std::unique_ptr<libdeflate_decompressor, Free> decompressor(
      libdeflate_alloc_decompressor());
  if (!decompressor) fail(path, "cannot be decompressed");
  size_t written = 0;
  switch (libdeflate_deflate_decompress(decompressor.get(), data.data() + kZlibHeader,
                                        data.size() - kZlibHeader, out, size, &written)) {
    case LIBDEFLATE_SUCCESS:
      if (written < size) fail_damaged(path, "is cut off");
      return;
    case LIBDEFLATE_INSUFFICIENT_SPACE:
      fail_damaged(path, "is damaged (more data than its size holds)");
    default:
      fail_damaged(path, "is damaged (compressed data)");
  }
}

// Filter 1: each byte is the difference to the one a pixel to its left. Where eight differences
// are zero the pixel repeats. Step: bytes a pixel, 1 or 2.
template <int Step>
void undo_left(uint8_t* row, size_t size) {
  uint8_t left[Step] = {};
  size_t i = 0;
  while (i < size) {
    uint64_t eight = 1;
    if (i + 8 <= size) std::memcpy(&eight, row + i, 8);
    if (eight == 0) {
      const int pixel = Step == 1 ? left[0] * 0x0101 : left[0] | left[Step - 1] << 8;
      const uint64_t repeated = static_cast<uint64_t>(pixel) * 0x0001000100010001ull;
      if (repeated != 0) std::memcpy(row + i, &repeated, 8);
      i += 8;
      continue;
    }
    const size_t end = std::min(i + 8, size);
    for (; i < end; i += Step) {
      for (int k = 0; k < Step; ++k)
        left[k] = row[i + k] = static_cast<uint8_t>(row[i + k] + left[k]);
    }
  }
}

DCME_SIMD_CLONES
void undo_above(uint8_t* row, const uint8_t* above, size_t size) {
  for (size_t i = 0; i < size; ++i) row[i] = static_cast<uint8_t>(row[i] + above[i]);
}

void undo_average(uint8_t* row, const uint8_t* above, size_t size, size_t step) {
  for (size_t i = 0; i < size; ++i) {
    const int left = i >= step ? row[i - step] : 0;
    row[i] = static_cast<uint8_t>(row[i] + (left + above[i]) / 2);
  }
}

// Filter 4: the difference to whichever neighbour is nearest to left + above - corner.
void undo_paeth(uint8_t* row, const uint8_t* above, size_t size, size_t step) {
  for (size_t i = 0; i < size; ++i) {
    const int left = i >= step ? row[i - step] : 0, corner = i >= step ? above[i - step] : 0;
    const int to_left = std::abs(above[i] - corner), to_above = std::abs(left - corner);
    const int to_corner = std::abs(left + above[i] - 2 * corner);
    int nearest = corner;
    if (to_left <= to_above && to_left <= to_corner) {
      nearest = left;
    } else if (to_above <= to_corner) {
      nearest = above[i];
    }
    row[i] = static_cast<uint8_t>(row[i] + nearest);
  }
}

void undo_filter(const std::string& path, int filter, uint8_t* row, const uint8_t* above,
                 size_t size, int step) {
  switch (filter) {
    case 0:
      return;
    case 1:
      return step == 1 ? undo_left<1>(row, size) : undo_left<2>(row, size);
    case 2:
      return undo_above(row, above, size);
    case 3:
      return undo_average(row, above, size, step);
    case 4:
      return undo_paeth(row, above, size, step);
    default:
      fail_damaged(path, "is damaged (row filter)");
  }
}

// Widens pixels of 1, 2 or 4 bits to 0..255.
void widen(const uint8_t* packed, int bits, int cols, uint8_t* out) {
  const int a_byte = 8 / bits, most = (1 << bits) - 1;
  std::memset(out, 0, cols);
  const int bytes = (cols + a_byte - 1) / a_byte;
  for (int i = 0; i < bytes; ++i) {
    uint64_t eight = 1;
    if (i + 8 <= bytes) std::memcpy(&eight, packed + i, 8);
    if (eight == 0) {
      i += 7;
      continue;
    }
    for (int c = i * a_byte; packed[i] != 0 && c < std::min((i + 1) * a_byte, cols); ++c) {
      const int shift = 8 - bits * (c % a_byte + 1);
      out[c] = static_cast<uint8_t>((packed[i] >> shift & most) * 255 / most);
    }
  }
}

DCME_SIMD_CLONES
void swap_bytes(const uint8_t* big, int count, uint16_t* out) {
  for (int i = 0; i < count; ++i) out[i] = static_cast<uint16_t>(big[2 * i] << 8 | big[2 * i + 1]);
}

// Writes a row of the file as pixels.
void store_row(const Header& header, const uint8_t* row, uint8_t* out) {
  const int cols = static_cast<int>(header.cols);
  if (header.bits == 16) {
    swap_bytes(row, cols, reinterpret_cast<uint16_t*>(out));
  } else if (header.bits == 8) {
    std::memcpy(out, row, cols);
  } else {
    widen(row, header.bits, cols, out);
  }
}

void read_plain(const std::string& path, const PngFile& file, GreyImage& image) {
  const Header& header = file.header;
  image.rows = static_cast<int>(header.rows);
  image.cols = static_cast<int>(header.cols);
  image.is_16_bit = header.bits == 16;
  const int step = image.is_16_bit ? 2 : 1;

  const size_t row_bytes = header.row_bytes(), stride = row_bytes + 1;  // a filter byte each
  const std::vector<uint8_t> data = compressed(path, file);
  if (header.rows * stride > data.size() * kMostRatio) fail_damaged(path, "is cut off");
  image.values.resize(static_cast<size_t>(image.rows) * image.cols * step);
  // A row of zeros stands above the first one.
  ScratchPlane scratch(image.rows + 1, static_cast<int>(stride / sizeof(int32_t) + 1),
                       ScratchPlane::Fill::kNone);
  auto* raw = reinterpret_cast<uint8_t*>(scratch.plane().data);
  std::memset(raw, 0, stride);
  decompress(path, data, raw + stride, header.rows * stride);
  for (int r = 0; r < image.rows; ++r) {
    uint8_t* stored = raw + (r + 1) * stride;
    undo_filter(path, stored[0], stored + 1, stored + 1 - stride, row_bytes, step);
    uint8_t* out = image.values.data() + static_cast<size_t>(r) * image.cols * step;
    store_row(header, stored + 1, out);
  }
}

void read_any(const std::string& path, const PngFile& file, GreyImage& image) {
  if (file.size > INT_MAX) fail_damaged(path, "is too large");
  const cv::Mat bytes(1, static_cast<int>(file.size), CV_8U, const_cast<uint8_t*>(file.content));
  cv::Mat content = cv::imdecode(bytes, cv::IMREAD_UNCHANGED);
  if (content.empty()) fail_damaged(path, "is damaged");
  if (content.channels() > 1) {
    std::vector<cv::Mat> channels;
    cv::split(content, channels);
    channels.resize(std::min<size_t>(channels.size(), 3));  // not transparency
    content = channels[0];
    for (const cv::Mat& channel : channels) cv::max(content, channel, content);
  }
  image.rows = content.rows;
  image.cols = content.cols;
  image.is_16_bit = content.depth() == CV_16U;
  image.values.resize(content.total() * content.elemSize());
  for (int r = 0; r < content.rows; ++r) {
    const size_t size = content.cols * content.elemSize();
    std::memcpy(image.values.data() + r * size, content.ptr(r), size);
  }
}

}  // namespace

void read_grey_png(const std::string& name, const uint8_t* content, size_t size, GreyImage& image) {
  const PngFile file(name, content, size);
  const bool plain = file.header.colour == 0 && file.header.interlace == 0;
  const int bits = file.header.bits;
  const bool known = bits == 1 || bits == 2 || bits == 4 || bits == 8 || bits == 16;
  if (plain && known) {
    read_plain(name, file, image);
  } else {
    read_any(name, file, image);
  }
}

void read_grey_png(const std::string& path, GreyImage& image) {
  const std::string content = read_file(path);
  read_grey_png(path, reinterpret_cast<const uint8_t*>(content.data()), content.size(), image);
}

}  // namespace dcme
