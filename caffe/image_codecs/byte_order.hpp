#pragma once

#include <cstdint>
#include <string_view>

namespace image_codecs {

// The number that bytes stand for, the highest first.
inline uint64_t big_endian(std::string_view bytes) {
  uint64_t value = 0;
  for (const char byte : bytes) value = value << 8 | static_cast<uint8_t>(byte);
  return value;
}

// The same with the lowest first.
inline uint64_t little_endian(std::string_view bytes) {
  uint64_t value = 0;
  while (!bytes.empty()) {
    value = value << 8 | static_cast<uint8_t>(bytes.back());
    bytes.remove_suffix(1);
  }
  return value;
}

// The bytes of a file from a place on, fewer where it ends before.
inline std::string_view bytes_at(std::string_view content, uint64_t at, uint64_t count) {
  return at < content.size() ? content.substr(at, count) : std::string_view();
}

inline bool starts_with(std::string_view content, std::string_view start) {
  return content.substr(0, start.size()) == start;
}

}  // namespace image_codecs
