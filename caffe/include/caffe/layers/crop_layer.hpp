#ifndef CAFFE_CROP_LAYER_HPP_
#define CAFFE_CROP_LAYER_HPP_

#include <vector>

#include "caffe/blob.hpp"
#include "caffe/layer.hpp"
#include "caffe/proto/caffe.pb.h"
#include "caffe/util/layer_gpu.hpp"

namespace caffe {

/// Cuts the first bottom to the second one's size in all axes from `axis` (2) on, beginning at
/// `offset` (0; one for all those axes, or one for each). No gradient goes to the second bottom.
template <typename Dtype>
class CropLayer : public Layer<Dtype> {
 public:
  explicit CropLayer(const LayerParameter& param) : Layer<Dtype>(param) {}
  void Reshape(const vector<Blob<Dtype>*>& bottom, const vector<Blob<Dtype>*>& top) override;
  const char* type() const override { return "Crop"; }
  int ExactNumBottomBlobs() const override { return 2; }
  bool WorksInPlace() const override { return false; }
  int ExactNumTopBlobs() const override { return 1; }
  bool BackwardReadsBottom(int bottom_index) const override { return false; }
  bool BackwardReadsTop(int top_index) const override { return false; }

 protected:
  void Forward_cpu(const vector<Blob<Dtype>*>& bottom, const vector<Blob<Dtype>*>& top) override;
  void Backward_cpu(const vector<Blob<Dtype>*>& top, const vector<bool>& propagate_down,
                    const vector<Blob<Dtype>*>& bottom) override;
  DECLARE_LAYER_GPU_FUNCS(Dtype);

  /// Where the cut begins, in every axis of the bottom.
  vector<int> offsets_;

 private:
  /// Calls copy(large row, small row, length) for pointers to every row of the cut.
  template <typename Large, typename Small, typename Copy>
  void ForCutRows(const Blob<Dtype>& bottom, const Blob<Dtype>& top, Large* large, Small* small,
                  const Copy& copy) const;
};

}  // namespace caffe

#endif  // CAFFE_CROP_LAYER_HPP_
