#ifndef CAFFE_UTIL_UPGRADE_PROTO_HPP_
#define CAFFE_UTIL_UPGRADE_PROTO_HPP_

/// Brings nets and solvers written for older versions of the format up to date.
///
/// A net passes through, where needed: V0 layers (`layers { layer { type: "conv" ...`) -> V1 layers
/// (`layers { type: CONVOLUTION ...`) -> transformation parameters of V1 data layers -> layers
/// (`layer { type: "Convolution" ...`) -> Input layers instead of `input` fields -> BatchNorm
/// layers whose statistics no solver may touch.

#include <string>

#include "caffe/common.hpp"
#include "caffe/proto/caffe.pb.h"

namespace caffe {

/// Whether any of the steps applies.
bool NetNeedsUpgrade(const NetParameter& net_param);

/// Takes all the steps that apply, and logs which. `param_file` is only named in those lines.
/// Returns false (after a warning) where something of the old net has no counterpart.
bool UpgradeNetAsNeeded(const string& param_file, NetParameter* param);

/// Read a net and upgrade it. Throw Error naming file, line and field.
void ReadNetParamsFromTextFileOrDie(const string& param_file, NetParameter* param);
void ReadNetParamsFromBinaryFileOrDie(const string& param_file, NetParameter* param);

// ---- V0 -> V1 ----

bool NetNeedsV0ToV1Upgrade(const NetParameter& net_param);
/// False where a field does not belong to its layer's type; it is left out.
bool UpgradeV0Net(const NetParameter& v0_net_param, NetParameter* net_param);
/// Removes padding layers, giving their `pad` to the conv or pool layers behind them.
void UpgradeV0PaddingLayers(const NetParameter& param, NetParameter* param_upgraded_pad);
bool UpgradeV0LayerParameter(const V1LayerParameter& v0_layer_connection,
                             V1LayerParameter* layer_param);
/// E.g. "conv" -> CONVOLUTION; throws Error for a type that never was.
V1LayerParameter_LayerType UpgradeV0LayerType(const string& type);

// ---- data layers of V1: scale, mean_file, crop_size and mirror move to transform_param ----

bool NetNeedsDataUpgrade(const NetParameter& net_param);
void UpgradeNetDataTransformation(NetParameter* net_param);

// ---- V1 -> current ----

bool NetNeedsV1ToV2Upgrade(const NetParameter& net_param);
/// False where a V0 layer is met.
bool UpgradeV1Net(const NetParameter& v1_net_param, NetParameter* net_param);
bool UpgradeV1LayerParameter(const V1LayerParameter& v1_layer_param, LayerParameter* layer_param);
/// E.g. CONVOLUTION -> "Convolution"; NONE -> "".
const char* UpgradeV1LayerType(const V1LayerParameter_LayerType type);

// ---- smaller steps ----

bool NetNeedsInputUpgrade(const NetParameter& net_param);
/// Replaces the net's `input` and its shapes by an Input layer, put first.
void UpgradeNetInput(NetParameter* net_param);

bool NetNeedsBatchNormUpgrade(const NetParameter& net_param);
/// Sets lr_mult and decay_mult of BatchNorm's three blobs to 0 where a net lists them.
void UpgradeNetBatchNorm(NetParameter* net_param);

// ---- solvers ----

bool SolverNeedsTypeUpgrade(const SolverParameter& solver_param);
/// Replaces the enumerated `solver_type` by `type`. Throws Error where both are given.
bool UpgradeSolverType(SolverParameter* solver_param);
bool UpgradeSolverAsNeeded(const string& param_file, SolverParameter* param);
/// Completes snapshot_prefix: the solver file's name without extension where there is none, or
/// that name inside snapshot_prefix where that is a folder.
void UpgradeSnapshotPrefixProperty(const string& param_file, SolverParameter* param);
/// Reads a solver, upgrades it and completes its snapshot_prefix.
void ReadSolverParamsFromTextFileOrDie(const string& param_file, SolverParameter* param);

}  // namespace caffe

#endif  // CAFFE_UTIL_UPGRADE_PROTO_HPP_
