#include "dcme_loss_layer.hpp"

#include <algorithm>
#include <numeric>

#include "dcme/simd.hpp"

namespace caffe {

namespace {

// ---- outputs [begin, end); where each counts once, loops are over vectors ----

template <typename Dtype>
DCME_SIMD_CLONES double SumOfSquares(const dcme::IndependentOutputs<Dtype> outputs, int begin,
                                     int end) {
  double sum = 0;
  if (outputs.weight) {
    for (int i = begin; i < end; ++i) sum += outputs.at(i).squared();
    return sum;
  }
  const Dtype* prediction = outputs.prediction;
  const Dtype* target = outputs.target;
#pragma omp simd reduction(+ : sum)
  for (int i = begin; i < end; ++i) sum += dcme::squared_error(prediction[i], target[i]);
  return sum;
}

template <typename Dtype>
DCME_SIMD_CLONES void WriteGradients(const dcme::IndependentOutputs<Dtype> outputs, Dtype scale,
                                     int begin, int end, Dtype* diff) {
  const Dtype amplitude = outputs.amplitude;
  if (outputs.weight) {
    for (int i = begin; i < end; ++i) diff[i] = scale * outputs.at(i).gradient(amplitude);
    return;
  }
  const Dtype* prediction = outputs.prediction;
  const Dtype* target = outputs.target;
#pragma omp simd
  for (int i = begin; i < end; ++i) {
    diff[i] = scale * dcme::clip_error(prediction[i] - target[i], amplitude);
  }
}

// Calls body(piece, begin, end) for pieces of `size` of `count` outputs, on several threads.
template <typename Body>
void EachPiece(int count, int size, const Body& body) {
  const int pieces = count ? (count - 1) / size + 1 : 0;
#pragma omp parallel for
  for (int piece = 0; piece < pieces; ++piece) {
    const int begin = piece * size;
    body(piece, begin, begin + std::min(size, count - begin));
  }
}

}  // namespace

template <typename Dtype>
void DCMELossLayer<Dtype>::LayerSetUp(const vector<Blob<Dtype>*>& bottom,
                                      const vector<Blob<Dtype>*>& top) {
  LossLayer<Dtype>::LayerSetUp(bottom, top);
  param_ = dcme::loss_parameters(this->layer_param_);
  CHECK(param_.amplitude() >= 0) << dcme::error_head(this->layer_param_) << "amplitude "
                                 << param_.amplitude()
                                 << " is negative: it is the range of the clipped error; 0 turns "
                                    "clipping off";
}

template <typename Dtype>
void DCMELossLayer<Dtype>::Reshape(const vector<Blob<Dtype>*>& bottom,
                                   const vector<Blob<Dtype>*>& top) {
  const Blob<Dtype>& prediction = *bottom[0];
  CHECK(prediction.shape() == bottom[1]->shape())
      << dcme::error_head(this->layer_param_) << "the prediction is " << prediction.shape_string()
      << " but the target " << bottom[1]->shape_string()
      << ": make the net's output as large as the labels";
  if (bottom.size() > 2) {
    vector<int> one_channel = prediction.shape();
    if (one_channel.size() > 1) one_channel[1] = 1;
    CHECK(bottom[2]->shape() == prediction.shape() || bottom[2]->shape() == one_channel)
        << dcme::error_head(this->layer_param_) << "the weights are " << bottom[2]->shape_string()
        << ", not one an output or one a pixel of " << prediction.shape_string();
  }
  top[0]->Reshape(vector<int>());
  // Without a sum beyond what an int holds.
  const int count = prediction.count();
  partial_sums_.Reshape(vector<int>{count ? (count - 1) / kPiece + 1 : 0});
}

template <typename Dtype>
dcme::IndependentOutputs<Dtype> DCMELossLayer<Dtype>::OutputShape(
    const vector<Blob<Dtype>*>& bottom) const {
  dcme::IndependentOutputs<Dtype> outputs{};
  const int images = std::max(bottom[0]->shape(0), 1);
  outputs.image = bottom[0]->count() / images;
  outputs.weights = bottom.size() > 2 ? bottom[2]->count() / images : 0;
  outputs.amplitude = static_cast<Dtype>(param_.amplitude());
  return outputs;
}

template <typename Dtype>
dcme::IndependentOutputs<Dtype> DCMELossLayer<Dtype>::HostOutputs(
    const vector<Blob<Dtype>*>& bottom) const {
  dcme::IndependentOutputs<Dtype> outputs = OutputShape(bottom);
  outputs.prediction = bottom[0]->cpu_data();
  outputs.target = bottom[1]->cpu_data();
  outputs.weight = bottom.size() > 2 ? bottom[2]->cpu_data() : nullptr;
  return outputs;
}

template <typename Dtype>
Dtype DCMELossLayer<Dtype>::GradientScale(const Blob<Dtype>& bottom, const Blob<Dtype>& top) const {
  const Dtype loss_weight = top.cpu_diff()[0];
  switch (param_.normalization()) {
    case dcme::LossParameter::BATCH:
      return loss_weight / bottom.shape(0);
    case dcme::LossParameter::FULL:
      return loss_weight / bottom.count();
    default:
      return loss_weight;
  }
}

template <typename Dtype>
void DCMELossLayer<Dtype>::RefuseWeightGradient(const vector<bool>& propagate_down) const {
  CHECK(propagate_down.size() < 3 || !propagate_down[2])
      << dcme::error_head(this->layer_param_)
      << "the weights have no gradient: give them propagate_down: false";
}

template <typename Dtype>
void DCMELossLayer<Dtype>::Forward_cpu(const vector<Blob<Dtype>*>& bottom,
                                       const vector<Blob<Dtype>*>& top) {
  const dcme::IndependentOutputs<Dtype> outputs = HostOutputs(bottom);
  const int count = bottom[0]->count();
  double* sums = partial_sums_.mutable_cpu_data();
  EachPiece(count, kPiece, [&](int piece, int begin, int end) {
    sums[piece] = SumOfSquares(outputs, begin, end);
  });
  const double total = std::accumulate(sums, sums + partial_sums_.count(), 0.0);
  top[0]->mutable_cpu_data()[0] = static_cast<Dtype>(count > 0 ? total / (2.0 * count) : 0.0);
}

template <typename Dtype>
void DCMELossLayer<Dtype>::Backward_cpu(const vector<Blob<Dtype>*>& top,
                                        const vector<bool>& propagate_down,
                                        const vector<Blob<Dtype>*>& bottom) {
  RefuseWeightGradient(propagate_down);
  const dcme::IndependentOutputs<Dtype> outputs = HostOutputs(bottom);
  const Dtype scale = GradientScale(*bottom[0], *top[0]);
  const int count = bottom[0]->count();
  for (int b = 0; b < 2; ++b) {
    if (!propagate_down[b]) continue;
    const Dtype signed_scale = b == 0 ? scale : -scale;
    Dtype* diff = bottom[b]->mutable_cpu_diff();
    EachPiece(count, kPiece, [&](int, int begin, int end) {
      WriteGradients(outputs, signed_scale, begin, end, diff);
    });
  }
}

#ifdef CPU_ONLY
STUB_GPU(DCMELossLayer);
#endif

INSTANTIATE_CLASS(DCMELossLayer);
REGISTER_LAYER_CLASS(DCMELoss);

}  // namespace caffe
