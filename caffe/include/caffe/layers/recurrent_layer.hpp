#ifndef CAFFE_RECURRENT_LAYER_HPP_
#define CAFFE_RECURRENT_LAYER_HPP_

#include <string>
#include <vector>

#include "caffe/blob.hpp"
#include "caffe/layer.hpp"
#include "caffe/net.hpp"
#include "caffe/proto/caffe.pb.h"
#include "caffe/util/format.hpp"

namespace caffe {

/// Base of layers that apply one step, with the same weights, to each of T times of N sequences.
///
/// Bottoms: x, T x N x ...; the continuation flags, T x N, 0 where a sequence begins and 1 where it
/// goes on; optionally a static input, N x ..., that every step sees; with
/// recurrent_param.expose_hidden, the states before the first step (1 x N x D each). Tops: the
/// outputs, T x N x D; with expose_hidden, the states after the last step. Without expose_hidden
/// the states go over from one Forward to the next. No gradient flows through the states' bottoms
/// and tops.
///
/// A derived layer describes the steps as a net, which is built once for all T of them ("unrolled")
/// and runs inside the layer; its parameters, shared by the steps, are the layer's. On the CPU a
/// layer may compute the steps itself, from and to the same blobs, without the copies and the small
/// products that such a net consists of.
template <typename Dtype>
class RecurrentLayer : public Layer<Dtype> {
 public:
  explicit RecurrentLayer(const LayerParameter& param) : Layer<Dtype>(param) {}
  void LayerSetUp(const vector<Blob<Dtype>*>& bottom, const vector<Blob<Dtype>*>& top) override;
  void Reshape(const vector<Blob<Dtype>*>& bottom, const vector<Blob<Dtype>*>& top) override;
  /// Sets the states to 0.
  virtual void Reset();

  const char* type() const override { return "Recurrent"; }
  int MinBottomBlobs() const override { return 2 + ExposedStates(); }
  int MaxBottomBlobs() const override { return MinBottomBlobs() + 1; }
  bool WorksInPlace() const override { return false; }
  /// The states after the steps, from which the next steps go on.
  bool SharesData() const override { return expose_hidden_; }
  int ExactNumTopBlobs() const override { return 1 + ExposedStates(); }
  /// The states, where they are not bottoms. In parallel training, those of the root's sequences.
  void SaveState(LayerState* state) const override;
  void RestoreState(const LayerState& state) override;
  bool AllowForceBackward(const int bottom_index) const override { return bottom_index != 1; }

 protected:
  /// Adds the layers of all steps to a net that has the inputs x, cont and, if static_input_,
  /// x_static; the states before the first step are inputs that the function adds itself.
  virtual void FillUnrolledNet(NetParameter* net_param) const = 0;
  /// The states before the first step: their blobs in the net, and shapes.
  virtual void RecurrentInputBlobNames(vector<string>* names) const = 0;
  virtual void RecurrentInputShapes(vector<BlobShape>* shapes) const = 0;
  /// The states after the last step, in the same order.
  virtual void RecurrentOutputBlobNames(vector<string>* names) const = 0;
  /// The blob of all steps' outputs.
  virtual void OutputBlobNames(vector<string>* names) const = 0;

  void Forward_cpu(const vector<Blob<Dtype>*>& bottom, const vector<Blob<Dtype>*>& top) override;
  void Backward_cpu(const vector<Blob<Dtype>*>& top, const vector<bool>& propagate_down,
                    const vector<Blob<Dtype>*>& bottom) override;

  /// Whether the layer computes the steps itself where no net is asked for by debug_info.
  virtual bool KnowsSteps() const { return false; }
  virtual void ForwardSteps(const vector<Blob<Dtype>*>& bottom) {}
  virtual void BackwardSteps(const vector<Blob<Dtype>*>& top, const vector<bool>& propagate_down,
                             const vector<Blob<Dtype>*>& bottom) {}

  // Parts of these for layers of states h whose gates are g = W_x x + b [+ W_static x_static] +
  // W_h (cont h of the step before), parameters in this order. Only for layers of the runtime.

  /// Sets gates_, for all steps, to W_x x; the rest that needs no state, the same at each step, is
  /// given back: N x `gates`.
  vector<Dtype> DriveGates(const vector<Blob<Dtype>*>& bottom, int gates);
  /// For each step: completes its gates by what DriveGates gave back and by the states' part, then
  /// cell(t, n) makes row n of h.
  template <typename Cell>
  void RunSteps(const vector<Dtype>& constants, const Dtype* h, const Cell& cell);
  /// From the last step to the first: cell(t, n, dh) makes row n of the gates' diff. dh, N x D, is
  /// what h gets by itself (at this step in `dh_out`) and from the next step.
  template <typename Cell>
  void RunStepsBack(const Dtype* dh_out, const Cell& cell);
  /// Passes the gates' diff on to the parameters and bottoms.
  void PassGatesDiff(const vector<bool>& propagate_down, const vector<Blob<Dtype>*>& bottom);
  /// Keeps what is of the last step as state i.
  void KeepState(int i, const Dtype* all_steps);
  /// W_h.
  Blob<Dtype>* StateWeights() const { return this->blobs_[static_input_ ? 3 : 2].get(); }

  /// Steps and sequences.
  int T_ = 0;
  int N_ = 0;
  bool static_input_ = false;
  bool expose_hidden_ = false;
  shared_ptr<Net<Dtype>> unrolled_net_;
  /// Blobs of the net.
  Blob<Dtype>* x_input_blob_ = nullptr;
  Blob<Dtype>* cont_input_blob_ = nullptr;
  Blob<Dtype>* x_static_input_blob_ = nullptr;
  vector<Blob<Dtype>*> recur_input_blobs_;
  vector<Blob<Dtype>*> recur_output_blobs_;
  vector<Blob<Dtype>*> output_blobs_;
  /// Without the net: T x N x the gates, as the cell leaves them, and T x N x the states before
  /// each step where they go on.
  Blob<Dtype> gates_, continued_;

 private:
  /// States that are bottoms and tops.
  int ExposedStates() const;
  void CheckBottoms(const vector<Blob<Dtype>*>& bottom) const;
  NetParameter UnrolledNet(const vector<Blob<Dtype>*>& bottom) const;
  void FindBlobs();
  void AdoptParameters();
  void TransposeStateWeights(Blob<Dtype>* transposed) const;

  /// Whether the last Forward did without the net.
  bool without_net_ = false;
};

}  // namespace caffe

#endif  // CAFFE_RECURRENT_LAYER_HPP_
