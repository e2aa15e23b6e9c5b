
#include "caffe/util/upgrade_proto.hpp"
#include "proto/copy_field.hpp"

namespace caffe {

namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

struct TypeName {
  V1LayerParameter_LayerType type;
  const char* name;
};

const TypeName kTypeNames[] = {
    {V1LayerParameter_LayerType_NONE, ""},
    {V1LayerParameter_LayerType_ABSVAL, "AbsVal"},
    {V1LayerParameter_LayerType_ACCURACY, "Accuracy"},
    {V1LayerParameter_LayerType_ARGMAX, "ArgMax"},
    {V1LayerParameter_LayerType_BNLL, "BNLL"},
    {V1LayerParameter_LayerType_CONCAT, "Concat"},
    {V1LayerParameter_LayerType_CONTRASTIVE_LOSS, "ContrastiveLoss"},
    {V1LayerParameter_LayerType_CONVOLUTION, "Convolution"},
    {V1LayerParameter_LayerType_DATA, "Data"},
    {V1LayerParameter_LayerType_DECONVOLUTION, "Deconvolution"},
    {V1LayerParameter_LayerType_DROPOUT, "Dropout"},
    {V1LayerParameter_LayerType_DUMMY_DATA, "DummyData"},
    {V1LayerParameter_LayerType_ELTWISE, "Eltwise"},
    {V1LayerParameter_LayerType_EUCLIDEAN_LOSS, "EuclideanLoss"},
    {V1LayerParameter_LayerType_EXP, "Exp"},
    {V1LayerParameter_LayerType_FLATTEN, "Flatten"},
    {V1LayerParameter_LayerType_HDF5_DATA, "HDF5Data"},
    {V1LayerParameter_LayerType_HDF5_OUTPUT, "HDF5Output"},
    {V1LayerParameter_LayerType_HINGE_LOSS, "HingeLoss"},
    {V1LayerParameter_LayerType_IM2COL, "Im2col"},
    {V1LayerParameter_LayerType_IMAGE_DATA, "ImageData"},
    {V1LayerParameter_LayerType_INFOGAIN_LOSS, "InfogainLoss"},
    {V1LayerParameter_LayerType_INNER_PRODUCT, "InnerProduct"},
    {V1LayerParameter_LayerType_LRN, "LRN"},
    {V1LayerParameter_LayerType_MEMORY_DATA, "MemoryData"},
    {V1LayerParameter_LayerType_MULTINOMIAL_LOGISTIC_LOSS, "MultinomialLogisticLoss"},
    {V1LayerParameter_LayerType_MVN, "MVN"},
    {V1LayerParameter_LayerType_POOLING, "Pooling"},
    {V1LayerParameter_LayerType_POWER, "Power"},
    {V1LayerParameter_LayerType_RELU, "ReLU"},
    {V1LayerParameter_LayerType_SIGMOID, "Sigmoid"},
    {V1LayerParameter_LayerType_SIGMOID_CROSS_ENTROPY_LOSS, "SigmoidCrossEntropyLoss"},
    {V1LayerParameter_LayerType_SILENCE, "Silence"},
    {V1LayerParameter_LayerType_SLICE, "Slice"},
    {V1LayerParameter_LayerType_SOFTMAX, "Softmax"},
    {V1LayerParameter_LayerType_SOFTMAX_LOSS, "SoftmaxWithLoss"},
    {V1LayerParameter_LayerType_SPLIT, "Split"},
    {V1LayerParameter_LayerType_TANH, "TanH"},
    {V1LayerParameter_LayerType_THRESHOLD, "Threshold"},
    {V1LayerParameter_LayerType_WINDOW_DATA, "WindowData"},
};

const char* const kTransformFields[] = {"scale", "mean_file", "crop_size", "mirror"};

// The parameters of a data layer that may hold transformation fields; null where there are none.
const Message* TransformHolder(const V1LayerParameter& layer) {
  switch (layer.type()) {
    case V1LayerParameter_LayerType_DATA:
      return &layer.data_param();
    case V1LayerParameter_LayerType_IMAGE_DATA:
      return &layer.image_data_param();
    case V1LayerParameter_LayerType_WINDOW_DATA:
      return &layer.window_data_param();
    default:
      return nullptr;
  }
}

const FieldDescriptor* SetField(const Message& message, const char* name) {
  const FieldDescriptor* field = message.GetDescriptor()->FindFieldByName(name);
  return message.GetReflection()->HasField(message, field) ? field : nullptr;
}

ParamSpec* ParamAt(LayerParameter* layer, int index) {
  while (layer->param_size() <= index) layer->add_param();
  return layer->mutable_param(index);
}

// Names, sharing modes and multipliers of a V1 layer's blobs, four lists there, are one list now.
void UpgradeParamSpecs(const V1LayerParameter& v1, LayerParameter* layer) {
  for (int i = 0; i < v1.param_size(); ++i) ParamAt(layer, i)->set_name(v1.param(i));
  for (int i = 0; i < v1.blob_share_mode_size(); ++i) {
    ParamAt(layer, i)->set_share_mode(
        static_cast<ParamSpec_DimCheckMode>(static_cast<int>(v1.blob_share_mode(i))));
  }
  for (int i = 0; i < v1.blobs_lr_size(); ++i) ParamAt(layer, i)->set_lr_mult(v1.blobs_lr(i));
  for (int i = 0; i < v1.weight_decay_size(); ++i) {
    ParamAt(layer, i)->set_decay_mult(v1.weight_decay(i));
  }
}

}  // namespace

