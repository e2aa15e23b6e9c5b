#include "cudnn/products.hpp"

#include <algorithm>
#include <limits>
#include <set>
#include <utility>
#include <vector>

#include <boost/make_shared.hpp>

#include "caffe/syncedmem.hpp"
#include "caffe/util/benchmark.hpp"
#include "caffe/util/math_functions.hpp"
#include "caffe/util/plain_text.hpp"
#include "core/winograd_switch.hpp"
#include "cudnn/product_calls.hpp"
#include "cudnn/question.hpp"
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

/// An algorithm with the math type that it is meant for, the images that it handles at once, and
/// the memory that it needs for them. Where there is a plan, or there are Winograd's tiles, these
/// in place of an algorithm, for all images.
struct Products::Choice {
  int algorithm;
  cudnnMathType_t math;
  int images;
  size_t workspace;
  shared_ptr<Plan> plan = nullptr;
  shared_ptr<const WinogradOnGpu> tiles = nullptr;
};

// ---- the search ----

/// Tries ways to compute a product, and keeps the fastest.
class Products::Search {
 public:
  Search(const Products& products, const Arrays& arrays) : products_(products), arrays_(arrays) {}

  template <typename Calls>
  Choice Find() {
    TryAlgorithms<Calls>();
    if (!IsDecided()) {
      TryFewerImages<Calls>();
      TryTiles<Calls>();
      TryPlans<Calls>();
    }
    ReleaseDeviceScratch(Scratch::kWorkspace);
    CHECK(best_time_ < kNever)
        << "cuDNN has no algorithm for this convolution that is deterministic and fits into "
        << (WorkspaceLimit() >> 20)
        << " MiB of temporary memory: free memory of the GPU, or give the layer engine: CAFFE";
    VLOG(1) << "cuDNN: " << TextOf(Calls::kProduct, products_.geometry_) << " by " << NameOf(best_)
            << ": " << best_time_ / 1000 << " ms, " << (best_.workspace >> 20) << " MiB";
    return best_;
  }

 private:
  static constexpr float kNever = std::numeric_limits<float>::infinity();
  static constexpr size_t kCounted = size_t(1) << 31;
  static constexpr size_t kMuchMemory = size_t(256) << 20;
  static constexpr float kWorthMemory = 0.95f;
  // In microseconds, what the first use of a kernel may take to load it.
  static constexpr float kLoading = 20000;

  bool IsDecided() const { return best_time_ < kNever && TakesFirstWay(); }

  // Fewer images a call may be faster still.
  template <typename Calls>
  void TryFewerImages() {
    while (best_time_ < kNever && best_.images > 1) {
      Choice half = best_;
      half.images = (best_.images + 1) / 2;
      if (!NeedMemory<Calls>(&half) || !Fits(half) || !Try<Calls>(half)) break;
    }
  }

  template <typename Calls>
  void TryTiles() {
    if (!products_.MayHaveTiles()) return;
    for (const size_t memory : kMemoryOfTiles) {
      const ConvolutionGeometry& g = products_.geometry_;
      Choice choice = {0, products_.math_, g.num, 0};
      choice.tiles = boost::make_shared<WinogradOnGpu>(g, Calls::kProduct, memory);
      choice.workspace = choice.tiles->workspace();
      if (!Fits(choice) || !Start<Calls>(choice)) return;
      Try<Calls>(choice);
      if (choice.tiles->turns() == 1) return;
    }
  }

  // cuBLAS, and each of its kernels, is loaded when it is first needed. Where it does not start, as
  // on a GPU whose memory is full, cuDNN may compute the product all the same.
  template <typename Calls>
  bool Start(const Choice& choice) {
    try {
      TimeOnce<Calls>(choice, ArraysOfTrials(Calls::kProduct));
    } catch (const Error& error) {
      VLOG(1) << NameOf(choice) << " cannot be tried: " << error.what();
      return false;
    }
    return true;
  }

