#include "dnn/winograd_convolution.hpp"

#include <cmath>
#include <cstdlib>

#include <boost/make_shared.hpp>

#include "dnn/engine.hpp"
#include "dnn/winograd_transforms.hpp"
#include "util/parallel_tasks.hpp"
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
  return grid.points() * rows * columns * BytesAtPoint(grid.kind);
}
std::ptrdiff_t BytesOfProduct(const TileGrid& grid, std::ptrdiff_t rows, std::ptrdiff_t columns) {
  return grid.points() * rows * columns * std::ptrdiff_t(sizeof(float));
}
float* Floats(const HostBuffer& buffer) { return static_cast<float*>(buffer.get()); }

// How the work is divided: into turns, each of which does all that there is to do for some tiles,
// or for some columns, while what it made is in the caches.
struct Turns {
  /// For a grid's tiles of `rows` channels, and taps of rows x all columns.
  Turns(const TileGrid& grid, int rows, int all_columns);

  int count;
  bool of_columns;
  /// In a turn.
  int tiles, columns;
};

// Taps that take no more stay in the caches while tiles take turns. Of others, columns take turns,
// and the values of all tiles stay, if those take less than half as much or no more than kAllTiles.
const std::ptrdiff_t kAllTaps = std::ptrdiff_t(3) << 20, kAllTiles = std::ptrdiff_t(12) << 20;
// Values that a turn makes and uses: of tiles, or taps. But it has at least so many tiles, or
// columns, for the products' sake.
const std::ptrdiff_t kTurnOfTiles = std::ptrdiff_t(2) << 20, kTurnOfTaps = std::ptrdiff_t(1) << 20;
const int kLeastTiles = 95, kLeastColumns = 64;
// Blocks of rows, and of columns, in which bfloat16 numbers are multiplied.
const int kRowBlock = 32, kColumnBlock = 64;

int FullBlocks(int count, int block) { return (count + block - 1) / block * block; }

Turns::Turns(const TileGrid& grid, int rows, int all_columns)
    : count(1), of_columns(false), tiles(grid.count()), columns(all_columns) {
  const auto taps = [&] { return BytesOfFactor(grid, rows, columns); };
  if (taps() > kAllTaps && (tiles < columns / 2 || BytesOfFactor(grid, tiles, rows) <= kAllTiles)) {
    of_columns = true;
    while (taps() > kTurnOfTaps && columns % 2 == 0 && columns / 2 >= kLeastColumns &&
           columns / 2 % WinogradChannels() == 0) {
      columns /= 2;
    }
    count = all_columns / columns;
  } else {
    const std::ptrdiff_t of_tile = BytesOfFactor(grid, 1, rows) + BytesOfProduct(grid, 1, columns);
    const int most = std::max<int>(kLeastTiles, kTurnOfTiles / of_tile);
    const int turns = (tiles + most - 1) / most;
    tiles = (tiles + turns - 1) / turns;
  }
  // Odd, so that the points' values do not all compete for the same places in the caches.
  tiles = AreRounded(grid.kind) ? FullBlocks(tiles, kRowBlock) : tiles | 1;
  if (!of_columns) count = (grid.count() + tiles - 1) / tiles;
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

  /// Memory of a turn, for the taps of its columns or the values of its tiles.
  HostBuffer FactorBuffer(bool of_taps) const {
    return HostBuffer(of_taps ? BytesOfFactor(grid, rows, turns.columns)
                              : BytesOfFactor(grid, turns.tiles, rows));
  }

  /// The tiles and the columns of a turn: some and all, or all and some.
  TileRange Tiles(int turn) const {
    return {turns.of_columns ? 0 : turn * turns.tiles, turns.tiles};
  }
  ChannelRange Columns(int turn) const {
    return {turns.of_columns ? turn * turns.columns : 0, turns.columns};
  }

  /// Orders of matrices. Those in pairs are in blocks, which takes columns to fill.
  PointMatrices Order(int of_rows, int of_columns, bool in_pairs) const {
    const bool in_blocks = of_columns % kColumnBlock == 0;
    return {grid.kind, of_rows, of_columns, in_blocks ? kColumnBlock : of_columns,
            in_pairs ? 2 : 1};
  }
  PointMatrices Plain(int of_rows, int of_columns) const {
    return {grid.kind, of_rows, of_columns, of_columns, 1};
  }

  const TileGrid& grid;
  ChannelLayout inputs, outputs;
  Taps taps;
  Turns turns;
  /// Of the taps: the channels of the inputs.
  int rows;
};

// How many threads turns take, each alone with its turn: then none waits for another before all are
// done. Few turns are done one after the other, each by all threads.
int ThreadsForTurns(int turns) {
  const int threads = NumThreads();
  return turns >= 2 * threads ? threads : 1;
}

