#include <memory>
#include <vector>

#include "caffe/util/db.hpp"
#include "caffe/util/io.hpp"
#include "common/command_line.hpp"

namespace {

using caffe::Datum;
using caffe::Error;
using std::string;

// Sums of images of one shape, pixel by pixel.
class ImageSum {
 public:
  // `name` stands for the image in errors.
  void Add(const Datum& image, const string& name) {
    const bool bytes = !image.data().empty();
    const size_t values = bytes ? image.data().size() : image.float_data_size();
    if (images_ == 0) Start(image, name);
    if (image.channels() != channels_ || image.height() != height_ || image.width() != width_ ||
        values != sums_.size()) {
      throw Error(name + " is of another size than the first: images have to be of one size");
    }
    for (size_t i = 0; i < values; ++i) {
      sums_[i] += bytes ? static_cast<uint8_t>(image.data()[i]) : image.float_data(i);
    }
    ++images_;
  }

  int images() const { return images_; }

  caffe::BlobProto Mean() const {
    caffe::BlobProto mean;
    mean.set_num(1);
    mean.set_channels(channels_);
    mean.set_height(height_);
    mean.set_width(width_);
    for (const double sum : sums_) mean.add_data(static_cast<float>(sum / images_));
    return mean;
  }

  std::vector<double> ChannelMeans() const {
    const size_t pixels = sums_.size() / channels_;
    std::vector<double> means(channels_, 0.0);
    for (size_t i = 0; i < sums_.size(); ++i) means[i / pixels] += sums_[i] / images_ / pixels;
    return means;
  }

 private:
  void Start(const Datum& image, const string& name) {
    caffe::CheckDatum(image, name);
    channels_ = image.channels();
    height_ = image.height();
    width_ = image.width();
    sums_.assign(size_t(channels_) * height_ * width_, 0.0);
  }

  int channels_ = 0;
  int height_ = 0;
  int width_ = 0;
  int images_ = 0;
  std::vector<double> sums_;
};

// Decodes an encoded image; errors have `name` in front.
void Decode(Datum* image, const string& name) {
  if (!image->encoded()) return;
  bool decoded = false;
  try {
    decoded = caffe::DecodeDatumNative(image);
  } catch (const Error& e) {
    throw Error(name + ": " + e.what());
  }
  if (!decoded) throw Error(name + " holds an image that cannot be decoded");
}

int ComputeMean(const string& database, const string& backend, const string& output) {
  const std::unique_ptr<caffe::db::DB> db(caffe::db::GetDB(backend));
  db->Open(database, caffe::db::READ);
  const std::unique_ptr<caffe::db::Cursor> cursor(db->NewCursor());
  ImageSum sum;
  for (; cursor->valid(); cursor->Next()) {
    const string name = "record '" + cursor->key() + "' of " + database;
    Datum image;
    if (!image.ParseFromString(cursor->value())) throw Error(name + " is no Datum message");
    Decode(&image, name);
    sum.Add(image, name);
    if (sum.images() % 10000 == 0) LOG(INFO) << "Processed " << sum.images() << " files.";
  }
  if (sum.images() == 0) throw Error("the database " + database + " is empty");
  LOG(INFO) << "Processed " << sum.images() << " files.";
  if (!output.empty()) {
    LOG(INFO) << "Write to " << output;
    caffe::WriteProtoToBinaryFile(sum.Mean(), output);
  }
  const std::vector<double> means = sum.ChannelMeans();
  LOG(INFO) << "Number of channels: " << means.size();
  for (size_t c = 0; c < means.size(); ++c) {
    LOG(INFO) << "mean_value channel [" << c << "]: " << means[c];
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  return caffe::tools::Run([&] {
    CLI::App app(
        "Computes the mean image of a database, for transform_param's mean_file, and its mean "
        "colour.\nExample: compute_image_mean train_lmdb mean.binaryproto");
    string database;
    string output;
    string backend = "lmdb";
    app.add_option("database", database, "Folder of the database")->required();
    app.add_option("output", output, "File to write the mean image to");
    app.add_option("--backend", backend, "lmdb or leveldb")->capture_default_str();
    caffe::tools::ParseArguments(&app, argc, argv);
    return ComputeMean(database, backend, output);
  });
}
