// Samples in files: every line of a list names an image and its instance map, relative to a root
// folder (dcme/list_rows.hpp).
#include <stdexcept>
#include <utility>
#include <vector>

#include <opencv2/imgcodecs.hpp>
#include <sys/stat.h>

#include "dcme/list_rows.hpp"
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

std::vector<Pair> read_list(const std::string& path, const std::string& root) {
  if (!is_file(path)) throw std::runtime_error("cannot open the list file " + path);
  std::vector<Pair> pairs;
  for (const ListRow& row : list_rows(read_file(path))) {
    const std::string where = path + ", line " + std::to_string(row.number) + ": ";
    if (row.names.size() != 2) {
      throw std::runtime_error(where + "'" + row.text +
                               "' does not name an image and its instance map (put a tab between "
                               "names that have spaces)");
    }
    Pair pair{join(root, row.names[0]), join(root, row.names[1])};
    for (const std::string& name : {pair.image, pair.ids}) {
      if (!is_file(name)) throw std::runtime_error(where + "there is no file " + name);
    }
    pairs.push_back(std::move(pair));
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
