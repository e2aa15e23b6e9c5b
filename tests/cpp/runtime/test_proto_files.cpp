#include "caffe/util/io.hpp"
#include "caffe/util/upgrade_proto.hpp"
#include "runtime/files.hpp"

using caffe::NetParameter;
using caffe::SolverParameter;
using caffe_test::TemporaryFolder;
using caffe_test::Write;

TEST(PrototxtError, NamesFileLineColumnAndNearFields) {
  const TemporaryFolder folder;
  Write(folder / "net.prototxt", "name: 'x'\nlayer {\n  nmae: 'y'\n}\n");
  NetParameter net;
  const std::string error = caffe_test::ErrorOf(
      [&] { caffe::ReadProtoFromTextFileOrDie(folder / "net.prototxt", &net); });
  EXPECT_TRUE(caffe_test::Contains(error, (folder / "net.prototxt") + ":3:")) << error;
  EXPECT_TRUE(caffe_test::Contains(error, "nmae")) << error;
  EXPECT_TRUE(caffe_test::Contains(error, "did you mean name")) << error;
  EXPECT_EQ(error.find('\n'), std::string::npos);
}

TEST(PrototxtError, NamesNearEnumerators) {
  NetParameter net;
  EXPECT_ERROR_NAMES(
      caffe::ParseProtoTextOrDie("layer { pooling_param { pool: AVG } }", "net", &net), "AVE");
}

TEST(PrototxtError, SaysWhereFieldsOfOldLayersWent) {
  NetParameter net;
  EXPECT_ERROR_NAMES(caffe::ParseProtoTextOrDie("layer { blobs_lr: 1 }", "net", &net), "lr_mult");
  EXPECT_ERROR_NAMES(caffe::ParseProtoTextOrDie("layer { weight_decay: 1 }", "net", &net),
                     "decay_mult");
}

TEST(PrototxtError, SaysWhatAnotherFileSeemsToBe) {
  const TemporaryFolder folder;
  NetParameter net;
  SolverParameter solver;
  const auto error = [&](const std::string& file, google::protobuf::Message* wanted) {
    return caffe_test::ErrorOf([&] { caffe::ReadProtoFromTextFileOrDie(folder / file, wanted); });
  };
  const auto expect = [&](const std::string& file, google::protobuf::Message* wanted,
                          const std::string& what) {
    EXPECT_EQ(error(file, wanted), (folder / file) + ": seems to be " + what);
  };
  net.add_layer()->set_name("fc");
  Write(folder / "net", net.SerializeAsString());
  expect("net", &net, "a model (.caffemodel); needed here is a net's prototxt");
  caffe::SolverState state;
  state.set_iter(7);
  Write(folder / "state", state.SerializeAsString());
  expect("state", &solver, "a solver's state (.solverstate); needed here is a solver's prototxt");
  Write(folder / "h5", std::string("\x89HDF\r\n\x1a\n\0", 9));
  expect("h5", &solver, "an HDF5 file; needed here is a solver's prototxt");
  Write(folder / "solver.prototxt", "net: 'n'\nbase_lr: 1\n");
  expect("solver.prototxt", &net, "a solver's prototxt; needed here is a net's prototxt");
  Write(folder / "net.prototxt", "layer { name: 'a' }");
  expect("net.prototxt", &solver, "a net's prototxt; needed here is a solver's prototxt");
  // Neither, as far as anybody can tell.
  Write(folder / "solvr.prototxt", "net: 'n'\nbase_lrr: 1\n");
  EXPECT_TRUE(caffe_test::Contains(error("solvr.prototxt", &solver), "did you mean base_lr"));
  EXPECT_FALSE(caffe_test::Contains(error("solvr.prototxt", &net), "seems to be"));
}

TEST(PrototxtFile, MayBeginWithAByteOrderMark) {
  const TemporaryFolder folder;
  Write(folder / "net.prototxt", "\xEF\xBB\xBFname: 'marked'\r\n");
  NetParameter net;
  caffe::ReadProtoFromTextFileOrDie(folder / "net.prototxt", &net);
  EXPECT_EQ(net.name(), "marked");
  for (const std::string text : {"", "#", "\xEF\xBB\xBF"}) {
    caffe::ParseProtoTextOrDie(text, "text", &net);
  }
}

