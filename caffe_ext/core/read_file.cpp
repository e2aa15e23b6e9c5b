#include "dcme/read_file.hpp"

#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <system_error>

namespace dcme {

std::string read_file(const std::string& path) {
  std::error_code error;
  const auto size = std::filesystem::file_size(path, error);
  std::ifstream file(path, std::ios::binary);
  if (error || !file) throw std::invalid_argument(path + ": cannot be opened");
  std::string content(size, '\0');
  if (!file.read(&content[0], static_cast<std::streamsize>(size))) {
    throw std::invalid_argument(path + ": cannot be read");
  }
  return content;
}

}  // namespace dcme
