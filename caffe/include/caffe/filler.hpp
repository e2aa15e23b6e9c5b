#ifndef CAFFE_FILLER_HPP_
#define CAFFE_FILLER_HPP_

/// First values of learnable blobs, by the name in a FillerParameter's `type`.

#include <cmath>
#include <string>

#include "caffe/blob.hpp"
#include "caffe/common.hpp"
#include "caffe/proto/caffe.pb.h"
#include "caffe/util/math_functions.hpp"
#include "caffe/util/names.hpp"

namespace caffe {

/// Fills a blob's data.
template <typename Dtype>
class Filler {
 public:
  explicit Filler(const FillerParameter& param) : filler_param_(param) {}
  virtual ~Filler() = default;
  virtual void Fill(Blob<Dtype>* blob) = 0;

 protected:
  /// Only the gaussian filler can leave most weights at zero.
  void CheckNotSparse() const {
    CHECK_EQ(filler_param_.sparse(), -1)
        << ": the '" << filler_param_.type() << "' filler has no `sparse`";
  }

  /// The fan that variance_norm chooses: inputs of an output, outputs of an input, or their mean.
  Dtype Fan(const Blob<Dtype>& blob) const {
    const Dtype inputs = Dtype(blob.count()) / blob.shape(0);
    // The second axis counts the inputs' channels; a blob with one axis has none.
    const Dtype outputs = blob.num_axes() > 1 ? Dtype(blob.count()) / blob.shape(1) : blob.count();
    switch (filler_param_.variance_norm()) {
      case FillerParameter_VarianceNorm_AVERAGE:
        return (inputs + outputs) / Dtype(2);
      case FillerParameter_VarianceNorm_FAN_OUT:
        return outputs;
      default:
        return inputs;
    }
  }

