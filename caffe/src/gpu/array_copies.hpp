#ifndef CAFFE_SRC_GPU_ARRAY_COPIES_HPP_
#define CAFFE_SRC_GPU_ARRAY_COPIES_HPP_

#ifndef CPU_ONLY

namespace caffe {

/// As many arrays as a kernel takes in its arguments, which may have 4 KiB.
struct ArraysToCopy {
  static constexpr int kMost = 150;

  const float* from[kMost];
  float* to[kMost];
  int count[kMost];
};

/// Copies of small arrays on the GPU, many in one launch.
class ArrayCopies {
 public:
  /// The arrays must be there until Finish.
  void Add(const float* from, float* to, int count);
  /// Queues those that have been added.
  void Finish();

 private:
  ArraysToCopy arrays_;
  int added_ = 0;
};

}  // namespace caffe

#endif  // CPU_ONLY

#endif  // CAFFE_SRC_GPU_ARRAY_COPIES_HPP_
