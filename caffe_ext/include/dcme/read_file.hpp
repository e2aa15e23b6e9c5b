#pragma once

#include <string>

namespace dcme {

// A file's bytes. Throws std::invalid_argument with the path for one that cannot be read.
std::string read_file(const std::string& path);

}  // namespace dcme
