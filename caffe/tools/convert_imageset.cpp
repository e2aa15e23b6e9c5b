#include <array>
#include <vector>

#include <opencv2/core.hpp>

#include "caffe/util/format.hpp"
#include "caffe/util/io.hpp"
#include "caffe/util/list_file.hpp"
#include "caffe/util/names.hpp"
#include "caffe/util/rng.hpp"
#include "common/command_line.hpp"
#include "common/new_database.hpp"

namespace {

using caffe::Datum;
using caffe::Error;
using std::string;

struct Options {
  string root;
  string list;
  string database;
  string backend = "lmdb";
  string encode_type;
  int height = 0;
  int width = 0;
  unsigned int seed = 1701;
  bool gray = false;
  bool shuffle = false;
  bool check_size = false;
  bool encoded = false;
};

Options ParseOptions(int argc, char** argv) {
  CLI::App app(
      "Makes a database for Data layers from images and their labels.\n"
      "Example:\n  convert_imageset --resize_height=256 --resize_width=256 images/ train.txt \\\n"
      "    train_lmdb");
  Options options;
  app.add_option("root", options.root, "Put before every name of the list, as it is")->required();
  app.add_option("list", options.list, "Text file, lines `image label`")->required();
  app.add_option("database", options.database, "Folder to make")->required();
  caffe::tools::AddSwitch(&app, "gray", &options.gray, "Read images as gray ones");
  caffe::tools::AddSwitch(&app, "shuffle", &options.shuffle, "Store images in random order");
  app.add_option("--random_seed", options.seed, "Decides that order")->capture_default_str();
  app.add_option("--backend", options.backend, "lmdb or leveldb")->capture_default_str();
  app.add_option("--resize_width", options.width, "Width to resize images to");
  app.add_option("--resize_height", options.height, "Height to resize images to");
  caffe::tools::AddSwitch(&app, "check_size", &options.check_size,
                          "Refuse images that differ in size");
  caffe::tools::AddSwitch(&app, "encoded", &options.encoded, "Store image files, not pixels");
  app.add_option("--encode_type", options.encode_type,
                 "Format to store them in (png, jpg ...); by default their own");
  caffe::tools::ParseArguments(&app, argc, argv);
  if (options.height < 0 || options.width < 0 || (options.height > 0) != (options.width > 0)) {
    throw Error("resize_height and resize_width go together: set both above 0, or none");
  }
  if (!options.encode_type.empty() && !options.encoded) {
    throw Error("encode_type needs --encoded");
  }
  return options;
}

// The format to store an image in; empty for pixels.
string EncodingOf(const Options& options, const string& image) {
  if (!options.encoded || !options.encode_type.empty()) return options.encode_type;
  const size_t dot = image.rfind('.');
  if (dot == string::npos) throw Error(image + " has no extension: set encode_type");
  return caffe::Lower(image.substr(dot + 1));
}

// Channels, height and width of an image, stored as pixels or as a file.
std::array<int, 3> SizeOf(const Datum& datum) {
  if (!datum.encoded()) return {datum.channels(), datum.height(), datum.width()};
  const cv::Mat image = caffe::DecodeDatumToCVMatNative(datum);
  return {image.channels(), image.rows, image.cols};
}

// An image to store.
struct Item {
  string name;
  int label;
  string encoding;  // of EncodingOf
};

// The images in the order to store them. A line that is wrong is found here, before any work.
std::vector<Item> ReadItems(const Options& options) {
  std::vector<Item> items;
  for (const caffe::ListLine& line : caffe::ReadListFile(options.list)) {
    items.push_back(
        {line.path, caffe::ParseInteger(line.rest, line.where), EncodingOf(options, line.path)});
  }
  if (options.shuffle) {
    caffe::rng_t generator(options.seed);
    caffe::shuffle(items.begin(), items.end(), &generator);
  }
  return items;
}

void Convert(const Options& options) {
  const std::vector<Item> items = ReadItems(options);
  LOG(INFO) << "A total of " << items.size() << " images.";
  caffe::tools::NewDatabase database(options.database, options.backend);
  std::array<int, 3> first_size{};
  for (size_t i = 0; i < items.size(); ++i) {
    const Item& item = items[i];
    const string path = options.root + item.name;
    Datum datum;
    // An image that cannot be read is left out; a line in the log names it.
    if (!caffe::ReadImageToDatum(path, item.label, options.height, options.width, !options.gray,
                                 item.encoding, &datum)) {
      continue;
    }
    if (options.check_size) {
      const auto size = SizeOf(datum);
      if (database.size() == 0) first_size = size;
      if (size != first_size) throw Error(path + " differs in size from the others");
    }
    const string key = caffe::format_int(static_cast<int>(i), 8) + "_" + item.name;
    if (database.Put(key, datum.SerializeAsString())) {
      LOG(INFO) << "Processed " << database.size() << " files.";
    }
  }
  const size_t stored = database.size();
  if (stored == 0) {
    throw Error("none of the images of " + options.list + " could be read: is '" + options.root +
                "' what goes before their names, with a slash at its end?");
  }
  database.Finish();
  database.Keep();
  LOG(INFO) << "Processed " << stored << " files.";
  if (stored < items.size()) {
    LOG(WARNING) << items.size() - stored << " images could not be read and are left out.";
  }
}

}  // namespace

int main(int argc, char** argv) {
  return caffe::tools::Run([&] {
    Convert(ParseOptions(argc, argv));
    return 0;
  });
}
