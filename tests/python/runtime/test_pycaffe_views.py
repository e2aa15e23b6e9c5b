"""What NumPy arrays of a net's blobs show, and how long."""

import gc

import cv2
import lmdb
import numpy as np
import pytest
from support.small_net import NET, fill, write

import caffe


def test_views_keep_their_memory_when_the_net_is_gone(tmp_path):
    net = caffe.Net(write(tmp_path, NET), caffe.TEST)
    views = [b.data for b in net.blobs.values()] + [b.diff for b in net.blobs.values()]
    views += [b.data for blobs in net.params.values() for b in blobs]
    params, blobs, layers = net.params, net.blobs, net.layers
    del net
    gc.collect()
    total = sum(float(np.abs(v).sum()) for v in views)
    assert np.isfinite(total) and total > 0
    assert params["conv"][1].data.tolist() == [2] * 4
    assert blobs["data"].shape == (2, 3, 5, 4)
    assert layers[1].blobs[1].data.tolist() == [2] * 4


def test_views_outlive_a_reshape_that_needs_more_memory(net):
    view = net.blobs["data"].data
    view[...] = 3
    net.blobs["data"].reshape(200, 3, 5, 4)
    assert (view == 3).all()
    assert net.blobs["data"].data.shape == (200, 3, 5, 4)


def test_a_view_taken_once_shows_every_forward_and_feeds_every_forward(net):
    data, conv, weights = net.blobs["data"].data, net.blobs["conv"].data, net.params["conv"][0].data
    seen = []
    for seed in range(3):
        data[...] = np.random.default_rng(seed).normal(size=data.shape)
        weights *= 1.5
        net.forward()
        np.testing.assert_array_equal(conv, net.blobs["conv"].data)
        seen.append(conv.copy())
    fill(net, 2)
    net.forward()
    np.testing.assert_array_equal(net.blobs["conv"].data, seen[2])
    assert not np.allclose(seen[0], seen[1])


def test_views_of_a_data_layers_tops_show_their_batch_when_it_and_the_net_are_gone(tmp_path):
    with lmdb.open(str(tmp_path / "db")) as database, database.begin(write=True) as records:
        for i in range(12):
            datum = caffe.io.array_to_datum(np.full((1, 20, 30), i, np.uint8), label=i)
            records.put(b"%02d" % i, datum.SerializeToString())
    text = f"""layer {{ name: "data" type: "Data" top: "data" top: "label"
      data_param {{ source: "{tmp_path}/db" backend: LMDB batch_size: 2 }} }}"""
    net = caffe.Net(write(tmp_path, text), caffe.TRAIN)
    views = []
    for _ in range(6):
        net.forward()
        views.append((net.blobs["data"].data, net.blobs["label"].data))
    del net
    gc.collect()
    for batch, (data, labels) in enumerate(views):
        assert labels.tolist() == [2 * batch, 2 * batch + 1]
        assert np.unique(data).tolist() == labels.tolist()


def test_a_blob_of_a_data_layer_shows_its_batch_when_the_net_is_gone(tmp_path):
    folders = [tmp_path / name for name in ("one", "two")]
    blobs = []
    for number, folder in enumerate(folders, 1):
        folder.mkdir()
        cv2.imwrite(str(folder / "image.png"), np.full((200, 300), number, np.uint8))
        (folder / "list.txt").write_text(f"{folder}/image.png {number}\n")
        text = f"""layer {{ name: "data" type: "ImageData" top: "data" top: "label"
          image_data_param {{ source: "{folder}/list.txt" is_color: false batch_size: 2 }} }}"""
        net = caffe.Net(write(folder, text), caffe.TRAIN)
        net.forward()
        blobs.append(net.blobs["data"])
        del net
        gc.collect()
    for number, blob in enumerate(blobs, 1):
        assert (blob.data == number).all()


def test_a_view_of_a_data_layers_top_feeds_the_layers_behind_it(tmp_path):
    text = """layer { name: "m" type: "MemoryData" top: "x" top: "t"
      memory_data_param { batch_size: 2 channels: 1 height: 1 width: 3 } }
    layer { name: "y" type: "Power" bottom: "x" top: "y" power_param { scale: 2 } }"""
    net = caffe.Net(write(tmp_path, text), caffe.TEST)
    numbers = np.arange(6, dtype=np.float32).reshape(2, 1, 1, 3)
    net.set_input_arrays(numbers, np.zeros(2, np.float32))
    net.forward()
    net.blobs["x"].data[...] = 7
    assert (net.forward(start="y")["y"] == 14).all()
    assert numbers.ravel().tolist() == [0, 1, 2, 3, 4, 5]
    np.testing.assert_array_equal(net.forward()["y"], 2 * numbers)


def test_a_net_that_frees_its_blobs_early_refuses_all_but_what_is_looked_at(tmp_path):
    lean = caffe.Net(write(tmp_path, "blob_lifetime: UNTIL_READ\n" + NET), caffe.TEST)
    fill(lean)
    lean.forward()
    assert np.any(lean.blobs["one"].data)
    with pytest.raises(caffe.Error, match="blob_lifetime: KEEP"):
        np.any(lean.blobs["conv"].data)
    watched = caffe.Net(write(tmp_path, "blob_lifetime: UNTIL_READ\n" + NET), caffe.TEST)
    view = watched.blobs["conv"].data
    fill(watched)
    watched.forward()
    assert np.any(view)
    assert view.ctypes.data == watched.blobs["conv"].data.ctypes.data


def test_reshape_takes_numbers_or_one_sequence(net):
    net.blobs["data"].reshape(1, 3, 5, 4)
    assert net.blobs["data"].shape == (1, 3, 5, 4)
    net.blobs["data"].reshape((4, 3, 5, 4))
    net.reshape()
    assert net.blobs["ip"].shape == (4, 6)


@pytest.mark.parametrize("shape", [(2, 7.5), ([2, 7.5],), ("23",)])
def test_shapes_are_whole_numbers(net, shape):
    with pytest.raises(TypeError, match="whole numbers"):
        net.blobs["data"].reshape(*shape)
    net.blobs["data"].reshape(*np.array([2, 3, 5, 4]))


def test_changed_input_shapes_reach_the_outputs_with_the_next_forward(net):
    net.blobs["data"].reshape(3, 3, 5, 4)
    assert net.forward()["one"].shape == (3, 6)
