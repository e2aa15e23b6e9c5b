// Every public header in one file, as code written for Caffe 1.0 includes them, and every layer and
// solver by its class and by its name.

#include <set>
#include <string>
#include <vector>

#include <boost/scoped_ptr.hpp>
#include <glog/logging.h>
#include <google/protobuf/text_format.h>
#include <gtest/gtest.h>

#include "caffe/blob.hpp"
#include "caffe/caffe.hpp"
#include "caffe/common.hpp"
#include "caffe/data_transformer.hpp"
#include "caffe/filler.hpp"
#include "caffe/internal_thread.hpp"
#include "caffe/layer.hpp"
#include "caffe/layer_factory.hpp"
#include "caffe/layers/absval_layer.hpp"
#include "caffe/layers/accuracy_layer.hpp"
#include "caffe/layers/argmax_layer.hpp"
#include "caffe/layers/base_conv_layer.hpp"
#include "caffe/layers/base_data_layer.hpp"
#include "caffe/layers/batch_norm_layer.hpp"
#include "caffe/layers/batch_reindex_layer.hpp"
#include "caffe/layers/bias_layer.hpp"
#include "caffe/layers/bnll_layer.hpp"
#include "caffe/layers/clip_layer.hpp"
#include "caffe/layers/concat_layer.hpp"
#include "caffe/layers/contrastive_loss_layer.hpp"
#include "caffe/layers/conv_layer.hpp"
#include "caffe/layers/crop_layer.hpp"
#include "caffe/layers/cudnn_conv_layer.hpp"
#include "caffe/layers/cudnn_deconv_layer.hpp"
#include "caffe/layers/cudnn_lcn_layer.hpp"
#include "caffe/layers/cudnn_lrn_layer.hpp"
#include "caffe/layers/cudnn_pooling_layer.hpp"
#include "caffe/layers/cudnn_relu_layer.hpp"
#include "caffe/layers/cudnn_sigmoid_layer.hpp"
#include "caffe/layers/cudnn_softmax_layer.hpp"
#include "caffe/layers/cudnn_tanh_layer.hpp"
#include "caffe/layers/data_layer.hpp"
#include "caffe/layers/deconv_layer.hpp"
#include "caffe/layers/dropout_layer.hpp"
#include "caffe/layers/dummy_data_layer.hpp"
#include "caffe/layers/eltwise_layer.hpp"
#include "caffe/layers/elu_layer.hpp"
#include "caffe/layers/embed_layer.hpp"
#include "caffe/layers/euclidean_loss_layer.hpp"
#include "caffe/layers/exp_layer.hpp"
#include "caffe/layers/filter_layer.hpp"
#include "caffe/layers/flatten_layer.hpp"
#include "caffe/layers/hdf5_data_layer.hpp"
#include "caffe/layers/hdf5_output_layer.hpp"
#include "caffe/layers/hinge_loss_layer.hpp"
#include "caffe/layers/im2col_layer.hpp"
#include "caffe/layers/image_data_layer.hpp"
#include "caffe/layers/infogain_loss_layer.hpp"
#include "caffe/layers/inner_product_layer.hpp"
#include "caffe/layers/input_layer.hpp"
#include "caffe/layers/log_layer.hpp"
#include "caffe/layers/loss_layer.hpp"
#include "caffe/layers/lrn_layer.hpp"
#include "caffe/layers/lstm_layer.hpp"
#include "caffe/layers/memory_data_layer.hpp"
#include "caffe/layers/multinomial_logistic_loss_layer.hpp"
#include "caffe/layers/mvn_layer.hpp"
#include "caffe/layers/neuron_layer.hpp"
#include "caffe/layers/parameter_layer.hpp"
#include "caffe/layers/pooling_layer.hpp"
#include "caffe/layers/power_layer.hpp"
#include "caffe/layers/prelu_layer.hpp"
#include "caffe/layers/python_layer.hpp"
#include "caffe/layers/recurrent_layer.hpp"
#include "caffe/layers/reduction_layer.hpp"
#include "caffe/layers/relu_layer.hpp"
#include "caffe/layers/reshape_layer.hpp"
#include "caffe/layers/rnn_layer.hpp"
#include "caffe/layers/scale_layer.hpp"
#include "caffe/layers/sigmoid_cross_entropy_loss_layer.hpp"
#include "caffe/layers/sigmoid_layer.hpp"
#include "caffe/layers/silence_layer.hpp"
#include "caffe/layers/slice_layer.hpp"
#include "caffe/layers/softmax_layer.hpp"
#include "caffe/layers/softmax_loss_layer.hpp"
#include "caffe/layers/split_layer.hpp"
#include "caffe/layers/spp_layer.hpp"
#include "caffe/layers/swish_layer.hpp"
#include "caffe/layers/tanh_layer.hpp"
#include "caffe/layers/threshold_layer.hpp"
#include "caffe/layers/tile_layer.hpp"
#include "caffe/layers/window_data_layer.hpp"
#include "caffe/net.hpp"
#include "caffe/parallel.hpp"
#include "caffe/sgd_solvers.hpp"
#include "caffe/solver.hpp"
#include "caffe/solver_factory.hpp"
#include "caffe/syncedmem.hpp"
#include "caffe/util/benchmark.hpp"
#include "caffe/util/blocking_queue.hpp"
#include "caffe/util/cudnn.hpp"
#include "caffe/util/db.hpp"
#include "caffe/util/db_leveldb.hpp"
#include "caffe/util/db_lmdb.hpp"
#include "caffe/util/device_alternate.hpp"
#include "caffe/util/format.hpp"
#include "caffe/util/hdf5.hpp"
#include "caffe/util/im2col.hpp"
#include "caffe/util/insert_splits.hpp"
#include "caffe/util/io.hpp"
#include "caffe/util/math_functions.hpp"
#include "caffe/util/mkl_alternate.hpp"
#include "caffe/util/nccl.hpp"
#include "caffe/util/rng.hpp"
#include "caffe/util/signal_handler.h"
#include "caffe/util/upgrade_proto.hpp"

