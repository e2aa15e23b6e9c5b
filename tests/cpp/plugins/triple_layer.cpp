// A layer of one's own as a plug-in: top = 3 * bottom. Built as a shared library, linked by
// nothing.

#include "caffe/layer.hpp"

namespace caffe {

template <typename Dtype>
class TripleLayer : public Layer<Dtype> {
 public:
  explicit TripleLayer(const LayerParameter& param) : Layer<Dtype>(param) {}
  const char* type() const override { return "Triple"; }
  int ExactNumBottomBlobs() const override { return 1; }
  int ExactNumTopBlobs() const override { return 1; }

  void Reshape(const vector<Blob<Dtype>*>& bottom, const vector<Blob<Dtype>*>& top) override {
    top[0]->ReshapeLike(*bottom[0]);
  }

 protected:
  void Forward_cpu(const vector<Blob<Dtype>*>& bottom, const vector<Blob<Dtype>*>& top) override {
    caffe_cpu_scale(top[0]->count(), Dtype(3), bottom[0]->cpu_data(), top[0]->mutable_cpu_data());
  }
  void Backward_cpu(const vector<Blob<Dtype>*>& top, const vector<bool>& propagate_down,
                    const vector<Blob<Dtype>*>& bottom) override {
    if (!propagate_down[0]) return;
    caffe_cpu_scale(top[0]->count(), Dtype(3), top[0]->cpu_diff(), bottom[0]->mutable_cpu_diff());
  }
};

INSTANTIATE_CLASS(TripleLayer);
REGISTER_LAYER_CLASS(Triple);

}  // namespace caffe
