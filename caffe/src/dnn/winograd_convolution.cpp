#include "dnn/winograd_convolution.hpp"

#include <cstdlib>

#include <boost/make_shared.hpp>

#include "dnn/engine.hpp"
#include "dnn/winograd_transforms.hpp"
#include "util/per_channel.hpp"

namespace caffe {
namespace dnn {

using dnnl::memory;

namespace {

using Tag = memory::format_tag;

// Products of matrices, one for each point.
class PointProducts {
 public:
  PointProducts(const memory::desc& left, const memory::desc& right, const memory::desc& result,
                bool add) {
    auto attributes = Attributes();
    if (add) {
      dnnl::post_ops sum;
      sum.append_sum(1.f);
      attributes.set_post_ops(sum);
    }
    desc_ = dnnl::matmul::primitive_desc(Engine(), left, right, result, attributes);
    product_ = dnnl::matmul(desc_);
  }

  memory::desc right() const { return desc_.weights_desc(); }

  void Run(const float* left, const float* right, float* result) const {
    dnn::Run(product_, desc_.scratchpad_desc(),
             {{DNNL_ARG_SRC, Wrap(desc_.src_desc(), left)},
              {DNNL_ARG_WEIGHTS, Wrap(desc_.weights_desc(), right)},
              {DNNL_ARG_DST, Wrap(desc_.dst_desc(), result)}});
  }

 private:
  dnnl::matmul::primitive_desc desc_;
  dnnl::matmul product_;
};

std::ptrdiff_t PointBytes(int points, std::ptrdiff_t rows, std::ptrdiff_t columns) {
  return points * rows * columns * std::ptrdiff_t(sizeof(float));
}
float* In(const HostBuffer& buffer) { return static_cast<float*>(buffer.get()); }

// How the work is divided, so that what one pass makes is in the caches when the next one reads it.
struct Turns {
  /// For a grid's tiles of `rows` channels, and taps of rows x all columns.
  Turns(const TileGrid& grid, int rows, int all_columns);

  int tiles, columns;
};

// The values of all tiles, where they take no more, or less than half of the taps', are kept while
// columns of the taps take turns; else the taps' are, while tiles take turns.
const std::ptrdiff_t kAllTiles = std::ptrdiff_t(12) << 20;
// Values that a turn makes and uses. But a turn has at least so many tiles, or columns, for the
// products' sake.
const std::ptrdiff_t kTurn = std::ptrdiff_t(4) << 20;
const int kLeastTiles = 95, kLeastColumns = 64;

Turns::Turns(const TileGrid& grid, int rows, int all_columns)
    : tiles(grid.count()), columns(all_columns) {
  const int points = grid.points();
  if (tiles < columns / 2 || PointBytes(points, tiles, rows) <= kAllTiles) {
    while (columns % 2 == 0 && columns / 2 >= kLeastColumns &&
           columns / 2 % WinogradChannels() == 0 && PointBytes(points, rows, columns) > kTurn) {
      columns /= 2;
    }
  } else {
    const int most = std::max<int>(kLeastTiles, kTurn / PointBytes(points, 1, rows + columns));
    const int turns = (tiles + most - 1) / most;
    tiles = (tiles + turns - 1) / turns;
  }
  // Odd, so that the points' values do not all compete for the same places in the caches.
  tiles |= 1;
}

// Channels with those that fill the last block up.
int Filled(const ChannelLayout& layout) { return layout.blocks() * layout.block; }

// The passes of one product, between blobs in these layouts, and their memory.
struct Plan {
  Plan(const TileGrid& of_tiles, const ChannelLayout& of_inputs, const ChannelLayout& of_outputs,
       bool turned)
      : grid(of_tiles),
        inputs(of_inputs),
        outputs(of_outputs),
        taps{turned ? outputs.channels : inputs.channels,
             turned ? inputs.channels : outputs.channels, turned},
        turns(grid, Filled(inputs), Filled(outputs)),
        order{grid.side, Filled(inputs), turns.columns, turns.columns} {}

