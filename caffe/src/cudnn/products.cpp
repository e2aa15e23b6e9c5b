#include "cudnn/products.hpp"

#include <algorithm>
#include <set>
#include <utility>
#include <vector>

#include <boost/make_shared.hpp>

#include "caffe/syncedmem.hpp"
#include "caffe/util/math_functions.hpp"
#include "caffe/util/plain_text.hpp"
#include "core/winograd_switch.hpp"
#include "cudnn/product_calls.hpp"
#include "cudnn/question.hpp"
#include "cudnn/trials.hpp"
#include "gpu/scratch.hpp"
#include "gpu/winograd.hpp"

namespace caffe {
namespace cudnn {

namespace {

size_t SizeOf(cudnnDataType_t type) {
  return type == CUDNN_DATA_DOUBLE ? 8 : type == CUDNN_DATA_FLOAT ? 4 : 2;
}

// Whether cuDNN can do what it was asked for, in whichever way it fails otherwise. Throws Error
// where the question was wrong.
bool Can(cudnnStatus_t status) {
  if (CUDNN_STATUS_CATEGORY(status) == CUDNN_STATUS_BAD_PARAM) CUDNN_CHECK(status);
  return status == CUDNN_STATUS_SUCCESS;
}

// Most bytes of temporary memory for a product; all of them share it. The algorithms that are
// fastest for most layers of a large net may need 2.5 GiB, which not every GPU has to spare.
size_t WorkspaceLimit() {
  const size_t least = size_t(1) << 30, most = size_t(11) << 28;
  size_t free = 0, total = 0;
  CUDA_CHECK(cudaMemGetInfo(&free, &total));
  return std::min(most, std::max(least, total / 20));
}

char* Bytes(const void* memory) { return const_cast<char*>(static_cast<const char*>(memory)); }

// How many engines of the graph interface are tried, and the most bytes of temporary memory for
// one: some put images and features in another order first.
const size_t kMostEngines = 8;
const size_t kMostMemoryOfEngines = size_t(1) << 30;

// Memory for the values of Winograd's tiles. What is read again soon after it was written may still
// be in the GPU's cache; larger matrices are multiplied faster.
const size_t kMemoryOfTiles[] = {size_t(32) << 20, size_t(256) << 20};

}  // namespace

// ---- the search ----

/// Tries the ways to compute a product.
class Products::Search {
 public:
  Search(const Products& products, Product product, const Arrays& arrays)
      : products_(products), arrays_(arrays), trials_(TextOf(product, products.geometry_)) {}

  template <typename Calls>
  Choice Find() {
    TryAlgorithms<Calls>();
    if (!trials_.IsDecided()) {
      TryFewerImages<Calls>();
      TryTiles<Calls>();
      TryPlans<Calls>();
    }
    const Choice* best = trials_.End();
    CHECK(best) << "no way to compute this convolution gives equal bits each time and fits into "
                << (WorkspaceLimit() >> 20)
                << " MiB of temporary memory: free memory of the GPU, or give the layer engine: "
                   "CAFFE";
    return *best;
  }

 private:
  static constexpr size_t kCounted = size_t(1) << 31;

  // Every algorithm, with the most images a call for which its memory fits.
  template <typename Calls>
  void TryAlgorithms() {
    std::set<std::pair<int, cudnnMathType_t>> tried;
    const int num = products_.geometry_.num;
    for (int calls = 1, last = 0;; calls += std::max(1, calls / 2)) {
      const int images = (num + calls - 1) / calls;
      if (images == last && images > 1) continue;
      last = images;
      // Some algorithms count bytes with 32 bits.
      bool all = std::max(products_.image_bytes_, products_.feature_bytes_) * images < kCounted;
      for (Algorithm algorithm : Listed<Calls>(images)) {
        if (tried.count({algorithm.number, algorithm.math})) continue;
        if (!NeedMemory<Calls>(&algorithm)) continue;
        if (!Fits({algorithm.workspace})) {
          all = false;
          continue;
        }
        tried.insert({algorithm.number, algorithm.math});
        Try<Calls>(algorithm);
      }
      if (images == 1 || (all && trials_.Best())) return;
    }
  }

