#ifndef CAFFE_BATCH_REINDEX_LAYER_HPP_
#define CAFFE_BATCH_REINDEX_LAYER_HPP_

#include <vector>

#include "caffe/blob.hpp"
#include "caffe/layer.hpp"
#include "caffe/proto/caffe.pb.h"
#include "caffe/util/layer_gpu.hpp"

namespace caffe {

/// Picks items of the first bottom by the second one's indices (in any order, also repeatedly).
template <typename Dtype>
class BatchReindexLayer : public Layer<Dtype> {
 public:
  explicit BatchReindexLayer(const LayerParameter& param) : Layer<Dtype>(param) {}
  void Reshape(const vector<Blob<Dtype>*>& bottom, const vector<Blob<Dtype>*>& top) override;
  const char* type() const override { return "BatchReindex"; }
  int ExactNumBottomBlobs() const override { return 2; }
  bool WorksInPlace() const override { return false; }
  int ExactNumTopBlobs() const override { return 1; }
  bool AllowForceBackward(const int bottom_index) const override { return bottom_index == 0; }

 protected:
  void Forward_cpu(const vector<Blob<Dtype>*>& bottom, const vector<Blob<Dtype>*>& top) override;
  void Backward_cpu(const vector<Blob<Dtype>*>& top, const vector<bool>& propagate_down,
                    const vector<Blob<Dtype>*>& bottom) override;
  DECLARE_LAYER_GPU_FUNCS(Dtype);

 private:
  /// The second bottom as numbers of items; throws where there is no such item.
  vector<int> CheckedIndices(const vector<Blob<Dtype>*>& bottom) const;
  /// The same on the GPU.
  const int* DeviceIndices(const vector<Blob<Dtype>*>& bottom);

  Blob<int> device_indices_;
};

}  // namespace caffe

#endif  // CAFFE_BATCH_REINDEX_LAYER_HPP_
