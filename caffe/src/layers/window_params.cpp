#include "layers/window_params.hpp"

#include <algorithm>

namespace caffe {

namespace {

/// What a prototxt says of one size of a window: under `name`, and in the _h and _w forms.
struct Field {
  const char* name;
  vector<uint32_t> values;
  bool has_h, has_w;
  uint32_t h, w;
};

/// Its value for each axis, from `least` on; where the prototxt has none, `otherwise`, or an error
/// where that is less.
vector<int> ForEachAxis(const Field& field, int spatial_axes, int otherwise, int least) {
  const string name = field.name;
  const size_t given = field.values.size();
  vector<int> axes(spatial_axes, otherwise);
  const auto as_int = [](uint32_t value) {
    return static_cast<int>(std::min<uint32_t>(value, kLargestWindow + 1));
  };
  if (field.has_h || field.has_w) {
    const string stem = name == "kernel_size" ? "kernel" : name;
    const string pair = stem + "_h and " + stem + "_w";
    CHECK_EQ(spatial_axes, 2) << " spatial axes: " << pair << " are for two";
    CHECK(given == 0) << "give either " << name << " or " << pair;
    CHECK(field.has_h && field.has_w) << "give both " << pair << ", or one " << name;
    axes = {as_int(field.h), as_int(field.w)};
  } else if (given > 0) {
    CHECK(given == 1 || given == axes.size())
        << name << " is given " << given << " times: give it once, or once for each of the "
        << spatial_axes << " spatial axes";
    for (int i = 0; i < spatial_axes; ++i) axes[i] = as_int(field.values[given == 1 ? 0 : i]);
  } else {
    CHECK(otherwise >= least || spatial_axes == 0) << name << " is missing";
  }
  for (const int value : axes) {
    CHECK(value >= least && value <= kLargestWindow)
        << name << " is " << value << ": give a value from " << least << " to " << kLargestWindow;
  }
  return axes;
}

/// Of a message with the _h and _w forms.
template <typename Param>
Field KernelOf(const Param& param, const vector<uint32_t>& values) {
  return {"kernel_size",        values,           param.has_kernel_h(),
          param.has_kernel_w(), param.kernel_h(), param.kernel_w()};
}
template <typename Param>
Field StrideOf(const Param& param, const vector<uint32_t>& values) {
  return {"stride",         values,          param.has_stride_h(), param.has_stride_w(),
          param.stride_h(), param.stride_w()};
}
template <typename Param>
Field PadOf(const Param& param, const vector<uint32_t>& values) {
  // pad_h or pad_w alone is common; the other one is 0 then.
  const bool pads = param.has_pad_h() || param.has_pad_w();
  return {"pad", values, pads, pads, param.pad_h(), param.pad_w()};
}

vector<uint32_t> Given(const google::protobuf::RepeatedField<google::protobuf::uint32>& field) {
  return {field.begin(), field.end()};
}
vector<uint32_t> Given(bool has, uint32_t value) {
  return has ? vector<uint32_t>{value} : vector<uint32_t>();
}

void Store(const vector<int>& values, Blob<int>* blob) {
  // A blob without elements would have no memory.
  blob->Reshape(vector<int>(1, std::max<int>(values.size(), 1)));
  std::copy(values.begin(), values.end(), blob->mutable_cpu_data());
}

}  // namespace

void ReadWindowParams(const ConvolutionParameter& param, int spatial_axes, Blob<int>* kernel,
                      Blob<int>* stride, Blob<int>* pad, Blob<int>* dilation) {
  const int none = -1;
  Store(ForEachAxis(KernelOf(param, Given(param.kernel_size())), spatial_axes, none, 1), kernel);
  Store(ForEachAxis(StrideOf(param, Given(param.stride())), spatial_axes, 1, 1), stride);
  Store(ForEachAxis(PadOf(param, Given(param.pad())), spatial_axes, 0, 0), pad);
  const Field spacing = {"dilation", Given(param.dilation()), false, false, 0, 0};
  Store(ForEachAxis(spacing, spatial_axes, 1, 1), dilation);
}

PoolingWindow ReadWindowParams(const PoolingParameter& param) {
  const bool global = param.global_pooling();
  const auto kernel = KernelOf(param, Given(param.has_kernel_size(), param.kernel_size()));
  const auto stride = StrideOf(param, Given(param.has_stride(), param.stride()));
  const auto pad = PadOf(param, Given(param.has_pad(), param.pad()));
  const PoolingWindow window = {ForEachAxis(kernel, 2, 0, global ? 0 : 1),
                                ForEachAxis(stride, 2, 1, 1), ForEachAxis(pad, 2, 0, 0)};
  if (global) {
    CHECK(window.kernel == vector<int>({0, 0}))
        << "global_pooling takes the whole plane: leave kernel_size out";
    CHECK(window.pad == vector<int>({0, 0}) && window.stride == vector<int>({1, 1}))
        << "global_pooling takes neither pad nor stride";
    return window;
  }
  for (int i = 0; i < 2; ++i) {
    CHECK(window.pad[i] < window.kernel[i])
        << "pad must be smaller than kernel_size, or a window would lie outside the image";
  }
  return window;
}

}  // namespace caffe
