#include "dnn/winograd_products.hpp"

#include "dnn/precision.hpp"
#include "util/parallel_tasks.hpp"

namespace caffe {
namespace dnn {

using dnnl::memory;

namespace {

using Tag = memory::format_tag;

// Of values at the points that a product takes or, as floats, gives.
std::ptrdiff_t BytesOfFactor(const TileGrid& grid, std::ptrdiff_t rows, std::ptrdiff_t columns) {
  return grid.points() * rows * columns * BytesAtPoint(grid.kind);
}
std::ptrdiff_t BytesOfProduct(const TileGrid& grid, std::ptrdiff_t rows, std::ptrdiff_t columns) {
  return grid.points() * rows * columns * std::ptrdiff_t(sizeof(float));
}
float* Floats(const HostBuffer& buffer) { return static_cast<float*>(buffer.get()); }

// Taps that take no more stay in the caches while tiles take turns. Of others, columns take turns,
// and the values of all tiles stay, if those take less than half as much or no more than kAllTiles.
const std::ptrdiff_t kAllTaps = std::ptrdiff_t(3) << 20, kAllTiles = std::ptrdiff_t(12) << 20;
// Values that a turn makes and uses: of tiles, or taps. But it has at least so many tiles, or
// columns, for the products' sake.
const std::ptrdiff_t kTurnOfTiles = std::ptrdiff_t(2) << 20, kTurnOfTaps = std::ptrdiff_t(1) << 20;
const int kLeastTiles = 95, kLeastColumns = 64;
// Blocks of rows, and of columns, in which bfloat16 numbers are multiplied.
const int kRowBlock = 32, kColumnBlock = 64;

// A number for each channel, and zeros for the filling; none where there is no blob.
vector<float> FilledValues(const Blob<float>* values, const ChannelLayout& layout) {
  vector<float> filled(values ? Filled(layout) : 0);
  if (values) std::copy_n(values->cpu_data(), values->count(), filled.begin());
  return filled;
}

int FullBlocks(int count, int block) { return (count + block - 1) / block * block; }

// How many threads turns take, each alone with its turn: then none waits for another before all are
// done. Few turns are done one after the other, each by all threads.
int ThreadsForTurns(int turns) {
  const int threads = NumThreads();
  return turns >= 2 * threads ? threads : 1;
}

}  // namespace

bool SuitRounding(int ins, int outs) {
  return HasBfloat16() && ins % kColumnBlock == 0 && outs % kColumnBlock == 0;
}

TileTurns::TileTurns(const TileGrid& grid, int rows, int all_columns)
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

HostBuffer TilePlan::FactorBuffer(bool of_taps) const {
  return HostBuffer(of_taps ? BytesOfFactor(grid, rows, turns.columns)
                            : BytesOfFactor(grid, turns.tiles, rows));
}

PointMatrices TilePlan::Order(int of_rows, int of_columns, bool in_pairs) const {
  const bool in_blocks = of_columns % kColumnBlock == 0;
  return {grid.kind, of_rows, of_columns, in_blocks ? kColumnBlock : of_columns, in_pairs ? 2 : 1};
}

void PointProducts::Run(const HostBuffer& left, const HostBuffer& right,
                        const HostBuffer& result) const {
  dnn::Run(product_, desc_.scratchpad_desc(),
           {{DNNL_ARG_SRC, Wrap(desc_.src_desc(), left.get())},
            {DNNL_ARG_WEIGHTS, Wrap(desc_.weights_desc(), right.get())},
            {DNNL_ARG_DST, Wrap(desc_.dst_desc(), result.get())}});
}

TileConvolution::TileConvolution(const TileGrid& grid, const ChannelLayout& inputs,
                                 const ChannelLayout& outputs, bool turned)
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

void TileConvolution::Run(const void* inputs, const Parameters<float>& parameters, float slope,
                          void* outputs) const {
  const auto factors = FilledValues(parameters.factors, plan_.outputs);
  const auto bias = FilledValues(parameters.bias, plan_.outputs);
  const OutputFunction function = {parameters.factors ? factors.data() : nullptr,
                                   parameters.bias ? bias.data() : nullptr, slope};
  const float* plain_weights = parameters.weights->cpu_data();
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
    PointsToOutputs(plan_.grid, plan_.Tiles(turn), Floats(products[thread]), function,
                    plan_.outputs, plan_.Columns(turn), outputs);
  });
}

