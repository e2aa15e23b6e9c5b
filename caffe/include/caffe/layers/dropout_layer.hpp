#ifndef CAFFE_DROPOUT_LAYER_HPP_
#define CAFFE_DROPOUT_LAYER_HPP_

#include <cstdint>
#include <vector>

#include "caffe/blob.hpp"
#include "caffe/layers/neuron_layer.hpp"
#include "caffe/proto/caffe.pb.h"
#include "caffe/util/layer_gpu.hpp"

namespace caffe {

/// In TRAIN, sets elements to 0 with probability dropout_ratio (.5) and divides the others by
/// 1 - dropout_ratio; in TEST, passes everything on (Srivastava et al. 2014).
template <typename Dtype>
class DropoutLayer : public NeuronLayer<Dtype> {
 public:
  explicit DropoutLayer(const LayerParameter& param) : NeuronLayer<Dtype>(param) {}
  void LayerSetUp(const vector<Blob<Dtype>*>& bottom, const vector<Blob<Dtype>*>& top) override;
  void Reshape(const vector<Blob<Dtype>*>& bottom, const vector<Blob<Dtype>*>& top) override;
  const char* type() const override { return "Dropout"; }
  bool BackwardReadsBottom(int bottom_index) const override { return false; }
  bool BackwardReadsTop(int top_index) const override { return false; }
  BlobValues LeavesInPlace() const override {
    return Drops() ? BlobValues::kSigns : BlobValues::kAll;
  }

 protected:
  void Forward_cpu(const vector<Blob<Dtype>*>& bottom, const vector<Blob<Dtype>*>& top) override;
  void Backward_cpu(const vector<Blob<Dtype>*>& top, const vector<bool>& propagate_down,
                    const vector<Blob<Dtype>*>& bottom) override;
  DECLARE_LAYER_GPU_FUNCS(Dtype);

  /// Where it drops on the CPU: 1 for an element that was kept.
  Blob<unsigned int> rand_vec_;
  Dtype threshold_;
  Dtype scale_;

 private:
  /// In TRAIN, and with sample_weights_test in TEST.
  bool Drops() const {
    return this->phase_ == TRAIN || this->layer_param_.dropout_param().sample_weights_test();
  }

  /// What the last Forward dropped: elements whose 32 random bits of this seed are below DropBound,
  /// in blocks of that many channels. The GPU makes them again in Backward.
  uint64_t seed_ = 0;
  int mask_block_ = 1;
  /// Whether rand_vec_ has them. A derived class that drops itself leaves its own there.
  bool has_mask_ = true;

  /// From the thread's generator, so that GPU and CPU drop the same ones.
  void DrawSeed();
  uint32_t DropBound() const { return static_cast<uint32_t>(threshold_ * 4294967296.0); }
  /// rand_vec_, made anew unless it is there.
  const unsigned int* MaskOnHost(int count);
  void Mask(int count, const Dtype* from, const unsigned int* keep, Dtype* to) const;
};

}  // namespace caffe

#endif  // CAFFE_DROPOUT_LAYER_HPP_
