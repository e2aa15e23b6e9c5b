"""caffe.Net: parameters in and out."""

import h5py
import numpy as np
import pytest
from support.small_net import NET, write

import caffe
from caffe.proto import caffe_pb2


@pytest.mark.parametrize(
    ("save", "load"),
    [("save", "copy_from"), ("save_hdf5", "load_hdf5"), ("save_hdf5", "copy_from")],
)
def test_parameters_are_saved_and_loaded_by_layer_name(tmp_path, net, save, load):
    file = tmp_path / ("w.h5" if "hdf5" in save else "w.caffemodel")
    getattr(net, save)(file)
    other = caffe.Net(write(tmp_path, NET), caffe.TRAIN)
    assert not np.array_equal(other.params["ip"][0].data, net.params["ip"][0].data)
    assert getattr(other, load)(str(file)) == ["conv", "ip"]
    for name in net.params:
        for mine, theirs in zip(net.params[name], other.params[name]):
            np.testing.assert_array_equal(mine.data, theirs.data)


@pytest.mark.parametrize("save", ["save", "save_hdf5"])
def test_loading_tells_which_layers_took_their_parameters(tmp_path, net, save):
    """Also layers whose parameters are another one's, which HDF5 stores there only."""
    shared = NET.replace('"ip"', '"other"') + SHARED
    (tmp_path / "a").mkdir()
    source = caffe.Net(write(tmp_path / "a", shared), caffe.TEST)
    file = tmp_path / ("w.h5" if "hdf5" in save else "w.caffemodel")
    getattr(source, save)(file)
    assert source.copy_from(file) == ["conv", "other", "owner", "user"]
    assert net.copy_from(file) == ["conv"]  # "ip" has no partner


SHARED = "".join(
    f'''
layer {{ name: "{name}" type: "InnerProduct" bottom: "data" top: "{name}"
  param {{ name: "w" }} inner_product_param {{ num_output: 2 bias_term: false }} }}'''
    for name in ("owner", "user")
)


@pytest.mark.parametrize("save", ["save", "save_hdf5"])
def test_a_single_number_may_be_a_parameter(tmp_path, save):
    scale = 'layer { name: "s" type: "Scale" bottom: "data" scale_param { num_axes: 0 } top: "s" }'
    nets = [caffe.Net(write(tmp_path, NET + scale), caffe.TEST) for _ in range(2)]
    nets[0].params["s"][0].data[...] = 7
    getattr(nets[0], save)(tmp_path / "w.model")
    assert "s" in nets[1].copy_from(tmp_path / "w.model")
    assert nets[1].params["s"][0].data.shape == () and nets[1].params["s"][0].data == 7


@pytest.mark.parametrize("phase", ["TRAIN", "TEST"])
@pytest.mark.parametrize("save", ["save", "save_hdf5"])
def test_a_layer_of_another_shape_is_named_with_its_file(tmp_path, net, save, phase):
    """And who trains is told how to do without its weights."""
    file = tmp_path / ("w.h5" if "hdf5" in save else "w.caffemodel")
    getattr(net, save)(file)
    changed = write(tmp_path, NET.replace("num_output: 4", "num_output: 5"))
    told = r"parameter 0 of layer 'conv' has shape 5 3 3 3 .*in the net, 4 3 3 3 .*in the weights; "
    with pytest.raises(caffe.Error, match=f"{file}: {told}these may be weights of another") as seen:
        caffe.Net(changed, getattr(caffe, phase)).copy_from(file)
    assert ("rename the layer" in str(seen.value)) == (phase == "TRAIN")


@pytest.mark.parametrize("name", ["none.caffemodel", "none.caffemodel.h5"])
def test_weights_that_are_not_there_are_named(tmp_path, net, name):
    with pytest.raises(caffe.Error, match=f"{name}: (No such file|cannot be opened)") as error:
        net.copy_from(tmp_path / name)
    assert "got" not in str(error.value)


def test_share_with_uses_one_memory_for_two_nets(tmp_path, net):
    other = caffe.Net(write(tmp_path, NET), caffe.TEST)
    other.share_with(net)
    net.params["conv"][1].data[...] = 5
    assert other.params["conv"][1].data.tolist() == [5] * 4


@pytest.mark.parametrize(
    ("more", "answer"),
    [("bias_term: false", "has another number"), ("group: 1", "cannot share parameter 0 of layer")],
)
def test_nets_of_other_parameters_are_not_shared_with(tmp_path, net, more, answer):
    text = NET.replace("num_output: 4", f"num_output: {4 if 'bias' in more else 5} {more}")
    other = caffe.Net(write(tmp_path, text), caffe.TEST)
    for mine, theirs in ((net, other), (other, net)):
        with pytest.raises(caffe.Error, match=f"{answer}.*") as error:
            mine.share_with(theirs)
        assert "'conv'" in str(error.value)


def test_saved_files_are_caffes_messages(tmp_path, net):
    net.save(tmp_path / "w.caffemodel")
    message = caffe_pb2.NetParameter.FromString((tmp_path / "w.caffemodel").read_bytes())
    assert [layer.name for layer in message.layer if layer.blobs] == ["conv", "ip"]
    assert list(message.layer[1].blobs[0].shape.dim) == [4, 3, 3, 3]


@pytest.mark.parametrize("save", ["save", "save_hdf5"])
def test_weights_that_do_not_fit_leave_the_net_as_it_was(tmp_path, net, save):
    file = tmp_path / "w.model"
    getattr(net, save)(file)
    other = caffe.Net(write(tmp_path, NET.replace("num_output: 6", "num_output: 7")), caffe.TEST)
    before = [blob.data.copy() for blobs in other.params.values() for blob in blobs]
    with pytest.raises(caffe.Error, match="parameter 0 of layer 'ip' has shape 7"):
        other.copy_from(file)
    after = [blob.data for blobs in other.params.values() for blob in blobs]
    assert len(before) == len(after)
    for mine, theirs in zip(before, after):
        np.testing.assert_array_equal(mine, theirs)


def test_names_with_slashes_are_groups_in_one_another_in_hdf5(tmp_path):
    """As in GoogLeNet, and where one layer's name is the beginning of another's."""
    text = NET.replace('"ip"', '"in/3x3/reduce"').replace('"conv"', '"in/3x3"')
    nets = [caffe.Net(write(tmp_path, text), caffe.TEST) for _ in range(2)]
    nets[0].save_hdf5(tmp_path / "w.h5")
    with h5py.File(tmp_path / "w.h5") as file:
        assert file["data/in/3x3/reduce/0"].shape == (6, 24)
    assert nets[1].load_hdf5(tmp_path / "w.h5") == ["in/3x3", "in/3x3/reduce"]
    for name, blobs in nets[0].params.items():
        assert len(blobs) == len(nets[1].params[name])
        for mine, theirs in zip(blobs, nets[1].params[name]):
            np.testing.assert_array_equal(mine.data, theirs.data)
