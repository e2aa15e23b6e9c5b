// Layers made by their names, with the one header that code for Caffe 1.0 includes for it.

#include <gtest/gtest.h>

#include "caffe/layer_factory.hpp"

namespace caffe {
namespace {

template <typename Dtype>
class LayerFactoryTest : public ::testing::Test {};

typedef ::testing::Types<float, double> Precisions;
TYPED_TEST_SUITE(LayerFactoryTest, Precisions, );

TYPED_TEST(LayerFactoryTest, EveryRegisteredLayerCanBeMadeFromItsNameAlone) {
  typedef typename LayerRegistry<TypeParam>::CreatorRegistry CreatorRegistry;
  CreatorRegistry& registry = LayerRegistry<TypeParam>::Registry();
  ASSERT_GE(registry.size(), 61u);
  for (typename CreatorRegistry::iterator it = registry.begin(); it != registry.end(); ++it) {
    LayerParameter param;
    param.set_name("unnamed");
    param.set_type(it->first);
    // Python layers need an interpreter; those of test_derived_in_nets.cpp have their bases' types.
    if (it->first == "Python" || it->first.compare(0, 6, "Triple") == 0) continue;
    EXPECT_EQ(it->first, LayerRegistry<TypeParam>::CreateLayer(param)->type());
  }
}

}  // namespace
}  // namespace caffe
