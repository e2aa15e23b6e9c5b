#ifndef CAFFE_DCME_DATA_LAYER_HPP_
#define CAFFE_DCME_DATA_LAYER_HPP_

#include <array>
#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include "caffe/blob.hpp"
#include "caffe/layer.hpp"
#include "data_batch.hpp"
#include "dcme_parameters.hpp"
#include "ordered_prefetch.hpp"
#include "sample_maker.hpp"
#include "sample_source.hpp"

namespace caffe {

/// Images and their instance maps as input and labels of a DCME net.
///
/// Tops: data (n x channels x r x c), vectors to the centres of mass in pixels (n x 2 x r x c, dx
/// then dy), and optionally the classes of the grid's blocks (n x 1 x blocks) and the instance ids
/// (n x 1 x r x c).
///
/// Parameters: dcme_data_param, and of transform_param scale, mirror, mean_value, mean_file and
/// crop_size. A batch is a function of (seed, number of the batch): `threads` threads prepare
/// batches ahead, on the GPU in GPU mode, and neither their number nor their timing changes what
/// comes out. The seed is a parameter or drawn from Caffe's random numbers at set-up. Of several
/// solvers training one net in parallel, each takes its share of the batches.
template <typename Dtype>
class DCMEDataLayer : public Layer<Dtype> {
 public:
  explicit DCMEDataLayer(const LayerParameter& param) : Layer<Dtype>(param) {}

  void LayerSetUp(const vector<Blob<Dtype>*>& bottom, const vector<Blob<Dtype>*>& top) override;
  void Reshape(const vector<Blob<Dtype>*>& bottom, const vector<Blob<Dtype>*>& top) override;

  const char* type() const override { return "DCMEData"; }
  int ExactNumBottomBlobs() const override { return 0; }
  int MinTopBlobs() const override { return 2; }
  int MaxTopBlobs() const override { return 4; }

#ifdef CAFFE_HAS_LAYER_STATE
  void SaveState(LayerState* state) const override;
  void RestoreState(const LayerState& state) override;
#endif

 protected:
  void Forward_cpu(const vector<Blob<Dtype>*>& bottom, const vector<Blob<Dtype>*>& top) override;
  void Backward_cpu(const vector<Blob<Dtype>*>& top, const vector<bool>& propagate_down,
                    const vector<Blob<Dtype>*>& bottom) override {}

 private:
  using Batch = dcme::DataBatch<Dtype>;
  /// The samples of one pass through the data, in the order of that pass.
  struct Pass {
    uint64_t number = UINT64_MAX;
    vector<int> order;
  };

  /// Of the tops, in their order.
  vector<vector<int>> TopShapes() const;
  /// In a thread of the layer's.
  void MakeBatch(uint64_t number, Batch* batch);
  /// Which sample stands at `place` of pass `pass`.
  int SampleAt(uint64_t pass, int place);

  dcme::DataParameter param_;
  std::unique_ptr<dcme::SampleSource> source_;
  std::unique_ptr<dcme::SampleMaker> maker_;
  uint64_t seed_ = 0;
  uint64_t stride_ = 1;  // of several solvers, this one takes batches first_, first_ + stride_, ...
  uint64_t first_ = 0;
  size_t tops_ = 0;
  dcme::ThreadSettings net_thread_;  // for the threads that make batches
  std::mutex passes_mutex_;
  std::array<Pass, 2> passes_;  // batches made ahead may lie in the next pass
  std::unique_ptr<dcme::OrderedPrefetch<Batch>> batches_;  // last: its threads use the others
};

}  // namespace caffe

#endif  // CAFFE_DCME_DATA_LAYER_HPP_
