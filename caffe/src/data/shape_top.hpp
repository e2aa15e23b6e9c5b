#ifndef CAFFE_SRC_DATA_SHAPE_TOP_HPP_
#define CAFFE_SRC_DATA_SHAPE_TOP_HPP_

#include <vector>

#include "caffe/blob.hpp"
#include "caffe/common.hpp"

namespace caffe {

/// Shapes a data layer's first top for a batch of images, and logs that; `shape`: of one or more of
/// them, N x C x H x W.
template <typename Dtype>
void ShapeTop(vector<int> shape, int batch_size, Blob<Dtype>* top) {
  shape[0] = batch_size;
  top->Reshape(shape);
  LOG(INFO) << "output data size: " << top->num() << "," << top->channels() << "," << top->height()
            << "," << top->width();
}

}  // namespace caffe

#endif  // CAFFE_SRC_DATA_SHAPE_TOP_HPP_
