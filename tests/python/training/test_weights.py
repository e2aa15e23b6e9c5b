"""Which layers have weights: what dcme says of the types is what the runtime makes of them."""

import contextlib

import pytest
from dcme.training.weights import has_weights
from google.protobuf import text_format

import caffe
from caffe.proto import caffe_pb2

_CONVOLUTION = "convolution_param { num_output: 1 kernel_size: 1 }"
_RECURRENT = "recurrent_param { num_output: 1 weight_filler {} }"
NEEDED = {
    "Convolution": _CONVOLUTION,
    "Deconvolution": _CONVOLUTION,
    "Embed": "embed_param { num_output: 1 input_dim: 1 }",
    "InnerProduct": "inner_product_param { num_output: 1 }",
    "LSTM": _RECURRENT,
    "Parameter": "parameter_param { shape { dim: 1 } }",
    "RNN": _RECURRENT,
}
"""What layers with weights must be told; others that need as much are left out."""

BOTTOMS = [[], [(2, 3, 4, 4)], [(2, 3, 4, 4), (3,)], [(2, 3, 4, 4), (2, 3)], [(2, 3, 4, 4)] * 2]
"""Shapes of bottoms that a layer of some type takes."""


def of_one_layer(kind, shapes):
    """A net in which a layer of a type reads inputs of these shapes."""
    net = caffe_pb2.NetParameter()
    for number, shape in enumerate(shapes):
        layer = net.layer.add(name=f"x{number}", type="Input", top=[f"x{number}"])
        layer.input_param.shape.add(dim=shape)
    layer = net.layer.add(name="layer", type=kind, top=["y"])
    layer.bottom.extend(f"x{number}" for number in range(len(shapes)))
    text_format.Merge(NEEDED.get(kind, ""), layer)
    return net


@pytest.mark.parametrize("kind", caffe.layer_type_list())
def test_a_type_has_weights_where_the_runtime_makes_some(kind):
    tried = [of_one_layer(kind, shapes) for shapes in BOTTOMS]
    made = []
    for net in tried:
        with contextlib.suppress(caffe.Error, ValueError):
            made.append((net, caffe.Net(net, caffe.TEST)))
    for definition, net in made:
        assert has_weights(definition.layer[-1]) == ("layer" in net.params)
    assert made or not any(has_weights(net.layer[-1]) for net in tried)
