#include "cudnn/question.hpp"

#include <cstdlib>
#include <cstring>

#include "caffe/util/plain_text.hpp"

namespace caffe {
namespace cudnn {

string TextOf(Product product, const ConvolutionGeometry& g) {
  PlainText text;
  text << (product == Product::kToFeatures ? "features"
           : product == Product::kToImage  ? "image"
                                           : "weights")
       << " of " << g.num << " x " << g.image_channels << " x " << g.image[0] << " x " << g.image[1]
       << " to " << g.feature_channels << " channels, kernel " << g.kernel[0] << " x "
       << g.kernel[1];
  return text.str();
}

bool TakesFirstWay() {
  const char* value = std::getenv("CAFFE_DETERMINISTIC");
  return value && std::strcmp(value, "1") == 0;
}

}  // namespace cudnn
}  // namespace caffe