  HostBuffer InputBuffer() const { return PointBuffer(turns.tiles, order.rows); }
  HostBuffer OutputBuffer() const { return PointBuffer(turns.tiles, order.columns); }
  HostBuffer TapBuffer() const { return PointBuffer(order.rows, order.columns); }

  memory::desc Matrices(int rows, int columns, Tag tag) const {
    return memory::desc({grid.points(), rows, columns}, memory::data_type::f32, tag);
  }
  memory::desc InputMatrices() const { return Matrices(turns.tiles, order.rows, Tag::abc); }
  memory::desc TransposedInputs() const { return Matrices(order.rows, turns.tiles, Tag::acb); }
  memory::desc OutputMatrices() const { return Matrices(turns.tiles, order.columns, Tag::abc); }
  memory::desc TapMatrices(Tag tag) const { return Matrices(order.rows, order.columns, tag); }

  /// Makes `from` of the inputs for tiles that take turns, and after each calls body(tiles,
  /// columns) for all columns in turn.
  template <typename Body>
  void InTurns(const void* input_values, const HostBuffer& from, const Body& body) const {
    for (int first = 0; first < grid.count(); first += turns.tiles) {
      const TileRange tiles = {first, turns.tiles};
      InputsToPoints(grid, tiles, inputs, {0, order.rows}, input_values, In(from));
      for (int column = 0; column < Filled(outputs); column += turns.columns) {
        body(tiles, ChannelRange{column, turns.columns});
      }
    }
  }

  const TileGrid& grid;
  ChannelLayout inputs, outputs;
  Taps taps;
  Turns turns;
  TapPoints order;

 private:
  HostBuffer PointBuffer(int rows, int columns) const {
    return HostBuffer(PointBytes(grid.points(), rows, columns));
  }
};

// outputs = inputs * taps, in either direction.
class TileConvolution {
 public:
  TileConvolution(const TileGrid& grid, const ChannelLayout& inputs, const ChannelLayout& outputs,
                  bool turned)
      : plan_(grid, inputs, outputs, turned), products_(Products(Tag::any)) {
    const auto is_ordered_as = [&](Tag tag) { return products_.right() == plan_.TapMatrices(tag); };
    const int block = 64;
    if (is_ordered_as(Tag::aCB16b64c) && plan_.order.rows % 16 == 0 &&
        plan_.order.columns % block == 0) {
      plan_.order.block = block;
    } else if (!is_ordered_as(Tag::abc)) {
      products_ = Products(Tag::abc);
    }
  }

  /// Bias may be null.
  void Run(const void* inputs, const Blob<float>& weights, const Blob<float>* bias, float slope,
           void* outputs) const {
    const HostBuffer from = plan_.InputBuffer(), to = plan_.OutputBuffer();
    const HostBuffer taps = plan_.TapBuffer();
    vector<float> filled_bias(bias ? Filled(plan_.outputs) : 0);
    if (bias) std::copy_n(bias->cpu_data(), bias->count(), filled_bias.begin());
    const float* plain_weights = weights.cpu_data();
    const bool all_columns = plan_.turns.columns == Filled(plan_.outputs);
    plan_.InTurns(inputs, from, [&](TileRange tiles, ChannelRange columns) {
      if (tiles.first == 0 || !all_columns) {
        TapsToPoints(plain_weights, plan_.taps, columns.first, plan_.order, In(taps));
      }
      products_.Run(In(from), In(taps), In(to));
      PointsToOutputs(plan_.grid, tiles, In(to), bias ? filled_bias.data() : nullptr, slope,
                      plan_.outputs, columns, outputs);
    });
  }

 private:
  PointProducts Products(Tag order_of_taps) const {
    return PointProducts(plan_.InputMatrices(), plan_.TapMatrices(order_of_taps),
                         plan_.OutputMatrices(), false);
  }

  Plan plan_;
  PointProducts products_;
};

// Diff of weights += inputs' * outputs.
class TileWeightDiff {
 public:
  TileWeightDiff(const TileGrid& grid, const ChannelLayout& inputs, const ChannelLayout& outputs)
      : plan_(grid, inputs, outputs, false), first_(Products(false)), next_(Products(true)) {}

