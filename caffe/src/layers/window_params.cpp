#include "layers/window_params.hpp"

namespace caffe {

namespace {

using Field = google::protobuf::RepeatedField<google::protobuf::uint32>;

// The _h and _w forms of a field.
struct PerAxis {
  bool has_h, has_w;
  int h, w;
  bool any() const { return has_h || has_w; }
};

// No axis of a blob is longer than an int, so larger values are mistakes.
const unsigned kLargest = 1 << 30;

void Read(const char* name, const Field& field, const PerAxis& per_axis, int spatial_axes,
          int otherwise, int least, Blob<int>* values) {
  // A blob without elements would have no memory.
  values->Reshape(vector<int>(1, std::max(spatial_axes, 1)));
  int* data = values->mutable_cpu_data();
  if (per_axis.any()) {
    const string stem = string(name) == "kernel_size" ? "kernel" : name;
    const string pair = stem + "_h and " + stem + "_w";
    CHECK_EQ(spatial_axes, 2) << " spatial axes: " << pair << " are for two";
    CHECK(per_axis.has_h && per_axis.has_w) << "give both " << pair << ", or one " << name;
    CHECK(field.size() == 0) << "give either " << pair << " or " << name;
    data[0] = per_axis.h;
    data[1] = per_axis.w;
  } else {
    CHECK(field.size() <= 1 || field.size() == spatial_axes)
        << name << " is given " << field.size() << " times: give it once, or once for each of the "
        << spatial_axes << " spatial axes";
    CHECK(field.size() > 0 || otherwise >= 0 || spatial_axes == 0)
        << name << " is missing from convolution_param";
    for (int i = 0; i < spatial_axes; ++i) {
      data[i] = field.empty()
                    ? otherwise
                    : static_cast<int>(std::min(kLargest, field.Get(field.size() == 1 ? 0 : i)));
    }
  }
  for (int i = 0; i < spatial_axes; ++i) {
    CHECK(data[i] >= least && data[i] < static_cast<int>(kLargest))
        << name << " is " << data[i] << ": give a value from " << least << " on";
  }
}

}  // namespace

void ReadWindowParams(const ConvolutionParameter& param, int spatial_axes, Blob<int>* kernel,
                      Blob<int>* stride, Blob<int>* pad, Blob<int>* dilation) {
  Read("kernel_size", param.kernel_size(),
       {param.has_kernel_h(), param.has_kernel_w(), static_cast<int>(param.kernel_h()),
        static_cast<int>(param.kernel_w())},
       spatial_axes, -1, 1, kernel);
  Read("stride", param.stride(),
       {param.has_stride_h(), param.has_stride_w(), static_cast<int>(param.stride_h()),
        static_cast<int>(param.stride_w())},
       spatial_axes, 1, 1, stride);
  // pad_h or pad_w alone is common; the other one is 0 then.
  const bool pads = param.has_pad_h() || param.has_pad_w();
  Read("pad", param.pad(),
       {pads, pads, static_cast<int>(param.pad_h()), static_cast<int>(param.pad_w())}, spatial_axes,
       0, 0, pad);
  Read("dilation", param.dilation(), {false, false, 0, 0}, spatial_axes, 1, 1, dilation);
}

int WindowPositions(int input, int kernel, int stride, int pad, int dilation) {
  const int64_t extent = int64_t(dilation) * (kernel - 1) + 1;
  const int64_t padded = int64_t(input) + 2 * int64_t(pad);
  CHECK_GE(padded, extent) << ": the kernel is larger than the padded input; use a larger input or "
                              "pad, or a smaller kernel";
  return static_cast<int>((padded - extent) / stride + 1);
}

}  // namespace caffe
