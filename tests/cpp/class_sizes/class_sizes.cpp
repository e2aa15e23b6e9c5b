// Compiled with and without CPU_ONLY, as the function CLASS_SIZES.

#include "class_sizes.hpp"

#include "caffe/caffe.hpp"
#include "caffe/data_transformer.hpp"
#include "caffe/layers/base_data_layer.hpp"
#include "caffe/layers/batch_norm_layer.hpp"
#include "caffe/layers/conv_layer.hpp"
#include "caffe/layers/embed_layer.hpp"
#include "caffe/layers/image_data_layer.hpp"
#include "caffe/layers/infogain_loss_layer.hpp"
#include "caffe/layers/lrn_layer.hpp"
#include "caffe/layers/memory_data_layer.hpp"
#include "caffe/layers/pooling_layer.hpp"
#include "caffe/layers/softmax_loss_layer.hpp"
#include "caffe/layers/upsample_layer.hpp"
#include "caffe/sgd_solvers.hpp"

namespace caffe_test {

std::vector<ClassSize> CLASS_SIZES() {
  using namespace caffe;  // NOLINT
  return {
#define SIZE_OF(name) {#name, sizeof(name)}
      SIZE_OF(Caffe),
      SIZE_OF(SyncedMemory),
      SIZE_OF(Blob<float>),
      SIZE_OF(Layer<float>),
      SIZE_OF(Net<float>),
      SIZE_OF(Solver<float>),
      SIZE_OF(SGDSolver<float>),
      SIZE_OF(AdamSolver<float>),
      SIZE_OF(Batch<float>),
      SIZE_OF(DataTransformer<float>),
      SIZE_OF(ImageDataLayer<float>),
      SIZE_OF(MemoryDataLayer<float>),
      SIZE_OF(BatchNormLayer<float>),
      SIZE_OF(ConvolutionLayer<float>),
      SIZE_OF(EmbedLayer<float>),
      SIZE_OF(InfogainLossLayer<float>),
      SIZE_OF(LRNLayer<float>),
      SIZE_OF(PoolingLayer<float>),
      SIZE_OF(SoftmaxWithLossLayer<float>),
      SIZE_OF(UpsampleLayer<float>),
#undef SIZE_OF
  };
}

}  // namespace caffe_test