  // Fewer images a call may be faster still.
  template <typename Calls>
  void TryFewerImages() {
    while (const Choice* best = trials_.Best()) {
      Algorithm half = std::get<Algorithm>(*best);
      if (half.images == 1) return;
      half.images = (half.images + 1) / 2;
      if (!NeedMemory<Calls>(&half) || !Fits({half.workspace}) || !Try<Calls>(half)) return;
    }
  }

  template <typename Calls>
  void TryTiles() {
    if (!products_.MayHaveTiles()) return;
    for (const size_t memory : kMemoryOfTiles) {
      const auto tiles =
          boost::make_shared<WinogradOnGpu>(products_.geometry_, Calls::kProduct, memory);
      if (!Fits({tiles->workspace()})) return;
      Try<Calls>(tiles, "Winograd's tiles", {tiles->workspace()});
      if (tiles->turns() == 1) return;
    }
  }

  // The graph interface offers other kernels for the same product, some of them faster. They
  // compute all images at once: compared with the first algorithm, one might win that is slower
  // than the algorithm with fewer images.
  template <typename Calls>
  void TryPlans() {
    if (!products_.MayHavePlans(Calls::kProduct, arrays_)) return;
    const size_t beside = Calls::kProduct == Product::kToWeights ? products_.weight_bytes_ : 0;
    for (const auto& plan : products_.PlansOf(Calls::kProduct)) {
      const TemporaryMemory memory = {plan->workspace(), beside};
      if (Fits(memory)) Try<Calls>(plan, "an engine of cuDNN", memory);
    }
  }

  template <typename Calls>
  std::vector<Algorithm> Listed(int images) const {
    // Some algorithms are listed with two math types.
    typename Calls::Listed listed[2 * CUDNN_CONVOLUTION_FWD_ALGO_COUNT];
    const Sides& sides = products_.SidesOf(images);
    CUDNN_CHECK(cudnnSetConvolutionMathType(sides.operation, products_.math_));
    std::vector<Algorithm> algorithms;
    int count = 0;
    if (!Can(Calls::List(sides, sizeof(listed) / sizeof(listed[0]), &count, listed))) {
      return algorithms;
    }
    for (int i = 0; i < count; ++i) {
      const auto& entry = listed[i];
      const bool rounds = products_.math_ == CUDNN_FMA_MATH && entry.mathType != CUDNN_FMA_MATH;
      if (entry.status != CUDNN_STATUS_SUCCESS || rounds) continue;
      if (entry.determinism != CUDNN_DETERMINISTIC) continue;
      algorithms.push_back({static_cast<int>(entry.algo), entry.mathType, images, 0});
    }
    return algorithms;
  }

  // Finds out what memory it needs; false where it cannot do it.
  template <typename Calls>
  bool NeedMemory(Algorithm* algorithm) const {
    algorithm->workspace = 0;
    for (const int images : {algorithm->images, products_.geometry_.num % algorithm->images}) {
      if (images == 0) continue;
      const Sides& sides = products_.SidesOf(images);
      CUDNN_CHECK(cudnnSetConvolutionMathType(sides.operation, algorithm->math));
      size_t bytes = 0;
      const auto number = static_cast<typename Calls::Algorithm>(algorithm->number);
      if (!Can(Calls::Workspace(sides, number, &bytes))) return false;
      algorithm->workspace = std::max(algorithm->workspace, bytes);
    }
    return true;
  }

  bool Fits(const TemporaryMemory& memory) {
    return memory.bytes() <= WorkspaceLimit() && trials_.HasRoom(memory);
  }

  template <typename Calls>
  bool Try(const Algorithm& algorithm) {
    PlainText name;
    name << "cuDNN's algorithm " << algorithm.number << ", " << algorithm.images
         << " images a call";
    return Try<Calls>(algorithm, name.str(), {algorithm.workspace});
  }

  // Whether it has become the best one.
  template <typename Calls>
  bool Try(const Choice& choice, const string& name, const TemporaryMemory& memory) {
    const Arrays arrays = ArraysOfTrials(Calls::kProduct);
    return trials_.Try(choice, name, memory, [&] { return Runs<Calls>(choice, arrays); });
  }

