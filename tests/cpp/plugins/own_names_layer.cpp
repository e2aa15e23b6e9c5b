// Layers under the names of classes that the runtime has and Caffe 1.0 lacks, and one that uses
// such a class, as users have them. All tops are of 5 values, each 7.

#include <vector>

#include "caffe/layer.hpp"
#include "caffe/layer_factory.hpp"

namespace caffe {

#define SEVENS_LAYER(name)                                                                         \
  template <typename Dtype>                                                                        \
  class name##Layer : public Layer<Dtype> {                                                        \
   public:                                                                                         \
    explicit name##Layer(const LayerParameter& param) : Layer<Dtype>(param) {}                     \
    virtual void LayerSetUp(const vector<Blob<Dtype>*>&, const vector<Blob<Dtype>*>&);             \
    virtual void Reshape(const vector<Blob<Dtype>*>&, const vector<Blob<Dtype>*>& top);            \
    virtual inline const char* type() const { return #name; }                                      \
                                                                                                   \
   protected:                                                                                      \
    virtual void Forward_cpu(const vector<Blob<Dtype>*>&, const vector<Blob<Dtype>*>& top);        \
    virtual void Backward_cpu(const vector<Blob<Dtype>*>&, const vector<bool>&,                    \
                              const vector<Blob<Dtype>*>&) {}                                      \
    vector<int> sevens_;                                                                           \
  };                                                                                               \
  template <typename Dtype>                                                                        \
  void name##Layer<Dtype>::LayerSetUp(const vector<Blob<Dtype>*>&, const vector<Blob<Dtype>*>&) {  \
    sevens_.assign(5, 7);                                                                          \
  }                                                                                                \
  template <typename Dtype>                                                                        \
  void name##Layer<Dtype>::Reshape(const vector<Blob<Dtype>*>&, const vector<Blob<Dtype>*>& top) { \
    top[0]->Reshape(vector<int>(1, static_cast<int>(sevens_.size())));                             \
  }                                                                                                \
  template <typename Dtype>                                                                        \
  void name##Layer<Dtype>::Forward_cpu(const vector<Blob<Dtype>*>&,                                \
                                       const vector<Blob<Dtype>*>& top) {                          \
    caffe_set(top[0]->count(), Dtype(sevens_[0]), top[0]->mutable_cpu_data());                     \
  }                                                                                                \
  INSTANTIATE_CLASS(name##Layer);                                                                  \
  REGISTER_LAYER_CLASS(name)

SEVENS_LAYER(Clip);
SEVENS_LAYER(DenseImageData);
SEVENS_LAYER(GeometricLoss);
SEVENS_LAYER(Interp);
SEVENS_LAYER(Swish);
SEVENS_LAYER(Upsample);
// The runtime's class is the base of others.
SEVENS_LAYER(ClassLoss);

/// As the runtime's has it, with a constructor that is a function of its own.
template <typename Dtype>
struct ExpOp {
  __attribute__((noinline)) explicit ExpOp(const LayerParameter& param)
      : values(param.exp_param().shift() == 0 ? 5 : 0, 7) {}

  vector<int> values;
};

template <typename Dtype>
class OwnOpLayer : public ClipLayer<Dtype> {
 public:
  explicit OwnOpLayer(const LayerParameter& param) : ClipLayer<Dtype>(param) {}
  virtual void LayerSetUp(const vector<Blob<Dtype>*>&, const vector<Blob<Dtype>*>&) {
    this->sevens_ = ExpOp<Dtype>(this->layer_param_).values;
  }
  virtual inline const char* type() const { return "OwnOp"; }
};
INSTANTIATE_CLASS(OwnOpLayer);
REGISTER_LAYER_CLASS(OwnOp);

}  // namespace caffe
