#include "dcme_data_layer.hpp"

#include <algorithm>
#include <exception>

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

template <typename Value, typename Dtype>
void CopyTo(const vector<Value>& from, Blob<Dtype>* to) {
  std::copy(from.begin(), from.end(), to->mutable_cpu_data());
}

}  // namespace

template <typename Dtype>
void DCMEDataLayer<Dtype>::LayerSetUp(const vector<Blob<Dtype>*>& bottom,
                                      const vector<Blob<Dtype>*>& top) {
  param_ = dcme::data_parameters(this->layer_param_);
  const auto usable = [](uint32_t count) { return count >= 1 && count <= kMost; };
  CHECK(param_.batch_size() > 0 && usable(param_.threads()) && usable(param_.prefetch()))
      << dcme::error_head(this->layer_param_)
      << "batch_size must be at least 1, threads and prefetch from 1 to " << kMost;
  batches_.reset();  // its threads use what is replaced now
  try {
    source_ = dcme::open_source(param_);
    maker_ = std::make_unique<dcme::SampleMaker>(param_, this->layer_param_.transform_param(),
                                                 this->phase_ == TRAIN, source_->read(0));
  } catch (const std::exception& error) {
    LOG(FATAL) << dcme::error_head(this->layer_param_) << error.what();
  }
  want_grid_ = top.size() > 2;
  want_ids_ = top.size() > 3;
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
void DCMEDataLayer<Dtype>::Reshape(const vector<Blob<Dtype>*>& bottom,
                                   const vector<Blob<Dtype>*>& top) {
  const int n = static_cast<int>(param_.batch_size());
  const dcme::SampleMaker& maker = *maker_;
  top[0]->Reshape(n, maker.channels(), maker.rows(), maker.cols());
  top[1]->Reshape(n, 2, maker.rows(), maker.cols());
  if (want_grid_) top[2]->Reshape(n, 1, maker.grid_rows(), maker.grid_cols());
  if (want_ids_) top[3]->Reshape(n, 1, maker.rows(), maker.cols());
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
  const dcme::SampleMaker& maker = *maker_;
  const size_t n = param_.batch_size();
  const size_t pixels = static_cast<size_t>(maker.rows()) * maker.cols();
  const size_t blocks = static_cast<size_t>(maker.grid_rows()) * maker.grid_cols();
  batch->data.resize(n * maker.channels() * pixels);
  batch->vectors.resize(n * 2 * pixels);
  batch->grid.resize(want_grid_ ? n * blocks : 0);
  batch->ids.resize(want_ids_ ? n * pixels : 0);
  uint64_t skipped = 0;
  if (param_.rand_skip() > 0) {
    skipped = dcme::SeededRandom(seed_, kSkip, 0).below(static_cast<int>(param_.rand_skip()));
  }
  for (size_t i = 0; i < n; ++i) {
    const uint64_t item = skipped + (first_ + number * stride_) * n + i;
    const int sample = SampleAt(item / source_->size(), static_cast<int>(item % source_->size()));
    dcme::SamplePlanes planes;
    planes.data = batch->data.data() + i * maker.channels() * pixels;
    planes.vectors = batch->vectors.data() + i * 2 * pixels;
    if (want_grid_) planes.grid = batch->grid.data() + i * blocks;
    if (want_ids_) planes.ids = batch->ids.data() + i * pixels;
    maker.make(source_->read(sample), dcme::SeededRandom(seed_, kSamples, item), planes);
  }
}

template <typename Dtype>
void DCMEDataLayer<Dtype>::Forward_cpu(const vector<Blob<Dtype>*>& bottom,
                                       const vector<Blob<Dtype>*>& top) {
  try {
    const Batch& batch = batches_->next();
    CopyTo(batch.data, top[0]);
    CopyTo(batch.vectors, top[1]);
    if (want_grid_) CopyTo(batch.grid, top[2]);
    if (want_ids_) CopyTo(batch.ids, top[3]);
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
