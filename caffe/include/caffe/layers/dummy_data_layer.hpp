#ifndef CAFFE_DUMMY_DATA_LAYER_HPP_
#define CAFFE_DUMMY_DATA_LAYER_HPP_

#include <algorithm>
#include <vector>

#include "caffe/filler.hpp"
#include "caffe/layer.hpp"

namespace caffe {

/// Tops filled by fillers: constant ones once, random ones anew in every Forward.
///
/// dummy_data_param: one `shape` for all tops or one for each (or num, channels, height and width
/// in the same way), and no data_filler (zeros), one or one for each top.
template <typename Dtype>
class DummyDataLayer : public Layer<Dtype> {
 public:
  explicit DummyDataLayer(const LayerParameter& param) : Layer<Dtype>(param) {}
  void LayerSetUp(const vector<Blob<Dtype>*>& bottom, const vector<Blob<Dtype>*>& top) override;
  void Reshape(const vector<Blob<Dtype>*>& bottom, const vector<Blob<Dtype>*>& top) override {}
  const char* type() const override { return "DummyData"; }
  int ExactNumBottomBlobs() const override { return 0; }
  int MinTopBlobs() const override { return 1; }
  /// What is filled once serves all passes.
  bool SharesData() const override {
    return std::find(refill_.begin(), refill_.end(), false) != refill_.end();
  }

 protected:
  void Forward_cpu(const vector<Blob<Dtype>*>& bottom, const vector<Blob<Dtype>*>& top) override;
  void Forward_gpu(const vector<Blob<Dtype>*>& bottom, const vector<Blob<Dtype>*>& top) override {
    Forward_cpu(bottom, top);
  }
  void Backward_cpu(const vector<Blob<Dtype>*>& top, const vector<bool>& propagate_down,
                    const vector<Blob<Dtype>*>& bottom) override {}
  void Backward_gpu(const vector<Blob<Dtype>*>& top, const vector<bool>& propagate_down,
                    const vector<Blob<Dtype>*>& bottom) override {}

  vector<shared_ptr<Filler<Dtype>>> fillers_;
  /// Which of the fillers are random.
  vector<bool> refill_;

 private:
  /// Which filler a top takes.
  size_t FillerOf(size_t top) const { return fillers_.size() == 1 ? 0 : top; }
};

}  // namespace caffe

#endif  // CAFFE_DUMMY_DATA_LAYER_HPP_
