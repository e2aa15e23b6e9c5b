#include "caffe/layers/eltwise_layer.hpp"

#include <algorithm>
#include <vector>

#include "layers/element_layout.hpp"
#include "layers/element_sums.hpp"
#include "layers/eltwise_elements.hpp"
#include "layers/exact_class.hpp"
#include "layers/fused_relu.hpp"

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

// y = the largest element of the bottoms, origin = its bottom.
template <typename Dtype>
void TakeLargest(const vector<const Dtype*>& x, std::ptrdiff_t count, Dtype* y, int* origin) {
  ForElementBlocks(count, [&](std::ptrdiff_t begin, std::ptrdiff_t end) {
    std::copy(x[0] + begin, x[0] + end, y + begin);
    std::fill(origin + begin, origin + end, 0);
    for (int k = 1; k < static_cast<int>(x.size()); ++k) {
      for (std::ptrdiff_t i = begin; i < end; ++i) {
        if (!IsNewLargest(k, x[k][i], y[i])) continue;
        y[i] = x[k][i];
        origin[i] = k;
      }
    }
  });
}

template <typename T, typename Dtype>
vector<const T*> ReadAll(const ChannelLayout& layout, const vector<Blob<Dtype>*>& blobs) {
  vector<const T*> values;
  for (const Blob<Dtype>* blob : blobs) values.push_back(ReadAs<T>(layout, *blob));
  return values;
}

}  // namespace

template <typename Dtype>
void EltwiseLayer<Dtype>::Forward_cpu(const vector<Blob<Dtype>*>& bottom,
                                      const vector<Blob<Dtype>*>& top) {
  const std::ptrdiff_t count = top[0]->count();
  if (op_ == EltwiseParameter_EltwiseOp_MAX) {
    // The places in max_idx_ are those of the plain order.
    const ChannelLayout plain = PlainLayout(*bottom[0]);
    // In place, what is to be written drops the other orders of what is still to be read.
    const vector<const Dtype*> x = ReadAll<Dtype>(plain, bottom);
    Dtype* y = WriteIn(plain, top[0]);
    return TakeLargest(x, count, y, max_idx_.mutable_cpu_data());
  }
  const ChannelLayout layout =
      ElementLayout(*bottom[0]).WithElement(ElementOfParts(bottom, Part::kData));
  VisitElements<Dtype>(layout, [&](auto type) {
    using T = decltype(type);
    const vector<const T*> x = ReadAll<T>(layout, bottom);
    T* y = WriteAs<T>(layout, top[0]);
    if (op_ == EltwiseParameter_EltwiseOp_PROD) return MultiplyElements<Dtype>(x, count, y);
    SumElements(x, coeffs_, count, y, relu_slope_);
  });
}

template <typename Dtype>
void EltwiseLayer<Dtype>::BackwardSum(const Blob<Dtype>& top, const vector<bool>& propagate_down,
                                      const vector<Blob<Dtype>*>& bottom) {
  const ChannelLayout layout = StoredElementLayout(top, Part::kDiff);
  VisitElements<Dtype>(layout, [&](auto type) {
    using T = decltype(type);
    const T* y = relu_slope_ == Dtype(1) ? nullptr : ReadAs<T>(layout, top);
    const T* dy = ReadAs<T>(layout, top, Part::kDiff);
    vector<T*> dx(bottom.size());
    ForBottomsFirstLast(propagate_down,
                        [&](int k) { dx[k] = WriteAs<T>(layout, bottom[k], Part::kDiff); });
    SpreadElements(dy, y, relu_slope_, coeffs_, top.count(), dx);
  });
}

template <typename Dtype>
bool EltwiseLayer<Dtype>::Fuse(const shared_ptr<Layer<Dtype>>& next, bool backward) {
  if (!IsExactly<EltwiseLayer>(*this) || op_ != EltwiseParameter_EltwiseOp_SUM ||
      relu_slope_ != Dtype(1)) {
    return false;
  }
  const auto slope = SlopeOfFusibleReLU(*next);
  if (slope) relu_slope_ = *slope;
  return slope.has_value();
}

template <typename Dtype>
void EltwiseLayer<Dtype>::Backward_cpu(const vector<Blob<Dtype>*>& top,
                                       const vector<bool>& propagate_down,
                                       const vector<Blob<Dtype>*>& bottom) {
  if (op_ == EltwiseParameter_EltwiseOp_SUM) {
    return BackwardSum(*top[0], propagate_down, bottom);
  }
  const bool max = op_ == EltwiseParameter_EltwiseOp_MAX;
  const ChannelLayout layout = max ? PlainLayout(*top[0]) : ElementLayout(*top[0], Part::kDiff);
  const Dtype* dy = ReadIn(layout, *top[0], Part::kDiff);
  ForBottomsFirstLast(propagate_down, [&](int k) {
    Dtype* dx = WriteIn(layout, bottom[k], Part::kDiff);
    const std::ptrdiff_t count = bottom[k]->count();
    if (max) {
      const int* origin = max_idx_.cpu_data();
      ParallelElements(count, [=](std::ptrdiff_t i) { dx[i] = origin[i] == k ? dy[i] : Dtype(0); });
    } else if (stable_prod_grad_) {
      // The product of the other bottoms, which also holds where this one is 0.
      caffe_copy(count, dy, dx);
      for (int other = 0; other < static_cast<int>(bottom.size()); ++other) {
        if (other != k) caffe_mul(count, ReadIn(layout, *bottom[other]), dx, dx);
      }
    } else {
      const Dtype* x = ReadIn(layout, *bottom[k]);
      const Dtype* y = ReadIn(layout, *top[0]);
      ParallelElements(count, [=](std::ptrdiff_t i) { dx[i] = y[i] / x[i] * dy[i]; });
    }
  });
}

INSTANTIATE_CLASS(EltwiseLayer);
REGISTER_LAYER_CLASS(Eltwise);

}  // namespace caffe
