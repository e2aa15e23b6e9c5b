#include "caffe/layers/accuracy_layer.hpp"
#include "util/device_loops.cuh"

namespace caffe {

namespace {

// Labels whose class is among the k best scores, valid and wrong labels.
struct Counts {
  double right, valid, bad;
  CAFFE_HOST_DEVICE void operator+=(const Counts& other) {
    right += other.right;
    valid += other.valid;
    bad += other.bad;
  }
};

// Row c: the labels of class c; row `classes`: all labels.
template <typename Dtype>
struct CountsOfPosition {
  LabelReader<Dtype> labels;
  int inner, k;
  int first_row;
  const Dtype* scores;
  CAFFE_HOST_DEVICE Counts operator()(int row, int i) const {
    const int label = labels(i);
    const int classes = labels.classes;
    const int wanted = first_row + row;
    if (label < 0) return {0, 0, label == LabelReader<Dtype>::kBad ? 1. : 0.};
    if (wanted != classes && wanted != label) return {0, 0, 0};
    const Dtype* x = scores + i / inner * classes * inner + i % inner;
    const Dtype own = x[label * inner];
    int better = -1;  // the label's own class is counted too
    for (int c = 0; c < classes; ++c) better += x[c * inner] >= own;
    return {better >= 0 && better < k ? 1. : 0., 1, 0};
  }
};

struct StoreCounts {
  double* to;
  CAFFE_HOST_DEVICE void operator()(int row, const Counts& counts) const {
    to[3 * row] = counts.right;
    to[3 * row + 1] = counts.valid;
    to[3 * row + 2] = counts.bad;
  }
};

}  // namespace

template <typename Dtype>
void AccuracyLayer<Dtype>::Forward_gpu(const vector<Blob<Dtype>*>& bottom,
                                       const vector<Blob<Dtype>*>& top) {
  const int classes = bottom[0]->shape(label_axis_);
  const auto ignore = has_ignore_label_ ? boost::optional<int>(ignore_label_) : boost::none;
  // Without a second top, only the last row is wanted.
  const int rows = top.size() > 1 ? classes + 1 : 1;
  counts_.Reshape(vector<int>{rows, 3});
  const LabelReader<Dtype> labels(bottom[1]->gpu_data(), classes, ignore);
  SumRows<Counts>(rows, outer_num_ * inner_num_,
                  CountsOfPosition<Dtype>{labels, inner_num_, top_k_, classes + 1 - rows,
                                          bottom[0]->gpu_data()},
                  StoreCounts{counts_.mutable_gpu_data()});
  const double* counts = counts_.cpu_data();
  const auto share = [&](int row) {
    const double valid = counts[3 * row + 1];
    return static_cast<Dtype>(valid == 0 ? 0 : counts[3 * row] / valid);
  };
  // Says which label it is.
  if (counts[3 * rows - 1] > 0) labels_.Read(*bottom[1], classes, ignore);
  top[0]->mutable_cpu_data()[0] = share(rows - 1);
  for (int c = 0; c + 1 < rows; ++c) top[1]->mutable_cpu_data()[c] = share(c);
}

INSTANTIATE_LAYER_GPU_FORWARD(AccuracyLayer);

}  // namespace caffe