  void Run(const void* inputs, const void* outputs, Blob<float>* weights) const {
    const HostBuffer from = plan_.InputBuffer(), to = plan_.OutputBuffer();
    const HostBuffer taps = plan_.TapBuffer();
    float* diff = weights->mutable_cpu_diff();
    plan_.InTurns(inputs, from, [&](TileRange tiles, ChannelRange columns) {
      OutputsToPoints(plan_.grid, tiles, plan_.outputs, columns, outputs, In(to));
      (tiles.first == 0 ? first_ : next_).Run(In(from), In(to), In(taps));
      if (tiles.first + tiles.count >= plan_.grid.count()) {
        AddPointsToTaps(In(taps), plan_.order, plan_.taps, columns.first, diff);
      }
    });
  }

 private:
  PointProducts Products(bool add) const {
    return PointProducts(plan_.TransposedInputs(), plan_.OutputMatrices(),
                         plan_.TapMatrices(Tag::abc), add);
  }

  Plan plan_;
  PointProducts first_, next_;
};

// What the ways take, in multiplications of a direct convolution in float (each being an addition
// too). Making or using a float at the points takes as long as 24 of them; smaller convolutions
// than 1 << 22 have no gain worth the calls. Measured on a Zen 5 (bench: vgg), but all of it is
// arithmetic against memory.
const double kMoved = 24, kSmallest = 1 << 22;

double DirectCost(const ConvolutionGeometry& g, int ins, int outs) {
  // bfloat16 is multiplied twice as fast, where there are enough channels to multiply.
  const double speed = g.element == Element::kFloat || std::min(ins, outs) <= 16 ? 1 : 2;
  return double(g.num) * g.features[0] * g.features[1] * ins * outs * g.kernel[0] * g.kernel[1] /
         speed;
}

double WinogradCost(const TileGrid& grid, int ins, int outs) {
  const double products = double(ins) * outs;
  return grid.points() * (grid.count() * (products + kMoved * (ins + outs)) + kMoved * products);
}

// Tiles for outputs of this size.
shared_ptr<const TileGrid> TilesFor(const ConvolutionGeometry& g, TileChoice choice, int ins,
                                    int outs, const int (&size)[2], const int (&pad)[2]) {
  const auto of_side = [&](int side) {
    return TileGrid::Shared(side, g.num, size[0], size[1], g.dilation, pad);
  };
  if (choice == TileChoice::kSmall) return of_side(kSmallTile);
  const auto small = of_side(kSmallTile), large = of_side(kLargeTile);
  if (choice == TileChoice::kLarge) return large;
  return WinogradCost(*large, ins, outs) < WinogradCost(*small, ins, outs) ? large : small;
}

// Rounding errors of large tiles are small beside bfloat16's only.
TileChoice ChoiceFor(const ConvolutionGeometry& g) {
  return g.element == Element::kFloat ? TileChoice::kSmall : TileChoice::kFaster;
}

class WinogradConvolution : public Convolution<float> {
 public:
  WinogradConvolution(const ConvolutionGeometry& g, const ChannelLayout& image,
                      const ChannelLayout& features, TileChoice choice,
                      const shared_ptr<Convolution<float>>& direct)
      : image_(image),
        features_(features),
        relu_slope_(g.relu_slope),
        direct_(direct),
        feature_grid_(TilesFor(g, choice, Filled(image), Filled(features), g.features, g.pad)),
        image_grid_(TilesFor(g, choice, Filled(features), Filled(image), g.image,
                             {2 * g.dilation[0] - g.pad[0], 2 * g.dilation[1] - g.pad[1]})),
        over_features_(!direct || Pays(g, *feature_grid_)),
        over_image_(!direct || Pays(g, *image_grid_)) {}

  /// Whether any of the products is computed so.
  bool IsGood() const { return over_features_ || over_image_; }

  void ToFeatures(Values<float> image, const Blob<float>& weights, const Blob<float>* bias,
                  Values<float> features) override {
    if (!over_features_) return direct_->ToFeatures(image, weights, bias, features);
    if (!forward_) {
      forward_ = boost::make_shared<TileConvolution>(*feature_grid_, image_, features_, false);
    }
    const void* inputs = ReadBytes(image_, *image.blob, image.part);
    forward_->Run(inputs, weights, bias, relu_slope_,
                  WriteBytes(features_, features.blob, features.part));
  }

