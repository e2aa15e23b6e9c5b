#include "caffe/layers/softmax_layer.hpp"
#include "cudnn/softmax.hpp"
#include "gpu/loops.cuh"
#include "layers/softmax_elements.hpp"

namespace caffe {

namespace {

// dx = y (dy - sum of y dy)
template <typename Dtype>
struct SoftmaxDiff {
  ClassesOf at;
  const Dtype* y;
  const Dtype* dy;
  Dtype* dx;
  CAFFE_HOST_DEVICE void operator()(int position) const {
    const int first = at.First(position);
    Dtype dot = 0;
    for (int c = 0; c < at.classes; ++c) {
      dot += y[first + c * at.inner] * dy[first + c * at.inner];
    }
    for (int c = 0; c < at.classes; ++c) {
      const int i = first + c * at.inner;
      dx[i] = y[i] * (dy[i] - dot);
    }
  }
};

}  // namespace

template <typename Dtype>
void SoftmaxLayer<Dtype>::Forward_gpu(const vector<Blob<Dtype>*>& bottom,
                                      const vector<Blob<Dtype>*>& top) {
  const int classes = bottom[0]->shape(softmax_axis_);
  const Dtype* x = bottom[0]->gpu_data();
  Dtype* y = top[0]->mutable_gpu_data();
  if (wants_cudnn() && cudnn::Softmax<Dtype>({outer_num_, classes, inner_num_}, x, y)) return;
  ForElements(std::ptrdiff_t(outer_num_) * inner_num_,
              SoftmaxOfPosition<Dtype>{{classes, inner_num_}, x, y});
}

template <typename Dtype>
void SoftmaxLayer<Dtype>::Backward_gpu(const vector<Blob<Dtype>*>& top,
                                       const vector<bool>& propagate_down,
                                       const vector<Blob<Dtype>*>& bottom) {
  if (!propagate_down[0]) return;
  const int classes = top[0]->shape(softmax_axis_);
  const Dtype* y = top[0]->gpu_data();
  const Dtype* dy = top[0]->gpu_diff();
  Dtype* dx = bottom[0]->mutable_gpu_diff();
  if (wants_cudnn() &&
      cudnn::SoftmaxBackward<Dtype>({outer_num_, classes, inner_num_}, y, dy, dx)) {
    return;
  }
  ForElements(std::ptrdiff_t(outer_num_) * inner_num_,
              SoftmaxDiff<Dtype>{{classes, inner_num_}, y, dy, dx});
}

INSTANTIATE_LAYER_GPU_FUNCS(SoftmaxLayer);

}  // namespace caffe
