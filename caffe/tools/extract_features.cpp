#include <climits>
#include <memory>
#include <vector>

#include "caffe/net.hpp"
#include "caffe/util/format.hpp"
#include "caffe/util/list_file.hpp"
#include "caffe/util/names.hpp"
#include "common/command_line.hpp"
#include "common/new_database.hpp"

namespace {

using caffe::Blob;
using caffe::Datum;
using caffe::Error;
using std::string;

struct Options {
  string weights;
  string model;
  std::vector<string> blobs;
  std::vector<string> databases;
  int batches = 0;
  string backend;
  string mode = "CPU";
  string device = "0";
  std::vector<string> plugins;
};

Options ParseOptions(int argc, char** argv) {
  CLI::App app(
      "Runs a net in its TEST phase and stores what chosen blobs hold, a record an image.\n"
      "Example:\n  extract_features model.caffemodel net.prototxt fc6,fc7 fc6_db,fc7_db 10 lmdb");
  Options options;
  string blobs;
  string databases;
  app.add_option("weights", options.weights, "Trained model")->required();
  app.add_option("model", options.model, "Net whose data layer reads the images")->required();
  app.add_option("blobs", blobs, "Names of blobs, with commas between them")->required();
  app.add_option("databases", databases, "As many databases to make")->required();
  app.add_option("batches", options.batches, "Number of batches to run")
      ->required()
      ->check(CLI::Range(1, INT_MAX).description("above 0"));
  app.add_option("backend", options.backend, "lmdb or leveldb")->required();
  app.add_option("mode", options.mode, "CPU or GPU")->capture_default_str();
  app.add_option("device", options.device, "Number of the GPU (or DEVICE_ID=number)");
  caffe::tools::AddPluginOption(&app, &options.plugins);
  caffe::tools::ParseArguments(&app, argc, argv);
  options.blobs = caffe::SplitNames(blobs);
  options.databases = caffe::SplitNames(databases);
  if (options.blobs.empty() || options.blobs.size() != options.databases.size()) {
    throw Error(std::to_string(options.blobs.size()) + " blobs and " +
                std::to_string(options.databases.size()) +
                " databases: each blob needs a database");
  }
  return options;
}

void SetMode(const Options& options) {
  if (options.mode == "CPU") {
    caffe::Caffe::set_mode(caffe::Caffe::CPU);
  } else if (options.mode == "GPU") {
    const string number = options.device.substr(options.device.rfind('=') + 1);
    caffe::Caffe::SetDevice(caffe::ParseInteger(number, "device"));
    caffe::Caffe::set_mode(caffe::Caffe::GPU);
  } else {
    throw Error("mode '" + options.mode + "': CPU and GPU exist");
  }
}

// Stores the values of a blob, a record an image.
void Add(const Blob<float>& blob, caffe::tools::NewDatabase* database) {
  const int images = blob.shape(0);
  const int values = blob.count(1);
  for (int n = 0; n < images; ++n) {
    Datum datum;
    // A datum has three axes; those of other blobs become one.
    const bool image_like = blob.num_axes() <= 4;
    datum.set_channels(image_like ? blob.LegacyShape(1) : values);
    datum.set_height(image_like ? blob.LegacyShape(2) : 1);
    datum.set_width(image_like ? blob.LegacyShape(3) : 1);
    const float* image = blob.cpu_data() + n * values;
    datum.mutable_float_data()->Add(image, image + values);
    database->Put(caffe::format_int(database->size(), 10), datum.SerializeAsString());
  }
}

int ExtractFeatures(const Options& options) {
  caffe::tools::LoadPlugins(options.plugins);
  SetMode(options);
  caffe::Net<float> net(options.model, caffe::TEST);
  net.CopyTrainedLayersFrom(options.weights);
  for (const string& name : options.blobs) {
    if (!net.has_blob(name)) {
      throw Error("the net " + options.model + " has no blob '" + name + "'" +
                  caffe::DidYouMean(name, net.blob_names()));
    }
    if (net.blob_by_name(name)->num_axes() == 0) {
      throw Error("blob '" + name + "' is a single number, not one value or more an image");
    }
  }
  std::vector<std::unique_ptr<caffe::tools::NewDatabase>> databases;
  for (const string& name : options.databases) {
    databases.push_back(std::make_unique<caffe::tools::NewDatabase>(name, options.backend));
  }
  LOG(INFO) << "Extracting features";
  for (int batch = 0; batch < options.batches; ++batch) {
    net.Forward();
    for (size_t i = 0; i < databases.size(); ++i) {
      Add(*net.blob_by_name(options.blobs[i]), databases[i].get());
    }
  }
  for (const auto& database : databases) database->Finish();
  for (size_t i = 0; i < databases.size(); ++i) {
    databases[i]->Keep();
    LOG(INFO) << "Extracted features of " << databases[i]->size()
              << " query images for feature blob " << options.blobs[i];
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  return caffe::tools::Run([&] { return ExtractFeatures(ParseOptions(argc, argv)); });
}