TEST(PrototxtError, IsASentenceWithItsPlace) {
  NetParameter net;
  const auto error = [&](const std::string& text) {
    return caffe_test::ErrorOf([&] { caffe::ParseProtoTextOrDie(text, "net", &net); });
  };
  // Lines and columns as editors count them; the full stop of some messages is left out.
  EXPECT_EQ(error("\n  name 'x'").substr(0, 9), "net:2:8: ");
  EXPECT_NE(error("name: 'x' name: 'y'").back(), '.');
  const std::string plug_in = "python_param { param_str";
  EXPECT_ERROR_NAMES(caffe::ParseProtoTextOrDie("layer { my_param { } }", "net", &net), plug_in);
  EXPECT_FALSE(caffe_test::Contains(error("layer { my_field: 1 }"), plug_in));
  EXPECT_FALSE(caffe_test::Contains(error("my_param { }"), plug_in));
}

TEST(ProtoFile, IsClosedAfterUse) {
  const TemporaryFolder folder;
  const auto open_files = [] {
    const std::filesystem::directory_iterator files("/proc/self/fd");
    return std::distance(begin(files), end(files));
  };
  NetParameter net;
  const auto before = open_files();
  caffe::WriteProtoToTextFile(net, folder / "text");
  caffe::WriteProtoToBinaryFile(net, folder / "binary");
  EXPECT_TRUE(caffe::ReadProtoFromTextFile(folder / "text", &net));
  EXPECT_TRUE(caffe::ReadProtoFromBinaryFile(folder / "binary", &net));
  EXPECT_EQ(open_files(), before);
}

TEST(ProtoFile, ThatEndsInsideOfAMessageIsNoWholeOne) {
  const TemporaryFolder folder;
  NetParameter net;
  net.set_name("a net");
  Write(folder / "net", net.SerializeAsString() + "\x0c");  // the end of a group that never began
  EXPECT_ERROR_NAMES(caffe::ReadProtoFromBinaryFileOrDie(folder / "net", &net),
                     "or only a part of one, or made by a fork of Caffe");
}

TEST(ProtoFile, LargerThanItsFormatAllowsIsNotRead) {
  const TemporaryFolder folder;
  NetParameter net;
  const std::string file = folder / "large";
  Write(file, "");
  std::filesystem::resize_file(file, (int64_t(256) << 20) + 1);  // nothing of it is on the disk
  EXPECT_ERROR_NAMES(caffe::ReadProtoFromTextFileOrDie(file, &net), "too large for a prototxt");
  std::filesystem::resize_file(file, int64_t(1) << 31);
  EXPECT_ERROR_NAMES(caffe::ReadProtoFromBinaryFileOrDie(file, &net), "larger than 2 GiB");
}

TEST(ProtoFile, ABinaryOneReplacesWhatWasThereAndHasItsRequiredFields) {
  const TemporaryFolder folder;
  NetParameter net;
  net.set_name("stored");
  caffe::WriteProtoToBinaryFile(net, folder / "net");
  net.set_name("before");
  net.add_input("before");
  EXPECT_TRUE(caffe::ReadProtoFromBinaryFile(folder / "net", &net));
  EXPECT_EQ(net.DebugString(), "name: \"stored\"\n");
  net.add_layer()->mutable_clip_param()->set_min(0);
  Write(folder / "partial", net.SerializePartialAsString());
  EXPECT_ERROR_NAMES(caffe::ReadProtoFromBinaryFileOrDie(folder / "partial", &net),
                     "partial: lacks layer[0].clip_param.max");
}

TEST(PrototxtError, NamesRequiredFieldsThatAreMissing) {
  NetParameter net;
  EXPECT_ERROR_NAMES(caffe::ParseProtoTextOrDie("layer { clip_param { min: 0 } }", "net", &net),
                     "max");
}

TEST(PrototxtError, IsFalseWithoutOrDie) {
  NetParameter net;
  EXPECT_FALSE(caffe::ReadProtoFromTextFile("/nowhere/net.prototxt", &net));
  EXPECT_FALSE(caffe::ReadProtoFromBinaryFile("/nowhere/net.caffemodel", &net));
}

