#include "caffe/layers/eltwise_layer.hpp"

#include <algorithm>
#include <vector>

#include "caffe/util/parallel_for.hpp"
#include "layers/element_layout.hpp"

namespace caffe {

template <typename Dtype>
void EltwiseLayer<Dtype>::LayerSetUp(const vector<Blob<Dtype>*>& bottom,
                                     const vector<Blob<Dtype>*>& top) {
  const EltwiseParameter& param = this->layer_param_.eltwise_param();
  op_ = param.operation();
  stable_prod_grad_ = param.stable_prod_grad();
  CHECK(param.coeff_size() == 0 || param.coeff_size() == static_cast<int>(bottom.size()))
      << "eltwise_param has " << param.coeff_size() << " coefficients for " << bottom.size()
      << " bottoms: give one for each, or none";
  CHECK(param.coeff_size() == 0 || op_ == EltwiseParameter_EltwiseOp_SUM)
      << "eltwise_param.coeff is for operation SUM only";
  coeffs_.assign(bottom.size(), Dtype(1));
  std::copy(param.coeff().begin(), param.coeff().end(), coeffs_.begin());
}

template <typename Dtype>
void EltwiseLayer<Dtype>::Reshape(const vector<Blob<Dtype>*>& bottom,
                                  const vector<Blob<Dtype>*>& top) {
  for (size_t i = 1; i < bottom.size(); ++i) {
    CHECK(bottom[i]->shape() == bottom[0]->shape())
        << "Eltwise needs bottoms of one shape: bottom 0 has " << bottom[0]->shape_string()
        << ", bottom " << i << " has " << bottom[i]->shape_string();
    CHECK(bottom[i] != top[0]) << "only the first bottom of an Eltwise layer can be its top too";
  }
  top[0]->ReshapeLike(*bottom[0]);
  if (op_ == EltwiseParameter_EltwiseOp_MAX) max_idx_.Reshape(bottom[0]->shape());
}

namespace {

// Calls body(bottom number, begin, end) for all bottoms of one block after the other; the blocks
// are small enough for the result to stay in the first-level cache meanwhile.
template <typename Body>
void ForBlocks(std::ptrdiff_t count, int bottoms, const Body& body) {
  const std::ptrdiff_t kBlock = 2048;
  ParallelFor(count, kElementwiseGrain, [&](std::ptrdiff_t begin, std::ptrdiff_t end) {
    for (std::ptrdiff_t block = begin; block < end; block += kBlock) {
      for (int i = 0; i < bottoms; ++i) body(i, block, std::min(end, block + kBlock));
    }
  });
}

}  // namespace

template <typename Dtype>
void EltwiseLayer<Dtype>::Forward_cpu(const vector<Blob<Dtype>*>& bottom,
                                      const vector<Blob<Dtype>*>& top) {
  // The places in max_idx_ are those of the plain order.
  const bool max = op_ == EltwiseParameter_EltwiseOp_MAX;
  const ChannelLayout layout = max ? PlainLayout(*bottom[0]) : ElementLayout(*bottom[0]);
  vector<const Dtype*> inputs;
  for (const Blob<Dtype>* blob : bottom) inputs.push_back(ReadIn(layout, *blob));
  int* origin = max ? max_idx_.mutable_cpu_data() : nullptr;
  Dtype* y = WriteIn(layout, top[0]);
  const auto op = op_;
  ForBlocks(top[0]->count(), bottom.size(), [&](int k, std::ptrdiff_t begin, std::ptrdiff_t end) {
    const Dtype* x = inputs[k];
    const Dtype c = coeffs_[k];
    if (k == 0) {
#pragma omp simd
      for (std::ptrdiff_t i = begin; i < end; ++i) y[i] = c * x[i];
      if (origin) std::fill(origin + begin, origin + end, 0);
    } else if (op == EltwiseParameter_EltwiseOp_SUM) {
#pragma omp simd
      for (std::ptrdiff_t i = begin; i < end; ++i) y[i] += c * x[i];
    } else if (op == EltwiseParameter_EltwiseOp_PROD) {
#pragma omp simd
      for (std::ptrdiff_t i = begin; i < end; ++i) y[i] *= x[i];
    } else {
      // Of equal elements the second bottom's goes before the first's, and those before all others.
      for (std::ptrdiff_t i = begin; i < end; ++i) {
        if (k == 1 ? x[i] < y[i] : x[i] <= y[i]) continue;
        y[i] = x[i];
        origin[i] = k;
      }
    }
  });
}

template <typename Dtype>
void EltwiseLayer<Dtype>::Backward_cpu(const vector<Blob<Dtype>*>& top,
                                       const vector<bool>& propagate_down,
                                       const vector<Blob<Dtype>*>& bottom) {
  const bool max = op_ == EltwiseParameter_EltwiseOp_MAX;
  const ChannelLayout layout = max ? PlainLayout(*top[0]) : ElementLayout(*top[0], Part::kDiff);
  const Dtype* dy = ReadIn(layout, *top[0], Part::kDiff);
  const int bottoms = static_cast<int>(bottom.size());
  // The first bottom comes last: its diff may be the top's.
  for (int k = bottoms - 1; k >= 0; --k) {
    if (!propagate_down[k]) continue;
    Dtype* dx = WriteIn(layout, bottom[k], Part::kDiff);
    const std::ptrdiff_t count = bottom[k]->count();
    if (op_ == EltwiseParameter_EltwiseOp_SUM) {
      caffe_cpu_scale(count, coeffs_[k], dy, dx);
    } else if (max) {
      const int* origin = max_idx_.cpu_data();
      ParallelElements(count, [=](std::ptrdiff_t i) { dx[i] = origin[i] == k ? dy[i] : Dtype(0); });
    } else if (stable_prod_grad_) {
      // The product of the other bottoms, which also holds where this one is 0.
      caffe_copy(count, dy, dx);
      for (int other = 0; other < bottoms; ++other) {
        if (other != k) caffe_mul(count, ReadIn(layout, *bottom[other]), dx, dx);
      }
    } else {
      const Dtype* x = ReadIn(layout, *bottom[k]);
      const Dtype* y = ReadIn(layout, *top[0]);
      ParallelElements(count, [=](std::ptrdiff_t i) { dx[i] = y[i] / x[i] * dy[i]; });
    }
  }
}

INSTANTIATE_CLASS(EltwiseLayer);
REGISTER_LAYER_CLASS(Eltwise);

}  // namespace caffe
