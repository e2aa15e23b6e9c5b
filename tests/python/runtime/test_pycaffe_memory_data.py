"""caffe.Net.set_input_arrays: arrays of Python as the data of a net."""

import gc
import weakref

import numpy as np
import pytest
from support.small_net import write

import caffe

MEMORY_NET = """
layer { name: "pad" type: "Input" top: "pad" input_param { shape { dim: 1 } } }
layer { name: "mem" type: "MemoryData" top: "data" top: "label"
  memory_data_param { batch_size: 2 channels: 1 height: 2 width: 3 } }
"""


def test_memory_data_reads_the_arrays_it_was_given(tmp_path):
    net = caffe.Net(write(tmp_path, MEMORY_NET), caffe.TEST)
    data = np.arange(4 * 6, dtype=np.float32).reshape(4, 1, 2, 3)
    net.set_input_arrays(data, np.arange(4, dtype=np.float32))
    expected = data.copy()
    for _ in range(2):
        for begin in (0, 2):
            net.forward()
            np.testing.assert_array_equal(net.blobs["data"].data, expected[begin : begin + 2])
            assert net.blobs["label"].data.ravel().tolist() == [begin, begin + 1]


@pytest.mark.parametrize(
    ("data", "labels", "message"),
    [
        (np.zeros((2, 1, 2, 3)), np.zeros(2, np.float32), "float32"),
        (np.zeros((2, 1, 2, 4), np.float32), np.zeros(2, np.float32), "axis 3"),
        (np.zeros((3, 1, 2, 3), np.float32), np.zeros(3, np.float32), "multiple"),
        (np.zeros((2, 1, 2, 3), np.float32), np.zeros(4, np.float32), "items"),
        (np.zeros((2, 1, 3, 2), np.float32).transpose(0, 1, 3, 2), None, "contiguous"),
        (np.zeros((2, 6), np.float32), None, "4-d"),
    ],
)
def test_memory_data_refuses_arrays_that_do_not_fit(tmp_path, data, labels, message):
    net = caffe.Net(write(tmp_path, MEMORY_NET), caffe.TEST)
    labels = np.zeros(2, np.float32) if labels is None else labels
    with pytest.raises(ValueError, match=message):
        net.set_input_arrays(data, labels)


def test_a_net_without_its_data_says_how_to_give_them(tmp_path):
    net = caffe.Net(write(tmp_path, MEMORY_NET), caffe.TEST)
    with pytest.raises(caffe.Error, match=r"mem has no data: call .* net\.set_input_arrays"):
        net.forward()


def test_memory_data_takes_no_lists(tmp_path):
    net = caffe.Net(write(tmp_path, MEMORY_NET), caffe.TEST)
    data, labels = np.zeros((2, 1, 2, 3), np.float32), np.zeros(2, np.float32)
    with pytest.raises(TypeError, match="data must be a NumPy array of float32, not a list"):
        net.set_input_arrays(data.tolist(), labels)
    with pytest.raises(TypeError, match="labels must be a NumPy array of float32, not a list"):
        net.set_input_arrays(data, labels.tolist())


@pytest.mark.parametrize(
    ("top", "between"),
    [
        ("data", ""),
        ("flat", 'layer { name: "flat" type: "Flatten" bottom: "data" top: "flat" }'),
    ],
)
def test_layers_in_place_leave_the_arrays_alone(tmp_path, top, between):
    half = 'name: "half" type: "Power" power_param { scale: 0.5 }'
    layers = f'{between} layer {{ {half} bottom: "{top}" top: "{top}" }}'
    np.save(tmp_path / "data.npy", np.ones((2, 1, 2, 3), np.float32))
    data = np.load(tmp_path / "data.npy", mmap_mode="r")  # whoever writes into it crashes
    net = caffe.Net(write(tmp_path, MEMORY_NET + layers), caffe.TEST)
    net.set_input_arrays(data, np.zeros(2, np.float32))
    for _ in range(3):
        net.forward()
        assert (net.blobs[top].data == 0.5).all()


def test_set_input_arrays_needs_a_memory_data_layer(net):
    with pytest.raises(caffe.Error, match="MemoryData"):
        net.set_input_arrays(np.zeros((2, 3, 5, 4), np.float32), np.zeros(2, np.float32))


def test_arrays_live_as_long_as_a_top_reads_them_and_no_longer(tmp_path):
    # What a net puts out, forward() shows: it has memory of its own from then on.
    text = MEMORY_NET + 'layer { name: "y" type: "Power" bottom: "data" top: "y" }'
    net = caffe.Net(write(tmp_path, text), caffe.TEST)
    first, second = (np.full((2, 1, 2, 3), number, np.float32) for number in (1, 2))
    labels = np.zeros(2, np.float32)
    alive = weakref.ref(first)
    net.set_input_arrays(first, labels)
    net.forward()
    net.set_input_arrays(second, labels)
    del first
    assert alive() is not None
    net.forward()
    assert alive() is None
    blob = net.blobs["data"]
    alive = weakref.ref(second)
    del net, second
    gc.collect()
    assert alive() is not None and (blob.data == 2).all()
    del blob
    assert alive() is None
