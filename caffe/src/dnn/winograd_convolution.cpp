#include "dnn/winograd_convolution.hpp"

#include <memory>

#include <boost/make_shared.hpp>

#include "core/per_channel.hpp"
#include "core/winograd_switch.hpp"
#include "dnn/winograd_products.hpp"

namespace caffe {
namespace dnn {

namespace {

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

  void ToFeatures(Values<float> image, const Parameters<float>& parameters,
                  Values<float> features) override {
    if (!over_features_) return direct_->ToFeatures(image, parameters, features);
    if (!forward_) {
      forward_ = std::make_unique<TileConvolution>(*grids_.features, image_, features_, false);
    }
    const void* inputs = ReadBytes(image_, *image.blob, image.part);
    forward_->Run(inputs, parameters, relu_slope_,
                  WriteBytes(features_, features.blob, features.part));
  }

  void ToImage(Values<float> features, const Blob<float>& weights, Values<float> image) override {
    if (!over_image_) return direct_->ToImage(features, weights, image);
    if (!data_) data_ = std::make_unique<TileConvolution>(*grids_.image, features_, image_, true);
    const void* inputs = ReadBytes(features_, *features.blob, features.part);
    data_->Run(inputs, {&weights}, 1, WriteBytes(image_, image.blob, image.part));
  }

  void AddWeightDiff(Values<float> image, Values<float> features, Blob<float>* weights,
                     Blob<float>* bias) override {
    if (!over_weights_) return direct_->AddWeightDiff(image, features, weights, bias);
    if (!weights_) weights_ = std::make_unique<TileWeightDiff>(*grids_.weights, image_, features_);
    const void* inputs = ReadBytes(image_, *image.blob, image.part);
    const void* outputs = ReadBytes(features_, *features.blob, features.part);
    weights_->Run(inputs, outputs, weights);
    if (bias) AddBiasDiff(outputs, bias);
  }

 private:
  void AddBiasDiff(const void* outputs, Blob<float>* bias) const {
    VisitElements<float>(features_, [&](auto type) {
      AddSums(SumPerChannel(features_, static_cast<const decltype(type)*>(outputs)),
              bias->mutable_cpu_diff());
    });
  }

  ChannelLayout image_, features_;
  float relu_slope_;
  shared_ptr<Convolution<float>> direct_;
  Grids grids_;
  bool over_features_ = true, over_image_ = true, over_weights_ = true;
  // Made when they are first used.
  std::unique_ptr<TileConvolution> forward_, data_;
  std::unique_ptr<TileWeightDiff> weights_;
};

bool FitsLanes(const ChannelLayout& layout) { return layout.block % WinogradChannels() == 0; }

bool Fits(const ConvolutionGeometry& g, const ChannelLayout& image, const ChannelLayout& features) {
  return g.Has3x3TapsAtEveryPixel() && FitsLanes(image) && FitsLanes(features);
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

bool LeavesBfloat16ToOneDnn() { return Has(dnnl::cpu_isa::avx512_core_amx); }

shared_ptr<Convolution<float>> WithWinograd(const ConvolutionGeometry& geometry,
                                            const ChannelLayout& image,
                                            const ChannelLayout& features,
                                            const shared_ptr<Convolution<float>>& direct) {
  const bool left = geometry.element == Element::kBFloat16 && LeavesBfloat16ToOneDnn();
  if (left || !MayUseWinograd() || !Fits(geometry, image, features)) return direct;
  const GridMaker grids(geometry, Filled(image), Filled(features));
  const auto winograd =
      boost::make_shared<WinogradConvolution>(geometry, image, features, grids.Fastest(), direct);
  if (winograd->IsGood()) return winograd;
  return direct;
}

}  // namespace dnn
}  // namespace caffe
