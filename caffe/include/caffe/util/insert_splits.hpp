#ifndef CAFFE_UTIL_INSERT_SPLITS_HPP_
#define CAFFE_UTIL_INSERT_SPLITS_HPP_

#include <string>

#include "caffe/proto/caffe.pb.h"

namespace caffe {

/// Copies a net, giving every blob that several layers (or a layer and the loss) read a Split layer
/// with one top for each reader.
void InsertSplits(const NetParameter& param, NetParameter* param_split);

/// The Split layer for top `blob_idx` of a layer, with split_count readers.
void ConfigureSplitLayer(const std::string& layer_name, const std::string& blob_name,
                         const int blob_idx, const int split_count, const float loss_weight,
                         LayerParameter* split_layer_param);

/// E.g. "conv1_relu1_0_split".
std::string SplitLayerName(const std::string& layer_name, const std::string& blob_name,
                           const int blob_idx);

/// E.g. "conv1_relu1_0_split_1".
std::string SplitBlobName(const std::string& layer_name, const std::string& blob_name,
                          const int blob_idx, const int split_idx);

}  // namespace caffe

#endif  // CAFFE_UTIL_INSERT_SPLITS_HPP_
