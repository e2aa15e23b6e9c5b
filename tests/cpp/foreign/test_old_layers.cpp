// Every field of the two older layer formats finds its place in the present one.

#include <set>
#include <string>
#include <vector>

#include "caffe/layer_factory.hpp"
#include "caffe/net.hpp"
#include "caffe/util/upgrade_proto.hpp"
#include "foreign.hpp"

namespace caffe {

// ---- V0: one flat message for all layers ----

void ExpectV0(const std::string& v0, const std::string& v1) {
  const NetParameter before = FromText<NetParameter>(v0);
  EXPECT_TRUE(NetNeedsV0ToV1Upgrade(before));
  NetParameter after;
  EXPECT_TRUE(UpgradeV0Net(before, &after)) << v0;
  EXPECT_EQ(FromText<NetParameter>(v1).DebugString(), after.DebugString());
}

TEST(OldLayers, V0FieldsMoveIntoMessages) {
  ExpectV0(
      "layers { bottom: 'a' top: 'b' layer { name: 'n' type: 'conv' num_output: 4 biasterm: false "
      "weight_filler { type: 'xavier' } bias_filler { value: 1 } pad: 2 kernelsize: 5 group: 2 "
      "stride: 3 blobs_lr: 1 blobs_lr: 2 weight_decay: 0.5 blobs { num: 1 } } }",
      "layers { bottom: 'a' top: 'b' name: 'n' type: CONVOLUTION blobs { num: 1 } blobs_lr: 1 "
      "blobs_lr: 2 weight_decay: 0.5 convolution_param { num_output: 4 bias_term: false pad: 2 "
      "kernel_size: 5 group: 2 stride: 3 weight_filler { type: 'xavier' } bias_filler { value: 1 } "
      "} }");
  ExpectV0(
      "layers { layer { name: 'n' type: 'lrn' local_size: 3 alpha: 0.1 beta: 0.5 k: 2 } }"
      "layers { layer { type: 'dropout' dropout_ratio: 0.2 } }"
      "layers { layer { type: 'concat' concat_dim: 2 } }"
      "layers { layer { type: 'infogain_loss' source: 's' } }"
      "layers { layer { type: 'pool' pool: AVE pad: 1 kernelsize: 2 stride: 2 } }"
      "layers { layer { type: 'hdf5_output' hdf5_output_param { file_name: 'f' } } }",
      "layers { name: 'n' type: LRN lrn_param { local_size: 3 alpha: 0.1 beta: 0.5 k: 2 } }"
      "layers { type: DROPOUT dropout_param { dropout_ratio: 0.2 } }"
      "layers { type: CONCAT concat_param { concat_dim: 2 } }"
      "layers { type: INFOGAIN_LOSS infogain_loss_param { source: 's' } }"
      "layers { type: POOLING pooling_param { pool: AVE pad: 1 kernel_size: 2 stride: 2 } }"
      "layers { type: HDF5_OUTPUT hdf5_output_param { file_name: 'f' } }");
}

TEST(OldLayers, V0DataLayersGetTheirTransformation) {
  ExpectV0(
      "layers { layer { type: 'data' source: 's' batchsize: 2 rand_skip: 3 scale: 0.5 meanfile: "
      "'m' cropsize: 4 mirror: true } }"
      "layers { layer { type: 'images' source: 's' batchsize: 2 rand_skip: 3 shuffle_images: true "
      "new_height: 5 new_width: 6 } }"
      "layers { layer { type: 'hdf5_data' source: 's' batchsize: 2 } }"
      "layers { layer { type: 'window_data' source: 's' batchsize: 2 det_fg_threshold: 0.6 "
      "det_bg_threshold: 0.1 det_fg_fraction: 0.2 det_context_pad: 3 det_crop_mode: 'square' } }",
      "layers { type: DATA data_param { source: 's' batch_size: 2 rand_skip: 3 } transform_param { "
      "scale: 0.5 mean_file: 'm' crop_size: 4 mirror: true } }"
      "layers { type: IMAGE_DATA image_data_param { source: 's' batch_size: 2 rand_skip: 3 "
      "shuffle: "
      "true new_height: 5 new_width: 6 } }"
      "layers { type: HDF5_DATA hdf5_data_param { source: 's' batch_size: 2 } }"
      "layers { type: WINDOW_DATA window_data_param { source: 's' batch_size: 2 fg_threshold: 0.6 "
      "bg_threshold: 0.1 fg_fraction: 0.2 context_pad: 3 crop_mode: 'square' } }");
}

TEST(OldLayers, V0FieldsOfOtherTypesAreLeftOut) {
  // What no type takes (new_num, new_channels), and what this one does not.
  for (const char* field : {"new_num: 1", "new_channels: 3", "dropout_ratio: 0.3"}) {
    NetParameter after;
    const std::string layer = std::string("layers { layer { name: 'n' type: 'relu' ") + field;
    EXPECT_FALSE(UpgradeV0Net(FromText<NetParameter>(layer + " } }"), &after));
    EXPECT_EQ("layers {\n  name: \"n\"\n  type: RELU\n}\n", after.DebugString());
  }
}

TEST(OldLayers, V0PaddingGoesToTheLayerBehind) {
  NetParameter after;
  UpgradeV0PaddingLayers(
      FromText<NetParameter>(
          "layers { bottom: 'a' top: 'p' layer { name: 'pad' type: 'padding' pad: 2 } } layers { "
          "bottom: 'p' top: 'c' layer { name: 'c' type: 'conv' } }"),
      &after);
  EXPECT_EQ(FromText<NetParameter>("layers { bottom: 'a' top: 'c' layer { name: 'c' type: 'conv' "
                                   "pad: 2 } }")
                .DebugString(),
            after.DebugString());
}

// ---- V1: one message a type, types as an enumeration ----

TEST(OldLayers, EveryV1MessageIsTakenOver) {
  const auto* layer_type = LayerParameter::descriptor();
  const auto* v1_type = V1LayerParameter::descriptor();
  int messages = 0;
  for (int i = 0; i < v1_type->field_count(); ++i) {
    const auto* field = v1_type->field(i);
    if (field->message_type() == NULL || field->is_repeated() || field->name() == "layer") continue;
    V1LayerParameter v1;
    v1.GetReflection()->MutableMessage(&v1, field);
    LayerParameter layer;
    EXPECT_TRUE(UpgradeV1LayerParameter(v1, &layer));
    const auto* target = layer_type->FindFieldByName(field->name());
    ASSERT_TRUE(target != NULL) << field->name();
    EXPECT_TRUE(layer.GetReflection()->HasField(layer, target)) << field->name();
    ++messages;
  }
  EXPECT_GE(messages, 29);
}

TEST(OldLayers, V1ListsBecomeParamSpecs) {
  LayerParameter layer;
  EXPECT_TRUE(UpgradeV1LayerParameter(
      FromText<V1LayerParameter>(
          "name: 'n' type: INNER_PRODUCT bottom: 'a' top: 'b' blobs { num: 1 "
          "} param: 'w' param: 'v' blob_share_mode: PERMISSIVE blobs_lr: 3 "
          "weight_decay: 0.5 weight_decay: 0 loss_weight: 2 "
          "include { phase: TEST } exclude { stage: 's' }"),
      &layer));
  EXPECT_EQ(FromText<LayerParameter>(
                "name: 'n' type: 'InnerProduct' bottom: 'a' top: 'b' blobs { num: 1 } loss_weight: "
                "2 param { name: 'w' share_mode: PERMISSIVE lr_mult: 3 decay_mult: 0.5 } param { "
                "name: 'v' decay_mult: 0 } include { phase: TEST } exclude { stage: 's' }")
                .DebugString(),
            layer.DebugString());
}

TEST(OldLayers, EveryV1TypeIsALayer) {
  std::set<string> known;
  for (const string& type : LayerRegistry<float>::LayerTypeList()) known.insert(type);
  for (int i = V1LayerParameter_LayerType_LayerType_MIN;
       i <= V1LayerParameter_LayerType_LayerType_MAX; ++i) {
    if (!V1LayerParameter_LayerType_IsValid(i)) continue;
    const string type = UpgradeV1LayerType(static_cast<V1LayerParameter_LayerType>(i));
    if (i == V1LayerParameter_LayerType_NONE) {
      EXPECT_EQ("", type);
    } else {
      EXPECT_EQ(1u, known.count(type)) << type;
    }
  }
}

TEST(OldLayers, SolverTypesAreNames) {
  const char* const names[] = {"SGD", "Nesterov", "AdaGrad", "RMSProp", "AdaDelta", "Adam"};
  for (int i = 0; i < 6; ++i) {
    SolverParameter solver;
    solver.set_solver_type(static_cast<SolverParameter_SolverType>(i));
    EXPECT_TRUE(SolverNeedsTypeUpgrade(solver));
    EXPECT_TRUE(UpgradeSolverType(&solver));
    EXPECT_EQ(names[i], solver.type());
    EXPECT_FALSE(solver.has_solver_type());
  }
}

TEST(OldLayers, NetInputsBecomeALayer) {
  NetParameter net = FromText<NetParameter>(
      "input: 'a' input_shape { dim: 1 dim: 2 } input: 'b' input_shape { dim: 3 }");
  EXPECT_TRUE(NetNeedsInputUpgrade(net));
  UpgradeNetInput(&net);
  EXPECT_EQ(FromText<NetParameter>("layer { name: 'input' type: 'Input' top: 'a' top: 'b' "
                                   "input_param { shape { dim: 1 dim: 2 } shape { dim: 3 } } }")
                .DebugString(),
            net.DebugString());
  net = FromText<NetParameter>(
      "input: 'a' input: 'b' input_dim: 1 input_dim: 2 input_dim: 3 input_dim: 4 "
      "input_dim: 5 input_dim: 6 input_dim: 7 input_dim: 8");
  UpgradeNetInput(&net);
  EXPECT_EQ(FromText<NetParameter>("layer { name: 'input' type: 'Input' top: 'a' top: 'b' "
                                   "input_param { shape { dim: 1 dim: 2 dim: 3 dim: 4 } "
                                   "shape { dim: 5 dim: 6 dim: 7 dim: 8 } } }")
                .DebugString(),
            net.DebugString());
}

TEST(OldLayers, NetsAreMadeFromOldMessages) {
  const Net<float> net(FromText<NetParameter>(
      "name: 'old' input: 'x' input_dim: 1 input_dim: 2 input_dim: 3 input_dim: 4 "
      "layers { name: 'relu' type: RELU bottom: 'x' top: 'y' include { phase: TEST } } "
      "state { phase: TEST }"));
  ASSERT_EQ(1, net.num_inputs());
  EXPECT_EQ("1 2 3 4 (24)", net.input_blobs()[0]->shape_string());
  ASSERT_EQ(1, net.num_outputs());
  EXPECT_EQ(24, net.output_blobs()[0]->count());
  const Net<double> older(FromText<NetParameter>(
      "input: 'x' input_dim: 1 input_dim: 1 input_dim: 4 input_dim: 4 "
      "layers { layer { name: 'pad' type: 'padding' pad: 1 } bottom: 'x' top: 'padded' } "
      "layers { layer { name: 'conv' type: 'conv' num_output: 2 kernelsize: 3 } "
      "bottom: 'padded' top: 'y' }"));
  EXPECT_EQ("1 2 4 4 (32)", older.blob_by_name("y")->shape_string());
}

}  // namespace caffe
