"""Tools and data layers give what those of Caffe 1.0 do (tests/golden/io, tests/golden/upgrade)."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import cv2
import lmdb
import numpy as np
import pytest
from support.goldens import GOLDEN, assert_close

import caffe
from caffe import layers as L

BLOBS = sorted(file.stem for file in (GOLDEN / "io").glob("*data*.npz"))
# Our bilinear resizing of 8-bit images may round the other way.
RESIZED = {"image_data_resize", "data_resized"}


@pytest.fixture
def io_folder(tmp_path, monkeypatch):
    """A copy of tests/golden/io, as the current folder."""
    shutil.copytree(GOLDEN / "io", tmp_path / "io")
    monkeypatch.chdir(tmp_path / "io")
    return tmp_path / "io"


def run_tool(*words):
    program = Path(sys.executable).with_name(words[0])
    return subprocess.run(
        [str(word) for word in (program, *words[1:])], capture_output=True, text=True
    )


def succeed(*words):
    done = run_tool(*words)
    assert done.returncode == 0, done.stderr
    return done.stderr


@pytest.mark.parametrize("name", BLOBS)
def test_data_layers_give_the_batches_of_caffe(name, io_folder):
    golden = np.load(f"{name}.npz")
    (io_folder / "net.prototxt").write_text(str(golden["prototxt"]))
    net = caffe.Net("net.prototxt", caffe.TEST)
    for data, label in zip(golden["batches_data"], golden["batches_label"]):
        net.forward()
        if name in RESIZED:
            np.testing.assert_allclose(net.blobs["data"].data, data, atol=1)
        else:
            assert_close(net.blobs["data"].data, data, "data")
        np.testing.assert_array_equal(net.blobs["label"].data, label)


def records(database):
    with lmdb.open(str(database), readonly=True, lock=False) as env, env.begin() as transaction:
        return list(transaction.cursor())


@pytest.mark.parametrize(
    ("kind", "flags"),
    [
        ("color", []),
        ("encoded", ["--encoded=true", "--encode_type=png"]),
        ("encoded", ["-encoded"]),
        ("gray", ["-gray=true"]),
        ("resized", ["--resize_height=7", "--resize_width", "8"]),
    ],
)
def test_convert_imageset_stores_the_records_of_caffe(kind, flags, io_folder):
    succeed("convert_imageset", *flags, "images/", "list.txt", "made")
    assert records("made") == records(f"lmdb_{kind}")


def test_shuffled_records_are_the_same_in_an_order_that_the_seed_decides(io_folder):
    orders = []
    for made, flags in [("a", []), ("b", ["--random_seed=5"]), ("c", ["--random_seed=5"])]:
        succeed("convert_imageset", "--shuffle", *flags, "images/", "list.txt", made)
        orders.append([value for _, value in records(made)])
    stored = [value for _, value in records("lmdb_color")]
    assert orders[1] == orders[2]
    assert len({tuple(order) for order in (stored, *orders)}) == 3
    assert all(sorted(order) == sorted(stored) for order in orders)


def test_gray_images_are_stored_as_such_whatever_their_files_hold(io_folder):
    succeed("convert_imageset", "--gray", "--encoded", "images/", "list.txt", "made")
    pixels = records("lmdb_gray")
    assert len(pixels) > 0
    for (key, value), (other, planes) in zip(records("made"), pixels):
        assert key == other
        datum = caffe.proto.caffe_pb2.Datum.FromString(value)
        image = cv2.imdecode(np.frombuffer(datum.data, np.uint8), cv2.IMREAD_UNCHANGED)
        array = caffe.io.datum_to_array(caffe.proto.caffe_pb2.Datum.FromString(planes))
        np.testing.assert_array_equal(image, array[0])


@pytest.mark.parametrize("flags", [[], ["--encoded"]])
def test_images_that_differ_in_size_are_refused_if_asked(flags, io_folder):
    image = cv2.imread("images/c_2.png")
    words = [*flags, "images/", "list.txt"]
    for other in (image.reshape(12, 10, 3), image[:, :-1], image[:-1]):
        cv2.imwrite("images/c_2.png", other)
        done = run_tool("convert_imageset", "--check_size", *words, "checked")
        assert done.returncode == 1
        assert "images/c_2.png differs in size from the others" in done.stderr
    succeed("convert_imageset", *words, "made")
    cv2.imwrite("images/c_2.png", image)
    succeed("convert_imageset", "--check_size", *words, "equal")


@pytest.mark.parametrize(
    ("database", "mean"),
    [
        ("lmdb_color", "mean.binaryproto"),
        ("lmdb_encoded", "mean.binaryproto"),
        ("lmdb_gray", "mean_gray.binaryproto"),
    ],
)
def test_compute_image_mean_writes_the_file_of_caffe(database, mean, io_folder):
    log = succeed("compute_image_mean", database, "made.binaryproto", "--minloglevel=0")
    assert (io_folder / "made.binaryproto").read_bytes() == (io_folder / mean).read_bytes()
    assert "mean_value channel [0]: 144.3" in log or database == "lmdb_gray"


def make_database(name, *values):
    with lmdb.open(name, map_size=1 << 20) as env, env.begin(write=True) as transaction:
        for number, value in enumerate(values):
            transaction.put(b"%d" % number, value)


def test_compute_image_mean_adds_up_floats_and_refuses_what_is_none(io_folder):
    array = np.arange(12.0).reshape(3, 2, 2)
    datum = caffe.io.array_to_datum(array - 20).SerializeToString()
    log = succeed("compute_image_mean", "--minloglevel=0", "lmdb_color")
    assert "mean_value channel [2]" in log
    make_database("floats", datum, caffe.io.array_to_datum(3 * array).SerializeToString())
    log = succeed("compute_image_mean", "floats", "made.binaryproto", "--minloglevel=0")
    mean = caffe.proto.caffe_pb2.BlobProto.FromString(Path("made.binaryproto").read_bytes())
    np.testing.assert_array_equal(caffe.io.blobproto_to_array(mean)[0], 2 * array - 10)
    assert re.findall(r"channel \[(.)\]: (.*)", log) == [("0", "-7"), ("1", "1"), ("2", "9")]
    liar = caffe.io.array_to_datum(array)
    liar.height = 3
    for name, value, answer in [
        ("turned", caffe.io.array_to_datum(array.reshape(3, 1, 4)), "'1' of turned is of another"),
        ("liar", liar, "'1' of liar is of another size"),
        ("broken", caffe.proto.caffe_pb2.Datum(encoded=True, data=b"x"), "cannot be decoded"),
    ]:
        make_database(name, datum, value.SerializeToString())
        assert answer in run_tool("compute_image_mean", name).stderr
    make_database("first", liar.SerializeToString())
    assert "'0' of first holds 12 values" in run_tool("compute_image_mean", "first").stderr
    negative = caffe.proto.caffe_pb2.Datum(channels=1, height=-2, width=-3, data=b"6bytes")
    make_database("negative", negative.SerializeToString())
    answer = run_tool("compute_image_mean", "negative").stderr
    assert "'0' of negative holds 6 values, which are not 1 x -2 x -3" in answer
    deep = cv2.imencode(".png", np.zeros((2, 2), np.uint16))[1].tobytes()
    encoded = caffe.proto.caffe_pb2.Datum(encoded=True, data=deep)
    make_database("deep", encoded.SerializeToString())
    answer = run_tool("compute_image_mean", "deep").stderr
    assert "'0' of deep: " in answer and "8 bits a channel" in answer
    make_database("text", b"\xff\xff")
    assert "'0' of text is no Datum message" in run_tool("compute_image_mean", "text").stderr


@pytest.mark.parametrize(
    "name",
    [file.name[: -len(".in.prototxt")] for file in (GOLDEN / "upgrade").glob("*.in.prototxt")],
)
def test_upgraders_write_the_text_of_caffe(name, tmp_path):
    kind = "solver" if name.startswith("solver") else "net"
    old = GOLDEN / "upgrade" / f"{name}.in.prototxt"
    succeed(f"upgrade_{kind}_proto_text", old, tmp_path / "new.prototxt")
    new = (tmp_path / "new.prototxt").read_text()
    assert new == (GOLDEN / "upgrade" / f"{name}.out.prototxt").read_text()
    # What is up to date stays as it is.
    succeed(f"upgrade_{kind}_proto_text", tmp_path / "new.prototxt", tmp_path / "again.prototxt")
    assert (tmp_path / "again.prototxt").read_text() == new


@pytest.mark.parametrize("upgraded_first", [False, True])
def test_old_models_load_into_new_nets(upgraded_first, tmp_path):
    golden = np.load(GOLDEN / "upgrade" / "old_model.npz")
    (tmp_path / "net.prototxt").write_text(str(golden["prototxt"]))
    model = GOLDEN / "upgrade" / "old_model.caffemodel"
    if upgraded_first:
        succeed("upgrade_net_proto_binary", model, tmp_path / "new.caffemodel")
        model = tmp_path / "new.caffemodel"
    net = caffe.Net(str(tmp_path / "net.prototxt"), caffe.TEST, weights=str(model))
    params = [key for key in golden.files if key.startswith("param_")]
    assert params
    for key in params:
        layer, index = key[len("param_") :].rsplit("_", 1)
        np.testing.assert_array_equal(net.params[layer][int(index)].data, golden[key])


def test_extract_features_stores_a_datum_an_image(io_folder):
    golden = np.load("data_plain.npz")
    (io_folder / "net.prototxt").write_text(
        str(golden["prototxt"])
        + "layer { name: 'ip' type: 'InnerProduct' bottom: 'data' top: 'ip' inner_product_param "
        "{ num_output: 3 weight_filler { type: 'xavier' } } }"
    )
    net = caffe.Net("net.prototxt", caffe.TEST)
    net.save("net.caffemodel")
    net.forward()
    succeed(
        "extract_features",
        "net.caffemodel",
        "net.prototxt",
        "ip,data",
        "ip_db,data_db",
        2,
        "lmdb",
        "CPU",
    )
    features = []
    for key, value in records("ip_db"):
        datum = caffe.proto.caffe_pb2.Datum.FromString(value)
        assert (datum.channels, datum.height, datum.width) == (3, 1, 1)
        assert int(key) == len(features)
        features.append(datum.float_data)
    batch = net.blobs["ip"].data
    assert len(features) == 2 * len(batch)
    np.testing.assert_allclose(features[: len(batch)], batch, rtol=1e-5)
    images = [caffe.proto.caffe_pb2.Datum.FromString(value) for _, value in records("data_db")]
    assert len(images) == len(features)
    batch = net.blobs["data"].data
    assert batch.shape[2] != batch.shape[3]
    for datum, image in zip(images, batch):
        np.testing.assert_array_equal(caffe.io.datum_to_array(datum), image)
    words = ["extract_features", "net.caffemodel", "net.prototxt"]
    assert "no blob 'pi' (did you mean ip" in run_tool(*words, "pi", "db", 1, "lmdb").stderr
    assert "mode 'cpu': CPU and GPU" in run_tool(*words, "ip", "db", 1, "lmdb", "cpu").stderr


def test_extract_features_stores_every_record_of_many(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    n = caffe.NetSpec()
    filler = {"type": "constant", "value": 3}
    shapes = [{"dim": [700, 1, 2, 1, 3]}, {"dim": [500, 4]}, {"dim": []}]
    n.deep, n.flat, n.single = L.DummyData(ntop=3, shape=shapes, data_filler=filler)
    Path("net.prototxt").write_text(str(n.to_proto()))
    caffe.Net("net.prototxt", caffe.TEST).save("net.caffemodel")
    words = ["extract_features", "net.caffemodel", "net.prototxt"]
    succeed(*words, "deep,flat", "a,b", 2, "lmdb")
    for database, shape, count in [("a", (6, 1, 1), 1400), ("b", (4, 1, 1), 1000)]:
        stored = records(database)
        assert [int(key) for key, _ in stored] == list(range(count))
        datum = caffe.proto.caffe_pb2.Datum.FromString(stored[-1][1])
        assert (datum.channels, datum.height, datum.width) == shape
        assert datum.float_data == [3] * shape[0]
    assert "'single' is a single number" in run_tool(*words, "single", "c", 1, "lmdb").stderr
    assert "twice exists" in run_tool(*words, "deep,flat", "twice,twice", 1, "lmdb").stderr
    assert not Path("twice").exists()
    line = run_tool(*words, "flat", "d", 0, "lmdb").stderr
    assert "not in range" in line and "2147483647" in line  # CLI11 words it by its version


def test_extract_features_knows_the_layers_of_plug_ins(io_folder, monkeypatch):
    monkeypatch.setenv("CAFFE_PLUGINS", str(io_folder / "none.so"))
    words = ["model.caffemodel", "net.prototxt", "ip", "ip_db", 1, "lmdb"]
    assert "none.so" in run_tool("extract_features", *words).stderr
    monkeypatch.delenv("CAFFE_PLUGINS")
    assert "other.so" in run_tool("extract_features", *words, "--plugin=other.so").stderr


@pytest.mark.parametrize(
    ("words", "part"),
    [
        (["convert_imageset", "images/", "none.txt", "db"], "none.txt"),
        (["convert_imageset", "nowhere/", "list.txt", "db"], "list.txt"),
        (["convert_imageset", "images/", "list.txt", "lmdb_color"], "lmdb_color"),
        (["convert_imageset", "images/", "list.txt", "db", "--resize_height=3"], "go together"),
        (["convert_imageset", "images/", "list.txt", "db", "--resize_heigth=3"], "--resize_height"),
        (["convert_imageset", "images/", "list.txt", "db", "--backend=x"], "lmdb"),
        (["convert_imageset", "images/", "list.txt", "db", "--encode_type=png"], "needs --encoded"),
        (["convert_imageset", "images/", "no_dot.txt", "db", "--encoded"], "has no extension"),
        (["compute_image_mean", "none"], "none"),
        (["upgrade_net_proto_text", "list.txt", "out"], "list.txt:1:"),
        (["upgrade_net_proto_binary", "list.txt", "out"], "list.txt"),
        (["extract_features", "mean.binaryproto", "list.txt", "a,b", "c", 1, "lmdb"], "2 blobs"),
        (["extract_features", "m", "n", "a", "c", 1, "lmdb", "GPU", "1x"], "'1x' is no whole"),
        (["extract_features", "m", "n", "a", "c", 1, "lmdb", "GPU", "DEVICE_ID="], "'' is no"),
    ],
)
def test_wrong_input_is_answered_by_one_line(words, part, io_folder):
    (io_folder / "no_dot.txt").write_text("a_0 1")
    done = run_tool(*words)
    assert done.returncode == 1
    errors = [line for line in done.stderr.splitlines() if not line.startswith(("I", "W", "E"))]
    assert len(errors) == 1
    assert part in errors[0]


@pytest.mark.parametrize(
    ("line", "flags", "answer"),
    [("a_0.png 1x", [], "'1x' is no whole number"), ("a_0 1", ["--encoded"], "has no extension")],
)
def test_a_line_that_is_wrong_leaves_no_database_behind(line, flags, answer, io_folder):
    whole = (io_folder / "list.txt").read_text()
    (io_folder / "list.txt").write_text(f"{whole}{line}\n")
    assert answer in run_tool("convert_imageset", *flags, "images/", "list.txt", "made").stderr
    assert not (io_folder / "made").exists()


@pytest.mark.parametrize(
    "words",
    [
        ["images", "list.txt", "made"],
        ["images/", "list.txt", "made", "--encoded", "--encode_type=xyz"],
        ["images/", "list.txt", "made", "--check_size"],
    ],
)
def test_a_conversion_that_fails_leaves_no_database_behind(words, io_folder):
    cv2.imwrite("images/a_0.png", np.zeros((3, 4, 3), np.uint8))
    assert run_tool("convert_imageset", *words).returncode == 1
    assert not (io_folder / "made").exists()


def test_a_database_that_exists_is_kept_and_what_to_do_is_said(io_folder):
    before = records("lmdb_color")
    line = run_tool("convert_imageset", "images/", "list.txt", "lmdb_color").stderr
    assert "lmdb_color exists: remove it, or name another database" in line
    assert records("lmdb_color") == before


def test_an_image_that_cannot_be_read_is_left_out_and_named(io_folder):
    (io_folder / "images" / "c_2.png").write_bytes(b"no image")
    log = succeed("convert_imageset", "images/", "list.txt", "made")
    assert "images/c_2.png" in log
    assert records("made") == [r for r in records("lmdb_color") if b"c_2" not in r[0]]


def test_an_image_that_was_cut_off_is_left_out_and_named(io_folder):
    cv2.imwrite("images/c_2.jpg", np.random.default_rng(3).integers(0, 255, (40, 60, 3)))
    whole = Path("images/c_2.jpg").read_bytes()
    for content, stored in [(whole, 1), (whole[: len(whole) // 2], 0)]:
        Path("images/c_2.jpg").write_bytes(content)
        (io_folder / "list.txt").write_text("a_0.png 0\nc_2.jpg 2\n")
        log = succeed("convert_imageset", "images/", "list.txt", f"made{stored}")
        assert len(records(f"made{stored}")) == 1 + stored
        assert ("images/c_2.jpg: it is cut off" in log) == (stored == 0)


def test_every_tool_explains_itself():
    for tool in [
        "convert_imageset",
        "compute_image_mean",
        "extract_features",
        "upgrade_net_proto_text",
        "upgrade_net_proto_binary",
        "upgrade_solver_proto_text",
    ]:
        done = run_tool(tool, "--help")
        assert done.returncode == 0
        assert re.search(rf"Example:\s+{tool} ", done.stdout), tool
