#include <map>

#include "caffe/util/names.hpp"
#include "caffe/util/upgrade_proto.hpp"
#include "proto/copy_field.hpp"

namespace caffe {

namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

// Where a field of a V0 layer of a type ("" = of any type) stands in a V1 layer.
struct FieldMove {
  const char* type;
  const char* field;
  const char* message;  // the V1 layer's parameter message; "" = the layer itself
  const char* target;   // "" = the message as a whole
};

const FieldMove kFieldMoves[] = {
    {"", "name", "", "name"},
    {"", "blobs", "", "blobs"},
    {"", "blobs_lr", "", "blobs_lr"},
    {"", "weight_decay", "", "weight_decay"},
    {"", "scale", "transform_param", "scale"},
    {"", "meanfile", "transform_param", "mean_file"},
    {"", "cropsize", "transform_param", "crop_size"},
    {"", "mirror", "transform_param", "mirror"},
    {"conv", "num_output", "convolution_param", "num_output"},
    {"conv", "biasterm", "convolution_param", "bias_term"},
    {"conv", "weight_filler", "convolution_param", "weight_filler"},
    {"conv", "bias_filler", "convolution_param", "bias_filler"},
    {"conv", "pad", "convolution_param", "pad"},
    {"conv", "kernelsize", "convolution_param", "kernel_size"},
    {"conv", "group", "convolution_param", "group"},
    {"conv", "stride", "convolution_param", "stride"},
    {"innerproduct", "num_output", "inner_product_param", "num_output"},
    {"innerproduct", "biasterm", "inner_product_param", "bias_term"},
    {"innerproduct", "weight_filler", "inner_product_param", "weight_filler"},
    {"innerproduct", "bias_filler", "inner_product_param", "bias_filler"},
    {"pool", "pool", "pooling_param", "pool"},
    {"pool", "pad", "pooling_param", "pad"},
    {"pool", "kernelsize", "pooling_param", "kernel_size"},
    {"pool", "stride", "pooling_param", "stride"},
    {"dropout", "dropout_ratio", "dropout_param", "dropout_ratio"},
    {"lrn", "local_size", "lrn_param", "local_size"},
    {"lrn", "alpha", "lrn_param", "alpha"},
    {"lrn", "beta", "lrn_param", "beta"},
    {"lrn", "k", "lrn_param", "k"},
    {"concat", "concat_dim", "concat_param", "concat_dim"},
    {"infogain_loss", "source", "infogain_loss_param", "source"},
    {"data", "source", "data_param", "source"},
    {"data", "batchsize", "data_param", "batch_size"},
    {"data", "rand_skip", "data_param", "rand_skip"},
    {"hdf5_data", "source", "hdf5_data_param", "source"},
    {"hdf5_data", "batchsize", "hdf5_data_param", "batch_size"},
    {"hdf5_output", "hdf5_output_param", "hdf5_output_param", ""},
    {"images", "source", "image_data_param", "source"},
    {"images", "batchsize", "image_data_param", "batch_size"},
    {"images", "rand_skip", "image_data_param", "rand_skip"},
    {"images", "shuffle_images", "image_data_param", "shuffle"},
    {"images", "new_height", "image_data_param", "new_height"},
    {"images", "new_width", "image_data_param", "new_width"},
    {"window_data", "source", "window_data_param", "source"},
    {"window_data", "batchsize", "window_data_param", "batch_size"},
    {"window_data", "det_fg_threshold", "window_data_param", "fg_threshold"},
    {"window_data", "det_bg_threshold", "window_data_param", "bg_threshold"},
    {"window_data", "det_fg_fraction", "window_data_param", "fg_fraction"},
    {"window_data", "det_context_pad", "window_data_param", "context_pad"},
    {"window_data", "det_crop_mode", "window_data_param", "crop_mode"},
};

const std::map<string, V1LayerParameter_LayerType>& V0Types() {
  static const std::map<string, V1LayerParameter_LayerType> types = {
      {"accuracy", V1LayerParameter_LayerType_ACCURACY},
      {"bnll", V1LayerParameter_LayerType_BNLL},
      {"concat", V1LayerParameter_LayerType_CONCAT},
      {"conv", V1LayerParameter_LayerType_CONVOLUTION},
      {"data", V1LayerParameter_LayerType_DATA},
      {"dropout", V1LayerParameter_LayerType_DROPOUT},
      {"euclidean_loss", V1LayerParameter_LayerType_EUCLIDEAN_LOSS},
      {"flatten", V1LayerParameter_LayerType_FLATTEN},
      {"hdf5_data", V1LayerParameter_LayerType_HDF5_DATA},
      {"hdf5_output", V1LayerParameter_LayerType_HDF5_OUTPUT},
      {"im2col", V1LayerParameter_LayerType_IM2COL},
      {"images", V1LayerParameter_LayerType_IMAGE_DATA},
      {"infogain_loss", V1LayerParameter_LayerType_INFOGAIN_LOSS},
      {"innerproduct", V1LayerParameter_LayerType_INNER_PRODUCT},
      {"lrn", V1LayerParameter_LayerType_LRN},
      {"multinomial_logistic_loss", V1LayerParameter_LayerType_MULTINOMIAL_LOGISTIC_LOSS},
      {"pool", V1LayerParameter_LayerType_POOLING},
      {"relu", V1LayerParameter_LayerType_RELU},
      {"sigmoid", V1LayerParameter_LayerType_SIGMOID},
      {"softmax", V1LayerParameter_LayerType_SOFTMAX},
      {"softmax_loss", V1LayerParameter_LayerType_SOFTMAX_LOSS},
      {"split", V1LayerParameter_LayerType_SPLIT},
      {"tanh", V1LayerParameter_LayerType_TANH},
      {"window_data", V1LayerParameter_LayerType_WINDOW_DATA},
  };
  return types;
}

const FieldMove* FindMove(const string& type, const string& field) {
  for (const FieldMove& move : kFieldMoves) {
    if (field == move.field && (!*move.type || type == move.type)) return &move;
  }
  return nullptr;
}

void ApplyMove(const V0LayerParameter& v0, const FieldDescriptor* field, const FieldMove& move,
               V1LayerParameter* v1) {
  Message* holder = v1;
  const char* target = move.target;
  if (!*target) {
    target = move.message;
  } else if (*move.message) {
    const FieldDescriptor* message = v1->GetDescriptor()->FindFieldByName(move.message);
    holder = v1->GetReflection()->MutableMessage(v1, message);
  }
  CopyField(v0, field, holder, holder->GetDescriptor()->FindFieldByName(target));
}

}  // namespace

