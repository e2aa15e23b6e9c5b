#include "cudnn/products.hpp"

#include <algorithm>
#include <limits>
#include <mutex>
#include <set>
#include <sstream>
#include <utility>
#include <vector>

#include "caffe/syncedmem.hpp"
#include "caffe/util/benchmark.hpp"
#include "core/device_pool.hpp"
#include "cudnn/question.hpp"
#include "util/device_scratch.hpp"

namespace caffe {
namespace cudnn {

namespace {

enum Product { kToFeatures, kToImage, kToWeights };
const char* const kProductNames[] = {"features", "image", "weights"};

// The answer to a question, looked up or found by `find`.
template <typename Choice, typename Find>
Choice Recall(const Question& question, const Find& find) {
  static std::mutex mutex;
  static std::map<Question, Choice> known;
  {
    std::lock_guard<std::mutex> lock(mutex);
    const auto found = known.find(question);
    if (found != known.end()) return found->second;
  }
  // Not under the lock: measuring waits for the GPU, which may wait for that of another thread.
  const Choice choice = find();
  std::lock_guard<std::mutex> lock(mutex);
  return known.emplace(question, choice).first->second;
}

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

}  // namespace

/// Descriptors for so many images.
struct Products::Sides {
  Sides(const dnn::ConvolutionGeometry& g, cudnnDataType_t type, int images) {
    CUDNN_CHECK(cudnnSetTensor4dDescriptor(image, CUDNN_TENSOR_NCHW, type, images, g.image_channels,
                                           g.image[0], g.image[1]));
    CUDNN_CHECK(cudnnSetTensor4dDescriptor(features, CUDNN_TENSOR_NCHW, type, images,
                                           g.feature_channels, g.features[0], g.features[1]));
    CUDNN_CHECK(cudnnSetFilter4dDescriptor(weights, type, CUDNN_TENSOR_NCHW, g.feature_channels,
                                           g.image_channels / g.groups, g.kernel[0], g.kernel[1]));
    const cudnnDataType_t sums = type == CUDNN_DATA_DOUBLE ? CUDNN_DATA_DOUBLE : CUDNN_DATA_FLOAT;
    CUDNN_CHECK(cudnnSetConvolution2dDescriptor(operation, g.pad[0], g.pad[1], g.stride[0],
                                                g.stride[1], g.dilation[0], g.dilation[1],
                                                CUDNN_CROSS_CORRELATION, sums));
    CUDNN_CHECK(cudnnSetConvolutionGroupCount(operation, g.groups));
  }

  Tensor image, features;
  Filter weights;
  ConvolutionOp operation;
};

/// Of the three, one is the result, and the others are only read.
struct Products::Arrays {
  char *image, *features, *weights;
};

/// An algorithm with the math type that it is meant for, the images that it handles at once, and
/// the memory that it needs for them.
struct Products::Choice {
  int algorithm;
  cudnnMathType_t math;
  int images;
  size_t workspace;
};

// cuDNN's calls for each of the products, under common names.

struct Products::ToFeaturesCalls {
  static constexpr Product kProduct = kToFeatures;
  using Algorithm = cudnnConvolutionFwdAlgo_t;
  using Listed = cudnnConvolutionFwdAlgoPerf_t;

  static cudnnStatus_t List(const Sides& s, int most, int* count, Listed* listed) {
    return cudnnGetConvolutionForwardAlgorithm_v7(Handle(), s.image, s.weights, s.operation,
                                                  s.features, most, count, listed);
  }
  static cudnnStatus_t Workspace(const Sides& s, Algorithm algorithm, size_t* bytes) {
    return cudnnGetConvolutionForwardWorkspaceSize(Handle(), s.image, s.weights, s.operation,
                                                   s.features, algorithm, bytes);
  }
  static cudnnStatus_t Run(const Sides& s, const Arrays& at, Algorithm algorithm, void* workspace,
                           size_t bytes, const void* alpha, const void* beta) {
    return cudnnConvolutionForward(Handle(), alpha, s.image, at.image, s.weights, at.weights,
                                   s.operation, algorithm, workspace, bytes, beta, s.features,
                                   at.features);
  }
};

struct Products::ToImageCalls {
  static constexpr Product kProduct = kToImage;
  using Algorithm = cudnnConvolutionBwdDataAlgo_t;
  using Listed = cudnnConvolutionBwdDataAlgoPerf_t;

