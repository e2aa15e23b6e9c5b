// What leaves a layer says which layer it was, whatever its class is.

#include <new>
#include <stdexcept>

#include <gtest/gtest.h>

#include "caffe/caffe.hpp"
#include "errors.hpp"

namespace caffe {
namespace {

class OfAPlugin : public std::exception {
 public:
  const char* what() const noexcept override { return "own"; }
};

// Its name: where it throws, and what.
class Throwing : public Layer<float> {
 public:
  using Layer<float>::Layer;
  const char* type() const override { return "Throwing"; }
  void LayerSetUp(const vector<Blob<float>*>&, const vector<Blob<float>*>&) override {
    ThrowIn("setup");
  }
  void Reshape(const vector<Blob<float>*>&, const vector<Blob<float>*>& top) override {
    top[0]->Reshape({1});
    ThrowIn("reshape");
  }
  void Forward_cpu(const vector<Blob<float>*>&, const vector<Blob<float>*>& top) override {
    top[0]->mutable_cpu_data()[0] = 1;
    ThrowIn("forward");
  }
  void Backward_cpu(const vector<Blob<float>*>&, const vector<bool>&,
                    const vector<Blob<float>*>&) override {
    ThrowIn("backward");
  }

 private:
  void ThrowIn(const string& place) const {
    const string& name = this->layer_param_.name();
    if (name.rfind(place, 0) != 0) return;
    const string what = name.substr(place.size() + 1);
    if (what == "memory") throw std::bad_alloc();
    if (what == "number") throw 42;
    if (what == "plugin") throw OfAPlugin();
    if (what == "length") throw std::length_error("too long");
    if (what == "overflow") throw std::overflow_error("too large");
    static_cast<void>(vector<int>().at(3));
  }
};

LayerRegisterer<float> throwing("Throwing", [](const LayerParameter& param) {
  return shared_ptr<Layer<float>>(new Throwing(param));
});

void RunNet(const string& name) {
  NetParameter param;
  param.set_force_backward(true);
  LayerParameter* input = param.add_layer();
  input->set_type("Input");
  input->add_top("x");
  input->mutable_input_param()->add_shape()->add_dim(3);
  LayerParameter* layer = param.add_layer();
  layer->set_name(name);
  layer->set_type("Throwing");
  layer->add_bottom("x");
  layer->add_top("y");
  Net<float>(param).ForwardBackward();
}

// The message of an Exception, and of no other class.
template <typename Exception>
string MessageOf(const string& name) {
  try {
    RunNet(name);
  } catch (const Exception& error) {
    return error.what();
  }
  return "";
}

TEST(LayerExceptions, OfTheStandardLibraryStayWhatTheyAre) {
  for (const string place : {"setup", "reshape", "forward", "backward"}) {
    const string where = "layer '" + place + " ";
    EXPECT_EQ(MessageOf<std::out_of_range>(place + " range").rfind(where + "range' (Throwing", 0),
              0);
    EXPECT_EQ(MessageOf<std::bad_alloc>(place + " memory").rfind(where + "memory' (Throwing", 0),
              0);
  }
  EXPECT_EQ(MessageOf<std::bad_alloc>("setup memory"),
            "layer 'setup memory' (Throwing; bottoms: x 3 (3)): out of memory: use a smaller batch "
            "or input");
  EXPECT_EQ(MessageOf<std::length_error>("forward length"),
            "layer 'forward length' (Throwing; bottoms: x 3 (3)): too long");
  EXPECT_EQ(MessageOf<std::overflow_error>("forward overflow"),
            "layer 'forward overflow' (Throwing; bottoms: x 3 (3)): too large");
}

TEST(LayerExceptions, OfOtherClassesAreErrors) {
  EXPECT_ERROR_NAMES(RunNet("forward plugin"),
                     "layer 'forward plugin' (Throwing; bottoms: x 3 (3)): own");
  EXPECT_THROW(RunNet("forward number"), int);
}

TEST(LayerExceptions, AreOneLineWhateverNamesHold) {
  EXPECT_EQ(MessageOf<std::out_of_range>("forward \nb").rfind("layer 'forward \\nb' (Thr", 0), 0);
  EXPECT_STREQ(Error("two\nlines, \ttab\r, \x1b[1m\x7f, \xc3\xa4\\n\n").what(),
               "two\\nlines, \\ttab\\r, \\x1b[1m\\x7f, \xc3\xa4\\n");
}

}  // namespace
}  // namespace caffe
