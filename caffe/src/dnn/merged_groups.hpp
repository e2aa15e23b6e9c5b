#ifndef CAFFE_SRC_DNN_MERGED_GROUPS_HPP_
#define CAFFE_SRC_DNN_MERGED_GROUPS_HPP_

#include "dnn/convolution.hpp"

namespace caffe {
namespace dnn {

/// A convolution of groups of few channels, as ResNeXt's 32 groups of 4, as one of fewer and wider
/// groups: the weights between channels of different groups are zeros. For groups of less than a
/// block of channels oneDNN has no fast gradient of the weights, and matrix products are small. Of
/// n groups merged into one most multiplications are by zero, n times as many as needed; they take
/// a tenth of the time. An infinity or NaN in one group makes NaN of the groups merged with it.
///
/// Null where no number of groups, up to 8, has whole blocks of channels, or the wider groups have
/// no fast kernel.
shared_ptr<Convolution<float>> MergeGroups(const ConvolutionGeometry& geometry);

}  // namespace dnn
}  // namespace caffe

#endif  // CAFFE_SRC_DNN_MERGED_GROUPS_HPP_
