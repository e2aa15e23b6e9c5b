#ifndef CAFFE_SRC_LAYERS_UNROLLED_NET_HPP_
#define CAFFE_SRC_LAYERS_UNROLLED_NET_HPP_

#include <string>
#include <vector>

#include "caffe/common.hpp"
#include "caffe/proto/caffe.pb.h"

namespace caffe {

/// The pieces that the unrolled nets of recurrent layers are built from. Blobs of step t have names
/// that end in _t; the layer that makes a blob has the blob's name.
namespace unrolled {

/// E.g. "h_3".
string At(const string& name, int t);

LayerParameter* AddLayer(const string& type, const vector<string>& bottoms,
                         const vector<string>& tops, NetParameter* net);
void AddInput(const string& name, const vector<int>& shape, NetParameter* net);
/// top = W bottom [+ b] over the axes from `axis` on; layers with one weight_name share W (and b).
void AddInnerProduct(const RecurrentParameter& param, const string& weight_name, bool bias,
                     int axis, int outputs, const string& bottom, const string& top,
                     NetParameter* net);
/// Sets the state of sequences that begin at step t to 0: top_t = cont_t * state_{t-1}.
void AddContinuedState(const string& state, int t, const string& top, NetParameter* net);
/// Puts N x D, a contribution of the static input, into the shape of a step's, 1 x N x D.
void AddStep(const string& bottom, const string& top, NetParameter* net);
/// top = the sum of the bottoms.
void AddSum(const vector<string>& bottoms, const string& top, NetParameter* net);
/// Cuts a blob of all steps into one for each; the inverse.
void AddSlice(const string& bottom, const string& top, int steps, NetParameter* net);
void AddConcat(const string& bottom, int steps, const string& top, NetParameter* net);

/// The shape of a state.
BlobShape StateShape(int sequences, int units);

}  // namespace unrolled
}  // namespace caffe

#endif  // CAFFE_SRC_LAYERS_UNROLLED_NET_HPP_
