// Samples in files: every line of a list names an image and its instance map, relative to a root
// folder, or separated by a tab where a name has spaces. Empty lines and lines that start with #
// count as nothing.
#include <cerrno>
#include <cstring>
#include <fstream>
#include <stdexcept>
#include <utility>
#include <vector>

#include <opencv2/imgcodecs.hpp>
#include <sys/stat.h>

#include "dcme/read_file.hpp"
#include "sample_source.hpp"

namespace dcme {

namespace {

struct Pair {
  std::string image;
  std::string ids;
};

bool is_file(const std::string& path) {
  struct stat status;
  return stat(path.c_str(), &status) == 0 && S_ISREG(status.st_mode);
}

std::string join(const std::string& root, const std::string& path) {
  if (root.empty() || path[0] == '/') return path;
  return root.back() == '/' ? root + path : root + "/" + path;
}

std::string strip(const std::string& text) {
  const char* blanks = " \t\r";
  const size_t first = text.find_first_not_of(blanks);
  if (first == std::string::npos) return "";
  return text.substr(first, text.find_last_not_of(blanks) - first + 1);
}

// Splits "image ids", stripped, at the tab, else at the only run of blanks; false where there is no
// such.
bool split(const std::string& line, Pair* pair) {
  size_t gap = line.find('\t');
  if (gap == std::string::npos) {
    gap = line.find(' ');
    if (gap == std::string::npos) return false;
    const std::string rest = strip(line.substr(gap));
    if (rest.find(' ') != std::string::npos) return false;
  }
  pair->image = strip(line.substr(0, gap));
  pair->ids = strip(line.substr(gap));
  return true;
}

std::vector<Pair> read_list(const std::string& path, const std::string& root) {
  std::ifstream file(path);
  if (!file || !is_file(path)) {
    throw std::runtime_error("cannot open the list file " + path);
  }
  std::vector<Pair> pairs;
  std::string line;
  for (int number = 1; std::getline(file, line); ++number) {
    if (number == 1 && line.compare(0, 3, "\xef\xbb\xbf") == 0) line.erase(0, 3);  // UTF-8's mark
    line = strip(line);
    if (line.empty() || line[0] == '#') continue;
    const std::string where = path + ", line " + std::to_string(number) + ": ";
    Pair pair;
    if (!split(line, &pair)) {
      throw std::runtime_error(where + "'" + line +
                               "' does not name an image and its instance map (put a tab between "
                               "names that have spaces)");
    }
    pair.image = join(root, pair.image);
    pair.ids = join(root, pair.ids);
    for (const std::string& name : {pair.image, pair.ids}) {
      if (!is_file(name)) throw std::runtime_error(where + "there is no file " + name);
    }
    pairs.push_back(std::move(pair));
  }
  if (file.bad()) {
    throw std::runtime_error("cannot read all of the list file " + path + ": " +
                             std::strerror(errno));
  }
  if (pairs.empty()) throw std::runtime_error("the list file " + path + " names no images");
  return pairs;
}

class ListSource : public SampleSource {
 public:
  ListSource(const std::string& path, const std::string& root, bool is_color)
      : pairs_(read_list(path, root)), is_color_(is_color) {}

  int size() const override { return static_cast<int>(pairs_.size()); }

  Sample read(int index) const override {
    const Pair& pair = pairs_[index];
    Sample sample;
    sample.name = pair.image;
    sample.image = decode_image(read_file(pair.image), pair.image, is_color_);
    sample.ids = decode_file(read_file(pair.ids), pair.ids, cv::IMREAD_UNCHANGED);
    check_sample(sample, pair.ids);
    return sample;
  }

 private:
  const std::vector<Pair> pairs_;
  const bool is_color_;
};

}  // namespace

std::unique_ptr<SampleSource> open_list(const std::string& path, const std::string& root_folder,
                                        bool is_color) {
  return std::make_unique<ListSource>(path, root_folder, is_color);
}

}  // namespace dcme