bool NetNeedsV0ToV1Upgrade(const NetParameter& net_param) {
  for (const V1LayerParameter& layer : net_param.layers()) {
    if (layer.has_layer()) return true;
  }
  return false;
}

bool UpgradeV0Net(const NetParameter& v0_net_param, NetParameter* net_param) {
  NetParameter padded;
  UpgradeV0PaddingLayers(v0_net_param, &padded);
  CopyAllBut("layers", padded, net_param);
  bool compatible = true;
  for (const V1LayerParameter& layer : padded.layers()) {
    compatible &= UpgradeV0LayerParameter(layer, net_param->add_layers());
  }
  return compatible;
}

void UpgradeV0PaddingLayers(const NetParameter& param, NetParameter* param_upgraded_pad) {
  struct Padding {
    string input;
    uint32_t pad;
  };
  CopyAllBut("layers", param, param_upgraded_pad);
  std::map<string, Padding> padded;  // by the blob that a padding layer makes
  for (const V1LayerParameter& connection : param.layers()) {
    const V0LayerParameter& layer = connection.layer();
    if (layer.type() == "padding") {
      CHECK(connection.bottom_size() == 1 && connection.top_size() == 1)
          << "padding layer " << layer.name() << " has one bottom and one top";
      padded[connection.top(0)] = {connection.bottom(0), layer.pad()};
      continue;
    }
    V1LayerParameter* kept = param_upgraded_pad->add_layers();
    kept->CopyFrom(connection);
    for (int i = 0; i < connection.bottom_size(); ++i) {
      const auto padding = padded.find(connection.bottom(i));
      if (padding == padded.end()) continue;
      CHECK((layer.type() == "conv" || layer.type() == "pool") && connection.bottom_size() == 1)
          << "layer " << layer.name() << " of type '" << layer.type()
          << "' cannot take over the padding of its bottom; only conv and pool can";
      kept->mutable_layer()->set_pad(padding->second.pad);
      kept->set_bottom(i, padding->second.input);
    }
    for (const string& top : connection.top()) padded.erase(top);
  }
}

bool UpgradeV0LayerParameter(const V1LayerParameter& v0_layer_connection,
                             V1LayerParameter* layer_param) {
  layer_param->CopyFrom(v0_layer_connection);
  if (!v0_layer_connection.has_layer()) return true;
  layer_param->clear_layer();
  const V0LayerParameter& v0 = v0_layer_connection.layer();
  if (v0.has_type()) layer_param->set_type(UpgradeV0LayerType(v0.type()));
  bool compatible = true;
  vector<const FieldDescriptor*> fields;
  v0.GetReflection()->ListFields(v0, &fields);
  for (const FieldDescriptor* field : fields) {
    if (field->name() == "type") continue;
    const FieldMove* move = FindMove(v0.type(), field->name());
    if (move) {
      ApplyMove(v0, field, *move, layer_param);
    } else {
      LOG(WARNING) << "layer " << v0.name() << ": '" << field->name()
                   << "' means nothing to a layer of the old type '" << v0.type()
                   << "' and is left out";
      compatible = false;
    }
  }
  return compatible;
}

V1LayerParameter_LayerType UpgradeV0LayerType(const string& type) {
  const auto found = V0Types().find(type);
  if (found != V0Types().end()) return found->second;
  vector<string> known;
  for (const auto& entry : V0Types()) known.push_back(entry.first);
  LOG(FATAL) << "unknown layer type '" + type + "' in an old (V0) net" + DidYouMean(type, known);
}

}  // namespace caffe