  // That an algorithm is listed does not always mean that it can do it. And cuBLAS, with each of
  // its kernels, is loaded when tiles first need it: where it does not start, as on a GPU whose
  // memory is full, cuDNN may compute the product all the same.
  template <typename Calls>
  bool Runs(const Choice& choice, const Arrays& arrays) const {
    try {
      return Can(products_.Run<Calls>(choice, arrays, true));
    } catch (const Error& error) {
      if (!std::get_if<Tiles>(&choice)) throw;
      VLOG(1) << "Winograd's tiles cannot be tried: " << error.what();
      return false;
    }
  }

  // Diffs of weights that have been added up must stay: trials add to others.
  Arrays ArraysOfTrials(Product product) {
    Arrays arrays = arrays_;
    if (product == Product::kToWeights) {
      if (!weights_) weights_.reset(new SyncedMemory(products_.weight_bytes_));
      arrays.weights = static_cast<char*>(weights_->mutable_gpu_data());
    }
    return arrays;
  }

  const Products& products_;
  const Arrays arrays_;
  std::unique_ptr<SyncedMemory> weights_;
  Trials<Choice> trials_;
};

// ---- products ----

Products::Products(const ConvolutionGeometry& g, cudnnDataType_t type, cudnnMathType_t math)
    : geometry_(g),
      type_(type),
      math_(math),
      image_bytes_(SizeOf(type) * g.image_channels * g.image[0] * g.image[1]),
      feature_bytes_(SizeOf(type) * g.feature_channels * g.features[0] * g.features[1]),
      weight_bytes_(SizeOf(type) * g.feature_channels * (g.image_channels / g.groups) *
                    g.kernel[0] * g.kernel[1]) {}

Products::~Products() = default;

void Products::ToFeatures(const void* image, const void* weights, void* features) const {
  Compute<ToFeaturesCalls>({Bytes(image), Bytes(features), Bytes(weights)}, false);
}

void Products::ToImage(const void* features, const void* weights, void* image) const {
  Compute<ToImageCalls>({Bytes(image), Bytes(features), Bytes(weights)}, false);
}

void Products::ToWeights(const void* image, const void* features, bool add, void* diff) const {
  Compute<ToWeightsCalls>({Bytes(image), Bytes(features), Bytes(diff)}, add);
}

// What may be rounded to TF32, cuDNN multiplies faster.
bool Products::MayHaveTiles() const {
  return type_ == CUDNN_DATA_FLOAT && math_ == CUDNN_FMA_MATH && MayUseWinograd() &&
         WinogradOnGpu::Suits(geometry_);
}

void Products::RunTiles(Product product, const WinogradOnGpu& tiles, const Arrays& at,
                        bool add) const {
  const auto floats = [](char* memory) { return reinterpret_cast<float*>(memory); };
  float *const image = floats(at.image), *const features = floats(at.features),
               *const weights = floats(at.weights);
  void* const workspace = DeviceScratch(Scratch::kWorkspace, tiles.workspace());
  if (product == Product::kToFeatures) {
    tiles.Convolve(image, weights, features, workspace);
  } else if (product == Product::kToImage) {
    tiles.Convolve(features, weights, image, workspace);
  } else {
    tiles.ToWeights(image, features, add, weights, workspace);
  }
}

// Engines want memory as the GPU's pool gives it, and for gradients of weights more of it.
bool Products::MayHavePlans(Product product, const Arrays& arrays) const {
  const size_t kMostForWeights = size_t(64) << 20;
  if (type_ != CUDNN_DATA_FLOAT || geometry_.groups > 1) return false;
  if (!IsAligned(arrays.image) || !IsAligned(arrays.features)) return false;
  return product == Product::kToWeights ? weight_bytes_ <= kMostForWeights
                                        : IsAligned(arrays.weights);
}

std::vector<shared_ptr<Plan>> Products::PlansOf(Product product) const {
  const ConvolutionGeometry& g = geometry_;
  Graph graph(Graph::Order::kPlain);
  graph.Convolve(
      product, g, graph.Stored(kImage, {g.num, g.image_channels, g.image[0], g.image[1]}, type_),
      graph.Stored(kWeights, {g.feature_channels, g.image_channels, g.kernel[0], g.kernel[1]},
                   type_),
      graph.Stored(kFeatures, {g.num, g.feature_channels, g.features[0], g.features[1]}, type_));
  return graph.Plans(kMostMemoryOfEngines, kMostEngines, math_ == CUDNN_FMA_MATH);
}

template <typename Calls>
void Products::Compute(const Arrays& arrays, bool add) const {
  const int plans = MayHavePlans(Calls::kProduct, arrays);
  const Choice& choice = Recall<Choice>(
      QuestionOf({static_cast<int>(Calls::kProduct), type_, math_, plans}, geometry_),
      [&] { return Search(*this, Calls::kProduct, arrays).Find<Calls>(); });
  CUDNN_CHECK(Run<Calls>(choice, arrays, add));
}

template <typename Calls>
cudnnStatus_t Products::Run(const Choice& choice, const Arrays& arrays, bool add) const {
  if (const auto* plan = std::get_if<shared_ptr<Plan>>(&choice)) {
    return Calls::kProduct == Product::kToWeights ? RunPlanToWeights(**plan, arrays, add)
                                                  : RunPlan(**plan, arrays);
  }
  if (const Tiles* tiles = std::get_if<Tiles>(&choice)) {
    RunTiles(Calls::kProduct, **tiles, arrays, add);
    return CUDNN_STATUS_SUCCESS;
  }
  return RunAlgorithm<Calls>(std::get<Algorithm>(choice), arrays, add);
}

template <typename Calls>
cudnnStatus_t Products::RunAlgorithm(const Algorithm& algorithm, Arrays arrays, bool add) const {
  const size_t bytes = algorithm.workspace;
  void* const workspace = bytes ? DeviceScratch(Scratch::kWorkspace, bytes) : nullptr;
  const bool doubles = type_ == CUDNN_DATA_DOUBLE;
  const void* one = doubles ? static_cast<const void*>(&kOne<double>) : &kOne<float>;
  const void* zero = doubles ? static_cast<const void*>(&kZero<double>) : &kZero<float>;
  for (int done = 0; done < geometry_.num; done += algorithm.images) {
    const int images = std::min(algorithm.images, geometry_.num - done);
    const Sides& sides = SidesOf(images);
    CUDNN_CHECK(cudnnSetConvolutionMathType(sides.operation, algorithm.math));
    const bool onto = Calls::kProduct == Product::kToWeights && (add || done > 0);
    const cudnnStatus_t status =
        Calls::Run(sides, arrays, static_cast<typename Calls::Algorithm>(algorithm.number),
                   workspace, bytes, one, onto ? one : zero);
    if (status != CUDNN_STATUS_SUCCESS) return status;
    arrays.image += image_bytes_ * images;
    arrays.features += feature_bytes_ * images;
  }
  return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t Products::RunPlan(const Plan& plan, const Arrays& arrays) const {
  const bool done =
      plan.Run({{kImage, arrays.image}, {kWeights, arrays.weights}, {kFeatures, arrays.features}});
  return done ? CUDNN_STATUS_SUCCESS : CUDNN_STATUS_NOT_SUPPORTED;
}

// Engines have no way to add to what is there, and write to aligned memory only.
cudnnStatus_t Products::RunPlanToWeights(const Plan& plan, Arrays arrays, bool add) const {
  char* const result = arrays.weights;
  const bool apart = add || !IsAligned(result);
  if (apart) arrays.weights = static_cast<char*>(DeviceScratch(Scratch::kWeights, weight_bytes_));
  const cudnnStatus_t status = RunPlan(plan, arrays);
  if (status != CUDNN_STATUS_SUCCESS || !apart) return status;
  if (add) {
    caffe_gpu_axpy(static_cast<int>(weight_bytes_ / sizeof(float)), 1.f,
                   reinterpret_cast<const float*>(arrays.weights),
                   reinterpret_cast<float*>(result));
  } else {
    caffe_gpu_memcpy(weight_bytes_, arrays.weights, result);
  }
  return status;
}

const Sides& Products::SidesOf(int images) const {
  std::unique_ptr<Sides>& sides = sides_[images];
  if (!sides) sides.reset(new Sides(geometry_, type_, images));
  return *sides;
}

}  // namespace cudnn
}  // namespace caffe
