#ifndef CAFFE_SRC_DNN_POOLED_CONVOLUTION_HPP_
#define CAFFE_SRC_DNN_POOLED_CONVOLUTION_HPP_

#include "caffe/layer.hpp"
#include "dnn/convolution.hpp"

namespace caffe {
namespace dnn {

/// A convolution and the pooling behind it, a strip of rows at a time: the features between the
/// two, often the largest blob of a net, never exist as a whole. Nor do those of a convolution in
/// front, if there is one; rows that two strips need are computed twice there.
template <typename Dtype>
class PooledConvolution {
 public:
  /// Null where that is not worth it (small features) or cannot be done: pooling windows that are
  /// no square tiles of the features, and geometries without a fast kernel. `front`: of the
  /// convolution whose features are the image; null: there is none.
  static shared_ptr<PooledConvolution> Create(const ConvolutionGeometry& whole,
                                              const PoolingParameter& pooling,
                                              const ConvolutionGeometry* front = nullptr);

  /// Whether a front of this geometry is worth being computed by strips: its features are large,
  /// and take few multiplications beside those of the convolution that reads them.
  static bool IsGoodFront(const ConvolutionGeometry& front, const ConvolutionGeometry& reader);

  /// top = pool(features), where features are those of ToFeatures with `parameters` of bottom, or
  /// of the front's features of bottom. `pool` is a layer that pools as the parameters say; it is
  /// left with the shape of a strip.
  void Run(const Blob<Dtype>& bottom, const Parameters<Dtype>& parameters, Layer<Dtype>* pool,
           Blob<Dtype>* top, const Parameters<Dtype>* front = nullptr);

 private:
  /// A convolution of a strip of rows.
  struct Strip {
    /// False where there is no fast kernel.
    bool SetUp(const ConvolutionGeometry& whole_geometry, int rows);
    void Run(const Parameters<Dtype>& parameters, Blob<Dtype>* features);

    ConvolutionGeometry whole, part;
    shared_ptr<Convolution<Dtype>> convolution;
    Blob<Dtype> image;
  };

  PooledConvolution() = default;
  void FillImage(const Blob<Dtype>& bottom, int first_row, const Parameters<Dtype>* front);

  int tile_ = 0;
  Strip strip_, front_;
  Blob<Dtype> features_, pooled_;
};

}  // namespace dnn
}  // namespace caffe

#endif  // CAFFE_SRC_DNN_POOLED_CONVOLUTION_HPP_
