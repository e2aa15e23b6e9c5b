#include <algorithm>
#include <cfloat>
#include <cmath>

#include "dcme/instance_map.hpp"
#include "dcme/simd.hpp"

namespace dcme {
namespace {

// The published reduction takes ids > 1000. Here the first id of label 1 is an instance, as
// everywhere else; Cityscapes' instances begin at 24000.
constexpr uint16_t kLastDropped = kFirstInstanceId - 1;

// Area averaging along one side: output i is the sum of weight[j] * input[first[i] + j]. A border
// pixel covered by less than a thousandth is left out, as OpenCV does.
struct AxisTaps {
  struct Output {
    int first = 0, count = 0;
    size_t weights = 0;  // where its weights start
  };
  std::vector<Output> outputs;
  std::vector<float> weights;
  bool whole = false;  // every output covers the same whole number of inputs

  AxisTaps(int from, int to) {
    const double scale = 1.0 / (static_cast<double>(to) / from);
    whole = std::abs(scale - std::nearbyint(scale)) < DBL_EPSILON;
    for (int i = 0; i < to; ++i) add_output(i * scale, scale, from);
  }

 private:
  void add_output(double begin, double scale, int from) {
    constexpr double kSmallest = 1e-3;
    const double end = begin + scale;
    const double covered = std::min(scale, from - begin);
    const int last = std::min(static_cast<int>(std::floor(end)), from - 1);
    const int first = std::min(static_cast<int>(std::ceil(begin)), last);
    Output output{first, 0, weights.size()};
    if (first - begin > kSmallest) {
      output.first = first - 1;
      weights.push_back(static_cast<float>((first - begin) / covered));
    }
    for (int i = first; i < last; ++i) weights.push_back(static_cast<float>(1.0 / covered));
    if (end - last > kSmallest) {
      weights.push_back(static_cast<float>(std::min(std::min(end - last, 1.0), covered) / covered));
    }
    output.count = static_cast<int>(weights.size() - output.weights);
    outputs.push_back(output);
  }
};

// Column by column the largest and the smallest id of `count` rows, dropped ids as 0.
DCME_SIMD_CLONES
void column_extremes(const uint16_t* top, int count, int cols, uint16_t* largest,
                     uint16_t* smallest) {
  for (int c = 0; c < cols; ++c) {
    largest[c] = smallest[c] = top[c] > kLastDropped ? top[c] : uint16_t{0};
  }
  for (int r = 1; r < count; ++r) {
    const uint16_t* row = top + static_cast<size_t>(r) * cols;
    for (int c = 0; c < cols; ++c) {
      const uint16_t id = row[c] > kLastDropped ? row[c] : uint16_t{0};
      largest[c] = std::max(largest[c], id);
      smallest[c] = std::min(smallest[c], id);
    }
  }
}

DCME_SIMD_CLONES
void pair_maxima(const uint16_t* values, int pairs, uint16_t* maxima) {
  for (int i = 0; i < pairs; ++i) maxima[i] = std::max(values[2 * i], values[2 * i + 1]);
}

class Reducer {
 public:
  Reducer(Plane<const uint16_t> ids, Plane<uint16_t> reduced)
      : ids_(ids),
        reduced_(reduced),
        rows_(ids.rows, reduced.rows),
        cols_(ids.cols, reduced.cols),
        whole_(rows_.whole && cols_.whole),
        largest_(ids.cols),
        smallest_(ids.cols) {}

  void run() {
    // A whole block's mean is rounded to nearest: a single pixel of 255 survives up to this area.
    const int area = rows_.outputs[0].count * cols_.outputs[0].count;
    const bool any_pixel_counts = whole_ && area < 2 * 255;
    for (int r = 0; r < reduced_.rows; ++r) {
      const AxisTaps::Output& y = rows_.outputs[r];
      column_extremes(ids_.row(y.first), y.count, ids_.cols, largest_.data(), smallest_.data());
      if (any_pixel_counts) {
        row_of_maxima(reduced_.row(r));
      } else {
        for (int c = 0; c < reduced_.cols; ++c) reduced_(r, c) = weighted_winner(r, c);
      }
    }
  }

 private:
  void row_of_maxima(uint16_t* out) const {
    const int count = cols_.outputs[0].count;
    if (count == 2) return pair_maxima(largest_.data(), reduced_.cols, out);
    const uint16_t* in = largest_.data();
    for (int c = 0; c < reduced_.cols; ++c, in += count) out[c] = *std::max_element(in, in + count);
  }

  // The highest id of the footprint whose mask does not round to 0.
  uint16_t weighted_winner(int r, int c) const {
    const AxisTaps::Output& x = cols_.outputs[c];
    const auto high = largest_.begin() + x.first, low = smallest_.begin() + x.first;
    uint16_t candidate = *std::max_element(high, high + x.count);
    if (candidate == 0 || candidate == *std::min_element(low, low + x.count)) return candidate;
    while (candidate != 0 && !survives(candidate, r, c)) candidate = next_lower(candidate, r, c);
    return candidate;
  }

  // Whether the mask of `id` averages to more than one half, which is rounded to even, to 0. Sums
  // run in the same order and precision as OpenCV's, so that ties fall alike.
  bool survives(uint16_t id, int r, int c) const {
    const AxisTaps::Output& y = rows_.outputs[r];
    const AxisTaps::Output& x = cols_.outputs[c];
    float mean = 0;
    int hits = 0;
    for (int i = 0; i < y.count; ++i) {
      const uint16_t* row = ids_.row(y.first + i) + x.first;
      float row_mean = 0;
      for (int j = 0; j < x.count; ++j) {
        if (row[j] != id) continue;
        row_mean += 255.f * cols_.weights[x.weights + j];
        ++hits;
      }
      mean += rows_.weights[y.weights + i] * row_mean;
    }
    if (whole_) mean = 255 * hits * (1.f / (x.count * y.count));
    return mean > 0.5f;
  }

  uint16_t next_lower(uint16_t id, int r, int c) const {
    const AxisTaps::Output& y = rows_.outputs[r];
    const AxisTaps::Output& x = cols_.outputs[c];
    uint16_t best = 0;
    for (int i = 0; i < y.count; ++i) {
      const uint16_t* row = ids_.row(y.first + i) + x.first;
      for (int j = 0; j < x.count; ++j) {
        if (row[j] < id && row[j] > kLastDropped) best = std::max(best, row[j]);
      }
    }
    return best;
  }

  const Plane<const uint16_t> ids_;
  const Plane<uint16_t> reduced_;
  const AxisTaps rows_, cols_;
  const bool whole_;
  std::vector<uint16_t> largest_, smallest_;  // of each column within the current output row
};

}  // namespace

void reduce_ids(Plane<const uint16_t> ids, Plane<uint16_t> reduced) {
  if (reduced.rows < 1 || reduced.cols < 1 || reduced.rows > ids.rows || reduced.cols > ids.cols) {
    throw std::invalid_argument("cannot reduce an instance map of " +
                                size_text(ids.rows, ids.cols) + " to " +
                                size_text(reduced.rows, reduced.cols) +
                                ": a side may shrink to 1 or more pixels but not grow");
  }
  Reducer(ids, reduced).run();
}

}  // namespace dcme
