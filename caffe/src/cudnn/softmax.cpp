#include "cudnn/softmax.hpp"

#include "cudnn/handle.hpp"

namespace caffe {
namespace cudnn {

namespace {

bool HasScores(const Scores& s) { return HasValues({s.outer, s.classes, s.inner}); }

template <typename Dtype>
PlainTensor<Dtype> TensorOf(const Scores& scores) {
  return {scores.outer, scores.classes, scores.inner, 1};
}

}  // namespace

template <typename Dtype>
bool Softmax(const Scores& scores, const Dtype* x, Dtype* y) {
  if (!HasScores(scores)) return false;
  const PlainTensor<Dtype> tensor = TensorOf<Dtype>(scores);
  return Done(cudnnSoftmaxForward(Handle(), CUDNN_SOFTMAX_ACCURATE, CUDNN_SOFTMAX_MODE_CHANNEL,
                                  &kOne<Dtype>, tensor, x, &kZero<Dtype>, tensor, y));
}

template <typename Dtype>
bool SoftmaxBackward(const Scores& scores, const Dtype* y, const Dtype* dy, Dtype* dx) {
  if (!HasScores(scores)) return false;
  const PlainTensor<Dtype> tensor = TensorOf<Dtype>(scores);
  return Done(cudnnSoftmaxBackward(Handle(), CUDNN_SOFTMAX_ACCURATE, CUDNN_SOFTMAX_MODE_CHANNEL,
                                   &kOne<Dtype>, tensor, y, tensor, dy, &kZero<Dtype>, tensor, dx));
}

#define INSTANTIATE_SOFTMAX(Dtype)                            \
  template bool Softmax(const Scores&, const Dtype*, Dtype*); \
  template bool SoftmaxBackward(const Scores&, const Dtype*, const Dtype*, Dtype*)
INSTANTIATE_SOFTMAX(float);
INSTANTIATE_SOFTMAX(double);

}  // namespace cudnn
}  // namespace caffe