// With a failing disk, a file must not seem to end early.
TEST(ProtoFile, WhoseReadingFailsIsAnError) {
  NetParameter net;
  const std::string error = "mem: cannot be read to its end: Input/output error";
  EXPECT_ERROR_NAMES(caffe::ReadProtoFromTextFileOrDie(caffe_test::kUnreadable, &net), error);
  EXPECT_ERROR_NAMES(caffe::ReadProtoFromBinaryFileOrDie(caffe_test::kUnreadable, &net), error);
}

TEST(ProtoFile, AFolderIsNoFile) {
  NetParameter net;
  EXPECT_ERROR_NAMES(caffe::ReadProtoFromTextFileOrDie("/", &net), "folder");
  EXPECT_ERROR_NAMES(caffe::ReadProtoFromBinaryFileOrDie("/", &net), "folder");
}

TEST(ProtoFile, BinaryAndTextHoldTheSameMessage) {
  const TemporaryFolder folder;
  NetParameter net;
  net.set_name("a net");
  net.add_layer()->add_loss_weight(0.1f);
  caffe::WriteProtoToTextFile(net, folder / "text");
  caffe::WriteProtoToBinaryFile(net, folder / "binary");
  NetParameter text;
  NetParameter binary;
  caffe::ReadProtoFromTextFileOrDie(folder / "text", &text);
  caffe::ReadProtoFromBinaryFileOrDie(folder / "binary", &binary);
  EXPECT_EQ(text.SerializeAsString(), net.SerializeAsString());
  EXPECT_EQ(binary.SerializeAsString(), net.SerializeAsString());
}

TEST(ProtoFile, ATruncatedModelIsAnErrorThatNamesIt) {
  const TemporaryFolder folder;
  NetParameter net;
  auto* blob = net.add_layer()->add_blobs();
  for (int i = 0; i < 100; ++i) blob->add_data(i);
  const std::string bytes = net.SerializeAsString();
  Write(folder / "cut.caffemodel", bytes.substr(0, bytes.size() / 2));
  EXPECT_ERROR_NAMES(caffe::ReadProtoFromBinaryFileOrDie(folder / "cut.caffemodel", &net),
                     "cut.caffemodel");
}

TEST(ProtoFile, AFailedWriteLeavesTheOldFileAndNothingElse) {
  const TemporaryFolder folder;
  std::filesystem::create_directory(folder / "taken");
  EXPECT_ERROR_NAMES(caffe::WriteProtoToTextFile(NetParameter(), folder / "taken"), "taken");
  EXPECT_ERROR_NAMES(caffe::WriteProtoToTextFile(NetParameter(), folder / "none/file"),
                     "none/file");
  int entries = 0;
  for ([[maybe_unused]] const auto& e : std::filesystem::directory_iterator(folder.path())) {
    ++entries;
  }
  EXPECT_EQ(entries, 1);
}

TEST(UpgradeNet, OldInputsNeedFourSizesEach) {
  NetParameter net;
  caffe::ParseProtoTextOrDie("input: 'a' input_dim: 1 input_dim: 2", "net", &net);
  EXPECT_ERROR_NAMES(caffe::UpgradeNetAsNeeded("net", &net), "four input_dim");
}

TEST(UpgradeNet, OldInputsWithoutSizesVanish) {
  NetParameter net;
  caffe::ParseProtoTextOrDie("input: 'a'", "net", &net);
  EXPECT_TRUE(caffe::UpgradeNetAsNeeded("net", &net));
  EXPECT_EQ(net.input_size(), 0);
  EXPECT_EQ(net.layer_size(), 0);
}

TEST(UpgradeNet, AnOldInputMayHaveAShape) {
  NetParameter net;
  const std::string input = "input: 'a' input_shape { dim: 2 }";
  caffe::ParseProtoTextOrDie(input + " layer { name: 'r' }", "net", &net);
  EXPECT_TRUE(caffe::UpgradeNetAsNeeded("net", &net));
  ASSERT_EQ(net.layer_size(), 2);
  EXPECT_EQ(net.layer(0).input_param().shape(0).dim(0), 2);
  EXPECT_EQ(net.layer(1).name(), "r");
  caffe::ParseProtoTextOrDie(input + " input_shape { dim: 3 }", "net", &net);
  EXPECT_ERROR_NAMES(caffe::UpgradeNetAsNeeded("net", &net), "1 `input`, 2 `input_shape`");
}