  // The graph interface offers other kernels for the same product, some of them faster. They
  // compute all images at once: compared with the first algorithm, one might win that is slower
  // than the algorithm with fewer images.
  template <typename Calls>
  void TryPlans() {
    if (!products_.MayHavePlans(Calls::kProduct, arrays_)) return;
    const size_t beside = Calls::kProduct == Product::kToWeights ? products_.weight_bytes_ : 0;
    for (const auto& plan : products_.PlansOf(Calls::kProduct)) {
      const Choice choice = {0, products_.math_, products_.geometry_.num,
                             plan->workspace() + beside, plan};
      if (Fits(choice)) Try<Calls>(choice);
    }
  }

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
      for (Choice choice : Listed<Calls>(images)) {
        if (tried.count({choice.algorithm, choice.math})) continue;
        if (!NeedMemory<Calls>(&choice)) continue;
        if (!Fits(choice)) {
          all = false;
          continue;
        }
        tried.insert({choice.algorithm, choice.math});
        Try<Calls>(choice);
      }
      if (images == 1 || (all && best_time_ < kNever)) return;
    }
  }

  template <typename Calls>
  std::vector<Choice> Listed(int images) const {
    // Some algorithms are listed with two math types.
    typename Calls::Listed listed[2 * CUDNN_CONVOLUTION_FWD_ALGO_COUNT];
    const Sides& sides = products_.SidesOf(images);
    CUDNN_CHECK(cudnnSetConvolutionMathType(sides.operation, products_.math_));
    std::vector<Choice> choices;
    int count = 0;
    if (!Can(Calls::List(sides, sizeof(listed) / sizeof(listed[0]), &count, listed))) {
      return choices;
    }
    for (int i = 0; i < count; ++i) {
      const auto& entry = listed[i];
      const bool rounds = products_.math_ == CUDNN_FMA_MATH && entry.mathType != CUDNN_FMA_MATH;
      if (entry.status != CUDNN_STATUS_SUCCESS || rounds) continue;
      if (entry.determinism != CUDNN_DETERMINISTIC) continue;
      choices.push_back({static_cast<int>(entry.algo), entry.mathType, images, 0});
    }
    return choices;
  }

  // Finds out what memory it needs; false where it cannot do it.
  template <typename Calls>
  bool NeedMemory(Choice* choice) const {
    choice->workspace = 0;
    for (const int images : {choice->images, products_.geometry_.num % choice->images}) {
      if (images == 0) continue;
      const Sides& sides = products_.SidesOf(images);
      CUDNN_CHECK(cudnnSetConvolutionMathType(sides.operation, choice->math));
      size_t bytes = 0;
      const auto algorithm = static_cast<typename Calls::Algorithm>(choice->algorithm);
      if (!Can(Calls::Workspace(sides, algorithm, &bytes))) return false;
      choice->workspace = std::max(choice->workspace, bytes);
    }
    return true;
  }

  // What happens to be free must not decide where the first way is taken.
  static bool Fits(const Choice& choice) {
    return choice.workspace <= WorkspaceLimit() &&
           (TakesFirstWay() || HasRoom(Scratch::kWorkspace, choice.workspace));
  }

  // Whether it has become the best one.
  template <typename Calls>
  bool Try(const Choice& choice) {
    if (IsDecided()) return false;
    const float time = TimeOf<Calls>(choice);
    VLOG(2) << "cuDNN: " << NameOf(choice) << ": " << time / 1000 << " ms, "
            << (choice.workspace >> 20) << " MiB";
    if (time >= (WantsMuchMore(choice) ? kWorthMemory * best_time_ : best_time_)) return false;
    best_time_ = time;
    best_ = choice;
    return true;
  }

  // Whether it needs so much more memory than the best one that it has to be worth it.
  bool WantsMuchMore(const Choice& choice) const {
    return best_time_ < kNever && choice.workspace > best_.workspace + kMuchMemory;
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

  // Microseconds of the whole batch.
  template <typename Calls>
  float TimeOf(const Choice& choice) {
    const Arrays arrays = ArraysOfTrials(Calls::kProduct);
    const float first = TimeOnce<Calls>(choice, arrays);
    if (first >= 3 * best_time_ + kLoading) return first;
    return std::min(first, TimeOnce<Calls>(choice, arrays));
  }

  template <typename Calls>
  float TimeOnce(const Choice& choice, const Arrays& arrays) {
    Timer timer;
    timer.Start();
    const cudnnStatus_t status = products_.Run<Calls>(choice, arrays, true);
    const float time = timer.MicroSeconds();
    // That an algorithm is listed does not always mean that it can do it.
    return Can(status) ? time : kNever;
  }

  static string NameOf(const Choice& choice) {
    if (choice.plan) return "an engine";
    if (choice.tiles) return "Winograd's tiles";
    PlainText name;
    name << "algorithm " << choice.algorithm << ", " << choice.images << " images a call";
    return name.str();
  }

  const Products& products_;
  const Arrays arrays_;
  std::unique_ptr<SyncedMemory> weights_;
  Choice best_ = {};
  float best_time_ = kNever;
};

// ---- products ----

void* Products::WorkspaceOf(const Choice& choice) {
  return choice.workspace ? DeviceScratch(Scratch::kWorkspace, choice.workspace) : nullptr;
}

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

void Products::RunTiles(Product product, const Choice& choice, const Arrays& at, bool add) const {
  const auto floats = [](char* memory) { return reinterpret_cast<float*>(memory); };
  float *const image = floats(at.image), *const features = floats(at.features),
               *const weights = floats(at.weights);
  void* const workspace = WorkspaceOf(choice);
  if (product == Product::kToFeatures) {
    choice.tiles->Convolve(image, weights, features, workspace);
  } else if (product == Product::kToImage) {
    choice.tiles->Convolve(features, weights, image, workspace);
  } else {
    choice.tiles->ToWeights(image, features, add, weights, workspace);
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
      [&] { return Search(*this, arrays).Find<Calls>(); });
  CUDNN_CHECK(Run<Calls>(choice, arrays, add));
}

template <typename Calls>
cudnnStatus_t Products::Run(const Choice& choice, Arrays arrays, bool add) const {
  if (choice.plan) {
    return Calls::kProduct == Product::kToWeights ? RunPlanToWeights(*choice.plan, arrays, add)
                                                  : RunPlan(*choice.plan, arrays);
  }
  if (choice.tiles) {
    RunTiles(Calls::kProduct, choice, arrays, add);
    return CUDNN_STATUS_SUCCESS;
  }
  void* workspace = WorkspaceOf(choice);
  const bool doubles = type_ == CUDNN_DATA_DOUBLE;
  const void* one = doubles ? static_cast<const void*>(&kOne<double>) : &kOne<float>;
  const void* zero = doubles ? static_cast<const void*>(&kZero<double>) : &kZero<float>;
  for (int done = 0; done < geometry_.num; done += choice.images) {
    const int images = std::min(choice.images, geometry_.num - done);
    const Sides& sides = SidesOf(images);
    CUDNN_CHECK(cudnnSetConvolutionMathType(sides.operation, choice.math));
    const bool onto = Calls::kProduct == Product::kToWeights && (add || done > 0);
    const cudnnStatus_t status =
        Calls::Run(sides, arrays, static_cast<typename Calls::Algorithm>(choice.algorithm),
                   workspace, choice.workspace, one, onto ? one : zero);
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
