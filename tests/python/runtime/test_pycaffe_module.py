"""The module caffe itself: settings, versions, seeds, messages."""

import os
import shutil
import subprocess
import sys

import cv2
import numpy as np
import pytest
import six
from support.small_net import NET, write

import caffe
from caffe.proto import caffe_pb2


def test_layer_types_include_pythons_own():
    types = caffe.layer_type_list()
    assert {"Convolution", "Python", "Split"} <= set(types)
    assert types == sorted(types)


def test_settings_and_version():
    assert caffe.__version__ == "1.0.0"
    assert (caffe.TRAIN, caffe.TEST) == (0, 1)
    assert (caffe.solver_count(), caffe.solver_rank()) == (1, 0)
    assert caffe.has_nccl() in (True, False)
    timer = caffe.Timer()
    timer.start()
    timer.stop()
    assert timer.ms >= 0


def test_there_is_at_least_one_solver_and_the_first_has_rank_0():
    for count in (0, -1):
        with pytest.raises(ValueError, match=f"a number from 1, not {count}"):
            caffe.set_solver_count(count)
    with pytest.raises(ValueError, match="a number from 0, not -1"):
        caffe.set_solver_rank(-1)
    assert (caffe.solver_count(), caffe.solver_rank()) == (1, 0)


def test_random_seeds_make_fillers_repeat(tmp_path):
    weights = []
    for _ in range(2):
        caffe.set_random_seed(3)
        net = caffe.Net(write(tmp_path, NET), caffe.TEST)
        weights.append(net.params["conv"][0].data.copy())
    np.testing.assert_array_equal(*weights)


@pytest.mark.parametrize("seed", [-1, 2**32, 2**70])
def test_random_seeds_are_whole_numbers_of_32_bits(seed):
    with pytest.raises(ValueError, match=f"from 0 to 4294967295, not {seed}"):
        caffe.set_random_seed(seed)
    with pytest.raises(TypeError):
        caffe.set_random_seed(1.5)
    caffe.set_random_seed(np.int64(2**32 - 1))


def test_messages_know_their_enums_and_survive_text():
    from google.protobuf import text_format

    layer = caffe_pb2.LayerParameter(name="p", type="Pooling")
    layer.pooling_param.pool = caffe_pb2.PoolingParameter.AVE
    again = text_format.Parse(str(layer), caffe_pb2.LayerParameter())
    assert again == layer
    assert caffe_pb2.LayerParameter.__module__ == "caffe.proto.caffe_pb2"
    assert caffe_pb2.TEST == 1


def test_scripts_that_ran_on_python_2_as_well(net):
    counts = {name: blobs[0].count for name, blobs in six.iteritems(net.params)}
    assert counts == {"conv": 4 * 3 * 3 * 3, "ip": 6 * 24}
    parameters = [blob for blobs in six.itervalues(net.params) for blob in blobs]
    assert len(parameters) == 4
    assert all(np.isfinite(blob.data).all() for blob in parameters)
    assert list(six.iterkeys(net.blobs))[:2] == ["data", "conv"]


def test_opencvs_library_for_images_is_loaded_with_the_first_image(tmp_path):
    """It brings along a hundred others, and 0.1 s."""
    cv2.imwrite(str(tmp_path / "image.jpg"), np.full((4, 5, 3), 90, np.uint8))
    (tmp_path / "list.txt").write_text(f"{tmp_path}/image.jpg 0\n")
    net = tmp_path / "net.prototxt"
    net.write_text(
        "layer { name: 'data' type: 'ImageData' top: 'data' top: 'label' image_data_param {"
        f" source: '{tmp_path}/list.txt' batch_size: 1 }} }}"
    )
    loaded = "print('libopencv_imgcodecs.so' in Path('/proc/self/maps').read_text())"
    program = f"""
from pathlib import Path
import caffe
{loaded}
assert caffe.Net({str(net)!r}, caffe.TEST).forward()["data"].min() >= 88
{loaded}
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stdout.split() == ["False", "True"], done.stderr


def test_import_where_numbers_have_decimal_commas(tmp_path):
    """Programs with windows set the user's locale before they import anything of ours."""
    maker = shutil.which("localedef")
    folder = tmp_path / "de_DE.UTF-8"
    if maker:
        subprocess.run([maker, "-i", "de_DE", "-f", "UTF-8", folder], capture_output=True)
    if not (folder / "LC_NUMERIC").is_file():
        pytest.skip("no German locale can be made here")
    program = """
import locale
locale.setlocale(locale.LC_ALL, "")
from caffe.proto import caffe_pb2
print(locale.localeconv()["decimal_point"], caffe_pb2.SolverParameter().rms_decay > 0.9)
"""
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "LOCPATH": str(tmp_path), "LC_ALL": folder.name},
        capture_output=True,
        text=True,
    )
    assert done.stdout.split() == [",", "True"], done.stderr
