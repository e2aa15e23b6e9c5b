#include "caffe/layers/argmax_layer.hpp"

#include <algorithm>
#include <functional>
#include <utility>
#include <vector>

#include "layers/no_gradient.hpp"
#include "util/rows.hpp"

namespace caffe {

template <typename Dtype>
void ArgMaxLayer<Dtype>::LayerSetUp(const vector<Blob<Dtype>*>& bottom,
                                    const vector<Blob<Dtype>*>& top) {
  const ArgMaxParameter& param = this->layer_param_.argmax_param();
  out_max_val_ = param.out_max_val();
  top_k_ = param.top_k();
  has_axis_ = param.has_axis();
  axis_ = has_axis_ ? bottom[0]->CanonicalAxisIndex(param.axis()) : 0;
  CHECK_GE(top_k_, 1u) << ": argmax_param.top_k must be at least 1";
}

template <typename Dtype>
void ArgMaxLayer<Dtype>::Reshape(const vector<Blob<Dtype>*>& bottom,
                                 const vector<Blob<Dtype>*>& top) {
  const int choices = has_axis_ ? bottom[0]->shape(axis_) : bottom[0]->count(1);
  CHECK_LE(top_k_, static_cast<size_t>(choices))
      << ": argmax_param.top_k is more than there are elements to choose from, in a blob of shape "
      << bottom[0]->shape_string();
  vector<int> shape;
  if (has_axis_) {
    shape = bottom[0]->shape();
    shape[axis_] = static_cast<int>(top_k_);
  } else {
    shape.assign(std::max(bottom[0]->num_axes(), 3), 1);
    shape[0] = bottom[0]->shape(0);
    shape[1] = out_max_val_ ? 2 : 1;
    shape[2] = static_cast<int>(top_k_);
  }
  top[0]->Reshape(shape);
}

namespace {

// The k largest of n elements `stride` apart, with their indices; the larger index first among
// equal ones.
template <typename Dtype>
void Largest(const Dtype* x, int n, std::ptrdiff_t stride, size_t k,
             vector<std::pair<Dtype, int>>* found) {
  if (k == 1) {
    int best = 0;
    for (int i = 1; i < n; ++i) {
      if (x[i * stride] >= x[best * stride]) best = i;
    }
    found->assign(1, std::make_pair(x[best * stride], best));
    return;
  }
  found->resize(n);
  for (int i = 0; i < n; ++i) (*found)[i] = std::make_pair(x[i * stride], i);
  std::partial_sort(found->begin(), found->begin() + k, found->end(),
                    std::greater<std::pair<Dtype, int>>());
  found->resize(k);
}

}  // namespace

template <typename Dtype>
void ArgMaxLayer<Dtype>::Forward_cpu(const vector<Blob<Dtype>*>& bottom,
                                     const vector<Blob<Dtype>*>& top) {
  const Blob<Dtype>& from = *bottom[0];
  const int n = has_axis_ ? from.shape(axis_) : from.count(1);
  const std::ptrdiff_t stride = has_axis_ ? from.count(axis_ + 1) : 1;
  const bool both = out_max_val_ && !has_axis_;
  const std::ptrdiff_t item = (both ? 2 : 1) * top_k_ * stride;
  const Dtype* x = from.cpu_data();
  Dtype* y = top[0]->mutable_cpu_data();
  ParallelFor(from.count() / n, kElementwiseGrain / n + 1,
              [&](std::ptrdiff_t begin, std::ptrdiff_t end) {
                vector<std::pair<Dtype, int>> found;
                for (std::ptrdiff_t line = begin; line < end; ++line) {
                  const std::ptrdiff_t outer = line / stride;
                  const std::ptrdiff_t inner = line % stride;
                  Largest(x + outer * n * stride + inner, n, stride, top_k_, &found);
                  Dtype* to = y + outer * item + inner;
                  for (size_t j = 0; j < top_k_; ++j) {
                    to[j * stride] = out_max_val_ && !both ? found[j].first : found[j].second;
                    if (both) to[(top_k_ + j) * stride] = found[j].first;
                  }
                }
              });
}

template <typename Dtype>
void ArgMaxLayer<Dtype>::Backward_cpu(const vector<Blob<Dtype>*>& top,
                                      const vector<bool>& propagate_down,
                                      const vector<Blob<Dtype>*>& bottom) {
  RefuseGradient(*this, propagate_down);
}

INSTANTIATE_CLASS(ArgMaxLayer);
REGISTER_LAYER_CLASS(ArgMax);

}  // namespace caffe
