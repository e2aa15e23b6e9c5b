#include "claimed_pixels.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "byte_order.hpp"

namespace image_codecs {
namespace {

using Number = uint64_t (*)(std::string_view);

constexpr std::string_view kJpeg2000Start = "\xff\x4f\xff\x51";  // of pixels and their size

double product(uint64_t columns, uint64_t rows) {
  return static_cast<double>(columns) * static_cast<double>(rows);
}

// The places of a TIFF's fields, which have 64 bits in BigTIFF.
struct TiffForm {
  uint64_t offset_at, offset_bytes;  // of the first directory
  uint64_t count_bytes;              // of the directory's number of entries
  uint64_t entry_bytes, value_at;
};

constexpr TiffForm kTiff = {4, 4, 2, 12, 8}, kBigTiff = {8, 8, 8, 20, 12};

// The first page's, or those of a tile where this is larger.
double pixels_of_tiff(std::string_view content, Number number, const TiffForm& form) {
  constexpr uint64_t kColumns = 256, kRows = 257, kTileColumns = 322, kTileRows = 323;
  constexpr uint64_t kShort = 3, kLong = 4;
  const auto read = [&](uint64_t at, uint64_t count) {
    return number(bytes_at(content, at, count));
  };
  uint64_t at = read(form.offset_at, form.offset_bytes), columns = 0, rows = 0;
  uint64_t entries = std::min<uint64_t>(read(at, form.count_bytes), content.size());
  for (at += form.count_bytes; entries > 0 && at < content.size(); --entries) {
    const uint64_t tag = read(at, 2), type = read(at + 2, 2);
    const uint64_t bytes = type == kShort  ? 2
                           : type == kLong ? 4
                                           : form.entry_bytes - form.value_at;
    const uint64_t value = read(at + form.value_at, bytes);
    if (tag == kColumns || tag == kTileColumns) columns = std::max(columns, value);
    if (tag == kRows || tag == kTileRows) rows = std::max(rows, value);
    at += form.entry_bytes;
  }
  return product(columns, rows);
}

// The chunk that comes first says which of three kinds it is.
double pixels_of_webp(std::string_view content) {
  const auto read = [&](size_t at, size_t count) {
    return little_endian(bytes_at(content, at, count));
  };
  const std::string_view kind = bytes_at(content, 12, 4);
  if (kind == "VP8X") return product(read(24, 3) + 1, read(27, 3) + 1);
  constexpr uint64_t k14Bits = (1 << 14) - 1;
  if (kind == "VP8L")
    return product((read(21, 4) & k14Bits) + 1, (read(21, 4) >> 14 & k14Bits) + 1);
  return product(read(26, 2) & k14Bits, read(28, 2) & k14Bits);
}

// What a file's first box of a kind holds. A box has its length, its kind and its contents; a
// length of 0 reaches to the file's end, one of 1 stands behind the kind, in 64 bits.
std::string_view box(std::string_view content, std::string_view kind) {
  while (content.size() >= 8) {
    uint64_t length = big_endian(bytes_at(content, 0, 4)), head = 8;
    if (length == 1) {
      length = big_endian(bytes_at(content, 8, 8));
      head = 16;
    }
    if (length == 0 || length > content.size()) length = content.size();
    if (length < head) break;
    if (content.substr(4, 4) == kind) return content.substr(head, length - head);
    content.remove_prefix(length);
  }
  return {};
}

// In a file of boxes or without. The pixels themselves may hold the mark by chance.
double pixels_of_jpeg_2000(std::string_view content) {
  if (!starts_with(content, kJpeg2000Start)) content = box(content, "jp2c");
  if (!starts_with(content, kJpeg2000Start)) return 0;
  const auto read = [&](size_t at) { return big_endian(bytes_at(content, at, 4)); };
  return product(read(8), read(12));
}

// Those of the largest image that the file describes; the images themselves stand in another box.
double pixels_of_avif(std::string_view content) {
  constexpr std::string_view kExtents = "ispe";
  const std::string_view images = box(content, "meta");
  double pixels = 0;
  for (size_t at = 0; (at = images.find(kExtents, at)) != std::string_view::npos;) {
    at += kExtents.size();
    const auto read = [&](size_t place) { return big_endian(bytes_at(images, place, 4)); };
    pixels = std::max(pixels, product(read(at + 4), read(at + 8)));
  }
  return pixels;
}

}  // namespace

double claimed_pixels(std::string_view content) {
  using namespace std::string_view_literals;
  if (starts_with(content, "II*\0"sv)) return pixels_of_tiff(content, little_endian, kTiff);
  if (starts_with(content, "MM\0*"sv)) return pixels_of_tiff(content, big_endian, kTiff);
  if (starts_with(content, "II+\0"sv)) return pixels_of_tiff(content, little_endian, kBigTiff);
  if (starts_with(content, "MM\0+"sv)) return pixels_of_tiff(content, big_endian, kBigTiff);
  if (starts_with(content, "GIF8")) {
    return product(little_endian(bytes_at(content, 6, 2)), little_endian(bytes_at(content, 8, 2)));
  }
  if (starts_with(content, "RIFF") && bytes_at(content, 8, 4) == "WEBP") {
    return pixels_of_webp(content);
  }
  if (starts_with(content, "\0\0\0\x0cjP  "sv) || starts_with(content, kJpeg2000Start)) {
    return pixels_of_jpeg_2000(content);
  }
  return bytes_at(content, 4, 4) == "ftyp" ? pixels_of_avif(content) : 0;
}

}  // namespace image_codecs
