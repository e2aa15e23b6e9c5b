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
  PointProducts(const memory::desc& left, const memory::desc& right, const memory::desc& result)
      : desc_(Engine(), left, right, result, Attributes()), product_(desc_) {}

  memory::desc right() const { return desc_.weights_desc(); }

  void Run(const HostBuffer& left, const HostBuffer& right, const HostBuffer& result) const {
    dnn::Run(product_, desc_.scratchpad_desc(),
             {{DNNL_ARG_SRC, Wrap(desc_.src_desc(), left.get())},
              {DNNL_ARG_WEIGHTS, Wrap(desc_.weights_desc(), right.get())},
              {DNNL_ARG_DST, Wrap(desc_.dst_desc(), result.get())}});
  }

 private:
  dnnl::matmul::primitive_desc desc_;
  dnnl::matmul product_;
};

// Of values at the points that a product takes or, as floats, gives.
std::ptrdiff_t BytesOfFactor(const TileGrid& grid, std::ptrdiff_t rows, std::ptrdiff_t columns) {
  return grid.points() * rows * columns * BytesAtPoint(grid.side);
}
std::ptrdiff_t BytesOfProduct(const TileGrid& grid, std::ptrdiff_t rows, std::ptrdiff_t columns) {
  return grid.points() * rows * columns * std::ptrdiff_t(sizeof(float));
}
float* Floats(const HostBuffer& buffer) { return static_cast<float*>(buffer.get()); }

// How the work is divided, so that what one pass makes is in the caches when the next one reads it.
struct Turns {
  /// For a grid's tiles of `rows` channels, and taps of rows x all columns.
  Turns(const TileGrid& grid, int rows, int all_columns);

  int tiles, columns;
};

// Taps that take no more stay in the caches while tiles take turns. Of others, columns take turns,
// and the values of all tiles stay, if those take less than half as much or no more than kAllTiles.
const std::ptrdiff_t kAllTaps = std::ptrdiff_t(3) << 20, kAllTiles = std::ptrdiff_t(12) << 20;
// Values of tiles that a turn makes and uses. But a turn has at least so many tiles, or columns,
// for the products' sake.
const std::ptrdiff_t kTurn = std::ptrdiff_t(4) << 20;
const int kLeastTiles = 95, kLeastColumns = 64;
// Blocks of rows, and of columns, in which bfloat16 numbers are multiplied.
const int kRowBlock = 32, kColumnBlock = 64;

int FullBlocks(int count, int block) { return (count + block - 1) / block * block; }

Turns::Turns(const TileGrid& grid, int rows, int all_columns)
    : tiles(grid.count()), columns(all_columns) {
  const auto are_many = [&] { return BytesOfFactor(grid, rows, columns) > kAllTaps; };
  if (are_many() && (tiles < columns / 2 || BytesOfFactor(grid, tiles, rows) <= kAllTiles)) {
    while (are_many() && columns % 2 == 0 && columns / 2 >= kLeastColumns &&
           columns / 2 % WinogradChannels() == 0) {
      columns /= 2;
    }
  } else {
    const std::ptrdiff_t of_tile = BytesOfFactor(grid, 1, rows) + BytesOfProduct(grid, 1, columns);
    const int most = std::max<int>(kLeastTiles, kTurn / of_tile);
    const int turns = (tiles + most - 1) / most;
    tiles = (tiles + turns - 1) / turns;
  }
  // Odd, so that the points' values do not all compete for the same places in the caches.
  tiles = AreRounded(grid.side) ? FullBlocks(tiles, kRowBlock) : tiles | 1;
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
        rows(Filled(inputs)) {}

  HostBuffer InputBuffer() const { return HostBuffer(BytesOfFactor(grid, turns.tiles, rows)); }

  /// Orders of matrices. Those in pairs are in blocks, which takes columns to fill.
  PointMatrices Order(int of_rows, int of_columns, bool in_pairs) const {
    const bool in_blocks = of_columns % kColumnBlock == 0;
    return {grid.side, of_rows, of_columns, in_blocks ? kColumnBlock : of_columns,
            in_pairs ? 2 : 1};
  }
  PointMatrices Plain(int of_rows, int of_columns) const {
    return {grid.side, of_rows, of_columns, of_columns, 1};
  }

  /// Makes `from` of the inputs, in this order, for tiles that take turns, and after each calls
  /// body(tiles, columns) for all columns in turn.
  template <typename Body>
  void InTurns(const void* input_values, const PointMatrices& order, const HostBuffer& from,
               const Body& body) const {
    for (int first = 0; first < grid.count(); first += turns.tiles) {
      const TileRange tiles = {first, turns.tiles};
      InputsToPoints(grid, first, inputs, 0, input_values, order, from.get());
      for (int column = 0; column < Filled(outputs); column += turns.columns) {
        body(tiles, ChannelRange{column, turns.columns});
      }
    }
  }

  const TileGrid& grid;
  ChannelLayout inputs, outputs;
  Taps taps;
  Turns turns;
  /// Of the taps: the channels of the inputs.
  int rows;
};

