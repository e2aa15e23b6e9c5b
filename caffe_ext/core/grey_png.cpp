#include "dcme/grey_png.hpp"

#include <algorithm>
#include <cstring>
#include <fstream>
#include <iterator>

#include <opencv2/imgcodecs.hpp>
#include <opencv2/imgproc.hpp>
#include <zlib.h>

#include "dcme/simd.hpp"

namespace dcme {
namespace {

constexpr uint8_t kSignature[] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};
constexpr int64_t kMostPixels = int64_t{1} << 28;
constexpr size_t kBatchBytes = 1 << 15;
constexpr unsigned kZlibHeader = 2;  // bytes

[[noreturn]] void fail(const std::string& path, const std::string& why) {
  throw std::invalid_argument(path + ": " + why);
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
  std::vector<uint8_t> content;
  Header header{};
  std::vector<std::pair<const uint8_t*, size_t>> data;

  explicit PngFile(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    if (!file) fail(path, "cannot be opened");
    content.assign(std::istreambuf_iterator<char>(file), {});
    if (content.size() < 8 || std::memcmp(content.data(), kSignature, 8) != 0) {
      fail(path, "is not a PNG");
    }
    bool ended = false;
    for (size_t at = 8; !ended;) {
      const size_t left = content.size() - at;
      if (left < 12) fail(path, "is cut off");
      const uint8_t* chunk = content.data() + at;
      const size_t length = big_endian(chunk);
      if (length > left - 12) fail(path, "is cut off");
      const uint8_t* body = chunk + 8;
      if (crc32(crc32(0, nullptr, 0), chunk + 4, static_cast<uInt>(length + 4)) !=
          big_endian(body + length)) {
        fail(path, "is damaged (checksum)");
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
      if (length != 13) fail(path, "is damaged (header)");
      header = {big_endian(body), big_endian(body + 4), body[8], body[9], body[12]};
      const int64_t pixels = static_cast<int64_t>(header.cols) * header.rows;
      if (pixels < 1 || pixels > kMostPixels) {
        fail(path, "claims a size of " + std::to_string(header.rows) + "x" +
                       std::to_string(header.cols) + ", which is not accepted");
      }
    } else if (type == "IDAT") {
      data.push_back({body, length});
    }
    return type == "IEND";
  }
};

// Decompresses a file's data piece by piece. It is taken as bare deflate data, after its zlib
// header has been skipped: the checksum that zlib would take of the pixels costs as much as the
// rest, and the chunks' own checksums have been compared already.
class Inflater {
 public:
  Inflater(const std::string& path, const PngFile& file) : path_(path), file_(file) {
    if (inflateInit2(&stream_, -MAX_WBITS) != Z_OK) fail(path, "cannot be decompressed");
  }
  ~Inflater() { inflateEnd(&stream_); }
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;

  // Passes over compressed bytes.
  void skip(uInt size) {
    while (size > 0) {
      if (stream_.avail_in == 0) next_chunk();
      const uInt passed = std::min(stream_.avail_in, size);
      stream_.next_in += passed;
      stream_.avail_in -= passed;
      size -= passed;
    }
  }

  void read(uint8_t* out, size_t size) {
    stream_.next_out = out;
    stream_.avail_out = static_cast<uInt>(size);
    while (stream_.avail_out > 0) {
      if (stream_.avail_in == 0) next_chunk();
      const int status = inflate(&stream_, Z_NO_FLUSH);
      if (status == Z_STREAM_END && stream_.avail_out > 0) fail(path_, "is cut off");
      if (status != Z_OK && status != Z_STREAM_END && status != Z_BUF_ERROR) {
        fail(path_, "is damaged (compressed data)");
      }
    }
  }

 private:
  void next_chunk() {
    if (next_ == file_.data.size()) fail(path_, "is cut off");
    stream_.next_in = const_cast<uint8_t*>(file_.data[next_].first);
    stream_.avail_in = static_cast<uInt>(file_.data[next_].second);
    ++next_;
  }

  const std::string& path_;
  const PngFile& file_;
  z_stream stream_{};
  size_t next_ = 0;
};

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
      fail(path, "is damaged (row filter)");
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
  image.values.resize(static_cast<size_t>(image.rows) * image.cols * step);

  // Some rows at a time, each after its filter byte; the first one is the last of the batch before.
  const size_t row_bytes = header.row_bytes(), stride = row_bytes + 1;
  const int batch = static_cast<int>(std::max<size_t>(kBatchBytes / stride, 1));
  std::vector<uint8_t> raw((batch + 1) * stride);
  Inflater inflater(path, file);
  inflater.skip(kZlibHeader);
  for (int r = 0; r < image.rows; ++r) {
    const int in_batch = r % batch;
    if (in_batch == 0) {
      std::memcpy(raw.data(), raw.data() + batch * stride, stride);
      inflater.read(raw.data() + stride, std::min(batch, image.rows - r) * stride);
    }
    uint8_t* stored = raw.data() + (in_batch + 1) * stride;
    undo_filter(path, stored[0], stored + 1, stored + 1 - stride, row_bytes, step);
    uint8_t* out = image.values.data() + static_cast<size_t>(r) * image.cols * step;
    store_row(header, stored + 1, out);
  }
}

void read_any(const std::string& path, GreyImage& image) {
  cv::Mat content = cv::imread(path, cv::IMREAD_UNCHANGED);
  if (content.empty()) fail(path, "is damaged");
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

void read_grey_png(const std::string& path, GreyImage& image) {
  const PngFile file(path);
  const bool plain = file.header.colour == 0 && file.header.interlace == 0;
  const int bits = file.header.bits;
  const bool known = bits == 1 || bits == 2 || bits == 4 || bits == 8 || bits == 16;
  if (plain && known) {
    read_plain(path, file, image);
  } else {
    read_any(path, image);
  }
}

}  // namespace dcme
