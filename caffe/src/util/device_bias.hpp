#ifndef CAFFE_SRC_UTIL_DEVICE_BIAS_HPP_
#define CAFFE_SRC_UTIL_DEVICE_BIAS_HPP_

namespace caffe {

/// values = relu(values + bias) for num x channels x inner values in plain order. A null bias adds
/// nothing; what is negative then is multiplied by `slope`. Pointers of these functions are on the
/// GPU.
template <typename Dtype>
void AddBiasOnGpu(int num, int channels, int inner, const Dtype* bias, Dtype slope, Dtype* values);

/// diff += the sum of each channel's values.
template <typename Dtype>
void AddBiasDiffOnGpu(int num, int channels, int inner, const Dtype* values, Dtype* diff);

}  // namespace caffe

#endif  // CAFFE_SRC_UTIL_DEVICE_BIAS_HPP_
