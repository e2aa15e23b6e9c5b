#include "random_net.hpp"

#include <algorithm>
#include <iterator>
#include <random>
#include <string>
#include <vector>

#include "from_text.hpp"
#include "layer_run.hpp"

namespace caffe_test {
namespace {

struct Piece {
  int bottoms;
  bool in_place;  ///< whether it may be
  const char* layer;
};

// What matters is which layers meet: of each as many kinds as are computed in ways of their own.
const Piece kPieces[] = {
    {1, false, "type: 'Convolution' convolution_param { num_output: 16 kernel_size: 3 pad: 1 }"},
    {1, false, "type: 'Convolution' convolution_param { num_output: 64 kernel_size: 1 }"},
    {1, false, "type: 'Convolution' convolution_param { num_output: 5 kernel_size: 5 pad: 2 }"},
    {1, false,
     "type: 'Convolution' convolution_param { num_output: 48 kernel_size: 3 pad: 1"
     " bias_term: false }"},
    {1, false,
     "type: 'Convolution' convolution_param { num_output: 32 kernel_size: 3 pad: 2 dilation: 2 }"},
    {1, false,
     "type: 'Convolution' convolution_param { num_output: 8 kernel_size: 3 pad: 1 stride: 2 }"},
    {1, false,
     "type: 'Convolution' convolution_param { num_output: 16 kernel_size: 3 pad: 1 group: 8 }"},
    {1, false,
     "type: 'Convolution' convolution_param { num_output: 16 kernel_size: 3 pad: 1 group: 16 }"},
    {1, false,
     "type: 'Convolution' convolution_param { num_output: 4 kernel_size: 3 engine: CAFFE }"},
    {1, false,
     "type: 'Deconvolution' convolution_param { num_output: 16 kernel_size: 2 stride: 2 }"},
    {1, false,
     "type: 'Deconvolution' convolution_param { num_output: 16 group: 16 kernel_size: 4"
     " stride: 2 pad: 1 bias_term: false }"},
    {1, true, "type: 'ReLU'"},
    {1, true, "type: 'ReLU' relu_param { negative_slope: 0.25 }"},
    {1, true, "type: 'PReLU'"},
    {1, true, "type: 'ELU'"},
    {1, true, "type: 'Sigmoid'"},
    {1, true, "type: 'TanH'"},
    {1, true, "type: 'Swish'"},
    {1, true, "type: 'Power' power_param { scale: 0.5 shift: 0.25 }"},
    {1, true, "type: 'BatchNorm' batch_norm_param { eps: 0.01 }"},
    {1, true,
     "type: 'Scale' scale_param { bias_term: true filler { type: 'uniform' min: 0.5 }"
     " bias_filler { type: 'uniform' min: -0.5 max: 0.5 } }"},
    {1, true, "type: 'Bias' bias_param { filler { type: 'uniform' min: -1 } }"},
    {1, false, "type: 'Pooling' pooling_param { kernel_size: 2 stride: 2 }"},
    {1, false, "type: 'Pooling' pooling_param { kernel_size: 3 stride: 2 }"},
    {1, false, "type: 'Pooling' pooling_param { kernel_size: 3 stride: 1 pad: 1 pool: AVE }"},
    {1, false, "type: 'Pooling' pooling_param { global_pooling: true pool: AVE }"},
    {1, false, "type: 'Upsample'"},
    {1, false, "type: 'LRN' lrn_param { local_size: 3 alpha: 0.5 }"},
    {1, false, "type: 'MVN' mvn_param { eps: 0.1 }"},
    {1, false, "type: 'Softmax'"},
    {1, false, "type: 'Interp' interp_param { height: 12 width: 10 }"},
    {1, false, "type: 'Slice' slice_param { slice_point: 3 }"},
    {2, false, "type: 'Eltwise'"},
    {2, false, "type: 'Eltwise' eltwise_param { coeff: 0.5 coeff: -1 }"},
    {2, false, "type: 'Eltwise' eltwise_param { operation: MAX }"},
    {2, false, "type: 'Concat'"},
    {3, false, "type: 'Concat'"},
    {2, false, "type: 'Crop' crop_param { axis: 2 }"},
};

// Those that networks mostly consist of, and those that rarely fit.
const char* const kOften[] = {"ReLU", "BatchNorm", "Scale", "Pooling", "Upsample"};

class Builder {
 public:
  Builder(unsigned number, caffe::Phase phase) : random_(number), phase_(phase) {
    net_.mutable_state()->set_phase(phase);
    net_.set_force_backward(phase == caffe::TRAIN);
    AddInput({1 + Below(3), Below(2) ? 16 : 3, 6 + Below(15), 6 + Below(15)});
    for (int layers = 4 + Below(9), tries = 0; layers > 0 && tries < 100; ++tries) {
      if (TryToAdd(AnyPiece())) --layers;
    }
    if (phase == caffe::TRAIN) AddLosses();
  }

  const caffe::NetParameter& net() const { return net_; }

 private:
  struct Feature {
    std::string name;
    std::vector<int> shape;
    bool is_read;
  };
  struct Mask {
    std::string name;
    int height, width;  ///< of what was pooled
  };

  int Below(int end) { return static_cast<int>(random_() % end); }

