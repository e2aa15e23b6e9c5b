"""caffe.io, Classifier and Detector."""

import io
import re
import struct

import cv2
import numpy as np
import pytest

import caffe
from caffe import layers as L
from caffe.proto import caffe_pb2

RNG = np.random.default_rng(0)
# Floats in TIFF files: OpenCV before 4.12 rounds those of colours otherwise.
EXACTLY = [cv2.IMWRITE_TIFF_COMPRESSION, 1]


def test_blobproto_round_trip_with_any_shape():
    for shape in [(2, 3), (5,), (1, 2, 3, 4), ()]:
        array = RNG.normal(size=shape).astype(np.float32)
        blob = caffe.io.array_to_blobproto(array, diff=2 * array)
        np.testing.assert_array_equal(caffe.io.blobproto_to_array(blob), array)
        np.testing.assert_array_equal(caffe.io.blobproto_to_array(blob, True), 2 * array)


def test_blobprotos_are_made_of_lists():
    blob = caffe.io.array_to_blobproto([[1, 2], [3, 4]])
    assert caffe.io.blobproto_to_array(blob).tolist() == [[1, 2], [3, 4]]


def test_blobproto_of_the_old_form_has_four_axes():
    blob = caffe_pb2.BlobProto(num=1, channels=2, height=3, width=4, data=range(24))
    array = caffe.io.blobproto_to_array(blob)
    assert array.shape == (1, 2, 3, 4)
    assert array.ravel().tolist() == list(range(24))


def test_blobproto_without_a_shape_holds_one_value_at_most():
    assert caffe.io.blobproto_to_array(caffe_pb2.BlobProto(data=[123])) == 123
    with pytest.raises(ValueError):
        caffe.io.blobproto_to_array(caffe_pb2.BlobProto(data=[1, 2, 3]))


def test_blobproto_vectors_are_serialized_lists():
    arrays = [np.arange(3.0), np.ones((2, 2))]
    text = caffe.io.arraylist_to_blobprotovector_str(arrays)
    assert caffe.io.arraylist_to_blobprotovecor_str(arrays) == text  # pycaffe's name
    back = caffe.io.blobprotovector_str_to_arraylist(text)
    assert [array.tolist() for array in back] == [array.tolist() for array in arrays]


@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_datum_round_trip(dtype):
    array = (RNG.random((3, 4, 5)) * 255).astype(dtype)
    datum = caffe.io.array_to_datum(array, 7)
    assert (datum.channels, datum.height, datum.width, datum.label) == (3, 4, 5, 7)
    back = caffe.io.datum_to_array(datum)
    np.testing.assert_array_equal(back, array)
    assert back.flags.writeable
    assert not caffe.io.array_to_datum(array).HasField("label")
    with pytest.raises(ValueError, match="C x H x W"):
        caffe.io.array_to_datum(array[0])


def test_images_load_as_rgb_in_zero_to_one(tmp_path):
    bgr = np.zeros((4, 6, 3), np.uint8)
    bgr[..., 2] = 255
    cv2.imwrite(str(tmp_path / "red.png"), bgr)
    image = caffe.io.load_image(str(tmp_path / "red.png"))
    assert image.shape == (4, 6, 3) and image.dtype == np.float32
    assert image[0, 0].tolist() == [1, 0, 0]
    assert caffe.io.load_image(tmp_path / "red.png", color=False).shape == (4, 6, 1)
    cv2.imwrite(str(tmp_path / "deep.png"), np.full((2, 2), 65535, np.uint16))
    assert caffe.io.load_image(str(tmp_path / "deep.png")).tolist() == [[[1, 1, 1]] * 2] * 2
    cv2.imwrite(str(tmp_path / "floats.tiff"), np.full((2, 3, 3), 0.25, np.float32), EXACTLY)
    assert caffe.io.load_image(tmp_path / "floats.tiff").tolist() == [[[0.25] * 3] * 3] * 2
    with pytest.raises(OSError, match=r"none\.png"):
        caffe.io.load_image(tmp_path / "none.png")


@pytest.mark.parametrize("kind", ["u1", "i1", "u2", "i2", "i4", "f4", "f8"])
@pytest.mark.parametrize("channels", [(), (3,)], ids=["grey", "colour"])
def test_images_of_any_depth_load_as_floats(tmp_path, kind, channels):
    file = str(tmp_path / "image.tif")
    one = np.iinfo(kind).max if kind[0] in "ui" else 1
    cv2.imwrite(file, np.full((2, 3, *channels), one, kind), EXACTLY)
    for color, shape in ((True, (2, 3, 3)), (False, (2, 3, 1))):
        image = caffe.io.load_image(file, color)
        assert image.dtype == np.float32
        np.testing.assert_allclose(image, np.ones(shape), rtol=1e-6)


