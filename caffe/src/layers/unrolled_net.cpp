#include "layers/unrolled_net.hpp"

namespace caffe {
namespace unrolled {

namespace {

// "name_1", ..., "name_steps".
vector<string> AllSteps(const string& name, int steps) {
  vector<string> names;
  names.reserve(steps);
  for (int t = 1; t <= steps; ++t) names.push_back(At(name, t));
  return names;
}

}  // namespace

string At(const string& name, int t) { return name + "_" + std::to_string(t); }

LayerParameter* AddLayer(const string& type, const vector<string>& bottoms,
                         const vector<string>& tops, NetParameter* net) {
  LayerParameter* layer = net->add_layer();
  layer->set_type(type);
  layer->set_name(tops[0]);
  for (const string& bottom : bottoms) layer->add_bottom(bottom);
  for (const string& top : tops) layer->add_top(top);
  return layer;
}

void AddInput(const string& name, const vector<int>& shape, NetParameter* net) {
  BlobShape* sizes = AddLayer("Input", {}, {name}, net)->mutable_input_param()->add_shape();
  for (const int size : shape) sizes->add_dim(size);
}

void AddInnerProduct(const RecurrentParameter& param, const string& weight_name, bool bias,
                     int axis, int outputs, const string& bottom, const string& top,
                     NetParameter* net) {
  LayerParameter* layer = AddLayer("InnerProduct", {bottom}, {top}, net);
  layer->add_param()->set_name("W_" + weight_name);
  if (bias) layer->add_param()->set_name("b_" + weight_name);
  InnerProductParameter* product = layer->mutable_inner_product_param();
  product->set_num_output(outputs);
  product->set_bias_term(bias);
  product->set_axis(axis);
  *product->mutable_weight_filler() = param.weight_filler();
  if (bias) *product->mutable_bias_filler() = param.bias_filler();
}

void AddContinuedState(const string& state, int t, const string& top, NetParameter* net) {
  AddLayer("Scale", {At(state, t - 1), At("cont", t)}, {At(top, t)}, net)
      ->mutable_scale_param()
      ->set_axis(0);
}

void AddStep(const string& bottom, const string& top, NetParameter* net) {
  ReshapeParameter* reshape = AddLayer("Reshape", {bottom}, {top}, net)->mutable_reshape_param();
  reshape->mutable_shape()->add_dim(1);
  reshape->set_num_axes(0);
}

void AddSum(const vector<string>& bottoms, const string& top, NetParameter* net) {
  AddLayer("Eltwise", bottoms, {top}, net);
}

void AddSlice(const string& bottom, const string& top, int steps, NetParameter* net) {
  LayerParameter* layer = AddLayer("Slice", {bottom}, AllSteps(top, steps), net);
  layer->set_name(top + "_steps");
  layer->mutable_slice_param()->set_axis(0);
}

void AddConcat(const string& bottom, int steps, const string& top, NetParameter* net) {
  AddLayer("Concat", AllSteps(bottom, steps), {top}, net)->mutable_concat_param()->set_axis(0);
}

BlobShape StateShape(int sequences, int units) {
  BlobShape shape;
  shape.add_dim(1);
  shape.add_dim(sequences);
  shape.add_dim(units);
  return shape;
}

}  // namespace unrolled
}  // namespace caffe
