#ifndef CAFFE_BASE_CONVOLUTION_LAYER_HPP_
#define CAFFE_BASE_CONVOLUTION_LAYER_HPP_

#include <vector>

#include "caffe/blob.hpp"
#include "caffe/layer.hpp"
#include "caffe/proto/caffe.pb.h"
#include "caffe/util/layer_gpu.hpp"

// Not needed here: code written for Caffe 1.0 finds im2col_cpu and its kin through this header.
#include "caffe/util/im2col.hpp"

namespace caffe {

struct ConvolutionGeometry;
struct DeviceWindows;

namespace dnn {
template <typename Dtype>
class Convolution;
}  // namespace dnn

/// What Convolution and Deconvolution share: parameters, shapes, and the products of a matrix of
/// weights with columns (im2col) on which both are built.
///
/// Both relate an image of "conv in" channels to a feature map of "conv out" channels; Convolution
/// goes from the image to the features, Deconvolution (reverse_dimensions) the other way.
/// Learnable blobs: weights, conv out x conv in / group x kernel; bias, num_output.
template <typename Dtype>
class BaseConvolutionLayer : public Layer<Dtype> {
 public:
  explicit BaseConvolutionLayer(const LayerParameter& param) : Layer<Dtype>(param) {}
  ~BaseConvolutionLayer() override;
  void LayerSetUp(const vector<Blob<Dtype>*>& bottom, const vector<Blob<Dtype>*>& top) override;
  void Reshape(const vector<Blob<Dtype>*>& bottom, const vector<Blob<Dtype>*>& top) override;

  int MinBottomBlobs() const override { return 1; }
  int MinTopBlobs() const override { return 1; }
  bool EqualNumBottomTopBlobs() const override { return true; }
  bool WorksInPlace() const override { return false; }
  bool BackwardReadsBottom(int bottom_index) const override {
    return this->param_propagate_down(0);
  }
  bool BackwardReadsTop(int top_index) const override { return false; }

 protected:
  // For one item of a batch; `input` has the image's side's shape, `output` the features'.

  /// output = weights * im2col(input). skip_im2col: the columns of this input are still there.
  void forward_cpu_gemm(const Dtype* input, const Dtype* weights, Dtype* output,
                        bool skip_im2col = false);
  /// output += bias, channel by channel; output is a top.
  void forward_cpu_bias(Dtype* output, const Dtype* bias);
  /// output = col2im(weights' * input): from features to image.
  void backward_cpu_gemm(const Dtype* input, const Dtype* weights, Dtype* output);
  /// weights += output * im2col(input)'.
  void weight_cpu_gemm(const Dtype* input, const Dtype* output, Dtype* weights);
  /// bias += sums of the channels of input, which is the diff of a top.
  void backward_cpu_bias(Dtype* bias, const Dtype* input);

#ifndef CPU_ONLY
  // The same on the GPU.
  void forward_gpu_gemm(const Dtype* input, const Dtype* weights, Dtype* output,
                        bool skip_im2col = false);
  void forward_gpu_bias(Dtype* output, const Dtype* bias);
  void backward_gpu_gemm(const Dtype* input, const Dtype* weights, Dtype* output);
  void weight_gpu_gemm(const Dtype* input, const Dtype* output, Dtype* weights);
  void backward_gpu_bias(Dtype* bias, const Dtype* input);
#endif

  // The same on either device, for passes that are written once
  // (src/layers/convolution_products.hpp).

  template <typename Device>
  void ImageToFeatures(const Dtype* image, const Dtype* weights, Dtype* features,
                       bool keep_columns = false);
  template <typename Device>
  void FeaturesToImage(const Dtype* features, const Dtype* weights, Dtype* image);
  template <typename Device>
  void AddWeightDiff(const Dtype* image, const Dtype* features, Dtype* weights);
  void AddBias(OnCpu, Dtype* output, const Dtype* bias);
  void AddBias(OnGpu, Dtype* output, const Dtype* bias);
  void AddBiasDiff(OnCpu, Dtype* bias, const Dtype* input);
  void AddBiasDiff(OnGpu, Dtype* bias, const Dtype* input);

