#ifndef CAFFE_NET_HPP_
#define CAFFE_NET_HPP_

#include <algorithm>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "caffe/blob.hpp"
#include "caffe/common.hpp"
#include "caffe/layer.hpp"
#include "caffe/proto/caffe.pb.h"

namespace caffe {

/// How a net runs (src/net/run_plan.hpp).
template <typename Dtype>
struct RunPlan;

/// A directed acyclic graph of layers, run in the order of the file.
///
/// Blobs are known by name. A blob that several layers read is copied by a Split layer that the net
/// adds, so that the readers' diffs are summed. Backward visits only layers that a loss, or a
/// parameter to learn, needs.
template <typename Dtype>
class Net {
 public:
  /// An old message (V0 or V1 layers, `input` fields) is upgraded.
  explicit Net(const NetParameter& param);
  /// Reads (and upgrades) a prototxt; keeps the layers that its rules include in phase, level and
  /// stages.
  explicit Net(const string& param_file, Phase phase, const int level = 0,
               const vector<string>* stages = NULL);
  virtual ~Net();

  void Init(const NetParameter& param);

  /// Runs all layers; returns the output blobs. `loss` receives the weighted sum of the losses.
  const vector<Blob<Dtype>*>& Forward(Dtype* loss = NULL);
  const vector<Blob<Dtype>*>& ForwardPrefilled(Dtype* loss = NULL) { return Forward(loss); }
  /// Runs layers start..end (inclusive); returns their loss.
  Dtype ForwardFromTo(int start, int end);
  Dtype ForwardFrom(int start);
  Dtype ForwardTo(int end);
  /// Copies `bottom` into the input blobs first; inputs beyond those given stay as they are.
  const vector<Blob<Dtype>*>& Forward(const vector<Blob<Dtype>*>& bottom, Dtype* loss = NULL);

  /// Sets the diffs of all learnable parameters to zero; Backward adds to them.
  void ClearParamDiffs();
  void Backward();
  /// Runs layers start down to end.
  void BackwardFromTo(int start, int end);
  void BackwardFrom(int start);
  void BackwardTo(int end);
  /// Shapes all layers anew, e.g. after the input blobs were reshaped.
  void Reshape();
  /// Both passes as one run, between which blobs keep the order of values that layers chose.
  Dtype ForwardBackward();
  /// The same, with something to do between the passes.
  Dtype ForwardBackwardAround(const std::function<void()>& between);

  /// Applies the parameters' diffs, which a solver has computed.
  void Update();
  /// Makes parameters that share a name use one memory.
  void ShareWeights();

  /// Uses the parameters of another net's layers of the same names, without copying.
  void ShareTrainedLayersWith(const Net* other);
  /// Copies parameters from layers of the same names; layers the net does not have are skipped.
  /// Returns the names of the layers that now have the file's parameters, in the file's order.
  vector<string> CopyTrainedLayersFrom(const NetParameter& param);
  /// Reads a .caffemodel (any version) or, where the name ends in .h5, an HDF5 file.
  vector<string> CopyTrainedLayersFrom(const string& trained_filename);
  vector<string> CopyTrainedLayersFromBinaryProto(const string& trained_filename);
  vector<string> CopyTrainedLayersFromHDF5(const string& trained_filename);
  void ToProto(NetParameter* param, bool write_diff = false) const;
  /// Writes the parameters to an HDF5 file.
  void ToHDF5(const string& filename, bool write_diff = false) const;

  const string& name() const { return name_; }
  const vector<string>& layer_names() const { return layer_names_; }
  const vector<string>& blob_names() const { return blob_names_; }
  const vector<shared_ptr<Blob<Dtype>>>& blobs() const { return blobs_; }
  const vector<shared_ptr<Layer<Dtype>>>& layers() const { return layers_; }
  Phase phase() const { return phase_; }
  /// The bottoms (tops) of every layer.
  const vector<vector<Blob<Dtype>*>>& bottom_vecs() const { return bottom_vecs_; }
  const vector<vector<Blob<Dtype>*>>& top_vecs() const { return top_vecs_; }
  /// Indices into blobs() of a layer's tops (bottoms).
  const vector<int>& top_ids(int i) const;
  const vector<int>& bottom_ids(int i) const;
  /// Whether the work of a layer is done by one before it: forward, and backward.
  bool is_fused(int layer_id) const;
  bool is_fused_backward(int layer_id) const;
  /// What is fused, and when memory is freed; for the runtime itself.
  const RunPlan<Dtype>& run_plan() const { return *plan_; }
  /// Which bottoms of every layer get a diff.
  const vector<vector<bool>>& bottom_need_backward() const { return bottom_need_backward_; }
  const vector<Dtype>& blob_loss_weights() const { return blob_loss_weights_; }
  const vector<bool>& layer_need_backward() const { return layer_need_backward_; }
  /// All parameters, layer by layer, and those of them that own their memory.
  const vector<shared_ptr<Blob<Dtype>>>& params() const { return params_; }
  const vector<Blob<Dtype>*>& learnable_params() const { return learnable_params_; }
  /// Multipliers of learnable_params().
  const vector<float>& params_lr() const { return params_lr_; }
  const vector<bool>& has_params_lr() const { return has_params_lr_; }
  const vector<float>& params_weight_decay() const { return params_weight_decay_; }
  const vector<bool>& has_params_decay() const { return has_params_decay_; }
  const map<string, int>& param_names_index() const { return param_names_index_; }
  /// Index into params() of the parameter that owns the memory of each, or -1.
  const vector<int>& param_owners() const { return param_owners_; }
  const vector<string>& param_display_names() const { return param_display_names_; }
  int num_inputs() const { return static_cast<int>(net_input_blobs_.size()); }
  int num_outputs() const { return static_cast<int>(net_output_blobs_.size()); }
  const vector<Blob<Dtype>*>& input_blobs() const { return net_input_blobs_; }
  const vector<Blob<Dtype>*>& output_blobs() const { return net_output_blobs_; }
  const vector<int>& input_blob_indices() const { return net_input_blob_indices_; }
  const vector<int>& output_blob_indices() const { return net_output_blob_indices_; }
  bool has_blob(const string& blob_name) const;
  /// Null (and a warning) where there is none.
  const shared_ptr<Blob<Dtype>> blob_by_name(const string& blob_name) const;
  bool has_layer(const string& layer_name) const;
  const shared_ptr<Layer<Dtype>> layer_by_name(const string& layer_name) const;

