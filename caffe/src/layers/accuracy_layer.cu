#include "caffe/layers/accuracy_layer.hpp"
#include "gpu/loops.cuh"
#include "util/two_sums.hpp"

namespace caffe {

namespace {

// Labels whose class is among the k best scores, and all valid ones.
struct Counts : TwoSums {
  CAFFE_HOST_DEVICE double Share() const { return second == 0 ? 0 : first / second; }
};

// Row c: the labels of class c; row `classes`: all labels.
template <typename Dtype>
struct CountsOfPosition {
  LabelReader<Dtype> labels;
  int inner, k;
  int first_row;
  const Dtype* scores;
  int* bad;
  __device__ Counts operator()(int row, int i) const {
    const int label = labels(i);
    const int classes = labels.classes;
    const int wanted = first_row + row;
    if (label == LabelReader<Dtype>::kBad) *bad = 1 + i;
    if (label < 0 || (wanted != classes && wanted != label)) return {0, 0};
    const Dtype* x = scores + i / inner * classes * inner + i % inner;
    const Dtype own = x[label * inner];
    int better = -1;  // the label's own class is counted too
    for (int c = 0; c < classes; ++c) better += x[c * inner] >= own;
    return {better >= 0 && better < k ? 1. : 0., 1};
  }
};

template <typename Dtype>
struct StoreShare {
  int classes, first_row;
  Dtype* of_all;
  Dtype* of_class;
  CAFFE_HOST_DEVICE void operator()(int row, const Counts& counts) const {
    const int c = first_row + row;
    (c == classes ? *of_all : of_class[c]) = static_cast<Dtype>(counts.Share());
  }
};

}  // namespace

template <typename Dtype>
void AccuracyLayer<Dtype>::Forward_gpu(const vector<Blob<Dtype>*>& bottom,
                                       const vector<Blob<Dtype>*>& top) {
  const int classes = bottom[0]->shape(label_axis_);
  labels_.CheckEarlierOnes(classes);
  const auto ignore = has_ignore_label_ ? boost::optional<int>(ignore_label_) : boost::none;
  // Without a second top, only the last row is wanted.
  const int rows = top.size() > 1 ? classes + 1 : 1;
  const int first_row = classes + 1 - rows;
  const LabelReader<Dtype> labels(bottom[1]->gpu_data(), classes, ignore);
  SumRows<Counts>(rows, outer_num_ * inner_num_,
                  CountsOfPosition<Dtype>{labels, inner_num_, top_k_, first_row,
                                          bottom[0]->gpu_data(), labels_.bad_label()},
                  StoreShare<Dtype>{classes, first_row, top[0]->mutable_gpu_data(),
                                    top.size() > 1 ? top[1]->mutable_gpu_data() : nullptr});
  labels_.CheckThese(*bottom[1], classes, ignore);
}

INSTANTIATE_LAYER_GPU_FORWARD(AccuracyLayer);

}  // namespace caffe