  void ToImage(Values<float> features, const Blob<float>& weights, Values<float> image) override {
    if (!over_image_) return direct_->ToImage(features, weights, image);
    if (!data_) data_ = boost::make_shared<TileConvolution>(*image_grid_, features_, image_, true);
    const void* inputs = ReadBytes(features_, *features.blob, features.part);
    data_->Run(inputs, weights, nullptr, 1, WriteBytes(image_, image.blob, image.part));
  }

  void AddWeightDiff(Values<float> image, Values<float> features, Blob<float>* weights,
                     Blob<float>* bias) override {
    if (!over_features_) return direct_->AddWeightDiff(image, features, weights, bias);
    if (!weights_) weights_ = boost::make_shared<TileWeightDiff>(*feature_grid_, image_, features_);
    const void* inputs = ReadBytes(image_, *image.blob, image.part);
    const void* outputs = ReadBytes(features_, *features.blob, features.part);
    weights_->Run(inputs, outputs, weights);
    if (bias) AddBiasDiff(outputs, bias);
  }

 private:
  bool Pays(const ConvolutionGeometry& g, const TileGrid& grid) const {
    const int ins = Filled(image_), outs = Filled(features_);
    const double direct = DirectCost(g, ins, outs);
    return direct >= kSmallest && WinogradCost(grid, ins, outs) < direct;
  }

  void AddBiasDiff(const void* outputs, Blob<float>* bias) const {
    VisitElements<float>(features_, [&](auto type) {
      const vector<double> sums =
          SumPerChannel(features_, static_cast<const decltype(type)*>(outputs));
      float* diff = bias->mutable_cpu_diff();
      for (int c = 0; c < bias->count(); ++c) diff[c] += static_cast<float>(sums[c]);
    });
  }

  ChannelLayout image_, features_;
  float relu_slope_;
  shared_ptr<Convolution<float>> direct_;
  shared_ptr<const TileGrid> feature_grid_, image_grid_;
  bool over_features_, over_image_;
  // Made when they are first used.
  shared_ptr<TileConvolution> forward_, data_;
  shared_ptr<TileWeightDiff> weights_;
};

bool FitsLanes(const ChannelLayout& layout) { return layout.block % WinogradChannels() == 0; }

bool IsSquareOf(int size, const int (&pair)[2]) { return pair[0] == size && pair[1] == size; }

bool Fits(const ConvolutionGeometry& g, const ChannelLayout& image, const ChannelLayout& features) {
  return g.groups == 1 && IsSquareOf(3, g.kernel) && IsSquareOf(1, g.stride) && FitsLanes(image) &&
         FitsLanes(features);
}

bool IsWanted() {
  static const bool wanted = [] {
    const char* value = std::getenv("CAFFE_WINOGRAD");
    return !value || string(value) != "0";
  }();
  return wanted;
}

}  // namespace

shared_ptr<Convolution<float>> Winograd(const ConvolutionGeometry& geometry,
                                        const ChannelLayout& image, const ChannelLayout& features,
                                        TileChoice choice) {
  if (!Fits(geometry, image, features)) return nullptr;
  return boost::make_shared<WinogradConvolution>(geometry, image, features, choice, nullptr);
}

shared_ptr<Convolution<float>> WithWinograd(const ConvolutionGeometry& geometry,
                                            const ChannelLayout& image,
                                            const ChannelLayout& features,
                                            const shared_ptr<Convolution<float>>& direct) {
  // AMX multiplies bfloat16 faster than all that is saved here.
  const bool amx = geometry.element == Element::kBFloat16 && Has(dnnl::cpu_isa::avx512_core_amx);
  if (amx || !IsWanted() || !Fits(geometry, image, features)) return direct;
  const auto winograd = boost::make_shared<WinogradConvolution>(geometry, image, features,
                                                                ChoiceFor(geometry), direct);
  if (winograd->IsGood()) return winograd;
  return direct;
}

}  // namespace dnn
}  // namespace caffe
