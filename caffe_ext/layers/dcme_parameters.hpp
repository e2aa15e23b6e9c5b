#ifndef DCME_PARAMETERS_HPP_
#define DCME_PARAMETERS_HPP_

#include <string>

#include "caffe/proto/caffe.pb.h"

#ifdef DCME_FOREIGN_CAFFE
// A Caffe whose LayerParameter has no DCME fields: the messages come from a proto of their own.
#include "dcme_parameters.pb.h"
#endif

namespace dcme {

#ifdef DCME_FOREIGN_CAFFE
using DataParameter = ::dcme_proto::DCMEDataParameter;
using LossParameter = ::dcme_proto::DCMELossParameter;
#else
using DataParameter = ::caffe::DCMEDataParameter;
using LossParameter = ::caffe::DCMELossParameter;
#endif

// What error messages of a layer begin with. This project's nets put the name of the layer in front
// of every error themselves; those of other Caffes do not.
#ifdef DCME_FOREIGN_CAFFE
inline std::string error_head(const caffe::LayerParameter& layer) {
  return "layer '" + layer.name() + "': ";
}
#else
inline std::string error_head(const caffe::LayerParameter&) { return ""; }
#endif

// The parameters of a DCME layer: dcme_data_param or dcme_loss_param where Caffe has these fields,
// else the same message as text in python_param { param_str: "..." }, which every Caffe 1.0 can
// read. Text that is not such a message is an error with its line and column.
DataParameter data_parameters(const caffe::LayerParameter& layer);
LossParameter loss_parameters(const caffe::LayerParameter& layer);

}  // namespace dcme

#endif  // DCME_PARAMETERS_HPP_