// outputs = inputs * taps, in either direction.
class TileConvolution {
 public:
  TileConvolution(const TileGrid& grid, const ChannelLayout& inputs, const ChannelLayout& outputs,
                  bool turned)
      : plan_(grid, inputs, outputs, turned),
        threads_(ThreadsForTurns(plan_.turns.count)),
        inputs_(plan_.Plain(plan_.turns.tiles, plan_.rows)),
        taps_(plan_.Order(plan_.rows, plan_.turns.columns, AreRounded(grid.kind))),
        products_(Products(AreRounded(grid.kind) ? Tag::aCB16b64c2b : Tag::any)) {
    if (AreRounded(grid.kind)) return;
    const bool in_blocks = taps_.block == kColumnBlock && plan_.rows % 16 == 0;
    if (in_blocks && products_.right() == TapMatrices(Tag::aCB16b64c)) return;
    taps_ = plan_.Plain(plan_.rows, plan_.turns.columns);
    if (products_.right() != TapMatrices(Tag::abc)) products_ = Products(Tag::abc);
  }

  /// Bias may be null.
  void Run(const void* inputs, const Blob<float>& weights, const Blob<float>* bias, float slope,
           void* outputs) const {
    vector<float> filled_bias(bias ? Filled(plan_.outputs) : 0);
    if (bias) std::copy_n(bias->cpu_data(), bias->count(), filled_bias.begin());
    const float* plain_weights = weights.cpu_data();
    const auto make_factor = [&](bool taps, int turn, const HostBuffer& points) {
      if (taps) {
        TapsToPoints(plain_weights, plan_.taps, plan_.Columns(turn).first, taps_, points.get());
      } else {
        InputsToPoints(plan_.grid, plan_.Tiles(turn).first, plan_.inputs, 0, inputs, inputs_,
                       points.get());
      }
    };

    // One factor is the same in all turns.
    const bool own_taps = plan_.turns.of_columns;
    const HostBuffer same = plan_.FactorBuffer(!own_taps);
    make_factor(!own_taps, 0, same);
    vector<HostBuffer> own, products;
    for (int t = 0; t < threads_; ++t) {
      own.push_back(plan_.FactorBuffer(own_taps));
      products.emplace_back(BytesOfProduct(plan_.grid, plan_.turns.tiles, plan_.turns.columns));
    }
    ParallelTasks(plan_.turns.count, threads_, [&](int turn, int thread) {
      make_factor(own_taps, turn, own[thread]);
      products_.Run(own_taps ? same : own[thread], own_taps ? own[thread] : same, products[thread]);
      PointsToOutputs(plan_.grid, plan_.Tiles(turn), Floats(products[thread]),
                      bias ? filled_bias.data() : nullptr, slope, plan_.outputs,
                      plan_.Columns(turn), outputs);
    });
  }

 private:
  memory::desc Matrices(int rows, int columns, memory::data_type type, Tag order) const {
    return memory::desc({plan_.grid.points(), rows, columns}, type, order);
  }
  memory::data_type FactorType() const {
    return AreRounded(plan_.grid.kind) ? memory::data_type::bf16 : memory::data_type::f32;
  }
  memory::desc TapMatrices(Tag order) const {
    return Matrices(plan_.rows, plan_.turns.columns, FactorType(), order);
  }
  PointProducts Products(Tag order_of_taps) const {
    // Kernels for as many threads as will run them.
    const ThreadsForOperations alone(threads_ > 1 ? 0 : HUGE_VAL);
    return PointProducts(
        Matrices(plan_.turns.tiles, plan_.rows, FactorType(), Tag::abc), TapMatrices(order_of_taps),
        Matrices(plan_.turns.tiles, plan_.turns.columns, memory::data_type::f32, Tag::abc));
  }

  Plan plan_;
  int threads_;
  PointMatrices inputs_, taps_;
  PointProducts products_;
};

// Diff of weights += inputs' * outputs.
class TileWeightDiff {
 public:
  TileWeightDiff(const TileGrid& grid, const ChannelLayout& inputs, const ChannelLayout& outputs)
      : plan_(grid, inputs, outputs, false),
        inputs_(plan_.Order(plan_.turns.tiles, plan_.rows, AreRounded(grid.kind))),
        outputs_(plan_.Order(plan_.turns.tiles, plan_.turns.columns, AreRounded(grid.kind))),
        taps_(plan_.Plain(plan_.rows, plan_.turns.columns)) {}

  void Run(const void* inputs, const void* outputs, Blob<float>* weights) const {
    float* diff = weights->mutable_cpu_diff();
    const HostBuffer from = plan_.FactorBuffer(false);
    if (plan_.turns.of_columns) {
      MakeInputs(inputs, 0, from);
      ForColumns(from, outputs, diff);
    } else {
      ForTiles(inputs, from, outputs, diff);
    }
  }