TEST(UpgradeNet, BatchNormsThreeBlobsDoNotLearn) {
  const std::string three[] = {
      "param { lr_mult: 0 decay_mult: 0 } param { lr_mult: 2 decay_mult: 0 "
      "} param { lr_mult: 0 decay_mult: 0 }",
      "param { lr_mult: 0 decay_mult: 0 } param { lr_mult: 0 } "
      "param { lr_mult: 0 decay_mult: 0 }"};
  for (const std::string& params : three) {
    NetParameter net;
    // What else has three parameters, and what has others than those three, stays as it is.
    const std::string others =
        "layer { type: 'LSTM' " + params + " } layer { type: 'BatchNorm' param { lr_mult: 3 } }";
    caffe::ParseProtoTextOrDie(others, "net", &net);
    EXPECT_FALSE(caffe::NetNeedsUpgrade(net));
    caffe::ParseProtoTextOrDie(others + " layer { type: 'BatchNorm' " + params + " }", "net", &net);
    NetParameter before = net;
    EXPECT_TRUE(caffe::UpgradeNetAsNeeded("net", &net));
    for (const caffe::ParamSpec& param : net.layer(2).param()) {
      EXPECT_EQ(param.lr_mult(), 0);
      EXPECT_EQ(param.decay_mult(), 0);
    }
    EXPECT_EQ(net.layer(2).param_size(), 3);
    for (const int other : {0, 1}) {
      EXPECT_EQ(net.layer(other).DebugString(), before.layer(other).DebugString());
    }
    EXPECT_FALSE(caffe::NetNeedsUpgrade(net));
  }
}

TEST(UpgradeNet, OnlyConvolutionsAndPoolingTakeOverAPadding) {
  const auto upgrade = [](const std::string& blobs, const std::string& reader) {
    NetParameter net;
    caffe::ParseProtoTextOrDie("layers { layer { name: 'pad' type: 'padding' pad: 2 } " + blobs +
                                   " } layers { top: 'y' " + reader + " }",
                               "net", &net);
    caffe::UpgradeNetAsNeeded("net", &net);
    return net;
  };
  const std::string blobs = "bottom: 'x' top: 'p'";
  const NetParameter pooled = upgrade(blobs, "bottom: 'p' layer { name: 'r' type: 'pool' }");
  EXPECT_EQ(pooled.layer(0).pooling_param().pad(), 2);
  EXPECT_EQ(pooled.layer(0).bottom(0), "x");
  EXPECT_ERROR_NAMES(upgrade(blobs, "bottom: 'p' layer { name: 'r' type: 'relu' }"),
                     "net: layer r of type 'relu' cannot take over the padding");
  EXPECT_ERROR_NAMES(upgrade(blobs, "bottom: 'p' bottom: 'x' layer { name: 'r' type: 'conv' }"),
                     "layer r of type 'conv' cannot take over the padding");
  for (const char* wrong : {"bottom: 'x'", "top: 'p'", "bottom: 'x' bottom: 'y' top: 'p'"}) {
    EXPECT_ERROR_NAMES(upgrade(wrong, ""), "padding layer pad has one bottom and one top");
  }
}

TEST(UpgradeNet, APaddingIsThatOfItsBlobUntilALayerMakesItAnew) {
  NetParameter net;
  caffe::ParseProtoTextOrDie(
      "layers { bottom: 'x' top: 'p' layer { name: 'pad' type: 'padding' pad: 2 } } "
      "layers { bottom: 'p' top: 'p' layer { name: 'c' type: 'conv' } } "
      "layers { bottom: 'p' top: 'y' layer { name: 'm' type: 'pool' } }",
      "net", &net);
  caffe::UpgradeNetAsNeeded("net", &net);
  ASSERT_EQ(net.layer_size(), 2);
  EXPECT_EQ(net.layer(0).convolution_param().pad(0), 2u);
  EXPECT_EQ(net.layer(1).bottom(0), "p");
  EXPECT_FALSE(net.layer(1).pooling_param().has_pad());
}