def test_an_image_of_an_absurd_size_is_not_readable(tmp_path):
    cv2.imwrite(str(tmp_path / "a.bmp"), np.zeros((2, 2, 3), np.uint8))
    image = bytearray((tmp_path / "a.bmp").read_bytes())
    image[18:26] = struct.pack("<ii", 2**30, 2**30)
    (tmp_path / "a.bmp").write_bytes(image)
    with pytest.raises(OSError, match="not a readable image"):
        caffe.io.load_image(tmp_path / "a.bmp")


def test_a_dicom_file_is_not_decoded():
    file = io.BytesIO(bytes(128) + b"DICM")
    with pytest.raises(OSError, match="not a readable image, as it is a DICOM file"):
        caffe.io.load_image(file)


@pytest.mark.parametrize("name", ["cut.jpg", "cut.png"])
def test_an_image_that_was_cut_off_is_not_filled_up(name, tmp_path):
    file = tmp_path / name
    cv2.imwrite(str(file), RNG.integers(0, 256, (64, 64, 3), dtype=np.uint8))
    whole = file.read_bytes()
    file.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(OSError, match=rf"{name}: not a readable image, as it is cut off"):
        caffe.io.load_image(file)
    with pytest.raises(OSError, match="cut off"):
        caffe.io.load_image(io.BytesIO(file.read_bytes()))
    # What stands behind the end is of no harm.
    file.write_bytes(whole + b"more")
    assert caffe.io.load_image(file).shape == (64, 64, 3)


def test_images_of_any_kind_load_as_grey_ones(tmp_path):
    file = str(tmp_path / "image.png")
    for pixel, grey in [((0, 0, 255), 0.2125), ((255, 0, 0, 9), 0.0721), ((51,), 0.2)]:
        cv2.imwrite(file, np.full((2, 3, len(pixel)), pixel, np.uint8))
        image = caffe.io.load_image(file, color=False)
        np.testing.assert_allclose(image, np.full((2, 3, 1), grey), rtol=1e-3)
        assert caffe.io.load_image(file).shape == (2, 3, 3)


def test_images_load_from_open_files(tmp_path):
    image = (RNG.random((4, 6, 3)) * 255).astype(np.uint8)
    cv2.imwrite(str(tmp_path / "a.png"), image)
    expected = caffe.io.load_image(tmp_path / "a.png")
    contents = (tmp_path / "a.png").read_bytes()
    written = io.BytesIO()
    written.write(contents)
    np.testing.assert_array_equal(caffe.io.load_image(written), expected)
    with (tmp_path / "a.png").open("rb") as file:
        np.testing.assert_array_equal(caffe.io.load_image(file), expected)
    with pytest.raises(OSError, match="not a readable image"):
        caffe.io.load_image(io.BytesIO(b"no image"))


def test_resizing_keeps_any_number_of_channels_and_the_range():
    image = RNG.normal(size=(8, 6, 7)).astype(np.float32) * 100
    assert caffe.io.resize_image(image, (4, 3)).shape == (4, 3, 7)
    np.testing.assert_allclose(caffe.io.resize_image(image, (8, 6)), image, rtol=1e-6)
    assert np.ptp(caffe.io.resize_image(image, (1, 1))) < np.ptp(image)
    linear = caffe.io.resize_image(np.array([[[0.0], [8.0]]]), (1, 4))
    assert linear[0, :, 0].tolist() == [0, 2, 6, 8]
    nearest = caffe.io.resize_image(image, (16, 12), interp_order=0)
    np.testing.assert_array_equal(nearest[::2, ::2], image)
    for order in (2, 4, 5):
        with pytest.raises(ValueError, match=rf"interp_order is 0 .*, not {order}; .*scipy"):
            caffe.io.resize_image(image, (4, 3), interp_order=order)
    with pytest.raises(
        ValueError, match=r"H x W x K, got shape \(8, 6\); .* image\[..., np.newaxis"
    ):
        caffe.io.resize_image(image[..., 0], (4, 3))
    for size in ((0, 3), (4, -1)):
        with pytest.raises(ValueError, match=rf"\(8, 6, 7\) cannot be .* to {size[0]} x {size[1]}"):
            caffe.io.resize_image(image, size)


