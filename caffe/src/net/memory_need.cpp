#include "net/memory_need.hpp"

#include <algorithm>
#include <map>

#include "caffe/util/plain_text.hpp"
#include "net/liveness.hpp"
#include "net/run_plan.hpp"
#include "util/amount_text.hpp"

namespace caffe {

namespace {

// The memory of blobs, and the steps of an iteration from whose first to whose last it is taken.
class BlobLives {
 public:
  // Blobs that share memory are one, which lives as long as any of them.
  void Add(const shared_ptr<SyncedMemory>& memory, int begin, int end) {
    const Life life = {begin, end, double(memory->size())};
    const auto found = lives_.emplace(memory.get(), life);
    if (found.second) return;
    Life& known = found.first->second;
    known = {std::min(known.begin, begin), std::max(known.end, end), known.bytes};
  }

  // The most bytes that are taken in any of the steps from 0 on.
  double MostBytes(int steps) const {
    double most = 0;
    for (int step = 0; step < steps; ++step) {
      double bytes = 0;
      for (const auto& entry : lives_) {
        const Life& life = entry.second;
        if (life.begin <= step && step <= life.end) bytes += life.bytes;
      }
      most = std::max(most, bytes);
    }
    return most;
  }

 private:
  struct Life {
    int begin, end;
    double bytes;
  };

  std::map<const SyncedMemory*, Life> lives_;
};

}  // namespace

int MemoryNeed::BatchFor(double available) const {
  const double per_item = blobs / std::max(batch, 1);
  return per_item > 0 ? std::max(0, static_cast<int>((available - parameters) / per_item)) : 0;
}

template <typename Dtype>
MemoryNeed MemoryNeedOf(const Net<Dtype>& net, const vector<int>& data_end,
                        const vector<int>& diff_end) {
  const int layers = LayersOf(net);
  const auto& backward = net.layer_need_backward();
  const bool trains = std::find(backward.begin(), backward.end(), true) != backward.end();
  BlobLives lives;
  for (int i = 0; i < layers; ++i) {
    for (const int b : net.top_ids(i)) {
      const Blob<Dtype>& blob = *net.blobs()[b];
      if (blob.count() == 0) continue;
      lives.Add(blob.data(), i, data_end[b]);
      // The first to write a diff is the last to have read the data.
      if (trains && backward[i]) lives.Add(blob.diff(), BackwardStep(net, i), diff_end[b]);
    }
    for (size_t k = 0; k < net.bottom_ids(i).size(); ++k) {
      const int b = net.bottom_ids(i)[k];
      const Blob<Dtype>& blob = *net.blobs()[b];
      if (backward[i] && net.bottom_need_backward()[i][k] && blob.count() > 0) {
        lives.Add(blob.diff(), BackwardStep(net, i), diff_end[b]);
      }
    }
  }
  MemoryNeed need;
  need.blobs = lives.MostBytes(trains ? 2 * layers : layers);
  for (const Blob<Dtype>* param : net.learnable_params()) {
    need.parameters += double(param->count()) * sizeof(Dtype) * (trains ? 2 : 1);
  }
  const auto& first = net.blobs().front();
  need.batch = first->num_axes() > 0 ? first->shape(0) : 1;
  return need;
}

template MemoryNeed MemoryNeedOf(const Net<float>&, const vector<int>&, const vector<int>&);
template MemoryNeed MemoryNeedOf(const Net<double>&, const vector<int>&, const vector<int>&);

string DescribeNeed(const string& net, const MemoryNeed& need, double available) {
  PlainText text;
  text << "net '" << net << "' needs about " << BytesText(need.total())
       << " and its layers' buffers for a batch of " << need.batch << ": ";
  const int batch = std::min(need.BatchFor(available), need.batch - 1);
  if (batch > 0) {
    text << "a batch of " << batch << " may fit (a solver's iter_size makes up for a smaller one)";
  } else {
    text << "use a smaller input";
  }
  return text.str();
}

template <typename Dtype>
string NeedOf(const Net<Dtype>& net, double available) {
  const ReleasePlan& plan = net.run_plan().release.plan();
  if (plan.data_end.size() != net.blobs().size()) return "";
  const MemoryNeed need = MemoryNeedOf(net, plan.data_end, plan.diff_end);
  return "; " + DescribeNeed(net.name(), need, available);
}
template string NeedOf(const Net<float>&, double);
template string NeedOf(const Net<double>&, double);

}  // namespace caffe
