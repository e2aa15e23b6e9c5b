#include "image_codecs/whole_picture.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iterator>

namespace image_codecs {
namespace {

constexpr std::string_view kPngStart = "\x89PNG\r\n\x1a\n";
constexpr std::string_view kJpegStart = "\xff\xd8", kJpegEnd = "\xff\xd9";
constexpr uint64_t kMostBytesOfPngByte = 1032;    // deflate: 258 bytes out of two bits
constexpr uint64_t kMostPixelsOfJpegByte = 1024;  // a block of 8x8 takes a bit and more

uint64_t big_endian(std::string_view bytes) {
  uint64_t value = 0;
  for (const char byte : bytes) value = value << 8 | static_cast<uint8_t>(byte);
  return value;
}

// Bytes of the pixels that a PNG's header chunk announces; whole numbers might overflow.
double announced_bytes(std::string_view header) {
  constexpr int kChannels[] = {1, 0, 3, 1, 2, 0, 4};  // by type of colour
  const auto bits = static_cast<uint8_t>(header[8]), colour = static_cast<uint8_t>(header[9]);
  const int channels = colour < std::size(kChannels) ? kChannels[colour] : 0;
  const double columns = big_endian(header.substr(0, 4)), rows = big_endian(header.substr(4, 4));
  return columns * rows * channels * bits / 8;
}

bool is_whole_png(std::string_view content) {
  constexpr size_t kFrame = 12;  // of a chunk: length, type and checksum
  constexpr size_t kHeader = 13;
  double announced = 0;
  uint64_t stored = 0;
  for (size_t at = kPngStart.size(); content.size() - at >= kFrame;) {
    const uint64_t length = big_endian(content.substr(at, 4));
    if (length > content.size() - at - kFrame) return false;
    const std::string_view type = content.substr(at + 4, 4);
    if (type == "IEND") return announced <= stored * kMostBytesOfPngByte;
    if (type == "IDAT") stored += length;
    if (type == "IHDR" && length == kHeader) announced = announced_bytes(content.substr(at + 8));
    at += length + kFrame;
  }
  return false;
}

// Markers of JPEG's frame headers, which hold height and width.
bool begins_frame(uint8_t marker) {
  return marker >= 0xc0 && marker <= 0xcf && marker != 0xc4 && marker != 0xc8 && marker != 0xcc;
}

bool is_whole_jpeg(std::string_view content) {
  constexpr uint8_t kScan = 0xda;
  size_t at = kJpegStart.size();
  uint64_t pixels = 0;
  while (at + 4 <= content.size() && content[at] == '\xff') {
    const auto marker = static_cast<uint8_t>(content[at + 1]);
    if (marker == kScan) break;
    if (begins_frame(marker) && at + 9 <= content.size()) {
      const uint64_t rows = big_endian(content.substr(at + 5, 2));
      pixels = std::max(pixels, rows * big_endian(content.substr(at + 7, 2)));
    }
    // A marker may have any number of 0xff before it.
    at += marker == 0xff ? 1 : 2 + big_endian(content.substr(at + 2, 2));
  }
  return content.find(kJpegEnd, at) != std::string_view::npos &&
         pixels <= content.size() * kMostPixelsOfJpegByte;
}

bool starts_with(std::string_view content, std::string_view start) {
  return content.substr(0, start.size()) == start;
}

}  // namespace

bool is_whole_picture(std::string_view content) {
  if (starts_with(content, kPngStart)) return is_whole_png(content);
  if (starts_with(content, kJpegStart)) return is_whole_jpeg(content);
  return true;
}

}  // namespace image_codecs