 private:
  /// What a turn makes besides inputs at the points.
  struct Made {
    explicit Made(const Plan& plan)
        : outputs(BytesOfFactor(plan.grid, plan.turns.tiles, plan.turns.columns)),
          taps(BytesOfProduct(plan.grid, plan.rows, plan.turns.columns)) {}
    HostBuffer outputs, taps;
  };

  void MakeInputs(const void* inputs, int turn, const HostBuffer& from) const {
    InputsToPoints(plan_.grid, plan_.Tiles(turn).first, plan_.inputs, 0, inputs, inputs_,
                   from.get());
  }
  void MakeTaps(const HostBuffer& from, const void* outputs, int turn, bool add,
                const Made& made) const {
    OutputsToPoints(plan_.grid, plan_.Tiles(turn).first, plan_.outputs, plan_.Columns(turn).first,
                    outputs, outputs_, made.outputs.get());
    TransposedProducts(inputs_, from.get(), outputs_, made.outputs.get(), add, Floats(made.taps));
  }
  void AddTaps(const Made& made, int turn, float* diff) const {
    AddPointsToTaps(Floats(made.taps), taps_, plan_.taps, plan_.Columns(turn).first, diff);
  }

  void ForColumns(const HostBuffer& from, const void* outputs, float* diff) const {
    const int threads = ThreadsForTurns(plan_.turns.count);
    vector<Made> made;
    for (int t = 0; t < threads; ++t) made.emplace_back(plan_);
    ParallelTasks(plan_.turns.count, threads, [&](int turn, int thread) {
      MakeTaps(from, outputs, turn, false, made[thread]);
      AddTaps(made[thread], turn, diff);
    });
  }

  /// Sums over turns: one after the other, so that they do not depend on the number of threads.
  void ForTiles(const void* inputs, const HostBuffer& from, const void* outputs,
                float* diff) const {
    const Made made(plan_);
    for (int turn = 0; turn < plan_.turns.count; ++turn) {
      MakeInputs(inputs, turn, from);
      MakeTaps(from, outputs, turn, turn > 0, made);
    }
    AddTaps(made, 0, diff);
  }

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

enum class Gives { kValues, kTaps };

double WinogradCost(const TileGrid& grid, int ins, int outs, Gives gives) {
  const double product = AreRounded(grid.kind) ? kRoundedProduct : 1;
  const double factor = kMoved * BytesAtPoint(grid.kind) / sizeof(float), sum = kMoved;
  const bool taps = gives == Gives::kTaps;
  const double tile = factor * ins + (taps ? factor : sum) * outs;
  return grid.points() *
         (grid.count() * (product * ins * outs + tile) + (taps ? sum : factor) * ins * outs);
}

bool SuitRounding(int ins, int outs) {
  return HasBfloat16() && ins % kColumnBlock == 0 && outs % kColumnBlock == 0;
}

// The tiles of the three products.
struct Grids {
  shared_ptr<const TileGrid> features, image, weights;
};

// Tiles over the features, or the image, of a convolution.
class GridMaker {
 public:
  GridMaker(const ConvolutionGeometry& geometry, int ins, int outs)
      : geometry_(geometry), ins_(ins), outs_(outs) {}

  shared_ptr<const TileGrid> OverFeatures(TileKind kind) const {
    return Over(geometry_.features, geometry_.pad, kind);
  }
  shared_ptr<const TileGrid> OverImage(TileKind kind) const {
    const auto pad = [&](int axis) { return 2 * geometry_.dilation[axis] - geometry_.pad[axis]; };
    return Over(geometry_.image, {pad(0), pad(1)}, kind);
  }

  Grids Of(TileKind kind) const {
    return {OverFeatures(kind), OverImage(kind), OverFeatures(kind)};
  }

  /// Those by which each product is the fastest. Features of bfloat16 values are computed as
  /// exactly as these are. Gradients have larger errors than rounding anyway, since it changes what
  /// the ReLUs let through; those of tiles that add 1 % are not seen beside them.
  Grids Fastest() const {
    Grids grids = Of(TileKind::kSmall);
    if (geometry_.element == Element::kFloat) return grids;
    vector<TileKind> kinds = {TileKind::kLarge};
    if (SuitRounding(ins_, outs_)) kinds.push_back(TileKind::kTiny);
    for (const TileKind kind : kinds) {
      TakeFaster(OverFeatures(kind), ins_, outs_, Gives::kValues, &grids.features);
    }
    if (SuitRounding(ins_, outs_)) kinds.push_back(TileKind::kSmallRounded);
    for (const TileKind kind : kinds) {
      TakeFaster(OverImage(kind), outs_, ins_, Gives::kValues, &grids.image);
      TakeFaster(OverFeatures(kind), ins_, outs_, Gives::kTaps, &grids.weights);
    }
    return grids;
  }

