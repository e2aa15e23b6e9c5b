// Layers whose blobs lie in the memory of others: gradients are those of blobs of their own.

#include <cmath>
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "caffe/net.hpp"
#include "caffe/util/math_functions.hpp"
#include "from_text.hpp"

namespace caffe_test {
namespace {

using caffe::Blob;
using caffe::Net;
using caffe::NetParameter;
using Numbers = std::vector<float>;

const char kFiller[] = "weight_filler { type: 'gaussian' std: 0.4 } ";

/// Layers that keep the shape T x N x 4, each with one bottom beside recurrent layers' 'cont'.
/// Their tops (in_place: if they have the bottom's name) lie in the memory of their bottoms, or of
/// a net inside.
struct Sharing {
  std::string text;
  bool recurrent = false;
  bool in_place = false;
};
const std::vector<Sharing> kSharing = {
    {"type: 'Flatten' flatten_param { axis: 2 }"},
    {"type: 'Reshape' reshape_param { shape { dim: 0 dim: -1 dim: 4 } }"},
    {"type: 'Concat'"},
    {"type: 'Slice'"},
    {"type: 'Split'"},
    {std::string("type: 'LSTM' recurrent_param { num_output: 4 ") + kFiller + "}", true},
    {std::string("type: 'RNN' recurrent_param { num_output: 4 ") + kFiller + "}", true},
    {"type: 'Power' power_param { scale: -2 }", false, true},
};

std::string Layer(const std::string& name, const Sharing& sharing, const std::string& bottom,
                  const std::string& top, bool propagate_down = true) {
  const std::string flags = "propagate_down: false ";
  return "layer { name: '" + name + "' bottom: '" + bottom + "' top: '" + top + "' " +
         sharing.text + (sharing.recurrent ? " bottom: 'cont' " : " ") +
         (propagate_down ? "" : flags + (sharing.recurrent ? flags : "")) + "} ";
}

/// 'x' and 'cont' of `steps` steps, and what learns: 's', a Scale of 'x'.
std::string Start(int steps) {
  const std::string sizes = "shape { dim: " + std::to_string(steps) + " dim: 2 ";
  return "layer { name: 'in' type: 'Input' top: 'x' top: 'cont' input_param { " + sizes +
         "dim: 4 } " + sizes + "} } } " +
         "layer { name: 'scale' type: 'Scale' bottom: 'x' top: 's' scale_param { axis: 2 "
         "bias_term: true } } ";
}

/// Sums 4 values a step and sequence, squared.
std::string Loss(const std::string& bottom) {
  return "layer { name: 'loss_of_" + bottom + "' type: 'Reduction' bottom: '" + bottom +
         "' top: 'loss_of_" + bottom + "' loss_weight: 1 reduction_param { operation: SUMSQ } } ";
}

std::unique_ptr<Net<float>> MakeNet(const std::string& text, bool frees_blobs = false) {
  auto param = FromText<NetParameter>(text);
  if (frees_blobs) param.set_blob_lifetime(NetParameter::UNTIL_BACKWARD);
  caffe::Caffe::set_random_seed(1701);
  return std::make_unique<Net<float>>(param);
}

/// The loss and the gradients of all parameters, one after the other, in passes over different
/// numbers of sequences.
Numbers Results(const std::string& text, bool frees_blobs = false) {
  const auto net = MakeNet(text, frees_blobs);
  Numbers results;
  for (const int sequences : {2, 5, 1}) {
    Blob<float>*x = net->blob_by_name("x").get(), *cont = net->blob_by_name("cont").get();
    x->Reshape({x->shape(0), sequences, 4});
    cont->Reshape({x->shape(0), sequences});
    caffe::Caffe::set_random_seed(sequences);
    caffe::caffe_rng_gaussian<float>(x->count(), 0, 1, x->mutable_cpu_data());
    for (int i = 0; i < cont->count(); ++i) cont->mutable_cpu_data()[i] = i >= sequences;
    net->ClearParamDiffs();
    results.push_back(net->ForwardBackward());
    for (const Blob<float>* param : net->learnable_params()) {
      results.insert(results.end(), param->cpu_diff(), param->cpu_diff() + param->count());
    }
  }
  return results;
}

void ExpectNear(const Numbers& expected, const Numbers& found, const std::string& net) {
  ASSERT_EQ(expected.size(), found.size());
  for (size_t i = 0; i < expected.size(); ++i) {
    ASSERT_NEAR(expected[i], found[i], 1e-4 * (1 + std::abs(expected[i])))
        << net << ", number " << i;
  }
}

/// The layers one behind the other; apart: with a layer between them that shares nothing.
std::string Chain(const std::vector<Sharing>& layers, bool apart) {
  std::string text, bottom = "s";
  for (size_t i = 0; i < layers.size(); ++i) {
    const std::string number = std::to_string(i);
    if (apart) {
      const std::string top = "apart" + number;
      text += Layer(top, {"type: 'Power'"}, bottom, top);
      bottom = top;
    }
    const std::string top = layers[i].in_place && !apart ? bottom : "top" + number;
    text += Layer("layer" + number, layers[i], bottom, top);
    bottom = top;
  }
  return text + Loss(bottom);
}

TEST(SharedMemory, HasTheGradientsOfBlobsApart) {
  for (const int steps : {1, 3}) {
    const std::string start = Start(steps);
    for (const Sharing& first : kSharing) {
      for (const Sharing& second : kSharing) {
        for (const Sharing& third : kSharing) {
          const std::vector<Sharing> layers = {first, second, third};
          const Numbers expected = Results(start + Chain(layers, true));
          ASSERT_GT(std::abs(expected[1]), 0);
          const std::string chain = start + Chain(layers, false);
          ExpectNear(expected, Results(chain), chain);
          ExpectNear(expected, Results(chain, true), "with freed blobs: " + chain);
        }
      }
    }
  }
}

// What a layer gives may be read again, so that the gradients of readers add up.
TEST(SharedMemory, HasTheGradientsOfSeveralReaders) {
  for (const Sharing& first : kSharing) {
    for (const Sharing& second : kSharing) {
      const auto net = [&](bool apart) {
        const std::string between = apart ? Layer("apart", {"type: 'Power'"}, "a", "b") : "";
        return Start(3) + Layer("first", first, "s", "a") + between +
               Layer("second", second, apart ? "b" : "a", "c") + Loss("s") + Loss("a") + Loss("c");
      };
      for (const bool frees : {false, true}) {
        ExpectNear(Results(net(true), frees), Results(net(false), frees), net(false));
      }
    }
  }
}

TEST(SharedMemory, PassesNoDiffWhereTheFileForbidsIt) {
  for (const Sharing& sharing : kSharing) {
    for (const bool frees : {false, true}) {
      const std::string both = Start(3) + Loss("s");
      Numbers expected = Results(both, frees);
      const Numbers found =
          Results(both + Layer("layer", sharing, "s", "t", false) + Loss("t"), frees);
      // The gradients of 4 factors and 4 offsets; not the loss before them.
      for (int i = 1; i <= 8; ++i) ASSERT_FLOAT_EQ(expected[i], found[i]) << sharing.text;
    }
  }
  // In place, behind a layer that has another way to the loss.
  const auto net = [](const std::string& top) {
    return Start(2) +
           "layer { name: 'slice' type: 'Slice' bottom: 's' top: 'a' top: 'b' slice_param { axis: "
           "0 "
           "} } " +
           Layer("layer", kSharing.back(), "a", top, false) + Loss(top) + Loss("b");
  };
  ExpectNear(Results(net("c")), Results(net("a")), "in place");
}

TEST(SharedMemory, PassesTheDiffWhereForceBackwardAsksForIt) {
  for (const Sharing& sharing : kSharing) {
    const auto net = [&](bool propagate_down) {
      return "force_backward: true " + Start(3) +
             Layer("layer", sharing, "s", "t", propagate_down) + Loss("t");
    };
    ExpectNear(Results(net(true)), Results(net(false)), sharing.text);
  }
}

}  // namespace
}  // namespace caffe_test