  static cudnnStatus_t List(const Sides& s, int most, int* count, Listed* listed) {
    return cudnnGetConvolutionBackwardDataAlgorithm_v7(Handle(), s.weights, s.features, s.operation,
                                                       s.image, most, count, listed);
  }
  static cudnnStatus_t Workspace(const Sides& s, Algorithm algorithm, size_t* bytes) {
    return cudnnGetConvolutionBackwardDataWorkspaceSize(Handle(), s.weights, s.features,
                                                        s.operation, s.image, algorithm, bytes);
  }
  static cudnnStatus_t Run(const Sides& s, const Arrays& at, Algorithm algorithm, void* workspace,
                           size_t bytes, const void* alpha, const void* beta) {
    return cudnnConvolutionBackwardData(Handle(), alpha, s.weights, at.weights, s.features,
                                        at.features, s.operation, algorithm, workspace, bytes, beta,
                                        s.image, at.image);
  }
};

struct Products::ToWeightsCalls {
  static constexpr Product kProduct = kToWeights;
  using Algorithm = cudnnConvolutionBwdFilterAlgo_t;
  using Listed = cudnnConvolutionBwdFilterAlgoPerf_t;

  static cudnnStatus_t List(const Sides& s, int most, int* count, Listed* listed) {
    return cudnnGetConvolutionBackwardFilterAlgorithm_v7(Handle(), s.image, s.features, s.operation,
                                                         s.weights, most, count, listed);
  }
  static cudnnStatus_t Workspace(const Sides& s, Algorithm algorithm, size_t* bytes) {
    return cudnnGetConvolutionBackwardFilterWorkspaceSize(Handle(), s.image, s.features,
                                                          s.operation, s.weights, algorithm, bytes);
  }
  static cudnnStatus_t Run(const Sides& s, const Arrays& at, Algorithm algorithm, void* workspace,
                           size_t bytes, const void* alpha, const void* beta) {
    return cudnnConvolutionBackwardFilter(Handle(), alpha, s.image, at.image, s.features,
                                          at.features, s.operation, algorithm, workspace, bytes,
                                          beta, s.weights, at.weights);
  }
};

// ---- the search ----

/// Tries ways to compute a product, and keeps the fastest.
class Products::Search {
 public:
  Search(const Products& products, const Arrays& arrays) : products_(products), arrays_(arrays) {}

  template <typename Calls>
  Choice Find() {
    TryAlgorithms<Calls>();
    // Fewer images a call may be faster still.
    while (best_time_ < kNever && best_.images > 1) {
      Choice half = best_;
      half.images = (best_.images + 1) / 2;
      if (!NeedMemory<Calls>(&half) || !HasRoom(half) || !Try<Calls>(half)) break;
    }
    ReleaseDeviceScratch(Scratch::kWorkspace);
    CHECK(best_time_ < kNever)
        << "cuDNN has no algorithm for this convolution that is deterministic and fits into "
        << (WorkspaceLimit() >> 20)
        << " MiB of temporary memory: free memory of the GPU, or give the layer engine: CAFFE";
    VLOG(1) << "cuDNN: " << kProductNames[Calls::kProduct] << " of " << Name() << " by algorithm "
            << best_.algorithm << ", " << best_.images << " images a call, " << best_time_ / 1000
            << " ms, " << (best_.workspace >> 20) << " MiB";
    return best_;
  }

