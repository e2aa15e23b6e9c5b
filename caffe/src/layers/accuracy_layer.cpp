#include "caffe/layers/accuracy_layer.hpp"

#include <vector>

#include <boost/optional.hpp>

#include "layers/no_gradient.hpp"
#include "util/rows.hpp"

namespace caffe {

template <typename Dtype>
void AccuracyLayer<Dtype>::Reshape(const vector<Blob<Dtype>*>& bottom,
                                   const vector<Blob<Dtype>*>& top) {
  const AccuracyParameter& param = this->layer_param_.accuracy_param();
  has_ignore_label_ = param.has_ignore_label();
  ignore_label_ = param.ignore_label();
  label_axis_ = bottom[0]->CanonicalAxisIndex(param.axis());
  outer_num_ = bottom[0]->count(0, label_axis_);
  inner_num_ = bottom[0]->count(label_axis_ + 1);
  const int classes = bottom[0]->shape(label_axis_);
  CHECK(1 <= param.top_k() && param.top_k() <= unsigned(classes))
      << "accuracy_param.top_k is " << param.top_k() << ": give a number from 1 to that of the "
      << "classes of scores of shape " << bottom[0]->shape_string();
  top_k_ = param.top_k();
  ClassLabels::CheckShape(*bottom[1], outer_num_ * inner_num_);
  top[0]->Reshape(vector<int>());
  if (top.size() > 1) top[1]->Reshape(vector<int>{classes});
}

template <typename Dtype>
void AccuracyLayer<Dtype>::Forward_cpu(const vector<Blob<Dtype>*>& bottom,
                                       const vector<Blob<Dtype>*>& top) {
  const int classes = bottom[0]->shape(label_axis_);
  const std::ptrdiff_t stride = inner_num_;
  labels_.Read(*bottom[1], classes,
               has_ignore_label_ ? boost::optional<int>(ignore_label_) : boost::none);
  const Dtype* scores = bottom[0]->cpu_data();
  vector<char> hit(labels_.count());
  ForRows(labels_.count(), classes, [&](std::ptrdiff_t i) {
    if (labels_[i] == ClassLabels::kIgnored) return;
    const Dtype* x = scores + i / stride * classes * stride + i % stride;
    const Dtype own = x[labels_[i] * stride];
    int better = -1;  // the label's own class is counted too
    for (int c = 0; c < classes; ++c) better += x[c * stride] >= own;
    hit[i] = better >= 0 && better < top_k_;
  });

  vector<int> hits(classes);
  int total = 0;
  for (int i = 0; i < labels_.count(); ++i) {
    if (hit[i]) ++hits[labels_[i]];
    total += hit[i];
  }
  const auto share = [](int part, int whole) {
    return whole == 0 ? Dtype(0) : Dtype(part) / whole;
  };
  top[0]->mutable_cpu_data()[0] = share(total, labels_.valid_count());
  if (top.size() == 1) return;
  const vector<int> counts = labels_.Histogram(classes);
  for (int c = 0; c < classes; ++c) top[1]->mutable_cpu_data()[c] = share(hits[c], counts[c]);
}

template <typename Dtype>
void AccuracyLayer<Dtype>::Backward_cpu(const vector<Blob<Dtype>*>& top,
                                        const vector<bool>& propagate_down,
                                        const vector<Blob<Dtype>*>& bottom) {
  RefuseGradient(*this, propagate_down);
}

INSTANTIATE_CLASS(AccuracyLayer);
REGISTER_LAYER_CLASS(Accuracy);

}  // namespace caffe
