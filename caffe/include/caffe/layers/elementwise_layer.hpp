#ifndef CAFFE_ELEMENTWISE_LAYER_HPP_
#define CAFFE_ELEMENTWISE_LAYER_HPP_

#include <vector>

#include "caffe/blob.hpp"
#include "caffe/layers/neuron_layer.hpp"
#include "caffe/proto/caffe.pb.h"
#include "caffe/util/host_device.hpp"
#include "caffe/util/layer_gpu.hpp"

namespace caffe {

// Code written for Caffe 1.0 may bring classes of the names of those that Caffe 1.0 lacks. In here,
// they are others to the linker, and neither side gets the functions of the other.
inline namespace beyond_caffe_1 {

/// What ElementwiseLayer wants to know about a function, unless it says otherwise.
struct ElementwiseOp {
  /// Whether there is a gradient at all.
  static constexpr bool kDifferentiable = true;
  /// Whether backward needs x; where it does not, it is given y in its place.
  bool needs_input() const { return false; }
  /// What backward needs of y, where it does not need x.
  BlobValues needs_of_output() const { return BlobValues::kAll; }
  /// What y tells of x.
  BlobValues leaves_of_input() const { return BlobValues::kNone; }
};

/// A layer that applies one function to every element: y = f(x), dx = f'(x) dy.
///
/// `Op<Dtype>` is made from the LayerParameter (and rejects bad parameters there); it has
/// `Dtype forward(Dtype x) const` and `Dtype backward(Dtype x, Dtype y, Dtype dy) const`, both
/// usable on the host and in CUDA kernels. Loops, threads and work in place are written once, here.
template <typename Dtype, template <typename> class Op>
class ElementwiseLayer : public NeuronLayer<Dtype> {
 public:
  explicit ElementwiseLayer(const LayerParameter& param) : NeuronLayer<Dtype>(param) {}
  void LayerSetUp(const vector<Blob<Dtype>*>& bottom, const vector<Blob<Dtype>*>& top) override {
    op();
  }
  /// Backward is given the output where it does not need the input, and in place a copy of that.
  bool BackwardReadsBottom(int bottom_index) const override { return op().needs_input(); }
  BlobValues NeedsOfTop(int top_index) const override {
    const bool needs = Op<Dtype>::kDifferentiable && !op().needs_input();
    return needs ? op().needs_of_output() : BlobValues::kNone;
  }
  BlobValues LeavesInPlace() const override { return op().leaves_of_input(); }

 protected:
  void Forward_cpu(const vector<Blob<Dtype>*>& bottom, const vector<Blob<Dtype>*>& top) override;
  void Backward_cpu(const vector<Blob<Dtype>*>& top, const vector<bool>& propagate_down,
                    const vector<Blob<Dtype>*>& bottom) override;
  DECLARE_LAYER_GPU_FUNCS(Dtype);

  Op<Dtype> op() const { return Op<Dtype>(this->layer_param_); }

  /// The input, where a layer works in place and its function needs it.
  Blob<Dtype> input_;
};

}  // namespace beyond_caffe_1

}  // namespace caffe

#endif  // CAFFE_ELEMENTWISE_LAYER_HPP_
