#include "caffe/layers/eltwise_layer.hpp"
#include "layers/device_operands.cuh"
#include "layers/device_parts.hpp"

namespace caffe {

namespace {

template <typename X, typename Dtype>
struct ProductOf {
  X x;
  Dtype* y;
  CAFFE_HOST_DEVICE void operator()(int i) const {
    Dtype product = x.first ? Dtype(1) : y[i];
    for (int k = 0; k < X::kCount; ++k) product *= x.from[k][i];
    y[i] = product;
  }
};

template <typename X, typename Dtype>
struct LargestOf {
  X x;
  int number;  // of the first operand among the bottoms
  Dtype* y;
  int* origin;
  CAFFE_HOST_DEVICE void operator()(int i) const {
    Dtype best = x.first ? Dtype(0) : y[i];
    int from = x.first ? 0 : origin[i];
    for (int k = 0; k < X::kCount; ++k) {
      const Dtype value = x.from[k][i];
      const bool starts = x.first && k == 0;
      // Of equal elements the second bottom's goes before the first's, and those before all others.
      if (!starts && (number + k == 1 ? value < best : value <= best)) continue;
      best = value;
      from = number + k;
    }
    y[i] = best;
    origin[i] = from;
  }
};

template <typename Dtype>
struct WhereFrom {
  const int* origin;
  int bottom;
  const Dtype* dy;
  Dtype* dx;
  CAFFE_HOST_DEVICE void operator()(int i) const { dx[i] = origin[i] == bottom ? dy[i] : Dtype(0); }
};

template <typename Dtype>
struct ProductDiff {
  const Dtype* x;
  const Dtype* y;
  const Dtype* dy;
  Dtype* dx;
  CAFFE_HOST_DEVICE void operator()(int i) const { dx[i] = y[i] / x[i] * dy[i]; }
};

}  // namespace

template <typename Dtype>
void EltwiseLayer<Dtype>::SumOnDevice(const vector<Blob<Dtype>*>& bottom, Blob<Dtype>* top) {
  ChannelLayout layout = CommonLayoutOnGpu(bottom, Part::kData);
  if (bottom.size() > kMostOperands) layout = layout.WithElement(Element::kFloat);
  VisitOnGpu<Dtype>(layout, [&](auto type) {
    using T = decltype(type);
    vector<const T*> inputs;
    for (const Blob<Dtype>* blob : bottom) inputs.push_back(ReadOnGpu<T>(layout, *blob));
    T* y = WriteOnGpu<T>(layout, top);
    ForOperands<T>(inputs, coeffs_, [&](const auto& x, int) { SumOnGpu(top->count(), x, y); });
  });
}

template <typename Dtype>
void EltwiseLayer<Dtype>::Forward_gpu(const vector<Blob<Dtype>*>& bottom,
                                      const vector<Blob<Dtype>*>& top) {
  if (op_ == EltwiseParameter_EltwiseOp_SUM) return SumOnDevice(bottom, top[0]);
  const int count = top[0]->count();
  vector<const Dtype*> inputs;
  for (const Blob<Dtype>* blob : bottom) inputs.push_back(blob->gpu_data());
  Dtype* y = top[0]->mutable_gpu_data();
  int* origin = op_ == EltwiseParameter_EltwiseOp_MAX ? max_idx_.mutable_gpu_data() : nullptr;
  ForOperands<Dtype>(inputs, coeffs_, [&](const auto& x, int number) {
    using X = std::decay_t<decltype(x)>;
    if (op_ == EltwiseParameter_EltwiseOp_PROD) {
      ForElements(count, ProductOf<X, Dtype>{x, y});
    } else {
      ForElements(count, LargestOf<X, Dtype>{x, number, y, origin});
    }
  });
}

template <typename Dtype>
void EltwiseLayer<Dtype>::SumBackwardOnDevice(const Blob<Dtype>& top,
                                              const vector<bool>& propagate_down,
                                              const vector<Blob<Dtype>*>& bottom) {
  const ChannelLayout layout = StoredOnGpu(top, Part::kDiff);
  VisitOnGpu<Dtype>(layout, [&](auto type) {
    using T = decltype(type);
    const T* dy = ReadOnGpu<T>(layout, top, Part::kDiff);
    // The first bottom comes last: its diff may be the top's.
    for (int k = static_cast<int>(bottom.size()) - 1; k >= 0; --k) {
      if (!propagate_down[k]) continue;
      T* dx = WriteOnGpu<T>(layout, bottom[k], Part::kDiff);
      SumOnGpu(top.count(), Operands<T, 1>{true, {dy}, {coeffs_[k]}}, dx);
    }
  });
}

template <typename Dtype>
void EltwiseLayer<Dtype>::Backward_gpu(const vector<Blob<Dtype>*>& top,
                                       const vector<bool>& propagate_down,
                                       const vector<Blob<Dtype>*>& bottom) {
  if (op_ == EltwiseParameter_EltwiseOp_SUM) {
    return SumBackwardOnDevice(*top[0], propagate_down, bottom);
  }
  const int count = top[0]->count();
  const int bottoms = static_cast<int>(bottom.size());
  const Dtype* dy = top[0]->gpu_diff();
  // The first bottom comes last: its diff may be the top's.
  for (int k = bottoms - 1; k >= 0; --k) {
    if (!propagate_down[k]) continue;
    Dtype* dx = bottom[k]->mutable_gpu_diff();
    if (op_ == EltwiseParameter_EltwiseOp_MAX) {
      ForElements(count, WhereFrom<Dtype>{max_idx_.gpu_data(), k, dy, dx});
    } else if (stable_prod_grad_) {
      // The product of the other bottoms, which also holds where this one is 0.
      caffe_copy(count, dy, dx);
      for (int other = 0; other < bottoms; ++other) {
        if (other != k) caffe_gpu_mul(count, bottom[other]->gpu_data(), dx, dx);
      }
    } else {
      ForElements(count, ProductDiff<Dtype>{bottom[k]->gpu_data(), top[0]->gpu_data(), dy, dx});
    }
  }
}

INSTANTIATE_LAYER_GPU_FUNCS(EltwiseLayer);

}  // namespace caffe
