"""Nets written in Python: NetSpec, and the coordinate maps and pictures made of them."""

import copy
import pickle

import numpy as np
import pytest

import caffe
from caffe import coord_map, draw
from caffe import layers as L
from caffe import params as P
from caffe.proto import caffe_pb2


def test_names_types_and_parameters_reach_the_message():
    n = caffe.NetSpec()
    n.data, n.label = L.DummyData(shape=[{"dim": [2, 3]}, {"dim": [2]}], ntop=2)
    n.ip = L.InnerProduct(
        n.data,
        num_output=4,
        weight_filler={"type": "xavier"},
        param=[{"lr_mult": 1}, {"lr_mult": 2}],
    )
    n.loss = L.SoftmaxWithLoss(n.ip, n.label, loss_weight=2, include={"phase": caffe.TRAIN})
    net = n.to_proto()
    assert [(layer.name, layer.type) for layer in net.layer] == [
        ("data", "DummyData"),
        ("ip", "InnerProduct"),
        ("loss", "SoftmaxWithLoss"),
    ]
    data, ip, loss = net.layer
    assert list(data.top) == ["data", "label"]
    assert [list(s.dim) for s in data.dummy_data_param.shape] == [[2, 3], [2]]
    assert ip.inner_product_param.weight_filler.type == "xavier"
    assert [p.lr_mult for p in ip.param] == [1, 2]
    assert list(loss.bottom) == ["ip", "label"]
    assert list(loss.loss_weight) == [2]
    assert loss.include[0].phase == caffe.TRAIN


def test_in_place_layers_read_and_write_one_blob():
    n = caffe.NetSpec()
    n.data = L.Input(shape={"dim": [1, 2]})
    n.ip = L.InnerProduct(n.data, num_output=2)
    n.relu = L.ReLU(n.ip, in_place=True)
    n.out = L.Power(n.relu)
    net = n.to_proto()
    assert net.layer[2].name == "relu"
    assert list(net.layer[2].bottom) == list(net.layer[2].top) == ["ip"]
    assert list(net.layer[3].bottom) == ["ip"]


def test_in_place_layers_write_the_first_of_the_blobs_they_read():
    n = caffe.NetSpec()
    n.a, n.b = L.DummyData(shape=[{"dim": [2, 3]}, {"dim": 3}], ntop=2)
    n.sum = L.Bias(n.a, n.b, in_place=True)
    layer = n.to_proto().layer[1]
    assert (list(layer.bottom), list(layer.top)) == (["a", "b"], ["a"])
    with pytest.raises(TypeError, match="Input cannot be in place: it has no inputs"):
        L.Input(in_place=True)


def test_tops_can_be_taken_out_again():
    n = caffe.NetSpec()
    n.data = L.Input(shape={"dim": [1, 2]})
    n.a, n["b"], n.c = L.ReLU(n.data), L.ReLU(n.data), L.ReLU(n.data)
    del n.a
    del n["b"]
    assert [layer.name for layer in n.to_proto().layer] == ["data", "c"]
    with pytest.raises(AttributeError, match="the net has no top 'a'"):
        del n.a
    with pytest.raises(KeyError):
        del n["b"]


def test_unnamed_layers_are_numbered_by_type():
    data = L.Input(shape={"dim": [1, 2]})
    hidden = L.ReLU(L.InnerProduct(data, num_output=2), in_place=True)
    net = caffe.to_proto(L.InnerProduct(hidden, num_output=1))
    assert [layer.name for layer in net.layer] == [
        "Input1",
        "InnerProduct1",
        "ReLU1",
        "InnerProduct2",
    ]
    assert hidden.to_proto().layer[2].type == "ReLU"


def test_layers_without_tops_and_layers_that_share_inputs():
    n = caffe.NetSpec()
    n.data, n.rest = L.DummyData(shape=[{"dim": 3}, {"dim": 4}], ntop=2)
    n.silence = L.Silence(n.data, n.rest, ntop=0)
    net = n.to_proto()
    assert [(layer.name, list(layer.top)) for layer in net.layer] == [
        ("data", ["data", "rest"]),
        ("silence", []),
    ]


def test_enums_and_layer_fields():
    n = caffe.NetSpec()
    n.data = L.Input(shape={"dim": [1, 1, 4, 4]})
    n["pool"] = L.Pooling(n.data, pool=P.Pooling.AVE, kernel_size=2, name="renamed")
    n.up = L.Deconvolution(n["pool"], num_output=1, kernel_size=[4], stride=2)
    n.eltwise = L.Eltwise(n.up, n.up, eltwise_param={"coeff": [1, -1]})
    _data, pool, up, eltwise = n.to_proto().layer
    assert pool.pooling_param.pool == caffe_pb2.PoolingParameter.AVE
    assert (pool.name, list(pool.top)) == ("renamed", ["pool"])
    assert list(up.convolution_param.kernel_size) == [4]
    assert list(up.convolution_param.stride) == [2]
    assert list(eltwise.eltwise_param.coeff) == [1, -1]