TEST(UpgradeNet, EveryBlobKeepsItsShareMode) {
  caffe::V1LayerParameter old;
  caffe::ParseProtoTextOrDie(
      "param: 'w' param: 'b' blob_share_mode: STRICT blob_share_mode: PERMISSIVE", "layer", &old);
  caffe::LayerParameter layer;
  EXPECT_TRUE(caffe::UpgradeV1LayerParameter(old, &layer));
  ASSERT_EQ(layer.param_size(), 2);
  EXPECT_EQ(layer.param(0).share_mode(), caffe::ParamSpec_DimCheckMode_STRICT);
  EXPECT_EQ(layer.param(1).share_mode(), caffe::ParamSpec_DimCheckMode_PERMISSIVE);
}

TEST(UpgradeNet, AllDataLayersHandOverTheirTransformation) {
  for (const std::string kind :
       {"DATA data_param", "IMAGE_DATA image_data_param", "WINDOW_DATA window_data_param"}) {
    NetParameter net;
    caffe::ParseProtoTextOrDie("layers { type: " + kind + " { scale: 0.5 mirror: true } }", "net",
                               &net);
    caffe::UpgradeNetAsNeeded("net", &net);
    EXPECT_EQ(net.layer(0).transform_param().scale(), 0.5f) << kind;
    EXPECT_TRUE(net.layer(0).transform_param().mirror()) << kind;
  }
}

TEST(UpgradeNet, AnOlderLayerInsideAnOldOneIsLeftOut) {
  caffe::V1LayerParameter old;
  caffe::ParseProtoTextOrDie("name: 'n' type: RELU layer { type: 'relu' }", "layer", &old);
  caffe::LayerParameter layer;
  EXPECT_FALSE(caffe::UpgradeV1LayerParameter(old, &layer));
  EXPECT_EQ(layer.type(), "ReLU");
}

TEST(UpgradeNet, AFieldOfAnotherTypeIsIncompatible) {
  NetParameter net;
  caffe::ParseProtoTextOrDie("layers { layer { type: 'relu' kernelsize: 3 } }", "net", &net);
  EXPECT_FALSE(caffe::UpgradeNetAsNeeded("net", &net));
  EXPECT_EQ(net.layer(0).type(), "ReLU");
}

TEST(UpgradeNet, AnUnknownOldTypeNamesNearOnes) {
  NetParameter net;
  caffe::ParseProtoTextOrDie("layers { layer { type: 'softmaxloss' } }", "net", &net);
  EXPECT_ERROR_NAMES(caffe::UpgradeNetAsNeeded("net", &net), "softmax_loss");
}

TEST(UpgradeNet, OldAndNewLayersDoNotMix) {
  NetParameter net;
  caffe::ParseProtoTextOrDie("layers { type: RELU } layer { type: 'ReLU' }", "net", &net);
  EXPECT_ERROR_NAMES(caffe::UpgradeNetAsNeeded("net", &net), "mixes");
}

TEST(UpgradeSolver, TypeIsGivenOnce) {
  SolverParameter solver;
  caffe::ParseProtoTextOrDie("type: 'Adam' solver_type: ADAM", "solver", &solver);
  EXPECT_ERROR_NAMES(caffe::UpgradeSolverAsNeeded("solver", &solver), "keep only `type`");
}

TEST(UpgradeSolver, SnapshotPrefixIsCompletedByTheFileName) {
  const TemporaryFolder folder;
  SolverParameter solver;
  caffe::UpgradeSnapshotPrefixProperty(folder / "my.solver.prototxt", &solver);
  EXPECT_EQ(solver.snapshot_prefix(), folder / "my.solver");
  solver.set_snapshot_prefix(folder.path());
  caffe::UpgradeSnapshotPrefixProperty("elsewhere/my.prototxt", &solver);
  EXPECT_EQ(solver.snapshot_prefix(), folder / "my");
  solver.set_snapshot_prefix("given");
  caffe::UpgradeSnapshotPrefixProperty("elsewhere/my.prototxt", &solver);
  EXPECT_EQ(solver.snapshot_prefix(), "given");
}
