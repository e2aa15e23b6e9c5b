#ifndef CAFFE_SRC_CUDNN_QUESTION_HPP_
#define CAFFE_SRC_CUDNN_QUESTION_HPP_

#include <initializer_list>
#include <map>
#include <vector>

#include "core/convolution_geometry.hpp"
#include "core/this_device.hpp"
#include "cudnn/handle.hpp"

namespace caffe {
namespace cudnn {

/// A product in words, for logs.
string TextOf(Product product, const ConvolutionGeometry& g);

/// What the fastest way to compute a product of a convolution depends on, as a key: `what` (the
/// product, the type of its values, ...), the thread's GPU, and the geometry.
using Question = std::vector<int>;

inline Question QuestionOf(std::initializer_list<int> what, const ConvolutionGeometry& g) {
  Question question(what);
  question.insert(question.end(),
                  {ThisDevice(), g.num, g.groups, g.image_channels, g.feature_channels});
  for (const auto* pair : {&g.image, &g.features, &g.kernel, &g.stride, &g.pad, &g.dilation}) {
    question.insert(question.end(), {(*pair)[0], (*pair)[1]});
  }
  return question;
}

/// Whether the first way to compute a product that works is taken, in cuDNN's order, not the
/// fastest one: with CAFFE_DETERMINISTIC=1 in the environment. What is fastest may change from one
/// process to the next, and with it the order of sums.
bool TakesFirstWay();

/// The answer to a question, looked up or found by `find` at its first use in this thread: answers
/// may belong to the thread's handle.
template <typename Answer, typename Find>
const Answer& Recall(const Question& question, const Find& find) {
  // Made before the answers: it has to outlive them.
  Handle();
  static thread_local std::map<Question, Answer> known;
  auto found = known.find(question);
  if (found == known.end()) found = known.emplace(question, find()).first;
  return found->second;
}

}  // namespace cudnn
}  // namespace caffe

#endif  // CAFFE_SRC_CUDNN_QUESTION_HPP_
