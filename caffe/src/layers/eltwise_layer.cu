#include "caffe/layers/eltwise_layer.hpp"
#include "layers/device_operands.cuh"
#include "layers/device_parts.hpp"
#include "layers/eltwise_elements.hpp"

namespace caffe {

namespace {

// Element i of these: unit i of the values.

template <typename X, typename Unit>
struct ProductOf {
  X x;
  Unit* y;
  CAFFE_HOST_DEVICE void operator()(int i) const {
    using Real = typename X::Real;
    Real product[Unit::kSize];
    for (int j = 0; j < Unit::kSize; ++j) product[j] = x.first ? Real(1) : Real(y[i][j]);
    for (int k = 0; k < X::kCount; ++k) {
      const Unit from = AsUnits<Unit>(x.at[k])[i];
      for (int j = 0; j < Unit::kSize; ++j) product[j] *= Real(from[j]);
    }
    Unit result;
    for (int j = 0; j < Unit::kSize; ++j) result[j] = product[j];
    y[i] = result;
  }
};

template <typename X, typename Unit>
struct LargestOf {
  using Origins = Pack<int, Unit::kSize>;

  X x;
  int number;  // of the first operand among the bottoms
  Unit* y;
  Origins* origins;
  CAFFE_HOST_DEVICE void operator()(int i) const {
    using Real = typename X::Real;
    Unit best = {};
    Origins from = {};
    if (!x.first) {
      best = y[i];
      from = origins[i];
    }
    for (int k = 0; k < X::kCount; ++k) {
      const Unit values = AsUnits<Unit>(x.at[k])[i];
      const bool starts = x.first && k == 0;
      for (int j = 0; j < Unit::kSize; ++j) {
        const Real value = values[j], before = best[j];
        if (!starts && !IsNewLargest(number + k, value, before)) continue;
        best[j] = values[j];
        from[j] = number + k;
      }
    }
    y[i] = best;
    origins[i] = from;
  }
};

template <typename Unit>
struct WhereFrom {
  const Pack<int, Unit::kSize>* origins;
  int bottom;
  const Unit* dy;
  Unit* dx;
  CAFFE_HOST_DEVICE void operator()(int i) const {
    const auto from = origins[i];
    const Unit diff = dy[i];
    Unit result = {};
    for (int j = 0; j < Unit::kSize; ++j) {
      if (from[j] == bottom) result[j] = diff[j];
    }
    dx[i] = result;
  }
};

template <typename Real, typename Unit>
struct ProductDiff {
  const Unit* x;
  const Unit* y;
  const Unit* dy;
  Unit* dx;
  CAFFE_HOST_DEVICE void operator()(int i) const {
    const Unit factor = x[i], product = y[i], diff = dy[i];
    Unit result;
    for (int j = 0; j < Unit::kSize; ++j) {
      result[j] = Real(product[j]) / Real(factor[j]) * Real(diff[j]);
    }
    dx[i] = result;
  }
};

// The gradients of a sum, which put out y: it was multiplied by `slope` where it was not positive.
// For a slope of 1, y may be null.
template <typename X, typename Unit>
struct SumDiffs {
  X dx;
  typename X::Real slope;
  const Unit* y;
  const Unit* dy;
  CAFFE_HOST_DEVICE void operator()(int i) const {
    using Real = typename X::Real;
    const Unit diff = dy[i], sign = y ? y[i] : diff;
    for (int k = 0; k < X::kCount; ++k) {
      Unit result;
      for (int j = 0; j < Unit::kSize; ++j) {
        result[j] = dx.factor[k] * (Real(sign[j]) > 0 ? Real(diff[j]) : Real(diff[j]) * slope);
      }
      AsUnits<Unit>(dx.at[k])[i] = result;
    }
  }
};

template <typename X, typename T>
void ProductOnGpu(int n, const X& x, T* y) {
  ForUnitsOfBlob<T>(n, x.aligned() && Aligned(y), [&](auto* unit) {
    using Unit = std::remove_pointer_t<decltype(unit)>;
    return ProductOf<X, Unit>{x, AsUnits<Unit>(y)};
  });
}

}  // namespace

template <typename Dtype>
void EltwiseLayer<Dtype>::Forward_gpu(const vector<Blob<Dtype>*>& bottom,
                                      const vector<Blob<Dtype>*>& top) {
  const int count = top[0]->count();
  ChannelLayout layout = CommonLayoutOnGpu(bottom, Part::kData);
  if (bottom.size() > kMostOperands) layout = layout.WithElement(Element::kFloat);
  max_channels_last_ = !layout.plain();
  VisitOnGpu<Dtype>(layout, [&](auto type) {
    using T = decltype(type);
    vector<const T*> inputs;
    for (const Blob<Dtype>* blob : bottom) inputs.push_back(ReadOnGpu<T>(layout, *blob));
    T* y = WriteOnGpu<T>(layout, top[0]);
    ForOperands(inputs, coeffs_, [&](const auto& x, int number) {
      using X = std::decay_t<decltype(x)>;
      if (op_ == EltwiseParameter_EltwiseOp_SUM) return SumOnGpu(count, x, y, relu_slope_);
      if (op_ == EltwiseParameter_EltwiseOp_PROD) return ProductOnGpu(count, x, y);
      int* origins = max_idx_.mutable_gpu_data();
      ForUnitsOfBlob<T>(count, x.aligned() && Aligned(y), [&](auto* unit) {
        using Unit = std::remove_pointer_t<decltype(unit)>;
        using Op = LargestOf<X, Unit>;
        return Op{x, number, AsUnits<Unit>(y), AsUnits<typename Op::Origins>(origins)};
      });
    });
  });
}

template <typename Dtype>
void EltwiseLayer<Dtype>::SumBackwardOnGpu(const Blob<Dtype>& top,
                                           const vector<bool>& propagate_down,
                                           const vector<Blob<Dtype>*>& bottom) {
  const ChannelLayout layout = StoredOnGpu(top, Part::kDiff);
  VisitOnGpu<Dtype>(layout, [&](auto type) {
    using T = decltype(type);
    const T* dy = ReadOnGpu<T>(layout, top, Part::kDiff);
    const T* y = relu_slope_ == Dtype(1) ? nullptr : ReadOnGpu<T>(layout, top);
    vector<T*> diffs;
    vector<Dtype> factors;
    ForBottomsFirstLast(propagate_down, [&](int k) {
      diffs.push_back(WriteOnGpu<T>(layout, bottom[k], Part::kDiff));
      factors.push_back(coeffs_[k]);
    });
    ForOperands(diffs, factors, [&](const auto& dx, int) {
      using X = std::decay_t<decltype(dx)>;
      ForUnitsOfBlob<T>(top.count(), dx.aligned() && Aligned(dy, y), [&](auto* unit) {
        using Unit = std::remove_pointer_t<decltype(unit)>;
        return SumDiffs<X, Unit>{dx, relu_slope_, AsUnits<Unit>(y), AsUnits<Unit>(dy)};
      });
    });
  });
}

template <typename Dtype>
void EltwiseLayer<Dtype>::ProductBackwardOnGpu(const Blob<Dtype>& top,
                                               const vector<bool>& propagate_down,
                                               const vector<Blob<Dtype>*>& bottom) {
  const int count = top.count(), bottoms = static_cast<int>(bottom.size());
  ChannelLayout layout = StoredOnGpu(top, Part::kDiff);
  if (layout.element != CommonElementOnGpu(bottom, Part::kData) || bottoms > kMostOperands) {
    layout = layout.WithElement(Element::kFloat);
  }
  VisitOnGpu<Dtype>(layout, [&](auto type) {
    using T = decltype(type);
    const T* dy = ReadOnGpu<T>(layout, top, Part::kDiff);
    ForBottomsFirstLast(propagate_down, [&](int k) {
      T* dx = WriteOnGpu<T>(layout, bottom[k], Part::kDiff);
      if (stable_prod_grad_) {
        // The product of the other bottoms, which also holds where this one is 0.
        vector<const T*> factors = {dy};
        for (int other = 0; other < bottoms; ++other) {
          if (other != k) factors.push_back(ReadOnGpu<T>(layout, *bottom[other]));
        }
        ForOperands(factors, coeffs_, [&](const auto& x, int) { ProductOnGpu(count, x, dx); });
        return;
      }
      const T* x = ReadOnGpu<T>(layout, *bottom[k]);
      const T* y = ReadOnGpu<T>(layout, top);
      ForUnitsOfBlob<T>(count, Aligned(x, y, dy, dx), [&](auto* unit) {
        using Unit = std::remove_pointer_t<decltype(unit)>;
        return ProductDiff<Arithmetic<T>, Unit>{AsUnits<Unit>(x), AsUnits<Unit>(y),
                                                AsUnits<Unit>(dy), AsUnits<Unit>(dx)};
      });
    });
  });
}

template <typename Dtype>
void EltwiseLayer<Dtype>::MaxBackwardOnGpu(const Blob<Dtype>& top,
                                           const vector<bool>& propagate_down,
                                           const vector<Blob<Dtype>*>& bottom) {
  const int count = top.count();
  const Element element = StoredOnGpu(top, Part::kDiff).element;
  const ChannelLayout layout = max_channels_last_ ? ChannelsLast(top, element) : PlainLayout(top);
  VisitOnGpu<Dtype>(layout, [&](auto type) {
    using T = decltype(type);
    const T* dy = ReadOnGpu<T>(layout, top, Part::kDiff);
    ForBottomsFirstLast(propagate_down, [&](int k) {
      T* dx = WriteOnGpu<T>(layout, bottom[k], Part::kDiff);
      ForUnitsOfBlob<T>(count, Aligned(dy, dx), [&](auto* unit) {
        using Unit = std::remove_pointer_t<decltype(unit)>;
        const auto* origins = AsUnits<Pack<int, Unit::kSize>>(max_idx_.gpu_data());
        return WhereFrom<Unit>{origins, k, AsUnits<Unit>(dy), AsUnits<Unit>(dx)};
      });
    });
  });
}

template <typename Dtype>
void EltwiseLayer<Dtype>::Backward_gpu(const vector<Blob<Dtype>*>& top,
                                       const vector<bool>& propagate_down,
                                       const vector<Blob<Dtype>*>& bottom) {
  switch (op_) {
    case EltwiseParameter_EltwiseOp_SUM:
      return SumBackwardOnGpu(*top[0], propagate_down, bottom);
    case EltwiseParameter_EltwiseOp_PROD:
      return ProductBackwardOnGpu(*top[0], propagate_down, bottom);
    default:
      MaxBackwardOnGpu(*top[0], propagate_down, bottom);
  }
}

INSTANTIATE_LAYER_GPU_FUNCS(EltwiseLayer);

}  // namespace caffe
