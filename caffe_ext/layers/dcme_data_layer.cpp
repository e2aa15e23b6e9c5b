#include "dcme_data_layer.hpp"

#include <algorithm>
#include <climits>
#include <exception>
#include <type_traits>

#ifdef _OPENMP
#include <omp.h>
#endif

#include "caffe/util/math_functions.hpp"
#include "seeded_random.hpp"

namespace caffe {

namespace {

// Streams of random numbers that hang on one seed.
enum Stream : uint64_t { kSkip, kOrder, kSamples };

// Of threads and of batches made ahead; more are memory without a use.
const uint32_t kMost = 1024;

// One sample's values of a top, of type Value while they are made: in the top's batch itself where
// that has the type, else beside it until store().
template <typename Value, typename Dtype>
class SampleValues {
 public:
  // batch: null where the top is not wanted.
  SampleValues(Blob<Dtype>* batch, int sample) {
    if (!batch) return;
    to_ = batch->mutable_cpu_data() + batch->offset(vector<int>{sample});
    if (!kInPlace) made_.resize(batch->count(1));
  }
  Value* get() {
    if constexpr (kInPlace) return to_;
    return to_ ? made_.data() : nullptr;
  }
  void store() const { std::copy(made_.begin(), made_.end(), to_); }

 private:
  static constexpr bool kInPlace = std::is_same<Value, Dtype>::value;
  Dtype* to_ = nullptr;
  vector<Value> made_;
};

}  // namespace

template <typename Dtype>
void DCMEDataLayer<Dtype>::LayerSetUp(const vector<Blob<Dtype>*>& bottom,
                                      const vector<Blob<Dtype>*>& top) {
  param_ = dcme::data_parameters(this->layer_param_);
  const auto usable = [](uint32_t count) { return count >= 1 && count <= kMost; };
  CHECK(param_.batch_size() > 0 && param_.batch_size() <= INT_MAX && usable(param_.threads()) &&
        usable(param_.prefetch()))
      << dcme::error_head(this->layer_param_) << "batch_size must be at least 1 and at most "
      << INT_MAX << ", threads and prefetch from 1 to " << kMost;
  batches_.reset();  // its threads use what is replaced now
  try {
    source_ = dcme::open_source(param_);
    maker_ = std::make_unique<dcme::SampleMaker>(param_, this->layer_param_.transform_param(),
                                                 this->phase_ == TRAIN, source_->read(0));
  } catch (const std::exception& error) {
    LOG(FATAL) << dcme::error_head(this->layer_param_) << error.what();
  }
  tops_ = top.size();
  net_thread_ = dcme::ThreadSettings();
  seed_ = param_.has_seed() ? param_.seed() : caffe_rng_rand();
  // Solvers share the training images. Tests are the root's alone, which sees them all.
  stride_ = this->phase_ == TRAIN ? std::max(Caffe::solver_count(), 1) : 1;
  first_ = this->phase_ == TRAIN ? Caffe::solver_rank() : 0;
  LOG(INFO) << "DCME data: " << source_->size() << " images from " << param_.source() << ", "
            << maker_->channels() << " x " << maker_->rows() << " x " << maker_->cols();
  batches_ = std::make_unique<dcme::OrderedPrefetch<Batch>>(
      [this](uint64_t number, Batch* batch) { MakeBatch(number, batch); },
      static_cast<int>(param_.threads()), static_cast<int>(param_.prefetch()));
}

template <typename Dtype>
vector<vector<int>> DCMEDataLayer<Dtype>::TopShapes() const {
  const int n = static_cast<int>(param_.batch_size());
  const dcme::SampleMaker& maker = *maker_;
  vector<vector<int>> shapes{{n, maker.channels(), maker.rows(), maker.cols()},
                             {n, 2, maker.rows(), maker.cols()},
                             {n, 1, maker.grid_rows(), maker.grid_cols()},
                             {n, 1, maker.rows(), maker.cols()}};
  shapes.resize(tops_);
  return shapes;
}

template <typename Dtype>
void DCMEDataLayer<Dtype>::Reshape(const vector<Blob<Dtype>*>& bottom,
                                   const vector<Blob<Dtype>*>& top) {
  const vector<vector<int>> shapes = TopShapes();
  for (size_t i = 0; i < top.size(); ++i) top[i]->Reshape(shapes[i]);
}

template <typename Dtype>
int DCMEDataLayer<Dtype>::SampleAt(uint64_t pass, int place) {
  if (!param_.shuffle()) return place;
  const std::lock_guard<std::mutex> lock(passes_mutex_);
  Pass& slot = passes_[pass % passes_.size()];
  if (slot.number != pass) {
    slot.number = pass;
    slot.order = dcme::permutation(source_->size(), dcme::SeededRandom(seed_, kOrder, pass));
  }
  return slot.order[place];
}

template <typename Dtype>
void DCMEDataLayer<Dtype>::MakeBatch(uint64_t number, Batch* batch) {
#ifdef _OPENMP
  // Samples are made in parallel already; the threads inside belong to the net.
  omp_set_num_threads(1);
#endif
  net_thread_.apply();
  batch->reshape(TopShapes());
  const uint64_t n = param_.batch_size();
  uint64_t skipped = 0;
  if (param_.rand_skip() > 0) {
    skipped = dcme::SeededRandom(seed_, kSkip, 0).below(static_cast<int>(param_.rand_skip()));
  }
  for (int i = 0; i < static_cast<int>(n); ++i) {
    // Each solver has skipped images of its own: another's seed may say another number.
    const uint64_t own = skipped + number * n + i;
    const uint64_t item = (first_ + own / n * stride_) * n + own % n;
    const int sample = SampleAt(item / source_->size(), static_cast<int>(item % source_->size()));
    SampleValues<float, Dtype> data(batch->blob(0), i), vectors(batch->blob(1), i);
    SampleValues<uint8_t, Dtype> grid(batch->blob(2), i);
    SampleValues<uint16_t, Dtype> ids(batch->blob(3), i);
    maker_->make(source_->read(sample), dcme::SeededRandom(seed_, kSamples, item),
                 {data.get(), vectors.get(), grid.get(), ids.get()});
    data.store();
    vectors.store();
    grid.store();
    ids.store();
  }
  batch->upload();
}

template <typename Dtype>
void DCMEDataLayer<Dtype>::Forward_cpu(const vector<Blob<Dtype>*>& bottom,
                                       const vector<Blob<Dtype>*>& top) {
  try {
    batches_->next().copy_to(top);
  } catch (const std::exception& error) {
    LOG(FATAL) << dcme::error_head(this->layer_param_) << error.what();
  }
}

#ifdef CAFFE_HAS_LAYER_STATE
template <typename Dtype>
void DCMEDataLayer<Dtype>::SaveState(LayerState* state) const {
  state->set_seed(seed_);
  state->set_batches(batches_->position());
}

template <typename Dtype>
void DCMEDataLayer<Dtype>::RestoreState(const LayerState& state) {
  batches_->jump(state.batches());
  seed_ = state.seed();
  passes_.fill(Pass());
}
#endif

INSTANTIATE_CLASS(DCMEDataLayer);
REGISTER_LAYER_CLASS(DCMEData);

}  // namespace caffe