 private:
  shared_ptr<const TileGrid> Over(const int (&size)[2], const int (&pad)[2], TileKind kind) const {
    return TileGrid::Shared(kind, geometry_.num, size[0], size[1], geometry_.dilation, pad);
  }
  static void TakeFaster(const shared_ptr<const TileGrid>& other, int ins, int outs, Gives gives,
                         shared_ptr<const TileGrid>* grid) {
    if (WinogradCost(*other, ins, outs, gives) < WinogradCost(**grid, ins, outs, gives)) {
      *grid = other;
    }
  }

  const ConvolutionGeometry& geometry_;
  int ins_, outs_;
};

class WinogradConvolution : public Convolution<float> {
 public:
  /// Products that direct computes faster, if it is not null, are left to it.
  WinogradConvolution(const ConvolutionGeometry& g, const ChannelLayout& image,
                      const ChannelLayout& features, const Grids& grids,
                      const shared_ptr<Convolution<float>>& direct)
      : image_(image),
        features_(features),
        relu_slope_(g.relu_slope),
        direct_(direct),
        grids_(grids) {
    if (!direct) return;
    const int ins = Filled(image_), outs = Filled(features_);
    const double cost = DirectCost(g, ins, outs);
    const auto pays = [&](double winograd) { return cost >= kSmallest && winograd < cost; };
    over_features_ = pays(WinogradCost(*grids.features, ins, outs, Gives::kValues));
    over_image_ = pays(WinogradCost(*grids.image, outs, ins, Gives::kValues));
    over_weights_ = pays(WinogradCost(*grids.weights, ins, outs, Gives::kTaps));
  }

  /// Whether any of the products is computed so.
  bool IsGood() const { return over_features_ || over_image_ || over_weights_; }

  void ToFeatures(Values<float> image, const Blob<float>& weights, const Blob<float>* bias,
                  Values<float> features) override {
    if (!over_features_) return direct_->ToFeatures(image, weights, bias, features);
    if (!forward_) {
      forward_ = boost::make_shared<TileConvolution>(*grids_.features, image_, features_, false);
    }
    const void* inputs = ReadBytes(image_, *image.blob, image.part);
    forward_->Run(inputs, weights, bias, relu_slope_,
                  WriteBytes(features_, features.blob, features.part));
  }

  void ToImage(Values<float> features, const Blob<float>& weights, Values<float> image) override {
    if (!over_image_) return direct_->ToImage(features, weights, image);
    if (!data_) data_ = boost::make_shared<TileConvolution>(*grids_.image, features_, image_, true);
    const void* inputs = ReadBytes(features_, *features.blob, features.part);
    data_->Run(inputs, weights, nullptr, 1, WriteBytes(image_, image.blob, image.part));
  }

  void AddWeightDiff(Values<float> image, Values<float> features, Blob<float>* weights,
                     Blob<float>* bias) override {
    if (!over_weights_) return direct_->AddWeightDiff(image, features, weights, bias);
    if (!weights_)
      weights_ = boost::make_shared<TileWeightDiff>(*grids_.weights, image_, features_);
    const void* inputs = ReadBytes(image_, *image.blob, image.part);
    const void* outputs = ReadBytes(features_, *features.blob, features.part);
    weights_->Run(inputs, outputs, weights);
    if (bias) AddBiasDiff(outputs, bias);
  }

 private:
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
  Grids grids_;
  bool over_features_ = true, over_image_ = true, over_weights_ = true;
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
                                        TileKind kind) {
  if (!Fits(geometry, image, features)) return nullptr;
  const int ins = Filled(image), outs = Filled(features);
  if (AreRounded(kind) && !SuitRounding(ins, outs)) return nullptr;
  return boost::make_shared<WinogradConvolution>(geometry, image, features,
                                                 GridMaker(geometry, ins, outs).Of(kind), nullptr);
}

shared_ptr<Convolution<float>> WithWinograd(const ConvolutionGeometry& geometry,
                                            const ChannelLayout& image,
                                            const ChannelLayout& features,
                                            const shared_ptr<Convolution<float>>& direct) {
  // AMX multiplies bfloat16 faster than all that is saved here.
  const bool amx = geometry.element == Element::kBFloat16 && Has(dnnl::cpu_isa::avx512_core_amx);
  if (amx || !IsWanted() || !Fits(geometry, image, features)) return direct;
  const GridMaker grids(geometry, Filled(image), Filled(features));
  const auto winograd =
      boost::make_shared<WinogradConvolution>(geometry, image, features, grids.Fastest(), direct);
  if (winograd->IsGood()) return winograd;
  return direct;
}

}  // namespace dnn
}  // namespace caffe
