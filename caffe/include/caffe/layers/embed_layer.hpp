#ifndef CAFFE_EMBED_LAYER_HPP_
#define CAFFE_EMBED_LAYER_HPP_

#include <vector>

#include "caffe/blob.hpp"
#include "caffe/layer.hpp"
#include "caffe/proto/caffe.pb.h"
#include "caffe/util/host_flag.hpp"
#include "caffe/util/layer_gpu.hpp"

namespace caffe {

/// A row of a learned table for each index: an InnerProduct of one-hot vectors, without them.
///
/// Bottom: whole numbers in [0, input_dim), any shape; top: that shape, then num_output.
/// Learnable blobs: table input_dim x num_output; bias num_output.
template <typename Dtype>
class EmbedLayer : public Layer<Dtype> {
 public:
  explicit EmbedLayer(const LayerParameter& param) : Layer<Dtype>(param) {}
  void LayerSetUp(const vector<Blob<Dtype>*>& bottom, const vector<Blob<Dtype>*>& top) override;
  void Reshape(const vector<Blob<Dtype>*>& bottom, const vector<Blob<Dtype>*>& top) override;

  const char* type() const override { return "Embed"; }
  int ExactNumBottomBlobs() const override { return 1; }
  int ExactNumTopBlobs() const override { return 1; }

 protected:
  void Forward_cpu(const vector<Blob<Dtype>*>& bottom, const vector<Blob<Dtype>*>& top) override;
  void Backward_cpu(const vector<Blob<Dtype>*>& top, const vector<bool>& propagate_down,
                    const vector<Blob<Dtype>*>& bottom) override;
  DECLARE_LAYER_GPU_FUNCS(Dtype);

  int M_ = 0;
  int K_ = 0;
  int N_ = 0;
  bool bias_term_ = false;

 private:
  /// On the GPU: throws where the last kernels met what is no index.
  void CheckIndices();

  /// On the GPU: the bottom as numbers of rows.
  Blob<int> device_rows_;
  /// 1 + the place of a wrong index, written by the kernels.
  HostFlag bad_index_;
};

}  // namespace caffe

#endif  // CAFFE_EMBED_LAYER_HPP_
