#ifndef CAFFE_SRC_DNN_POOLED_CONVOLUTION_HPP_
#define CAFFE_SRC_DNN_POOLED_CONVOLUTION_HPP_

#include "caffe/layer.hpp"
#include "dnn/convolution.hpp"

namespace caffe {
namespace dnn {

/// A convolution and the pooling behind it, a strip of rows at a time: the features between the
/// two, often the largest blob of a net, never exist as a whole.
template <typename Dtype>
class PooledConvolution {
 public:
  /// Null where that is not worth it (small features) or cannot be done: pooling windows that are
  /// no square tiles of the features, and geometries without a fast kernel.
  static shared_ptr<PooledConvolution> Create(const ConvolutionGeometry& whole,
                                              const PoolingParameter& pooling);

  /// top = pool(relu(weights * bottom + bias)); bias may be null. `pool` is a layer that pools as
  /// the parameters say; it is left with the shape of a strip.
  void Run(const Blob<Dtype>& bottom, const Blob<Dtype>& weights, const Blob<Dtype>* bias,
           Layer<Dtype>* pool, Blob<Dtype>* top);

 private:
  PooledConvolution(const ConvolutionGeometry& whole, const ConvolutionGeometry& strip, int tile,
                    const shared_ptr<Convolution<Dtype>>& convolution);

  ConvolutionGeometry whole_, strip_;
  int tile_;
  shared_ptr<Convolution<Dtype>> convolution_;
  // Of one strip.
  Blob<Dtype> image_, features_, pooled_;
};

}  // namespace dnn
}  // namespace caffe

#endif  // CAFFE_SRC_DNN_POOLED_CONVOLUTION_HPP_
