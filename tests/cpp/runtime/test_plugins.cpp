// Layers that come from a shared library at run time. TRIPLE_PLUGIN is the path of plugins/
// triple_layer.cpp, built.

#include <fstream>

#include <gtest/gtest.h>

#include "caffe/layer.hpp"
#include "caffe/util/io.hpp"
#include "caffe/util/plugins.hpp"

namespace caffe {
namespace {

shared_ptr<Layer<float>> CreateTriple() {
  LayerParameter param;
  param.set_type("Triple");
  return LayerRegistry<float>::CreateLayer(param);
}

string MessageOf(const string& plugin) {
  try {
    LoadPlugin(plugin);
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

TEST(Plugins, BringLayerTypes) {
  LoadPlugin(TRIPLE_PLUGIN);
  const shared_ptr<Layer<float>> layer = CreateTriple();
  Blob<float> bottom(1, 1, 1, 2), top;
  bottom.mutable_cpu_data()[1] = 2;
  layer->SetUp({&bottom}, {&top});
  layer->Forward({&bottom}, {&top});
  EXPECT_EQ(top.cpu_data()[1], 6);
}

TEST(Plugins, MayBeLoadedTwice) {
  LoadPlugin(TRIPLE_PLUGIN);
  const size_t loaded = LoadedPlugins().size();
  LoadPlugin(TRIPLE_PLUGIN);
  EXPECT_EQ(LoadedPlugins().size(), loaded);
}

TEST(Plugins, WithATypeThatExistsAreRefusedAndTheFirstIsKept) {
  LoadPlugin(TRIPLE_PLUGIN);
  string copy;
  MakeTempFilename(&copy);
  std::ofstream(copy, std::ios::binary) << std::ifstream(TRIPLE_PLUGIN, std::ios::binary).rdbuf();
  const string message = MessageOf(copy);
  EXPECT_NE(message.find(copy), string::npos) << message;
  EXPECT_NE(message.find("'Triple' is registered twice"), string::npos) << message;
  EXPECT_STREQ(CreateTriple()->type(), "Triple");
}

TEST(Plugins, ThatCannotBeLoadedAreNamed) {
  EXPECT_NE(MessageOf("no/such.so").find("plug-in no/such.so cannot be loaded"), string::npos);
}

}  // namespace
}  // namespace caffe