// outputs = inputs * taps, in either direction.
class TileConvolution {
 public:
  TileConvolution(const TileGrid& grid, const ChannelLayout& inputs, const ChannelLayout& outputs,
                  bool turned)
      : plan_(grid, inputs, outputs, turned),
        inputs_(plan_.Plain(plan_.turns.tiles, plan_.rows)),
        taps_(plan_.Order(plan_.rows, plan_.turns.columns, AreRounded(grid.side))),
        products_(Products(AreRounded(grid.side) ? Tag::aCB16b64c2b : Tag::any)) {
    if (AreRounded(grid.side)) return;
    const bool in_blocks = taps_.block == kColumnBlock && plan_.rows % 16 == 0;
    if (in_blocks && products_.right() == TapMatrices(Tag::aCB16b64c)) return;
    taps_ = plan_.Plain(plan_.rows, plan_.turns.columns);
    if (products_.right() != TapMatrices(Tag::abc)) products_ = Products(Tag::abc);
  }

  /// Bias may be null.
  void Run(const void* inputs, const Blob<float>& weights, const Blob<float>* bias, float slope,
           void* outputs) const {
    const int columns = plan_.turns.columns;
    const HostBuffer from = plan_.InputBuffer();
    const HostBuffer to(BytesOfProduct(plan_.grid, plan_.turns.tiles, columns));
    const HostBuffer taps(BytesOfFactor(plan_.grid, plan_.rows, columns));
    vector<float> filled_bias(bias ? Filled(plan_.outputs) : 0);
    if (bias) std::copy_n(bias->cpu_data(), bias->count(), filled_bias.begin());
    const float* plain_weights = weights.cpu_data();
    plan_.InTurns(inputs, inputs_, from, [&](TileRange tiles, ChannelRange channels) {
      if (tiles.first == 0 || columns != Filled(plan_.outputs)) {
        TapsToPoints(plain_weights, plan_.taps, channels.first, taps_, taps.get());
      }
      products_.Run(from, taps, to);
      PointsToOutputs(plan_.grid, tiles, Floats(to), bias ? filled_bias.data() : nullptr, slope,
                      plan_.outputs, channels, outputs);
    });
  }

 private:
  memory::desc Matrices(int rows, int columns, memory::data_type type, Tag order) const {
    return memory::desc({plan_.grid.points(), rows, columns}, type, order);
  }
  memory::data_type FactorType() const {
    return AreRounded(plan_.grid.side) ? memory::data_type::bf16 : memory::data_type::f32;
  }
  memory::desc TapMatrices(Tag order) const {
    return Matrices(plan_.rows, plan_.turns.columns, FactorType(), order);
  }
  PointProducts Products(Tag order_of_taps) const {
    return PointProducts(
        Matrices(plan_.turns.tiles, plan_.rows, FactorType(), Tag::abc), TapMatrices(order_of_taps),
        Matrices(plan_.turns.tiles, plan_.turns.columns, memory::data_type::f32, Tag::abc));
  }

  Plan plan_;
  PointMatrices inputs_, taps_;
  PointProducts products_;
};

