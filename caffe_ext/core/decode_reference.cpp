// The decoder that produced the published numbers: to the votes of published_votes.hpp overlapping
// masks.
#include "published_votes.hpp"
#include "runs.hpp"

namespace dcme {
namespace {

void collect_members(Plane<const int32_t> targets, const CoverMap& cover,
                     std::vector<Instance>& list) {
  std::vector<int32_t> sets(targets.cols);
  for (int r = 0; r < targets.rows; ++r) {
    const int32_t* row = targets.row(r);
    for (int c = 0; c < targets.cols; ++c) sets[c] = cover.sets()[row[c]];
    for (int begin = 0; begin < targets.cols;) {
      const int end = run_end(sets.data(), begin, targets.cols);
      for (int k : cover.members(sets[begin])) append_span(list[k].spans, {r, begin, end});
      begin = end;
    }
  }
}

}  // namespace

Instances decode_reference(const VectorField& field, const DecodeOptions& options) {
  const PublishedVotes votes(field, options);
  Instances found{field.rows(), field.cols(), votes.centres()};
  if (found.list.empty()) return found;
  collect_members(votes.targets(), CoverMap(votes, options.et), found.list);
  for (Instance& instance : found.list) instance.spans = with_holes_filled(instance.spans);
  leave_out_small(found.list);
  return found;
}

}  // namespace dcme