bool NetNeedsDataUpgrade(const NetParameter& net_param) {
  for (const V1LayerParameter& layer : net_param.layers()) {
    const Message* holder = TransformHolder(layer);
    if (!holder) continue;
    for (const char* name : kTransformFields) {
      if (SetField(*holder, name)) return true;
    }
  }
  return false;
}

void UpgradeNetDataTransformation(NetParameter* net_param) {
  for (V1LayerParameter& layer : *net_param->mutable_layers()) {
    // A layer without that message shares an empty one; nothing is set there, nothing changed.
    Message* holder = const_cast<Message*>(TransformHolder(layer));
    if (!holder) continue;
    for (const char* name : kTransformFields) {
      const FieldDescriptor* field = SetField(*holder, name);
      if (!field) continue;
      TransformationParameter* transform = layer.mutable_transform_param();
      CopyField(*holder, field, transform, transform->GetDescriptor()->FindFieldByName(name));
      holder->GetReflection()->ClearField(holder, field);
    }
  }
}

bool NetNeedsV1ToV2Upgrade(const NetParameter& net_param) { return net_param.layers_size() > 0; }

bool UpgradeV1Net(const NetParameter& v1_net_param, NetParameter* net_param) {
  if (v1_net_param.layer_size() > 0) {
    LOG(FATAL) << "the net mixes old `layers { ... }` and new `layer { ... }`: "
                  "write all of them as `layer`";
  }
  CopyAllBut("layers", v1_net_param, net_param);
  bool compatible = true;
  for (const V1LayerParameter& layer : v1_net_param.layers()) {
    compatible &= UpgradeV1LayerParameter(layer, net_param->add_layer());
  }
  return compatible;
}

bool UpgradeV1LayerParameter(const V1LayerParameter& v1_layer_param, LayerParameter* layer_param) {
  layer_param->Clear();
  vector<const FieldDescriptor*> fields;
  v1_layer_param.GetReflection()->ListFields(v1_layer_param, &fields);
  const auto* layer_type = layer_param->GetDescriptor();
  for (const FieldDescriptor* field : fields) {
    const FieldDescriptor* target = layer_type->FindFieldByName(field->name());
    // Fields of one name are of one type but for `type` and `param`, which follow below.
    if (target && target->cpp_type() == field->cpp_type()) {
      CopyField(v1_layer_param, field, layer_param, target);
    }
  }
  if (v1_layer_param.has_type()) layer_param->set_type(UpgradeV1LayerType(v1_layer_param.type()));
  UpgradeParamSpecs(v1_layer_param, layer_param);
  if (v1_layer_param.has_layer()) {
    LOG(WARNING) << "layer " << v1_layer_param.name()
                 << ": a V0 `layer` inside a V1 layer is left out";
    return false;
  }
  return true;
}

const char* UpgradeV1LayerType(const V1LayerParameter_LayerType type) {
  for (const TypeName& entry : kTypeNames) {
    if (entry.type == type) return entry.name;
  }
  LOG(FATAL) << "unknown number " + std::to_string(static_cast<int>(type)) + " of a V1 layer type";
}

}  // namespace caffe