  const Piece& AnyPiece() {
    const std::string often = kOften[Below(std::size(kOften))];
    const bool any = Below(2);
    const Piece* piece;
    do {
      piece = &kPieces[Below(std::size(kPieces))];
    } while (!any && FromText<caffe::LayerParameter>(piece->layer).type() != often);
    return *piece;
  }

  /// An index into features_; mostly the last one, so that nets get deep.
  size_t AnyFeature() { return Below(4) ? features_.size() - 1 : Below(features_.size()); }

  void AddInput(const std::vector<int>& shape) {
    *net_.add_layer() = FromText<caffe::LayerParameter>(
        "name: 'data' type: 'Input' top: 'data' input_param { shape { } }");
    for (const int extent : shape) {
      net_.mutable_layer(0)->mutable_input_param()->mutable_shape(0)->add_dim(extent);
    }
    features_.push_back({"data", shape, true});  // no layer may write over what a program gives
  }

  /// Adds the layer, unless the shapes of what it would read do not fit.
  bool TryToAdd(const Piece& piece) {
    caffe::LayerParameter layer = FromText<caffe::LayerParameter>(piece.layer);
    const std::string number = std::to_string(net_.layer_size());
    layer.set_name(layer.type() + number);
    if (layer.has_convolution_param()) {
      // Keeps values near 1.
      layer.mutable_convolution_param()->mutable_weight_filler()->set_type("msra");
      layer.mutable_convolution_param()->mutable_bias_filler()->set_type("uniform");
    }
    std::vector<size_t> read = {AnyFeature()};
    while (static_cast<int>(read.size()) < piece.bottoms) read.push_back(Below(features_.size()));
    for (const size_t i : read) layer.add_bottom(features_[i].name);
    const Feature first = features_[read[0]];
    const bool in_place = piece.in_place && !first.is_read && Below(2);
    layer.add_top(in_place ? first.name : "blob" + number);
    if (layer.type() == "Upsample" && !GiveMask(first, &layer)) return false;
    if (layer.type() == "Slice") layer.add_top("rest" + number);
    const bool makes_mask = layer.type() == "Pooling" && layer.pooling_param().stride() == 2 &&
                            layer.pooling_param().kernel_size() == 2 && Below(2);
    if (makes_mask) layer.add_top("mask" + number);

    std::vector<std::vector<int>> shapes;
    if (!FindShapes(layer, read, &shapes)) return false;
    *net_.add_layer() = layer;
    if (in_place) return true;
    for (const size_t i : read) features_[i].is_read = true;
    if (makes_mask) masks_.push_back({layer.top(1), first.shape[2], first.shape[3]});
    for (int i = makes_mask ? 0 : layer.top_size() - 1; i >= 0; --i) {
      features_.push_back({layer.top(i), shapes[i], false});
    }
    return true;
  }

  /// Lets an Upsample layer put values back where one of the Pooling layers found its maxima.
  bool GiveMask(const Feature& bottom, caffe::LayerParameter* layer) {
    if (masks_.empty()) return false;
    const Mask& mask = masks_[Below(masks_.size())];
    if (bottom.shape[2] != (mask.height + 1) / 2 || bottom.shape[3] != (mask.width + 1) / 2) {
      return false;
    }
    layer->add_bottom(mask.name);
    layer->mutable_upsample_param()->set_upsample_h(mask.height);
    layer->mutable_upsample_param()->set_upsample_w(mask.width);
    return true;
  }

  /// The shapes of the layer's tops; false where it cannot be set up, or a top gets large.
  bool FindShapes(const caffe::LayerParameter& param, const std::vector<size_t>& read,
                  std::vector<std::vector<int>>* shapes) {
    BlobPool<float> pool;
    std::vector<Blob<float>*> bottom, top;
    for (int i = 0; i < param.bottom_size(); ++i) {
      bottom.push_back(pool.New());
      // A mask has the shape of the maxima.
      bottom[i]->Reshape(features_[read[std::min<size_t>(i, read.size() - 1)]].shape);
    }
    for (int i = 0; i < param.top_size(); ++i) top.push_back(pool.New());
    try {
      caffe::LayerParameter with_phase = param;
      with_phase.set_phase(phase_);
      caffe::LayerRegistry<float>::CreateLayer(with_phase)->SetUp(bottom, top);
    } catch (const caffe::Error&) {
      return false;
    }
    for (const Blob<float>* blob : top) {
      if (blob->count() > 20000 || blob->num_axes() != 4) return false;
      shapes->push_back(blob->shape());
    }
    return true;
  }

  void AddLosses() {
    for (const Feature& feature : features_) {
      if (feature.is_read) continue;
      const std::string loss = "loss_" + feature.name;
      *net_.add_layer() = FromText<caffe::LayerParameter>(
          "name: '" + loss + "' type: 'Reduction' bottom: '" + feature.name + "' top: '" + loss +
          "' loss_weight: 1 reduction_param { operation: SUMSQ coeff: 0.1 }");
    }
  }

  std::mt19937 random_;
  const caffe::Phase phase_;
  caffe::NetParameter net_;
  std::vector<Feature> features_;
  std::vector<Mask> masks_;
};

}  // namespace

caffe::NetParameter RandomNet(unsigned number, caffe::Phase phase) {
  return Builder(number, phase).net();
}

}  // namespace caffe_test
