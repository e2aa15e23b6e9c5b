// Layers that come from a shared library at run time. TRIPLE_PLUGIN and STALE_PLUGIN are the names
// of plugins/triple_layer.cpp and stale_plugin.cpp, built, which lie beside this program.

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

TEST(Plugins, MayBeLoadedTwice) {
  LoadPlugin(TriplePlugin());
  const size_t loaded = LoadedPlugins().size();
  LoadPlugin(TriplePlugin());
  EXPECT_EQ(LoadedPlugins().size(), loaded);
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

TEST(Plugins, ThatCannotBeLoadedAreNamed) {
  EXPECT_NE(MessageOf("no/such.so").find("plug-in no/such.so cannot be loaded"), string::npos);
}

}  // namespace
}  // namespace caffe