def test_oversampling_gives_corners_centre_and_mirrors():
    image = np.arange(6 * 8, dtype=np.float32).reshape(6, 8, 1)
    crops = caffe.io.oversample([image, image + 100], (4, 4))
    assert crops.shape == (20, 4, 4, 1)
    np.testing.assert_array_equal(crops[0], image[:4, :4])
    np.testing.assert_array_equal(crops[3], image[2:, 4:])
    np.testing.assert_array_equal(crops[4], image[1:5, 2:6])
    np.testing.assert_array_equal(crops[5], image[:4, :4][:, ::-1])
    np.testing.assert_array_equal(crops[10], image[:4, :4] + 100)
    with pytest.raises(ValueError, match="fit"):
        caffe.io.oversample([image], (7, 4))
    with pytest.raises(ValueError, match="a crop of 4 x 9 does not fit into 6 x 8"):
        caffe.io.oversample([image], (4, 9))
    with pytest.raises(ValueError, match=r"list of images H x W x K, and .* shape \(8, 1\);"):
        caffe.io.oversample(image, (4, 4))
    with pytest.raises(ValueError, match="no images"):
        caffe.io.oversample([], (4, 4))


def test_centre_crops_are_those_of_oversample():
    image = np.arange(6 * 7 * 3, dtype=np.float32).reshape(6, 7, 3)
    crops = caffe.io.centre_crops([image, image + 100], (4, 4))
    assert np.array_equal(crops, caffe.io.oversample([image, image + 100], (4, 4))[[4, 14]])
    with pytest.raises(ValueError, match="does not fit into 6 x 7"):
        caffe.io.centre_crops([image], (7, 4))


def transformer():
    t = caffe.io.Transformer({"data": (1, 3, 4, 4)})
    t.set_transpose("data", (2, 0, 1))
    t.set_channel_swap("data", (2, 1, 0))
    t.set_raw_scale("data", 255)
    t.set_mean("data", [10.0, 20.0, 30.0])
    t.set_input_scale("data", 0.5)
    return t


def test_the_transformer_does_its_steps_in_order_and_undoes_them():
    image = RNG.random((4, 4, 3)).astype(np.float32)
    result = transformer().preprocess("data", image)
    assert result.dtype == np.float32 and result.shape == (3, 4, 4)
    np.testing.assert_allclose(result[0], (image[..., 2] * 255 - 10) * 0.5, rtol=1e-5)
    np.testing.assert_allclose(transformer().deprocess("data", result), image, atol=1e-5)


@pytest.mark.parametrize("shape", [(1, 1, 4, 4), (1, 3, 4, 1), (1, 1, 1, 1), (1, 3, 4, 4)])
def test_the_transformer_undoes_itself_with_and_without_the_axis_of_the_batch(shape):
    t = caffe.io.Transformer({"x": shape})
    t.set_transpose("x", (2, 0, 1))
    t.set_channel_swap("x", range(shape[1])[::-1])
    t.set_mean("x", np.full(shape[1], 3.0))
    image = RNG.random((*shape[2:], shape[1])).astype(np.float32)
    result = t.preprocess("x", image)
    for back in (t.deprocess("x", result), t.deprocess("x", result[np.newaxis])):
        assert back.shape == image.shape
        np.testing.assert_allclose(back, image, atol=1e-6)
    with pytest.raises(ValueError, match="one item of 'x', got 2"):
        t.deprocess("x", np.stack([result, result]))


def test_the_transformer_says_what_axes_images_have():
    with pytest.raises(ValueError, match=r"'data' has 3 axes \(H x W x K\), got shape \(4, 4\)"):
        transformer().preprocess("data", np.zeros((4, 4)))


def test_the_transformer_resizes_images_and_means():
    t = caffe.io.Transformer({"data": (1, 3, 4, 4)})
    t.set_transpose("data", (2, 0, 1))
    t.set_mean("data", np.full((3, 8, 8), 2.0))
    result = t.preprocess("data", np.ones((9, 7, 3)))
    np.testing.assert_allclose(result, -1, rtol=1e-6)
    rows = np.arange(4.0)[:, np.newaxis] + np.zeros((4, 4))
    for mean in (rows, rows[np.newaxis], np.stack([rows] * 3)):
        t.set_mean("data", mean)
        np.testing.assert_allclose(t.preprocess("data", np.ones((4, 4, 3)))[2], 1 - rows)


