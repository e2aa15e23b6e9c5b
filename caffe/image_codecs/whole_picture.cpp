#include "image_codecs/whole_picture.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <string>

#include "byte_order.hpp"
#include "claimed_pixels.hpp"

namespace image_codecs {
namespace {

constexpr std::string_view kPngStart = "\x89PNG\r\n\x1a\n";
constexpr std::string_view kJpegStart = "\xff\xd8", kJpegEnd = "\xff\xd9";
constexpr std::string_view kBmpStart = "BM";
constexpr uint64_t kMostBytesOfPngByte = 1032;    // deflate: 258 bytes out of two bits
constexpr uint64_t kMostPixelsOfJpegByte = 1024;  // a block of 8x8 takes a bit and more
constexpr double kMostPixelsOfRunByte = 1024;     // a run of 255 takes two, what is left out less
// Of other formats. Of few pixels none takes much memory, and any may be as small as one of a
// single colour is.
constexpr double kMostPixelsOfByte = 2048, kFewPixels = 1 << 26;

// Bytes of the pixels that a PNG's header chunk announces; whole numbers might overflow.
double announced_bytes(std::string_view header) {
  constexpr int kChannels[] = {1, 0, 3, 1, 2, 0, 4};  // by type of colour
  const auto bits = static_cast<uint8_t>(header[8]), colour = static_cast<uint8_t>(header[9]);
  const int channels = colour < std::size(kChannels) ? kChannels[colour] : 0;
  const double columns = big_endian(header.substr(0, 4)), rows = big_endian(header.substr(4, 4));
  return columns * rows * channels * bits / 8;
}

// Calls visit(type, body) for the chunks of a PNG, in order, for as long as it returns true and
// they are whole.
template <typename Visit>
void each_chunk(std::string_view png, const Visit& visit) {
  constexpr size_t kFrame = 12;  // length, type and checksum
  for (size_t at = kPngStart.size(); png.size() - at >= kFrame;) {
    const uint64_t length = big_endian(png.substr(at, 4));
    if (length > png.size() - at - kFrame) return;
    if (!visit(png.substr(at + 4, 4), png.substr(at + 8, length))) return;
    at += length + kFrame;
  }
}

bool is_whole_png(std::string_view content) {
  constexpr size_t kHeader = 13;
  double announced = 0;
  uint64_t stored = 0;
  bool ended = false;
  each_chunk(content, [&](std::string_view type, std::string_view body) {
    if (type == "IDAT") stored += body.size();
    // Which of several headers a decoder takes is not known.
    if (type == "IHDR" && body.size() == kHeader) {
      announced = std::max(announced, announced_bytes(body));
    }
    ended = type == "IEND";
    return !ended;
  });
  return ended && announced <= stored * kMostBytesOfPngByte;
}

// Markers of JPEG's frame headers, which hold height and width.
bool begins_frame(uint8_t marker) {
  return marker >= 0xc0 && marker <= 0xcf && marker != 0xc4 && marker != 0xc8 && marker != 0xcc;
}

// Markers without a segment behind them, and no marker at all: a 0xff that stands for itself.
bool stands_alone(uint8_t marker) { return marker <= 0x01 || (marker >= 0xd0 && marker <= 0xd8); }

bool is_whole_jpeg(std::string_view content) {
  constexpr uint8_t kScan = 0xda, kEnd = 0xd9;
  uint64_t pixels = 0;
  // Decoders pass over what stands between segments, and over any number of 0xff before a marker.
  for (size_t at = kJpegStart.size();;) {
    at = content.find_first_not_of('\xff', content.find('\xff', at));
    if (at == std::string_view::npos || content.size() - at < 3) return false;
    const auto marker = static_cast<uint8_t>(content[at++]);
    if (stands_alone(marker)) continue;
    if (marker == kEnd) return false;
    if (marker == kScan) {
      return content.find(kJpegEnd, at) != std::string_view::npos &&
             pixels <= content.size() * kMostPixelsOfJpegByte;
    }
    if (begins_frame(marker) && content.size() - at >= 7) {
      const uint64_t rows = big_endian(content.substr(at + 3, 2));
      pixels = std::max(pixels, rows * big_endian(content.substr(at + 5, 2)));
    }
    at += std::max<uint64_t>(big_endian(content.substr(at, 2)), 2);
    if (at > content.size()) return false;
  }
}

int64_t signed_number(std::string_view bytes) { return static_cast<int32_t>(little_endian(bytes)); }

// A BMP's end is not marked. Where its header is older or shorter, sizes have 16 bits and nothing
// is compressed.
bool is_whole_bmp(std::string_view content) {
  if (content.size() < 34) return false;
  const bool old = signed_number(content.substr(14, 4)) < 40;
  const int64_t columns = signed_number(content.substr(18, old ? 2 : 4));
  const int64_t rows = signed_number(old ? content.substr(20, 2) : content.substr(22, 4));
  const int64_t bits = signed_number(content.substr(old ? 24 : 28, 2));
  const int64_t compression = old ? 0 : signed_number(content.substr(30, 4));
  const double pixels = std::abs(static_cast<double>(columns) * static_cast<double>(rows));
  const double size = static_cast<double>(content.size());
  const bool runs = compression == 1 || compression == 2;
  return runs ? pixels <= size * kMostPixelsOfRunByte : pixels * bits / 8 <= size;
}

bool is_dicom(std::string_view content) {
  constexpr size_t kFree = 128;  // bytes that may hold anything
  return content.size() > kFree && starts_with(content.substr(kFree), "DICM");
}

}  // namespace

std::string picture_problem(std::string_view content) {
  const auto problem = [](bool is_whole) {
    return is_whole ? "" : "is cut off; copy or create it again";
  };
  if (starts_with(content, kPngStart)) return problem(is_whole_png(content));
  if (starts_with(content, kJpegStart)) return problem(is_whole_jpeg(content));
  if (starts_with(content, kBmpStart)) return problem(is_whole_bmp(content));
  if (is_dicom(content)) return "is a DICOM file; convert it, e.g. to a PNG";
  const double size = static_cast<double>(content.size());
  const bool plausible = claimed_pixels(content) <= std::max(kFewPixels, size * kMostPixelsOfByte);
  return plausible ? "" : "claims too many pixels for so small a file; save it anew, as a PNG";
}

bool has_colour_palette(std::string_view content) {
  bool found = false;
  if (!starts_with(content, kPngStart)) return found;
  each_chunk(content, [&](std::string_view type, std::string_view body) {
    for (size_t i = 0; type == "PLTE" && i + 2 < body.size(); i += 3) {
      found = found || body[i] != body[i + 1] || body[i] != body[i + 2];
    }
    return type != "IDAT";
  });
  return found;
}

}  // namespace image_codecs
