#include "caffe/util/upgrade_proto.hpp"

#include <filesystem>

#include "caffe/util/io.hpp"
#include "util/described_exception.hpp"

namespace caffe {

namespace {

void Announce(const string& file, const char* what, const char* tool) {
  LOG(INFO) << file << ": " << what << " (" << tool << " rewrites the file for good)";
}

// The four-number shape of an old net's input number `index`, or its input_shape.
BlobShape InputShape(const NetParameter& net, int index) {
  if (net.input_shape_size() > 0) return net.input_shape(index);
  BlobShape shape;
  for (int axis = 0; axis < 4; ++axis) shape.add_dim(net.input_dim(index * 4 + axis));
  return shape;
}

LayerParameter InputLayer(const NetParameter& net) {
  LayerParameter layer;
  layer.set_name("input");
  layer.set_type("Input");
  for (int i = 0; i < net.input_size(); ++i) {
    layer.add_top(net.input(i));
    *layer.mutable_input_param()->add_shape() = InputShape(net, i);
  }
  return layer;
}

const char* SolverTypeName(SolverParameter_SolverType type) {
  switch (type) {
    case SolverParameter_SolverType_SGD:
      return "SGD";
    case SolverParameter_SolverType_NESTEROV:
      return "Nesterov";
    case SolverParameter_SolverType_ADAGRAD:
      return "AdaGrad";
    case SolverParameter_SolverType_RMSPROP:
      return "RMSProp";
    case SolverParameter_SolverType_ADADELTA:
      return "AdaDelta";
    case SolverParameter_SolverType_ADAM:
      return "Adam";
  }
  LOG(FATAL) << "unknown number " + std::to_string(static_cast<int>(type)) + " of a solver type";
}

// UpgradeNetAsNeeded; its errors do not name the file.
bool Upgrade(const string& param_file, NetParameter* param) {
  const char* const tool = "upgrade_net_proto_text or _binary";
  bool compatible = true;
  if (NetNeedsV0ToV1Upgrade(*param)) {
    Announce(param_file, "is a V0 net; upgraded", tool);
    NetParameter original;
    original.Swap(param);
    compatible &= UpgradeV0Net(original, param);
  }
  if (NetNeedsDataUpgrade(*param)) {
    Announce(param_file, "has transformation fields in its data layers; moved to transform_param",
             tool);
    UpgradeNetDataTransformation(param);
  }
  if (NetNeedsV1ToV2Upgrade(*param)) {
    Announce(param_file, "has V1 `layers`; upgraded to `layer`", tool);
    NetParameter original;
    original.Swap(param);
    compatible &= UpgradeV1Net(original, param);
  }
  if (NetNeedsInputUpgrade(*param)) {
    Announce(param_file, "has `input` fields; replaced by an Input layer", tool);
    UpgradeNetInput(param);
  }
  if (NetNeedsBatchNormUpgrade(*param)) {
    Announce(param_file, "lists BatchNorm's blobs; their multipliers are set to 0", tool);
    UpgradeNetBatchNorm(param);
  }
  if (!compatible) {
    LOG(WARNING) << param_file
                 << ": parts of this old net have no counterpart, see the lines above";
  }
  return compatible;
}

}  // namespace

bool NetNeedsUpgrade(const NetParameter& net_param) {
  return NetNeedsV0ToV1Upgrade(net_param) || NetNeedsV1ToV2Upgrade(net_param) ||
         NetNeedsDataUpgrade(net_param) || NetNeedsInputUpgrade(net_param) ||
         NetNeedsBatchNormUpgrade(net_param);
}

bool UpgradeNetAsNeeded(const string& param_file, NetParameter* param) {
  try {
    return Upgrade(param_file, param);
  } catch (const Error&) {
    RethrowFrom(param_file + ": ");
  }
}

void ReadNetParamsFromTextFileOrDie(const string& param_file, NetParameter* param) {
  ReadProtoFromTextFileOrDie(param_file, param);
  UpgradeNetAsNeeded(param_file, param);
}

void ReadNetParamsFromBinaryFileOrDie(const string& param_file, NetParameter* param) {
  ReadProtoFromBinaryFileOrDie(param_file, param);
  UpgradeNetAsNeeded(param_file, param);
}

bool NetNeedsInputUpgrade(const NetParameter& net_param) { return net_param.input_size() > 0; }

void UpgradeNetInput(NetParameter* net_param) {
  const int inputs = net_param->input_size();
  const int shapes = net_param->input_shape_size();
  const int dims = net_param->input_dim_size();
  // A net without shapes (weights saved from one) needs no layer: nobody builds it.
  if (shapes + dims > 0) {
    if (shapes == 0 ? dims != 4 * inputs : shapes != inputs) {
      LOG(FATAL) << "the net has " << inputs << " `input`, " << shapes << " `input_shape` and "
                 << dims << " `input_dim`: each input takes one input_shape, or four input_dim";
    }
    google::protobuf::RepeatedPtrField<LayerParameter> layers;
    *layers.Add() = InputLayer(*net_param);
    layers.MergeFrom(net_param->layer());
    net_param->mutable_layer()->Swap(&layers);
  }
  net_param->clear_input();
  net_param->clear_input_shape();
  net_param->clear_input_dim();
}

bool NetNeedsBatchNormUpgrade(const NetParameter& net_param) {
  for (const LayerParameter& layer : net_param.layer()) {
    if (layer.type() != "BatchNorm" || layer.param_size() != 3) continue;
    for (const ParamSpec& param : layer.param()) {
      if (param.lr_mult() != 0 || param.decay_mult() != 0) return true;
    }
  }
  return false;
}

void UpgradeNetBatchNorm(NetParameter* net_param) {
  for (LayerParameter& layer : *net_param->mutable_layer()) {
    if (layer.type() != "BatchNorm" || layer.param_size() != 3) continue;
    for (ParamSpec& param : *layer.mutable_param()) {
      param.set_lr_mult(0);
      param.set_decay_mult(0);
    }
  }
}

bool SolverNeedsTypeUpgrade(const SolverParameter& solver_param) {
  return solver_param.has_solver_type();
}

bool UpgradeSolverType(SolverParameter* solver_param) {
  if (!solver_param->has_solver_type()) return true;
  if (solver_param->has_type()) {
    LOG(FATAL) << "the solver has both `solver_type: "
               << SolverParameter_SolverType_Name(solver_param->solver_type()) << "` and `type: \""
               << solver_param->type() << "\"`: keep only `type`";
  }
  solver_param->set_type(SolverTypeName(solver_param->solver_type()));
  solver_param->clear_solver_type();
  return true;
}

bool UpgradeSolverAsNeeded(const string& param_file, SolverParameter* param) {
  if (!SolverNeedsTypeUpgrade(*param)) return true;
  Announce(param_file, "has the old `solver_type`; replaced by `type`",
           "upgrade_solver_proto_text");
  try {
    return UpgradeSolverType(param);
  } catch (const Error& error) {
    throw Error(param_file + ": " + error.what());
  }
}

void UpgradeSnapshotPrefixProperty(const string& param_file, SolverParameter* param) {
  namespace fs = std::filesystem;
  const fs::path solver(param_file);
  if (!param->has_snapshot_prefix()) {
    param->set_snapshot_prefix((solver.parent_path() / solver.stem()).string());
    LOG(INFO) << "snapshot_prefix is not set; using " << param->snapshot_prefix();
    return;
  }
  std::error_code no_such_file;
  if (fs::is_directory(param->snapshot_prefix(), no_such_file)) {
    param->set_snapshot_prefix((fs::path(param->snapshot_prefix()) / solver.stem()).string());
    LOG(INFO) << "snapshot_prefix is a folder; using " << param->snapshot_prefix();
  }
}

void ReadSolverParamsFromTextFileOrDie(const string& param_file, SolverParameter* param) {
  ReadProtoFromTextFileOrDie(param_file, param);
  UpgradeSolverAsNeeded(param_file, param);
  UpgradeSnapshotPrefixProperty(param_file, param);
}

}  // namespace caffe
