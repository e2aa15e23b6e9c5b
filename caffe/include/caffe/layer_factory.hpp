#ifndef CAFFE_LAYER_FACTORY_HPP_
#define CAFFE_LAYER_FACTORY_HPP_

#include <map>
#include <string>
#include <vector>

#include "caffe/common.hpp"
#include "caffe/proto/caffe.pb.h"

// What is always built together with libcaffe does without: it need not be compiled anew for every
// class that changes.
#if !defined(CAFFE_BUILT_TOGETHER) && __has_include("caffe/util/headers_digest.hpp")
#include "caffe/util/headers_digest.hpp"
extern "C" void CAFFE_HEADERS();
#endif

namespace caffe {

/// Called by all that registers itself: a library that was compiled with other headers than
/// libcaffe does not find the function, and is not loaded.
inline void CheckHeaders() {
#ifdef CAFFE_HEADERS
  CAFFE_HEADERS();
#endif
}

template <typename Dtype>
class Layer;

/// Makes layers by the type name of the prototxt. Layers add themselves while their library loads.
template <typename Dtype>
class LayerRegistry {
 public:
  typedef shared_ptr<Layer<Dtype>> (*Creator)(const LayerParameter&);
  typedef std::map<string, Creator> CreatorRegistry;

  static CreatorRegistry& Registry();
  /// Adds a type; a second creator of a name is an error, or replaces what Caffe 1.0 does not have.
  static void AddCreator(const string& type, Creator creator);
  /// Throws Error with the nearest known names when the type is unknown.
  static shared_ptr<Layer<Dtype>> CreateLayer(const LayerParameter& param);
  /// All names, sorted.
  static vector<string> LayerTypeList();

 private:
  LayerRegistry() = delete;
};

/// Registers a creator when constructed.
template <typename Dtype>
class LayerRegisterer {
 public:
  LayerRegisterer(const string& type, shared_ptr<Layer<Dtype>> (*creator)(const LayerParameter&)) {
    CheckHeaders();
    LayerRegistry<Dtype>::AddCreator(type, creator);
  }
};

#define REGISTER_LAYER_CREATOR(type, creator)                              \
  static LayerRegisterer<float> g_creator_f_##type(#type, creator<float>); \
  static LayerRegisterer<double> g_creator_d_##type(#type, creator<double>)

/// Registers class template <type>Layer under the name "<type>".
#define REGISTER_LAYER_CLASS(type)                                              \
  template <typename Dtype>                                                     \
  shared_ptr<Layer<Dtype>> Creator_##type##Layer(const LayerParameter& param) { \
    return shared_ptr<Layer<Dtype>>(new type##Layer<Dtype>(param));             \
  }                                                                             \
  REGISTER_LAYER_CREATOR(type, Creator_##type##Layer)

}  // namespace caffe

// Layers for those who make them, as this header is enough for code written for Caffe 1.0. It comes
// last: layer.hpp needs the registry.
#include "caffe/layer.hpp"

#endif  // CAFFE_LAYER_FACTORY_HPP_
