#include "cudnn/question.hpp"

#include <sstream>

namespace caffe {
namespace cudnn {

string TextOf(Product product, const ConvolutionGeometry& g) {
  std::ostringstream text;
  text << (product == Product::kToFeatures ? "features"
           : product == Product::kToImage  ? "image"
                                           : "weights")
       << " of " << g.num << " x " << g.image_channels << " x " << g.image[0] << " x " << g.image[1]
       << " to " << g.feature_channels << " channels, kernel " << g.kernel[0] << " x "
       << g.kernel[1];
  return text.str();
}

}  // namespace cudnn
}  // namespace caffe