  /// Size of axis channel_axis_ + i of the bottoms.
  int input_shape(int i) { return (*bottom_shape_)[channel_axis_ + i]; }
  /// Whether the bottom is the feature side.
  virtual bool reverse_dimensions() = 0;
  /// Computes output_shape_ from the bottom's shape.
  virtual void compute_output_shape() = 0;

  /// The oneDNN primitives for the present shapes, or null where the matrix products do the work:
  /// for double, `engine: CAFFE`, other than two spatial axes, and cases oneDNN has no kernel for.
  /// In GPU mode, those of cuDNN, for double too.
  dnn::Convolution<Dtype>* fast();
  /// Whether fast() is to be asked for in this mode, for the layer's parameters and shape.
  bool wants_fast() const;
  /// The present shapes.
  ConvolutionGeometry Geometry() const;
  /// Makes the features of fast() pass a ReLU of this slope.
  void set_relu_slope(float slope) {
    relu_slope_ = slope;
    fast_shape_.clear();
  }
  /// Makes fast() multiply its features by factors (the dnn::Parameters'), or not.
  void set_scales_features(bool scales) {
    scales_features_ = scales;
    fast_shape_.clear();
  }
  /// Operations of Forward for one pair of bottom and top.
  double Operations() const {
    return 2. * num_ * conv_out_channels_ * conv_out_spatial_dim_ * kernel_dim_;
  }
  /// Whether oneDNN's kernels suit the layer's present shape at all.
  virtual bool fast_pays() const { return true; }

  Blob<int> kernel_shape_;
  Blob<int> stride_;
  Blob<int> pad_;
  Blob<int> dilation_;
  /// Channels and spatial axes of the image side.
  Blob<int> conv_input_shape_;
  /// Rows and output positions of the columns.
  vector<int> col_buffer_shape_;
  /// Spatial axes of the tops.
  vector<int> output_shape_;
  const vector<int>* bottom_shape_ = nullptr;

  int num_spatial_axes_ = 0;
  int bottom_dim_ = 0;
  int top_dim_ = 0;
  int channel_axis_ = 0;
  int num_ = 0;
  int channels_ = 0;
  int group_ = 0;
  int out_spatial_dim_ = 0;
  int weight_offset_ = 0;
  int num_output_ = 0;
  bool bias_term_ = false;
  bool is_1x1_ = false;
  bool force_nd_im2col_ = false;
  /// Of the feature side: channels and positions; then channels of the image side.
  int conv_out_channels_ = 0;
  int conv_out_spatial_dim_ = 0;
  int conv_in_channels_ = 0;
  // Of a group: rows of the columns, elements of the columns, elements of the features.
  int kernel_dim_ = 0;
  int col_offset_ = 0;
  int output_offset_ = 0;

 private:
  void SetUpBlobs();
  DeviceWindows Windows(OnGpu);
  void ToColumns(OnCpu, const Dtype* image, Dtype* columns);
  void ToColumns(OnGpu, const Dtype* image, Dtype* columns);
  void ToImage(OnCpu, const Dtype* columns, Dtype* image);
  void ToImage(OnGpu, const Dtype* columns, Dtype* image);
  /// Memory for the columns of one item; on the GPU all layers share it.
  Dtype* ColumnBuffer(OnCpu);
  Dtype* ColumnBuffer(OnGpu);
  /// The columns of an image: a buffer (with what is in it, to keep), or the image itself for 1x1
  /// kernels.
  template <typename Device>
  const Dtype* Columns(const Dtype* image, bool keep);

  Blob<Dtype> col_buffer_;
  float relu_slope_ = 1;
  bool scales_features_ = false;
  shared_ptr<dnn::Convolution<Dtype>> fast_;
  /// Bottom shape and mode that fast_ was looked up for (it may have been found to be null).
  vector<int> fast_shape_;
  bool fast_is_gpu_ = false;
};

}  // namespace caffe

#endif  // CAFFE_BASE_CONVOLUTION_LAYER_HPP_
