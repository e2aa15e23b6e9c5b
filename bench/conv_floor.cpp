// What the convolutions of the VGG-16 body cost at least: oneDNN's bare primitives, in the layouts
// of their choice, with all data in place already.
//
// usage: conv_floor f32|bf16 HEIGHT WIDTH
// prints the milliseconds of all forward, backward-data and backward-weights passes (the first
// convolution's gradient by its input included), each the median of several runs.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <unordered_map>
#include <vector>

#include <dnnl.hpp>

namespace {

using dnnl::memory;

struct Shape {
  int in, out, rows, cols;
};

struct Bench {
  dnnl::engine engine{dnnl::engine::kind::cpu, 0};
  dnnl::stream stream{engine};

  memory filled(const memory::desc& layout) {
    memory made(layout, engine);
    std::memset(made.get_data_handle(), 0, layout.get_size());
    return made;
  }

  double median_ms(const dnnl::primitive& primitive,
                   const std::unordered_map<int, memory>& arguments) {
    std::vector<double> times;
    for (int k = 0; k < 6; ++k) {
      const auto begin = std::chrono::steady_clock::now();
      primitive.execute(stream, arguments);
      stream.wait();
      const std::chrono::duration<double, std::milli> taken =
          std::chrono::steady_clock::now() - begin;
      if (k > 0) times.push_back(taken.count());
    }
    std::nth_element(times.begin(), times.begin() + times.size() / 2, times.end());
    return times[times.size() / 2];
  }
};

struct Times {
  double forward = 0, data = 0, weights = 0;
};

void add(Bench& bench, const Shape& shape, memory::data_type type, Times& sum) {
  const auto any = [type](const memory::dims& dims) {
    return memory::desc(dims, type, memory::format_tag::any);
  };
  const memory::desc source = any({1, shape.in, shape.rows, shape.cols});
  const memory::desc weights = any({shape.out, shape.in, 3, 3});
  const memory::desc target = any({1, shape.out, shape.rows, shape.cols});
  const memory::desc bias({shape.out}, memory::data_type::f32, memory::format_tag::x);
  const memory::dims one = {1, 1};
  const auto algorithm = dnnl::algorithm::convolution_direct;
  const dnnl::convolution_forward::primitive_desc forward(
      bench.engine, dnnl::prop_kind::forward_training, algorithm, source, weights, bias, target,
      one, one, one);
  sum.forward += bench.median_ms(dnnl::convolution_forward(forward),
                                 {{DNNL_ARG_SRC, bench.filled(forward.src_desc())},
                                  {DNNL_ARG_WEIGHTS, bench.filled(forward.weights_desc())},
                                  {DNNL_ARG_BIAS, bench.filled(forward.bias_desc())},
                                  {DNNL_ARG_DST, bench.filled(forward.dst_desc())}});
  const dnnl::convolution_backward_data::primitive_desc data(
      bench.engine, algorithm, source, weights, target, one, one, one, forward);
  sum.data += bench.median_ms(dnnl::convolution_backward_data(data),
                              {{DNNL_ARG_DIFF_SRC, bench.filled(data.diff_src_desc())},
                               {DNNL_ARG_WEIGHTS, bench.filled(data.weights_desc())},
                               {DNNL_ARG_DIFF_DST, bench.filled(data.diff_dst_desc())}});
  const memory::desc weights_gradient({shape.out, shape.in, 3, 3}, memory::data_type::f32,
                                      memory::format_tag::any);
  const dnnl::convolution_backward_weights::primitive_desc gradient(
      bench.engine, algorithm, source, weights_gradient, bias, target, one, one, one, forward);
  sum.weights +=
      bench.median_ms(dnnl::convolution_backward_weights(gradient),
                      {{DNNL_ARG_SRC, bench.filled(gradient.src_desc())},
                       {DNNL_ARG_DIFF_WEIGHTS, bench.filled(gradient.diff_weights_desc())},
                       {DNNL_ARG_DIFF_BIAS, bench.filled(gradient.diff_bias_desc())},
                       {DNNL_ARG_DIFF_DST, bench.filled(gradient.diff_dst_desc())}});
}

}  // namespace

int main(int count, char** words) {
  if (count != 4) {
    std::fprintf(stderr, "usage: conv_floor f32|bf16 HEIGHT WIDTH\n");
    return 2;
  }
  const auto type =
      std::string(words[1]) == "bf16" ? memory::data_type::bf16 : memory::data_type::f32;
  int rows = std::atoi(words[2]), cols = std::atoi(words[3]);
  const std::vector<std::pair<int, int>> levels = {{64, 2}, {128, 2}, {256, 3}, {512, 3}, {512, 3}};
  Bench bench;
  Times sum;
  int channels = 3;
  for (const auto& [width, depth] : levels) {
    for (int k = 0; k < depth; ++k) {
      add(bench, {channels, width, rows, cols}, type, sum);
      channels = width;
    }
    rows /= 2;
    cols /= 2;
  }
  std::printf("%.1f %.1f %.1f\n", sum.forward, sum.data, sum.weights);
}
