#ifndef CAFFE_SRC_NET_FILTER_HPP_
#define CAFFE_SRC_NET_FILTER_HPP_

#include "caffe/proto/caffe.pb.h"

namespace caffe {

/// Throws Error where a layer of `kept` reads a blob that only a layer makes which the rules of
/// `whole` leave out.
void CheckWhatRulesLeaveOut(const NetParameter& whole, const NetParameter& kept);

}  // namespace caffe

#endif  // CAFFE_SRC_NET_FILTER_HPP_
