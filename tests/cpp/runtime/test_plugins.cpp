// Layers that come from a shared library at run time. TRIPLE_PLUGIN, STALE_PLUGIN and so on are the
// names of plugins/triple_layer.cpp and its neighbours, built, which lie beside this program.

#include <filesystem>

#include <gtest/gtest.h>

#include "caffe/layer.hpp"
#include "caffe/util/plugins.hpp"
#include "errors.hpp"
#include "temporary_folder.hpp"

namespace caffe {
namespace {

string Beside(const string& file) {
  return std::filesystem::read_symlink("/proc/self/exe").replace_filename(file);
}

string TriplePlugin() { return Beside(TRIPLE_PLUGIN); }

shared_ptr<Layer<float>> CreateTriple() {
  LayerParameter param;
  param.set_type("Triple");
  return LayerRegistry<float>::CreateLayer(param);
}

string MessageOf(const string& plugin) {
  return caffe_test::ErrorOf([&] { LoadPlugin(plugin); });
}

TEST(Plugins, BringLayerTypes) {
  LoadPlugin(TriplePlugin());
  const shared_ptr<Layer<float>> layer = CreateTriple();
  Blob<float> bottom(1, 1, 1, 2), top;
  bottom.mutable_cpu_data()[1] = 2;
  layer->SetUp({&bottom}, {&top});
  layer->Forward({&bottom}, {&top});
  EXPECT_EQ(top.cpu_data()[1], 6);
}

TEST(Plugins, BuiltForOtherHeadersAreRefused) {
  const string message = MessageOf(Beside(STALE_PLUGIN));
  EXPECT_NE(message.find("built for another version of this runtime: build it again"), string::npos)
      << message;
}

TEST(Plugins, WithACaffeProtoOfTheirOwnAreRefused) {
  const string message = MessageOf(Beside(OWN_PROTO_PLUGIN));
  EXPECT_NE(message.find("contains a caffe.proto of its own"), string::npos) << message;
}

TEST(Plugins, ThatLackSomethingOfCaffeAreToldToLinkIt) {
  const string message = MessageOf(Beside(UNLINKED_PLUGIN));
  EXPECT_NE(message.find("NobodyBringsThis"), string::npos) << message;
  EXPECT_NE(message.find("link it with libcaffe (-lcaffe)"), string::npos) << message;
}

TEST(Plugins, MayBeLoadedTwice) {
  LoadPlugin(TriplePlugin());
  const vector<string> types = LayerRegistry<float>::LayerTypeList();
  LoadPlugin(TriplePlugin());
  EXPECT_EQ(LayerRegistry<float>::LayerTypeList(), types);
}

TEST(Plugins, WithATypeThatExistsAreRefusedAndTheFirstIsKept) {
  LoadPlugin(TriplePlugin());
  const caffe_test::TemporaryFolder folder;
  const string copy = folder / "copy.so";
  std::filesystem::copy_file(TriplePlugin(), copy);
  const string message = MessageOf(copy);
  EXPECT_NE(message.find(copy), string::npos) << message;
  const size_t told = message.find("'Triple' is registered twice");
  EXPECT_NE(told, string::npos) << message;
  EXPECT_EQ(message.find("registered twice", told + 20), string::npos) << message;
  EXPECT_STREQ(CreateTriple()->type(), "Triple");
  // A second attempt runs no initialisers, which could complain again.
  EXPECT_EQ(MessageOf(copy), message);
}

// Ends the process: with 0 if a layer of the own_names plug-in runs under this name.
[[noreturn]] void RunLayerOfOwnNames(const string& type) {
  try {
    LoadPlugin(Beside(OWN_NAMES_PLUGIN));
    LayerParameter param;
    param.set_type(type);
    const shared_ptr<Layer<float>> layer = LayerRegistry<float>::CreateLayer(param);
    Blob<float> bottom(1, 1, 1, 2), top;
    layer->SetUp({&bottom}, {&top});
    layer->Forward({&bottom}, {&top});
    std::_Exit(top.count() == 5 && top.cpu_data()[0] == 7 ? 0 : 1);
  } catch (const std::exception& error) {
    std::cerr << error.what() << "\n";
    std::_Exit(1);
  }
}

TEST(Plugins, MayHaveClassesOfTheNamesThatCaffeLacked) {
  // In processes of their own: the other tests use the runtime's layers.
  testing::FLAGS_gtest_death_test_style = "threadsafe";
  for (const char* type : {"Clip", "DenseImageData", "GeometricLoss", "Interp", "Swish", "Upsample",
                           "ClassLoss", "OwnOp"}) {
    EXPECT_EXIT(RunLayerOfOwnNames(type), testing::ExitedWithCode(0), "") << type;
  }
}

TEST(Plugins, WithAClassOfCaffeAreRefused) {
  const string message = MessageOf(Beside(TAKEN_CLASS_PLUGIN));
  EXPECT_NE(message.find("'BNLL' is registered twice"), string::npos) << message;
}

TEST(Plugins, ThatCannotBeLoadedAreNamed) {
  EXPECT_NE(MessageOf("no/such.so").find("plug-in no/such.so cannot be loaded"), string::npos);
}

}  // namespace
}  // namespace caffe