 private:
  static constexpr float kNever = std::numeric_limits<float>::infinity();
  static constexpr size_t kCounted = size_t(1) << 31;
  static constexpr size_t kMuchMemory = size_t(256) << 20;
  static constexpr float kWorthMemory = 0.95f;
  // In microseconds, what the first use of a kernel may take to load it.
  static constexpr float kLoading = 20000;

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
        if (!HasRoom(choice)) {
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

  static bool HasRoom(const Choice& choice) {
    if (choice.workspace > WorkspaceLimit()) return false;
    try {
      WorkspaceOf(choice);
    } catch (const OutOfDeviceMemory&) {
      return false;
    }
    return true;
  }

  // Whether it has become the best one.
  template <typename Calls>
  bool Try(const Choice& choice) {
    const float time = TimeOf<Calls>(choice);
    VLOG(2) << "cuDNN: algorithm " << choice.algorithm << ", " << choice.images
            << " images a call: " << time / 1000 << " ms, " << (choice.workspace >> 20) << " MiB";
    if (time >= (WantsMuchMore(choice) ? kWorthMemory * best_time_ : best_time_)) return false;
    best_time_ = time;
    best_ = choice;
    return true;
  }

  // Whether it needs so much more memory than the best one that it has to be worth it.
  bool WantsMuchMore(const Choice& choice) const {
    return best_time_ < kNever && choice.workspace > best_.workspace + kMuchMemory;
  }

  // Microseconds of the whole batch.
  template <typename Calls>
  float TimeOf(const Choice& choice) {
    Arrays arrays = arrays_;
    if (Calls::kProduct == kToWeights) {
      // What has been added up there must stay.
      if (!weights_) weights_.reset(new SyncedMemory(products_.weight_bytes_));
      arrays.weights = static_cast<char*>(weights_->mutable_gpu_data());
    }
    const float first = TimeOnce<Calls>(choice, arrays);
    if (first >= 3 * best_time_ + kLoading) return first;
    return std::min(first, TimeOnce<Calls>(choice, arrays));
  }

  template <typename Calls>
  float TimeOnce(const Choice& choice, const Arrays& arrays) {
    Timer timer;
    timer.Start();
    const cudnnStatus_t status = products_.Run<Calls>(choice, arrays, false);
    const float time = timer.MicroSeconds();
    // That an algorithm is listed does not always mean that it can do it.
    return Can(status) ? time : kNever;
  }

  string Name() const {
    const dnn::ConvolutionGeometry& g = products_.geometry_;
    std::ostringstream name;
    name << g.num << " x " << g.image_channels << " x " << g.image[0] << " x " << g.image[1]
         << " to " << g.feature_channels << " channels, kernel " << g.kernel[0] << " x "
         << g.kernel[1];
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

Products::Products(const dnn::ConvolutionGeometry& g, cudnnDataType_t type, cudnnMathType_t math)
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

template <typename Calls>
void Products::Compute(const Arrays& arrays, bool add) const {
  const Choice choice = Recall<Choice>(QuestionOf({Calls::kProduct, type_, math_}, geometry_),
                                       [&] { return Search(*this, arrays).Find<Calls>(); });
  CUDNN_CHECK(Run<Calls>(choice, arrays, add));
}

template <typename Calls>
cudnnStatus_t Products::Run(const Choice& choice, Arrays arrays, bool add) const {
  void* workspace = WorkspaceOf(choice);
  const bool doubles = type_ == CUDNN_DATA_DOUBLE;
  const void* one = doubles ? static_cast<const void*>(&kOne<double>) : &kOne<float>;
  const void* zero = doubles ? static_cast<const void*>(&kZero<double>) : &kZero<float>;
  for (int done = 0; done < geometry_.num; done += choice.images) {
    const int images = std::min(choice.images, geometry_.num - done);
    const Sides& sides = SidesOf(images);
    CUDNN_CHECK(cudnnSetConvolutionMathType(sides.operation, choice.math));
    const bool onto = Calls::kProduct == kToWeights && (add || done > 0);
    const cudnnStatus_t status =
        Calls::Run(sides, arrays, static_cast<typename Calls::Algorithm>(choice.algorithm),
                   workspace, choice.workspace, one, onto ? one : zero);
    if (status != CUDNN_STATUS_SUCCESS) return status;
    arrays.image += image_bytes_ * images;
    arrays.features += feature_bytes_ * images;
  }
  return CUDNN_STATUS_SUCCESS;
}

const Products::Sides& Products::SidesOf(int images) const {
  std::unique_ptr<Sides>& sides = sides_[images];
  if (!sides) sides.reset(new Sides(geometry_, type_, images));
  return *sides;
}

}  // namespace cudnn
}  // namespace caffe