@pytest.mark.parametrize(
    ("method", "value"),
    [
        ("set_transpose", (1, 0)),
        ("set_channel_swap", (0, 1)),
        ("set_mean", np.zeros(4)),
        ("set_mean", np.zeros((2, 4, 4))),
    ],
)
def test_the_transformer_refuses_what_does_not_fit_its_input(method, value):
    t = caffe.io.Transformer({"data": (1, 3, 4, 4)})
    with pytest.raises(ValueError, match="data"):
        getattr(t, method)("data", value)
    with pytest.raises(ValueError, match="not one of the net inputs"):
        getattr(t, method)("other", value)
    with pytest.raises(ValueError, match="not one of the net inputs"):
        t.deprocess("other", np.zeros((3, 4, 4)))


@pytest.fixture
def model(tmp_path):
    """A net whose scores are the means of its input's channels."""
    n = caffe.NetSpec()
    n.data = L.Input(shape={"dim": [2, 3, 4, 4]})
    n.score = L.Reduction(n.data, axis=2, operation=caffe.params.Reduction.MEAN)
    (tmp_path / "net.prototxt").write_text(str(n.to_proto()))
    files = str(tmp_path / "net.prototxt"), str(tmp_path / "w.caffemodel")
    caffe.Net(files[0], caffe.TEST).save(files[1])
    return files


@pytest.mark.parametrize("oversample", [True, False])
def test_the_classifier_scores_images(model, oversample):
    classifier = caffe.Classifier(*model, image_dims=(6, 6), channel_swap=(2, 1, 0), raw_scale=10)
    images = [np.full((12, 9, 3), [0.1, 0.2, 0.3]), np.full((5, 5, 3), [0.6, 0.5, 0.4])]
    scores = classifier.predict(images, oversample=oversample)
    np.testing.assert_allclose(scores, [[3, 2, 1], [4, 5, 6]], rtol=1e-5)


def test_the_classifier_averages_scores_of_four_axes(model, tmp_path):
    text = (tmp_path / "net.prototxt").read_text().replace("Reduction", "Pooling")
    text = re.sub(
        r"reduction_param \{.*?\}",
        "pooling_param { pool: AVE global_pooling: true }",
        text,
        flags=re.S,
    )
    (tmp_path / "net.prototxt").write_text(text)
    classifier = caffe.Classifier(*model, image_dims=np.array([6, 6]))
    assert classifier.blobs["score"].shape == (2, 3, 1, 1)
    images = [np.full((6, 6, 3), [0.1, 0.2, 0.3]), np.full((6, 6, 3), [0.6, 0.5, 0.4])]
    expected = np.array([[0.1, 0.2, 0.3], [0.6, 0.5, 0.4]])
    np.testing.assert_allclose(classifier.predict(images), expected, rtol=1e-5)
    as_it_is = classifier.predict(images, oversample=False)
    np.testing.assert_allclose(as_it_is, expected[..., np.newaxis, np.newaxis], rtol=1e-5)


def test_the_classifier_takes_a_list_of_images(model):
    classifier = caffe.Classifier(*model)
    image = np.ones((5, 6, 3))
    assert classifier.predict(iter([image])).shape == (1, 3)
    with pytest.raises(ValueError, match="at least one image"):
        classifier.predict([])
    with pytest.raises(ValueError, match=r"of shape \(6, 3\) .* predict\(\[image\]\)"):
        classifier.predict(image)


def test_the_classifier_takes_the_centre_of_larger_images(model):
    classifier = caffe.Classifier(*model, image_dims=(7, 8), input_scale=2)
    image = np.ones((7, 8, 3))
    image[1:5, 2:6] = 0.25
    np.testing.assert_allclose(classifier.predict([image], oversample=False), [[0.5] * 3])


def test_the_classifier_refuses_images_smaller_than_the_input(model):
    classifier = caffe.Classifier(*model, image_dims=(3, 4))
    for oversample in (True, False):
        with pytest.raises(ValueError, match="a crop of 4 x 4 does not fit into 3 x 4"):
            classifier.predict([np.ones((3, 4, 3))], oversample=oversample)


@pytest.mark.parametrize(
    ("context_pad", "window"),
    [
        (None, (-2, 0, 3, 3)),
        (None, (0, -2, 3, 3)),
        (None, (20, 0, 23, 3)),
        (None, (0, 20, 3, 23)),
        (None, (3, 3, 3, 6)),
        (None, (6, 3, 3, 6)),
        (1, (6, 3, 3, 6)),
        (1, (3, 6, 6, 3)),
    ],
)
def test_the_detector_names_windows_that_are_empty_or_outside(model, tmp_path, context_pad, window):
    cv2.imwrite(str(tmp_path / "i.png"), np.zeros((20, 20, 3), np.uint8))
    detector = caffe.Detector(*model, context_pad=context_pad)
    named = rf"i\.png: the window \({', '.join(map(str, window))}\) .* image of 20 x 20"
    with pytest.raises(ValueError, match=named):
        detector.detect_windows([(tmp_path / "i.png", [(5, 5, 15, 15), window])])


