#ifndef CAFFE_SRC_CUDNN_SOFTMAX_HPP_
#define CAFFE_SRC_CUDNN_SOFTMAX_HPP_

namespace caffe {
namespace cudnn {

/// Scores on the GPU: outer x classes x inner.
struct Scores {
  int outer, classes, inner;
};

/// The softmax over the classes by cuDNN; y may be x. False where it cannot, or the build has no
/// cuDNN: nothing was done.
template <typename Dtype>
bool Softmax(const Scores& scores, const Dtype* x, Dtype* y);
/// dx from the result y and its diff; dx may be dy.
template <typename Dtype>
bool SoftmaxBackward(const Scores& scores, const Dtype* y, const Dtype* dy, Dtype* dx);

#ifndef USE_CUDNN
template <typename Dtype>
bool Softmax(const Scores&, const Dtype*, Dtype*) {
  return false;
}
template <typename Dtype>
bool SoftmaxBackward(const Scores&, const Dtype*, const Dtype*, Dtype*) {
  return false;
}
#endif

}  // namespace cudnn
}  // namespace caffe

#endif  // CAFFE_SRC_CUDNN_SOFTMAX_HPP_