// Diff of weights += inputs' * outputs.
class TileWeightDiff {
 public:
  TileWeightDiff(const TileGrid& grid, const ChannelLayout& inputs, const ChannelLayout& outputs)
      : plan_(grid, inputs, outputs, false),
        inputs_(plan_.Order(plan_.turns.tiles, plan_.rows, AreRounded(grid.side))),
        outputs_(plan_.Order(plan_.turns.tiles, plan_.turns.columns, AreRounded(grid.side))),
        taps_(plan_.Plain(plan_.rows, plan_.turns.columns)) {}

  void Run(const void* inputs, const void* outputs, Blob<float>* weights) const {
    const TileGrid& grid = plan_.grid;
    const HostBuffer from = plan_.InputBuffer();
    const HostBuffer to(BytesOfFactor(grid, plan_.turns.tiles, plan_.turns.columns));
    const HostBuffer taps(BytesOfProduct(grid, plan_.rows, plan_.turns.columns));
    float* diff = weights->mutable_cpu_diff();
    plan_.InTurns(inputs, inputs_, from, [&](TileRange tiles, ChannelRange channels) {
      OutputsToPoints(grid, tiles.first, plan_.outputs, channels.first, outputs, outputs_,
                      to.get());
      TransposedProducts(inputs_, from.get(), outputs_, to.get(), tiles.first > 0, Floats(taps));
      if (tiles.first + tiles.count >= grid.count()) {
        AddPointsToTaps(Floats(taps), taps_, plan_.taps, channels.first, diff);
      }
    });
  }

 private:
  Plan plan_;
  PointMatrices inputs_, outputs_, taps_;
};

// What the ways take, in multiplications of a direct convolution in float (each being an addition
// too). Making or using a float at the points takes as long as 24 of them; smaller convolutions
// than 1 << 22 have no gain worth the calls. Measured on a Zen 5 (bench: vgg), but all of it is
// arithmetic against memory.
const double kMoved = 24, kSmallest = 1 << 22;
// A product of bfloat16 numbers to one of floats.
const double kRoundedProduct = 0.42;

double DirectCost(const ConvolutionGeometry& g, int ins, int outs) {
  // bfloat16 is multiplied twice as fast, where there are enough channels to multiply.
  const double speed = g.element == Element::kFloat || std::min(ins, outs) <= 16 ? 1 : 2;
  return double(g.num) * g.features[0] * g.features[1] * ins * outs * g.kernel[0] * g.kernel[1] /
         speed;
}

double WinogradCost(const TileGrid& grid, int ins, int outs) {
  const double products = double(ins) * outs;
  const bool rounded = AreRounded(grid.side);
  const double moved = kMoved * BytesAtPoint(grid.side) / sizeof(float);
  return grid.points() * (grid.count() * ((rounded ? kRoundedProduct : 1) * products + moved * ins +
                                          kMoved * outs) +
                          moved * products);
}

bool SuitTinyTiles(int ins, int outs) {
  return HasBfloat16() && ins % kColumnBlock == 0 && outs % kColumnBlock == 0;
}

// Tiles for outputs of this size.
shared_ptr<const TileGrid> TilesFor(const ConvolutionGeometry& g, TileChoice choice, int ins,
                                    int outs, const int (&size)[2], const int (&pad)[2]) {
  const auto of_side = [&](int side) {
    return TileGrid::Shared(side, g.num, size[0], size[1], g.dilation, pad);
  };
  if (choice == TileChoice::kTiny) return of_side(kTinyTile);
  if (choice == TileChoice::kLarge) return of_side(kLargeTile);
  auto best = of_side(kSmallTile);
  if (choice == TileChoice::kSmall) return best;
  const auto try_side = [&](int side) {
    const auto grid = of_side(side);
    if (WinogradCost(*grid, ins, outs) < WinogradCost(*best, ins, outs)) best = grid;
  };
  try_side(kLargeTile);
  if (SuitTinyTiles(ins, outs)) try_side(kTinyTile);
  return best;
}

// Rounding errors of large tiles are small beside bfloat16's only, those of tiny ones the same.
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
  if (choice == TileChoice::kTiny && !SuitTinyTiles(Filled(image), Filled(features))) {
    return nullptr;
  }
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