  void set_debug_info(const bool value) { debug_info_ = value; }

  /// Drops the layers that the net's state excludes.
  static void FilterNet(const NetParameter& param, NetParameter* param_filtered);
  /// Whether a state satisfies a rule of a layer.
  static bool StateMeetsRule(const NetState& state, const NetStateRule& rule,
                             const string& layer_name);

  /// Called with the index of a layer, before or after it runs.
  class Callback {
   public:
    virtual ~Callback() = default;

   protected:
    virtual void run(int layer) = 0;

    template <typename T>
    friend class Net;
  };
  const vector<Callback*>& before_forward() const { return before_forward_; }
  void add_before_forward(Callback* value) { before_forward_.push_back(value); }
  const vector<Callback*>& after_forward() const { return after_forward_; }
  void add_after_forward(Callback* value) { after_forward_.push_back(value); }
  const vector<Callback*>& before_backward() const { return before_backward_; }
  void add_before_backward(Callback* value) { before_backward_.push_back(value); }
  const vector<Callback*>& after_backward() const { return after_backward_; }
  void add_after_backward(Callback* value) { after_backward_.push_back(value); }
  void remove_after_backward(Callback* value) {
    after_backward_.erase(std::remove(after_backward_.begin(), after_backward_.end(), value),
                          after_backward_.end());
  }

 protected:
  /// What Init knows about the blobs made so far.
  struct Wiring;

  void CreateLayers(NetParameter* param);
  void AppendLayer(const LayerParameter& param, int layer_id, Wiring* wiring);
  /// A new blob as the next top of a layer; returns its id.
  int AddBlob(int layer_id, const string& name);
  void AppendTop(const LayerParameter& param, int layer_id, int top_id, Wiring* wiring);
  int AppendBottom(const LayerParameter& param, int layer_id, int bottom_id, Wiring* wiring);
  /// Whether a top that has the name of a bottom is that blob.
  bool IsInPlace(int layer_id, int bottom_blob_id, const Wiring& wiring) const;
  /// Finds the layers whose Backward may be called.
  void FindWaysBack(const NetParameter& param, Wiring* wiring) const;
  /// Notes what has to stay of the tops of a layer that is set up.
  void NoteNeeds(int layer_id, bool need_backward, Wiring* wiring) const;
  void AppendAutoTops(int layer_id);
  void AppendParam(int layer_id, int param_id);
  void ShareParam(int layer_id, int param_id, const ParamSpec& spec);
  /// Finds the layers that Backward visits, and the bottoms that get a diff.
  void PlanBackward(const NetParameter& param);
  /// Leaves out what no loss depends on, and what is sent no diff.
  void PruneBackward();
  /// For force_backward: all layers, and all bottoms that may get a diff.
  void ForceBackward();
  void FindOutputs(const Wiring& wiring);
  void NameLayersAndBlobs();

  void ForwardDebugInfo(const int layer_id);
  void BackwardDebugInfo(const int layer_id);
  void UpdateDebugInfo(const int param_id);

  /// Destroyed after everything else.
  std::unique_ptr<RunPlan<Dtype>> plan_;
  string name_;
  Phase phase_ = TEST;
  vector<shared_ptr<Layer<Dtype>>> layers_;
  vector<string> layer_names_;
  map<string, int> layer_names_index_;
  vector<bool> layer_need_backward_;
  vector<shared_ptr<Blob<Dtype>>> blobs_;
  vector<string> blob_names_;
  map<string, int> blob_names_index_;
  vector<bool> blob_need_backward_;
  vector<vector<Blob<Dtype>*>> bottom_vecs_;
  vector<vector<int>> bottom_id_vecs_;
  vector<vector<bool>> bottom_need_backward_;
  vector<vector<Blob<Dtype>*>> top_vecs_;
  vector<vector<int>> top_id_vecs_;
  vector<Dtype> blob_loss_weights_;
  vector<vector<int>> param_id_vecs_;
  vector<int> param_owners_;
  vector<string> param_display_names_;
  vector<pair<int, int>> param_layer_indices_;
  map<string, int> param_names_index_;
  vector<int> net_input_blob_indices_;
  vector<int> net_output_blob_indices_;
  vector<Blob<Dtype>*> net_input_blobs_;
  vector<Blob<Dtype>*> net_output_blobs_;
  vector<shared_ptr<Blob<Dtype>>> params_;
  vector<Blob<Dtype>*> learnable_params_;
  vector<int> learnable_param_ids_;
  vector<float> params_lr_;
  vector<bool> has_params_lr_;
  vector<float> params_weight_decay_;
  vector<bool> has_params_decay_;
  bool debug_info_ = false;
  vector<Callback*> before_forward_;
  vector<Callback*> after_forward_;
  vector<Callback*> before_backward_;
  vector<Callback*> after_backward_;

  DISABLE_COPY_AND_ASSIGN(Net);
};

}  // namespace caffe

#endif  // CAFFE_NET_HPP_
