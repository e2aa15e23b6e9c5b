#include "caffe/layers/recurrent_layer.hpp"

#include <string>
#include <vector>

#include "core/blob_proto.hpp"
#include "layers/no_gradient.hpp"
#include "layers/shared_memory.hpp"
#include "layers/unrolled_net.hpp"

namespace caffe {

template <typename Dtype>
int RecurrentLayer<Dtype>::ExposedStates() const {
  if (!this->layer_param_.recurrent_param().expose_hidden()) return 0;
  vector<string> states;
  RecurrentInputBlobNames(&states);
  return static_cast<int>(states.size());
}

template <typename Dtype>
void RecurrentLayer<Dtype>::CheckBottoms(const vector<Blob<Dtype>*>& bottom) const {
  CHECK_GE(bottom[0]->num_axes(), 2)
      << ": a recurrent layer's first bottom is T x N x ...; its shape "
      << "is " << bottom[0]->shape_string();
  CHECK_GE(bottom[0]->shape(0), 1) << ": a recurrent layer's input has one step (axis 0) at least";
  CHECK(bottom[1]->num_axes() == 2 && bottom[1]->shape(0) == bottom[0]->shape(0) &&
        bottom[1]->shape(1) == bottom[0]->shape(1))
      << "the continuation flags of shape " << bottom[1]->shape_string()
      << " must be T x N for an input of shape " << bottom[0]->shape_string();
  if (!static_input_) return;
  CHECK(bottom[2]->num_axes() >= 1 && bottom[2]->shape(0) == bottom[0]->shape(1))
      << "the static input of shape " << bottom[2]->shape_string()
      << " must have N items for an input of shape " << bottom[0]->shape_string();
}

template <typename Dtype>
NetParameter RecurrentLayer<Dtype>::UnrolledNet(const vector<Blob<Dtype>*>& bottom) const {
  NetParameter net;
  unrolled::AddInput("x", bottom[0]->shape(), &net);
  unrolled::AddInput("cont", bottom[1]->shape(), &net);
  if (static_input_) unrolled::AddInput("x_static", bottom[2]->shape(), &net);
  FillUnrolledNet(&net);
  const string& name = this->layer_param_.name();
  for (LayerParameter& layer : *net.mutable_layer()) {
    if (!name.empty()) layer.set_name(name + "_" + layer.name());
  }
  net.mutable_state()->set_phase(this->phase_);
  // There is no loss inside; the diffs come from the tops.
  net.set_force_backward(true);
  return net;
}

template <typename Dtype>
void RecurrentLayer<Dtype>::FindBlobs() {
  const auto find = [&](const vector<string>& names) {
    vector<Blob<Dtype>*> blobs;
    for (const string& name : names) {
      blobs.push_back(CHECK_NOTNULL(unrolled_net_->blob_by_name(name).get()));
    }
    return blobs;
  };
  vector<string> inputs, states, outputs;
  RecurrentInputBlobNames(&inputs);
  RecurrentOutputBlobNames(&states);
  OutputBlobNames(&outputs);
  CHECK_EQ(inputs.size(), states.size()) << ": a state has one blob before and one after the steps";
  recur_input_blobs_ = find(inputs);
  recur_output_blobs_ = find(states);
  output_blobs_ = find(outputs);
  x_input_blob_ = find({"x"})[0];
  cont_input_blob_ = find({"cont"})[0];
  x_static_input_blob_ = static_input_ ? find({"x_static"})[0] : nullptr;
}

template <typename Dtype>
void RecurrentLayer<Dtype>::AdoptParameters() {
  const vector<shared_ptr<Blob<Dtype>>> stored = this->blobs_;
  this->blobs_.clear();
  for (size_t i = 0; i < unrolled_net_->params().size(); ++i) {
    if (unrolled_net_->param_owners()[i] == -1) this->blobs_.push_back(unrolled_net_->params()[i]);
  }
  this->param_propagate_down_.assign(this->blobs_.size(), true);
  if (stored.empty()) return;
  CHECK_EQ(stored.size(), this->blobs_.size())
      << " parameter blobs are stored for this " << this->type() << " layer";
  for (size_t i = 0; i < stored.size(); ++i) this->blobs_[i]->CopyFrom(*stored[i]);
}

template <typename Dtype>
void RecurrentLayer<Dtype>::LayerSetUp(const vector<Blob<Dtype>*>& bottom,
                                       const vector<Blob<Dtype>*>& top) {
  expose_hidden_ = this->layer_param_.recurrent_param().expose_hidden();
  static_input_ = static_cast<int>(bottom.size()) > MinBottomBlobs();
  CheckBottoms(bottom);
  T_ = bottom[0]->shape(0);
  N_ = bottom[0]->shape(1);
  unrolled_net_.reset(new Net<Dtype>(UnrolledNet(bottom)));
  unrolled_net_->set_debug_info(this->layer_param_.recurrent_param().debug_info());
  FindBlobs();
  AdoptParameters();
  Reset();
}

template <typename Dtype>
void RecurrentLayer<Dtype>::Reshape(const vector<Blob<Dtype>*>& bottom,
                                    const vector<Blob<Dtype>*>& top) {
  CheckBottoms(bottom);
  CHECK_EQ(bottom[0]->shape(0), T_) << ": the number of time steps is fixed when the net is built";
  // What the last Forward left for Backward is for as many sequences as it had.
  if (N_ != bottom[0]->shape(1)) without_net_ = false;
  N_ = bottom[0]->shape(1);
  x_input_blob_->ReshapeLike(*bottom[0]);
  cont_input_blob_->ReshapeLike(*bottom[1]);
  if (static_input_) x_static_input_blob_->ReshapeLike(*bottom[2]);
  vector<BlobShape> shapes;
  RecurrentInputShapes(&shapes);
  for (size_t i = 0; i < recur_input_blobs_.size(); ++i) recur_input_blobs_[i]->Reshape(shapes[i]);
  unrolled_net_->Reshape();

  // The net works in the memory of the layer's bottoms and tops.
  const auto share = [&](Blob<Dtype>* mine, int i) {
    mine->ShareData(*bottom[i]);
    if (MayPassDiff(this->layer_param_, i)) mine->ShareDiff(*bottom[i]);
  };
  share(x_input_blob_, 0);
  cont_input_blob_->ShareData(*bottom[1]);
  if (static_input_) share(x_static_input_blob_, 2);
  for (size_t i = 0; i < output_blobs_.size(); ++i) {
    top[i]->ReshapeLike(*output_blobs_[i]);
    // What one step puts out is its state as well, which must outlive the top.
    if (T_ > 1 || expose_hidden_) top[i]->ShareData(*output_blobs_[i]);
    top[i]->ShareDiff(*output_blobs_[i]);
  }
  if (!expose_hidden_) return;
  const size_t first_bottom = static_input_ ? 3 : 2;
  for (size_t i = 0; i < recur_input_blobs_.size(); ++i) {
    CHECK_EQ(bottom[first_bottom + i]->count(), recur_input_blobs_[i]->count())
        << ": bottom " << first_bottom + i << ", a state, must be of shape "
        << recur_input_blobs_[i]->shape_string() << " and is of shape "
        << bottom[first_bottom + i]->shape_string();
    recur_input_blobs_[i]->ShareData(*bottom[first_bottom + i]);
    Blob<Dtype>* state = top[output_blobs_.size() + i];
    state->ReshapeLike(*recur_output_blobs_[i]);
    state->ShareData(*recur_output_blobs_[i]);
  }
}

template <typename Dtype>
void RecurrentLayer<Dtype>::Reset() {
  for (Blob<Dtype>* state : recur_output_blobs_) {
    caffe_set(state->count(), Dtype(0), state->mutable_cpu_data());
  }
}

template <typename Dtype>
void RecurrentLayer<Dtype>::SaveState(LayerState* state) const {
  if (expose_hidden_) return;
  BlobProtoVector states;
  for (const Blob<Dtype>* blob : recur_output_blobs_) blob->ToProto(states.add_blobs());
  state->set_extra(states.SerializeAsString());
}

template <typename Dtype>
void RecurrentLayer<Dtype>::RestoreState(const LayerState& state) {
  if (expose_hidden_) return;
  BlobProtoVector states;
  CHECK(states.ParseFromString(state.extra()) &&
        states.blobs_size() == static_cast<int>(recur_output_blobs_.size()))
      << "the snapshot holds no states of such a layer: use the net that wrote it";
  for (size_t i = 0; i < recur_output_blobs_.size(); ++i) {
    // Batches may differ in their number of sequences.
    vector<int> found = CheckedShape(states.blobs(i)), wanted = recur_output_blobs_[i]->shape();
    if (found.size() > 1 && wanted.size() > 1) found[1] = wanted[1];
    CHECK(found == wanted) << "the snapshot's state " << i << " does not fit shape "
                           << recur_output_blobs_[i]->shape_string()
                           << ": use the net that wrote it";
  }
  for (size_t i = 0; i < recur_output_blobs_.size(); ++i) {
    recur_output_blobs_[i]->FromProto(states.blobs(i));
  }
}

template <typename Dtype>
void RecurrentLayer<Dtype>::Forward_cpu(const vector<Blob<Dtype>*>& bottom,
                                        const vector<Blob<Dtype>*>& top) {
  if (!expose_hidden_) {
    for (size_t i = 0; i < recur_input_blobs_.size(); ++i) {
      recur_input_blobs_[i]->CopyFrom(*recur_output_blobs_[i]);
    }
  }
  without_net_ = Caffe::mode() == Caffe::CPU && KnowsSteps() &&
                 !this->layer_param_.recurrent_param().debug_info();
  if (without_net_) {
    ForwardSteps(bottom);
  } else {
    // Somebody may have put other memory into blobs(), as Net::ShareTrainedLayersWith does: the
    // steps have to use it too.
    unrolled_net_->ShareWeights();
    unrolled_net_->Forward();
  }
  for (size_t i = 0; i < output_blobs_.size(); ++i) {
    if (top[i]->data() != output_blobs_[i]->data()) top[i]->CopyFrom(*output_blobs_[i]);
  }
}

template <typename Dtype>
void RecurrentLayer<Dtype>::Backward_cpu(const vector<Blob<Dtype>*>& top,
                                         const vector<bool>& propagate_down,
                                         const vector<Blob<Dtype>*>& bottom) {
  CHECK(!propagate_down[1]) << "the continuation flags can have no gradient";
  if (without_net_) return BackwardSteps(top, propagate_down, bottom);
  unrolled_net_->Backward();
  if (propagate_down[0]) PassDiff(*x_input_blob_, bottom[0]);
  if (static_input_ && propagate_down[2]) PassDiff(*x_static_input_blob_, bottom[2]);
}

INSTANTIATE_CLASS(RecurrentLayer);

}  // namespace caffe