def test_mistakes_are_named():
    n = caffe.NetSpec()
    n.data = L.Input(shape={"dim": [1]})
    with pytest.raises(TypeError, match=r"Silence input 1 is not a Top \(type is <class 'tuple'>"):
        L.Silence(n.data, (n.data,), ntop=0)
    n.ip = L.InnerProduct(n.data, num_ouptut=2)
    with pytest.raises(
        AttributeError, match=r"layer 'ip' .*InnerProduct has no parameter 'num_ouptut'"
    ):
        n.to_proto()
    with pytest.raises(
        AttributeError,
        match=r"\(Convlution\): unknown layer type \(did you mean Convolution, Deconvolution\?\)",
    ):
        caffe.to_proto(L.Convlution(n.data, num_output=3))
    with pytest.raises(AttributeError, match=r"\(Qqqq\): unknown layer type$"):
        caffe.to_proto(L.Qqqq(n.data, num_output=3))
    with pytest.raises(AttributeError, match="nope"):
        n.nope  # noqa: B018
    with pytest.raises(AttributeError):
        P.Pooling.NOPE  # noqa: B018


@pytest.mark.parametrize("value", [5, None, L.Slice(L.Input(), ntop=2)])
def test_what_is_no_top_is_named(value):
    n = caffe.NetSpec()
    n.x = value
    with pytest.raises(TypeError, match=r"'x' of the net is .*, not what a layer returns"):
        n.to_proto()


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"num_output": 4.5}, r"layer 'conv3' \(Convolution\): num_output = 4\.5: "),
        ({"num_output": "a"}, r"layer 'conv3' \(Convolution\): num_output = 'a': "),
        ({"num_output": -1}, r"layer 'conv3' \(Convolution\): num_output = -1: "),
        ({"weight_filler": {"tpye": "msra"}}, r"layer 'conv3' .*: weight_filler = .*'tpye'"),
    ],
)
def test_values_of_the_wrong_kind_are_named(parameters, message):
    n = caffe.NetSpec()
    n.conv3 = L.Convolution(L.Input(shape={"dim": [1]}), **parameters)
    with pytest.raises((TypeError, ValueError, AttributeError), match=message) as caught:
        n.to_proto()
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda n: pickle.loads(pickle.dumps(n))])
def test_specs_can_be_copied(copied):
    n = caffe.NetSpec()
    n.data, n.label = L.DummyData(shape=[{"dim": [2, 3]}, {"dim": 2}], ntop=2)
    n.relu = L.ReLU(n.data, in_place=True)
    other = copied(n)
    other.ip = L.InnerProduct(other.relu, num_output=1)
    assert other.to_proto().layer[:2] == n.to_proto().layer[:]
    assert list(n.tops) == ["data", "label", "relu"]


def test_the_written_net_runs():
    n = caffe.NetSpec()
    n.data = L.Input(shape={"dim": [2, 3]})
    n.ip = L.InnerProduct(n.data, num_output=4, weight_filler={"type": "xavier"})
    n.prob = L.Softmax(n.ip)
    net = caffe.Net(n.to_proto(), caffe.TEST)
    np.testing.assert_allclose(net.forward()["prob"].sum(1), 1, rtol=1e-5)


# ---- coordinate maps ----


def spec(kernel=3, stride=1, pad=0, pool=2, up=2):
    n = caffe.NetSpec()
    n.data = L.Input(shape={"dim": [2, 1, 100, 100]})
    n.aux = L.Input(shape={"dim": [2, 1, 20, 20]})
    n.conv = L.Convolution(n.data, num_output=1, kernel_size=kernel, stride=stride, pad=pad)
    n.pool = L.Pooling(n.conv, pool=P.Pooling.MAX, kernel_size=pool, stride=pool)
    n.deconv = L.Deconvolution(n.pool, num_output=1, kernel_size=2 * up, stride=up)
    return n


def test_padding_moves_the_map():
    for pad in range(3):
        n = spec(pad=pad)
        axis, scale, shift = coord_map.coord_map_from_to(n.deconv, n.data)
        assert (axis, scale) == (1, 1)
        # 3x3: 1 - pad; 2x2 pooling: half a pixel; deconvolution by 4x4: one and a half back.
        assert shift == (1 - pad) + 0.5 - 1.5


def test_maps_go_through_layers_that_keep_positions():
    n = spec()
    n.relu = L.ReLU(n.deconv)
    n.score = L.Scale(n.relu)
    assert coord_map.coord_map_from_to(n.score, n.data) == coord_map.coord_map_from_to(
        n.deconv, n.data
    )