def test_the_detector_says_what_a_window_is(model, tmp_path):
    cv2.imwrite(str(tmp_path / "i.png"), np.zeros((20, 20, 3), np.uint8))
    detector = caffe.Detector(*model)
    for windows in ([(1, 2, 3)], [1, 2, 3, 4]):
        with pytest.raises(
            ValueError, match=r"i\.png: a window is \(ymin, xmin, ymax, xmax\), not"
        ):
            detector.detect_windows([(tmp_path / "i.png", windows)])


@pytest.mark.parametrize("face", [caffe.Classifier, caffe.Detector])
def test_images_need_an_input(model, tmp_path, face):
    layer = (
        'layer { name: "d" type: "DummyData" top: "data" dummy_data_param { shape { dim: 1 } } }'
    )
    (tmp_path / "train.prototxt").write_text(layer)
    with pytest.raises(ValueError, match="no input to put images into: give its deploy prototxt"):
        face(tmp_path / "train.prototxt", model[1])


def test_the_detector_scores_windows(model, tmp_path):
    image = np.zeros((20, 20, 3), np.uint8)
    image[5:15, 5:15] = (255, 0, 0)
    cv2.imwrite(str(tmp_path / "i.png"), image)
    detector = caffe.Detector(*model)
    found = detector.detect_windows([(tmp_path / "i.png", [(5, 5, 15, 15), (0, 0, 4, 4)])])
    np.testing.assert_allclose([f["prediction"] for f in found], [[0, 0, 1], [0, 0, 0]], atol=1e-6)
    assert found[0]["window"].tolist() == [5, 5, 15, 15]


def test_context_around_windows_is_the_mean_outside_the_image(model):
    detector = caffe.Detector(
        *model, mean=np.array([1.0, 2.0, 3.0]), raw_scale=10, channel_swap=(2, 1, 0), context_pad=1
    )
    np.testing.assert_allclose(detector.crop_mean, [0.3, 0.2, 0.1], rtol=1e-6)
    crop = detector.crop(np.ones((8, 8, 3), np.float32), np.array([0, 0, 3, 3]))
    assert crop.shape == (4, 4, 3)
    np.testing.assert_allclose(crop[0, 0], [0.3, 0.2, 0.1], rtol=1e-6)
    np.testing.assert_allclose(crop[2, 2], 1)


def test_windows_get_the_context_that_lies_in_the_image(model):
    detector = caffe.Detector(*model, context_pad=1)
    image = RNG.random((8, 8, 3)).astype(np.float32)
    whole = detector.crop(image, np.array([2, 2, 5, 5]))  # twice the window: all of the image
    np.testing.assert_array_equal(whole, caffe.io.resize_image(image, (4, 4)))
    corner = detector.crop(np.ones((8, 8, 3), np.float32), np.array([4, 4, 7, 7]))
    assert corner[..., 0].tolist() == [[1, 1, 1, 0]] * 3 + [[0] * 4]


@pytest.mark.parametrize(
    ("window", "rows"),
    [((8, 0, 11, 3), 1), ((10, 0, 13, 3), 0), ((0, 10, 3, 13), 0), ((20, 0, 23, 3), 0)],
)
def test_windows_outside_of_the_image_are_the_mean(model, window, rows):
    detector = caffe.Detector(*model, mean=np.full(3, 5.0), context_pad=1)
    crop = detector.crop(np.ones((8, 8, 3), np.float32), np.array(window))
    assert (crop[..., 0] == 1).any(axis=1).sum() == rows
    assert (crop == 5).sum() == crop.size - 9 * rows


def test_a_part_of_a_window_is_not_rounded_beyond_the_input(tmp_path):
    (tmp_path / "net.prototxt").write_text(
        'layer { name: "x" type: "Input" top: "x" '
        "input_param { shape { dim: 1 dim: 3 dim: 5 dim: 5 } } }"
    )
    net = str(tmp_path / "net.prototxt")
    caffe.Net(net, caffe.TEST).save(str(tmp_path / "w.caffemodel"))
    detector = caffe.Detector(net, str(tmp_path / "w.caffemodel"), context_pad=2)
    crop = detector.crop(np.ones((8, 8, 3), np.float32), np.array([1, 1, 2, 2]))
    assert crop[..., 0].tolist() == [[0] * 5] * 2 + [[0, 0, 1, 1, 1]] * 3
