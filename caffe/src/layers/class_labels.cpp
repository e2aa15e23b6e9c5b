#include "caffe/util/class_labels.hpp"

#include <atomic>

#include "caffe/util/parallel_for.hpp"
#include "core/queued_loss.hpp"
#include "util/parallel_sum.hpp"

namespace caffe {

template <typename Dtype>
void ClassLabels::CheckShape(const Blob<Dtype>& blob, int positions) {
  CHECK_EQ(blob.count(), positions)
      << ": there must be one label for each position of the scores (e.g. N x H x W labels for "
      << "N x C x H x W scores); the labels' shape is " << blob.shape_string();
}

template <typename Dtype>
void ClassLabels::Read(const Blob<Dtype>& blob, int classes, boost::optional<int> ignore) {
  const int count = blob.count();
  labels_.resize(count);
  const Dtype* values = blob.cpu_data();
  const LabelReader<Dtype> read(values, classes, ignore);
  int* labels = labels_.data();
  std::atomic<std::ptrdiff_t> bad(-1);
  ParallelFor(count, kElementwiseGrain, [&](std::ptrdiff_t begin, std::ptrdiff_t end) {
    for (std::ptrdiff_t i = begin; i < end; ++i) {
      labels[i] = read(i);
      if (labels[i] == LabelReader<Dtype>::kBad) bad = i;
    }
  });
  if (bad >= 0) {
    LOG(FATAL) << "label " << values[bad] << " at position " << bad << " is none of the " << classes
               << " classes that there are scores for: correct the labels, or give the one to "
               << "leave out as ignore_label";
  }
  valid_count_ =
      ParallelSum<int>(count, [=](std::ptrdiff_t i) { return labels[i] == kIgnored ? 0 : 1; });
}

#ifndef CPU_ONLY

void ClassLabels::CheckEarlierOnes(int classes) {
  const int bad = bad_label_.Take();
  CHECK(bad == 0) << "the label at position " << bad - 1 << " of the last batch is none of the "
                  << classes << " classes that there are scores for: correct the labels, or give "
                  << "the one to leave out as ignore_label";
}

template <typename Dtype>
void ClassLabels::CheckThese(const Blob<Dtype>& blob, int classes, boost::optional<int> ignore) {
  if (QueuedLoss<Dtype>::Current()) return;
  CUDA_CHECK(cudaStreamSynchronize(ThreadStream()));
  if (bad_label_.Take() != 0) Read(blob, classes, ignore);
}
template void ClassLabels::CheckThese(const Blob<float>&, int, boost::optional<int>);
template void ClassLabels::CheckThese(const Blob<double>&, int, boost::optional<int>);

#endif

std::vector<int> ClassLabels::Histogram(int classes) const {
  std::vector<int> histogram(classes);
  for (const int label : labels_) {
    if (label != kIgnored) ++histogram[label];
  }
  return histogram;
}

template void ClassLabels::CheckShape<float>(const Blob<float>&, int);
template void ClassLabels::CheckShape<double>(const Blob<double>&, int);
template void ClassLabels::Read<float>(const Blob<float>&, int, boost::optional<int>);
template void ClassLabels::Read<double>(const Blob<double>&, int, boost::optional<int>);

}  // namespace caffe