def test_each_axis_has_its_own_map():
    square3, square5, mixed = spec(3), spec(5), spec([3, 5])
    maps = [coord_map.coord_map_from_to(n.deconv, n.data) for n in (square3, square5, mixed)]
    assert maps[2][2][0] == maps[0][2][0]
    assert maps[2][2][1] == maps[1][2][0]


def test_crop_finds_its_own_offset():
    n = spec(pad=4, up=2)
    n.crop = coord_map.crop(n.deconv, n.data)
    params = n.crop.fn.params["crop_param"]
    assert params == {"axis": 2, "offset": [4]}
    assert coord_map.coord_map_from_to(n.crop, n.data)[2] == 0
    layer = n.to_proto().layer[-1]
    assert (layer.crop_param.axis, list(layer.crop_param.offset)) == (2, [4])


def test_impossible_crops_are_refused():
    n = spec()
    with pytest.raises(RuntimeError, match="connected"):
        coord_map.coord_map_from_to(n.conv, n.aux)
    with pytest.raises(AssertionError, match="scale"):
        coord_map.crop(n.pool, n.data)
    n = spec(up=4, pool=4, kernel=1)
    n.up = L.Deconvolution(n.pool, num_output=1, kernel_size=5, stride=4)
    with pytest.raises(AssertionError, match=r"noninteger|negative"):
        coord_map.crop(n.up, n.data)
    n.ip = L.InnerProduct(n.pool, num_output=1)
    with pytest.raises(RuntimeError):
        coord_map.coord_map_from_to(n.ip, n.data)


def test_maps_of_different_axes_do_not_mix():
    with pytest.raises(coord_map.AxisMismatchException):
        coord_map.compose((1, 1, 0), (2, 1, 0))
    with pytest.raises(coord_map.UndefinedMapException, match="InnerProduct"):
        coord_map.coord_map(L.InnerProduct(spec().data).fn)


def test_fcn_8s_crops_are_those_of_the_published_net():
    n = caffe.NetSpec()
    n.data = L.Input(shape={"dim": [1, 3, 200, 200]})
    top = n.data
    for stage in range(1, 6):
        for i in range(2 if stage < 3 else 3):
            pad = 100 if stage == 1 and i == 0 else 1
            top = L.ReLU(L.Convolution(top, kernel_size=3, pad=pad, num_output=1), in_place=True)
        top = L.Pooling(top, pool=P.Pooling.MAX, kernel_size=2, stride=2)
        n[f"pool{stage}"] = top
    n.score_fr = L.Convolution(L.Convolution(top, kernel_size=7, num_output=1), kernel_size=1)
    up = {"kernel_size": 4, "stride": 2, "num_output": 1}
    n.up2 = L.Deconvolution(n.score_fr, convolution_param=up)
    n.score_pool4c = coord_map.crop(n.pool4, n.up2)
    n.fuse4 = L.Eltwise(n.up2, n.score_pool4c)
    n.up4 = L.Deconvolution(n.fuse4, convolution_param=up)
    n.score_pool3c = coord_map.crop(n.pool3, n.up4)
    n.up8 = L.Deconvolution(
        L.Eltwise(n.up4, n.score_pool3c),
        convolution_param={"kernel_size": 16, "stride": 8, "num_output": 1},
    )
    n.score = coord_map.crop(n.up8, n.data)
    offsets = [
        n[name].fn.params["crop_param"]["offset"]
        for name in ("score_pool4c", "score_pool3c", "score")
    ]
    assert offsets == [[5], [9], [31]]


# ---- pictures ----


def test_the_graph_has_a_node_for_each_layer_and_blob():
    n = spec()
    n.relu = L.ReLU(n.deconv, in_place=True)
    proto = n.to_proto()
    dot = draw.net_to_dot(proto, "TB")
    assert '"conv_Convolution" [label="conv\\n(Convolution)\\nkernel size: 3' in dot
    assert '"data_blob" -> "conv_Convolution"' in dot
    assert '"conv_Convolution" -> "conv_blob"' in dot
    assert "MAX" in dot
    assert draw.draw_net(proto, "LR", "dot").decode() == draw.net_to_dot(proto, "LR")


def test_layers_of_another_phase_are_left_out():
    n = caffe.NetSpec()
    n.train = L.Input(shape={"dim": 1}, include={"phase": caffe.TRAIN})
    n.test = L.Input(shape={"dim": 1}, include={"phase": caffe.TEST})
    dot = draw.net_to_dot(n.to_proto(), phase=caffe.TEST)
    assert "test_Input" in dot and "train_Input" not in dot