namespace caffe {
namespace {

using boost::scoped_ptr;

template <typename Dtype>
class PublicClassesTest : public ::testing::Test {
 protected:
  template <template <typename> class LayerClass>
  void ExpectType(const string& type) {
    LayerParameter param;
    param.set_type(type);
    const scoped_ptr<Layer<Dtype>> layer(new LayerClass<Dtype>(param));
    EXPECT_EQ(type, layer->type());
    EXPECT_EQ(type, LayerRegistry<Dtype>::CreateLayer(param)->type());
  }
};

typedef ::testing::Types<float, double> Precisions;
TYPED_TEST_SUITE(PublicClassesTest, Precisions, );

TYPED_TEST(PublicClassesTest, EveryLayerCanBeMadeByItsClass) {
  this->template ExpectType<AbsValLayer>("AbsVal");
  this->template ExpectType<AccuracyLayer>("Accuracy");
  this->template ExpectType<ArgMaxLayer>("ArgMax");
  this->template ExpectType<BNLLLayer>("BNLL");
  this->template ExpectType<BatchNormLayer>("BatchNorm");
  this->template ExpectType<BatchReindexLayer>("BatchReindex");
  this->template ExpectType<BiasLayer>("Bias");
  this->template ExpectType<ClipLayer>("Clip");
  this->template ExpectType<ConcatLayer>("Concat");
  this->template ExpectType<ContrastiveLossLayer>("ContrastiveLoss");
  this->template ExpectType<ConvolutionLayer>("Convolution");
  this->template ExpectType<CropLayer>("Crop");
  this->template ExpectType<CuDNNConvolutionLayer>("Convolution");
  this->template ExpectType<CuDNNDeconvolutionLayer>("Deconvolution");
  this->template ExpectType<CuDNNLCNLayer>("LRN");
  this->template ExpectType<CuDNNLRNLayer>("LRN");
  this->template ExpectType<CuDNNPoolingLayer>("Pooling");
  this->template ExpectType<CuDNNReLULayer>("ReLU");
  this->template ExpectType<CuDNNSigmoidLayer>("Sigmoid");
  this->template ExpectType<CuDNNSoftmaxLayer>("Softmax");
  this->template ExpectType<CuDNNTanHLayer>("TanH");
  this->template ExpectType<DataLayer>("Data");
  this->template ExpectType<DeconvolutionLayer>("Deconvolution");
  this->template ExpectType<DropoutLayer>("Dropout");
  this->template ExpectType<DummyDataLayer>("DummyData");
  this->template ExpectType<ELULayer>("ELU");
  this->template ExpectType<EltwiseLayer>("Eltwise");
  this->template ExpectType<EmbedLayer>("Embed");
  this->template ExpectType<EuclideanLossLayer>("EuclideanLoss");
  this->template ExpectType<ExpLayer>("Exp");
  this->template ExpectType<FilterLayer>("Filter");
  this->template ExpectType<FlattenLayer>("Flatten");
  this->template ExpectType<HDF5DataLayer>("HDF5Data");
  this->template ExpectType<HDF5OutputLayer>("HDF5Output");
  this->template ExpectType<HingeLossLayer>("HingeLoss");
  this->template ExpectType<Im2colLayer>("Im2col");
  this->template ExpectType<ImageDataLayer>("ImageData");
  this->template ExpectType<InfogainLossLayer>("InfogainLoss");
  this->template ExpectType<InnerProductLayer>("InnerProduct");
  this->template ExpectType<InputLayer>("Input");
  this->template ExpectType<LRNLayer>("LRN");
  this->template ExpectType<LSTMLayer>("LSTM");
  this->template ExpectType<LSTMUnitLayer>("LSTMUnit");
  this->template ExpectType<LogLayer>("Log");
  this->template ExpectType<MVNLayer>("MVN");
  this->template ExpectType<MemoryDataLayer>("MemoryData");
  this->template ExpectType<MultinomialLogisticLossLayer>("MultinomialLogisticLoss");
  this->template ExpectType<PReLULayer>("PReLU");
  this->template ExpectType<ParameterLayer>("Parameter");
  this->template ExpectType<PoolingLayer>("Pooling");
  this->template ExpectType<PowerLayer>("Power");
  this->template ExpectType<RNNLayer>("RNN");
  this->template ExpectType<ReLULayer>("ReLU");
  this->template ExpectType<ReductionLayer>("Reduction");
  this->template ExpectType<ReshapeLayer>("Reshape");
  this->template ExpectType<SPPLayer>("SPP");
  this->template ExpectType<ScaleLayer>("Scale");
  this->template ExpectType<SigmoidCrossEntropyLossLayer>("SigmoidCrossEntropyLoss");
  this->template ExpectType<SigmoidLayer>("Sigmoid");
  this->template ExpectType<SilenceLayer>("Silence");
  this->template ExpectType<SliceLayer>("Slice");
  this->template ExpectType<SoftmaxLayer>("Softmax");
  this->template ExpectType<SoftmaxWithLossLayer>("SoftmaxWithLoss");
  this->template ExpectType<SplitLayer>("Split");
  this->template ExpectType<SwishLayer>("Swish");
  this->template ExpectType<TanHLayer>("TanH");
  this->template ExpectType<ThresholdLayer>("Threshold");
  this->template ExpectType<TileLayer>("Tile");
  this->template ExpectType<WindowDataLayer>("WindowData");
}

TYPED_TEST(PublicClassesTest, EverySolverCanBeMadeFromItsNameAlone) {
  typedef typename SolverRegistry<TypeParam>::CreatorRegistry CreatorRegistry;
  CreatorRegistry& registry = SolverRegistry<TypeParam>::Registry();
  std::set<string> names;
  for (typename CreatorRegistry::iterator it = registry.begin(); it != registry.end(); ++it) {
    SolverParameter param;
    ASSERT_TRUE(google::protobuf::TextFormat::ParseFromString(
        "base_lr: 0.1 lr_policy: 'fixed' train_net_param { name: 'n' layer { name: 'd' "
        "type: 'DummyData' top: 'd' dummy_data_param { shape { dim: 2 } } } }",
        &param));
    param.set_type(it->first);
    const shared_ptr<Solver<TypeParam>> solver(SolverRegistry<TypeParam>::CreateSolver(param));
    EXPECT_EQ(it->first, solver->type());
    names.insert(it->first);
  }
  for (const char* name : {"AdaDelta", "AdaGrad", "Adam", "Nesterov", "RMSProp", "SGD"}) {
    EXPECT_EQ(1u, names.count(name)) << name;
  }
}

TEST(VectorFunctions, HaveTheNamesOfMkl) {
  const float a[] = {1, 4, 9}, b[] = {2, 2, 3};
  float y[3];
  vsAdd(3, a, b, y);
  EXPECT_EQ(12, y[2]);
  vsSub(3, a, b, y);
  EXPECT_EQ(-1, y[0]);
  vsMul(3, a, b, y);
  EXPECT_EQ(27, y[2]);
  vsDiv(3, a, b, y);
  EXPECT_EQ(2, y[1]);
  vsSqr(3, a, y);
  EXPECT_EQ(81, y[2]);
  vsSqrt(3, a, y);
  EXPECT_EQ(3, y[2]);
  vsPowx(3, a, 0.5f, y);
  EXPECT_FLOAT_EQ(2, y[1]);
  const double c[] = {-1, 0, 1};
  double z[3];
  vdAbs(3, c, z);
  EXPECT_EQ(1, z[0]);
  vdExp(3, c, z);
  EXPECT_EQ(1, z[1]);
  vdLn(3, z, z);
  EXPECT_NEAR(-1, z[0], 1e-15);
}

}  // namespace
}  // namespace caffe