  FillerParameter filler_param_;
};

/// Every value is `value`.
template <typename Dtype>
class ConstantFiller : public Filler<Dtype> {
 public:
  using Filler<Dtype>::Filler;
  void Fill(Blob<Dtype>* blob) override {
    CHECK_GT(blob->count(), 0) << ": nothing to fill";
    this->CheckNotSparse();
    caffe_set(blob->count(), Dtype(this->filler_param_.value()), blob->mutable_cpu_data());
  }
};

/// Uniform in [min, max].
template <typename Dtype>
class UniformFiller : public Filler<Dtype> {
 public:
  using Filler<Dtype>::Filler;
  void Fill(Blob<Dtype>* blob) override {
    CHECK_GT(blob->count(), 0) << ": nothing to fill";
    this->CheckNotSparse();
    caffe_rng_uniform<Dtype>(blob->count(), Dtype(this->filler_param_.min()),
                             Dtype(this->filler_param_.max()), blob->mutable_cpu_data());
  }
};

/// Normal with `mean` and `std`; with `sparse` n, each input keeps n outputs on average.
template <typename Dtype>
class GaussianFiller : public Filler<Dtype> {
 public:
  using Filler<Dtype>::Filler;
  void Fill(Blob<Dtype>* blob) override {
    CHECK_GT(blob->count(), 0) << ": nothing to fill";
    Dtype* data = blob->mutable_cpu_data();
    caffe_rng_gaussian<Dtype>(blob->count(), Dtype(this->filler_param_.mean()),
                              Dtype(this->filler_param_.std()), data);
    const int sparse = this->filler_param_.sparse();
    CHECK_GE(sparse, -1) << " is no number of outputs to keep";
    if (sparse < 0) return;
    CHECK_GE(blob->num_axes(), 1) << ": `sparse` needs a blob with an output axis";
    const int outputs = blob->shape(0);
    CHECK(sparse <= outputs) << "the 'gaussian' filler's sparse: " << sparse << " is more than the "
                             << outputs << " outputs; give at most " << outputs;
    std::vector<int> keep(blob->count());
    caffe_rng_bernoulli(blob->count(), Dtype(sparse) / Dtype(outputs), keep.data());
    for (int i = 0; i < blob->count(); ++i) data[i] *= keep[i];
  }
};

/// Positive values, each output's summing to 1.
template <typename Dtype>
class PositiveUnitballFiller : public Filler<Dtype> {
 public:
  using Filler<Dtype>::Filler;
  void Fill(Blob<Dtype>* blob) override {
    CHECK_GT(blob->count(), 0) << ": nothing to fill";
    this->CheckNotSparse();
    Dtype* data = blob->mutable_cpu_data();
    caffe_rng_uniform<Dtype>(blob->count(), 0, 1, data);
    const int inputs = blob->count() / blob->shape(0);
    for (Dtype* row = data; row < data + blob->count(); row += inputs) {
      caffe_scal(inputs, Dtype(1) / caffe_cpu_asum(inputs, row), row);
    }
  }
};

/// Uniform with variance 1 / fan (Glorot and Bengio 2010).
template <typename Dtype>
class XavierFiller : public Filler<Dtype> {
 public:
  using Filler<Dtype>::Filler;
  void Fill(Blob<Dtype>* blob) override {
    CHECK_GT(blob->count(), 0) << ": nothing to fill";
    this->CheckNotSparse();
    const Dtype bound = std::sqrt(Dtype(3) / this->Fan(*blob));
    caffe_rng_uniform<Dtype>(blob->count(), -bound, bound, blob->mutable_cpu_data());
  }
};

/// Normal with variance 2 / fan, for layers before a ReLU (He et al. 2015).
template <typename Dtype>
class MSRAFiller : public Filler<Dtype> {
 public:
  using Filler<Dtype>::Filler;
  void Fill(Blob<Dtype>* blob) override {
    CHECK_GT(blob->count(), 0) << ": nothing to fill";
    this->CheckNotSparse();
    const Dtype deviation = std::sqrt(Dtype(2) / this->Fan(*blob));
    caffe_rng_gaussian<Dtype>(blob->count(), Dtype(0), deviation, blob->mutable_cpu_data());
  }
};

/// Bilinear interpolation by a Deconvolution of kernel 2 * stride - stride % 2: every k x k kernel
/// is the tent with its top in the middle.
template <typename Dtype>
class BilinearFiller : public Filler<Dtype> {
 public:
  using Filler<Dtype>::Filler;
  void Fill(Blob<Dtype>* blob) override {
    CHECK_EQ(blob->num_axes(), 4) << ": the 'bilinear' filler is for 4-D weights";
    CHECK_EQ(blob->width(), blob->height()) << ": the 'bilinear' filler is for square kernels";
    this->CheckNotSparse();
    const int size = blob->width();
    const int half = (size + 1) / 2;
    const Dtype centre = (2 * half - 1 - half % 2) / (Dtype(2) * half);
    const auto tent = [&](int i) { return 1 - std::fabs(i / Dtype(half) - centre); };
    Dtype* data = blob->mutable_cpu_data();
    for (int i = 0; i < blob->count(); ++i) data[i] = tent(i % size) * tent(i / size % size);
  }
};

namespace internal {

template <typename Dtype>
using FillerMaker = Filler<Dtype>* (*)(const FillerParameter&);

template <typename Dtype, template <typename> class Kind>
Filler<Dtype>* MakeFiller(const FillerParameter& param) {
  return new Kind<Dtype>(param);
}

}  // namespace internal

/// Makes the filler a message names; the caller owns it.
template <typename Dtype>
Filler<Dtype>* GetFiller(const FillerParameter& param) {
  static const std::map<string, internal::FillerMaker<Dtype>> makers = {
      {"bilinear", internal::MakeFiller<Dtype, BilinearFiller>},
      {"constant", internal::MakeFiller<Dtype, ConstantFiller>},
      {"gaussian", internal::MakeFiller<Dtype, GaussianFiller>},
      {"msra", internal::MakeFiller<Dtype, MSRAFiller>},
      {"positive_unitball", internal::MakeFiller<Dtype, PositiveUnitballFiller>},
      {"uniform", internal::MakeFiller<Dtype, UniformFiller>},
      {"xavier", internal::MakeFiller<Dtype, XavierFiller>},
  };
  const auto found = makers.find(param.type());
  if (found == makers.end()) {
    vector<string> known;
    for (const auto& entry : makers) known.push_back(entry.first);
    LOG(FATAL) << "unknown filler type '" << param.type() << "'" << DidYouMean(param.type(), known);
  }
  return found->second(param);
}

}  // namespace caffe

#endif  // CAFFE_FILLER_HPP_