memory::desc TileConvolution::Matrices(int rows, int columns, memory::data_type type,
                                       Tag order) const {
  return memory::desc({plan_.grid.points(), rows, columns}, type, order);
}

memory::data_type TileConvolution::FactorType() const {
  return AreRounded(plan_.grid.kind) ? memory::data_type::bf16 : memory::data_type::f32;
}

memory::desc TileConvolution::TapMatrices(Tag order) const {
  return Matrices(plan_.rows, plan_.turns.columns, FactorType(), order);
}

PointProducts TileConvolution::Products(Tag order_of_taps) const {
  // Kernels for as many threads as will run them.
  const ThreadsForOperations alone(threads_ > 1 ? 0 : HUGE_VAL);
  return PointProducts(
      Matrices(plan_.turns.tiles, plan_.rows, FactorType(), Tag::abc), TapMatrices(order_of_taps),
      Matrices(plan_.turns.tiles, plan_.turns.columns, memory::data_type::f32, Tag::abc));
}

// What a turn makes besides inputs at the points.
struct TileWeightDiff::Made {
  explicit Made(const TilePlan& plan)
      : outputs(BytesOfFactor(plan.grid, plan.turns.tiles, plan.turns.columns)),
        taps(BytesOfProduct(plan.grid, plan.rows, plan.turns.columns)) {}
  HostBuffer outputs, taps;
};

TileWeightDiff::TileWeightDiff(const TileGrid& grid, const ChannelLayout& inputs,
                               const ChannelLayout& outputs)
    : plan_(grid, inputs, outputs, false),
      inputs_(plan_.Order(plan_.turns.tiles, plan_.rows, AreRounded(grid.kind))),
      outputs_(plan_.Order(plan_.turns.tiles, plan_.turns.columns, AreRounded(grid.kind))),
      taps_(plan_.Plain(plan_.rows, plan_.turns.columns)) {}

void TileWeightDiff::Run(const void* inputs, const void* outputs, Blob<float>* weights) const {
  float* diff = weights->mutable_cpu_diff();
  const HostBuffer from = plan_.FactorBuffer(false);
  if (plan_.turns.of_columns) {
    MakeInputs(inputs, 0, from);
    ForColumns(from, outputs, diff);
  } else {
    ForTiles(inputs, from, outputs, diff);
  }
}

void TileWeightDiff::MakeInputs(const void* inputs, int turn, const HostBuffer& from) const {
  InputsToPoints(plan_.grid, plan_.Tiles(turn).first, plan_.inputs, 0, inputs, inputs_, from.get());
}

void TileWeightDiff::MakeTaps(const HostBuffer& from, const void* outputs, int turn, bool add,
                              const Made& made) const {
  OutputsToPoints(plan_.grid, plan_.Tiles(turn).first, plan_.outputs, plan_.Columns(turn).first,
                  outputs, outputs_, made.outputs.get());
  TransposedProducts(inputs_, from.get(), outputs_, made.outputs.get(), add, Floats(made.taps));
}

void TileWeightDiff::AddTaps(const Made& made, int turn, float* diff) const {
  AddPointsToTaps(Floats(made.taps), taps_, plan_.taps, plan_.Columns(turn).first, diff);
}

void TileWeightDiff::ForColumns(const HostBuffer& from, const void* outputs, float* diff) const {
  const int threads = ThreadsForTurns(plan_.turns.count);
  vector<Made> made;
  for (int t = 0; t < threads; ++t) made.emplace_back(plan_);
  ParallelTasks(plan_.turns.count, threads, [&](int turn, int thread) {
    MakeTaps(from, outputs, turn, false, made[thread]);
    AddTaps(made[thread], turn, diff);
  });
}

// Sums over turns: one after the other, so that they do not depend on the number of threads.
void TileWeightDiff::ForTiles(const void* inputs, const HostBuffer& from, const void* outputs,
                              float* diff) const {
  const Made made(plan_);
  for (int turn = 0; turn < plan_.turns.count; ++turn) {
    MakeInputs(inputs, turn, from);
    MakeTaps(from, outputs, turn, turn > 0, made);
  }
  AddTaps(made, 0, diff);
}

}  // namespace dnn
}  // namespace caffe
