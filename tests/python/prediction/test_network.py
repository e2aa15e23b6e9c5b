"""Networks as functions: any size, batches, mirrored averaging. A stand-in plays the runtime."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from dcme.classes import ClassMap
from dcme.datasets.vectors import VectorMap
from dcme.errors import UserError
from dcme.prediction.network import Network, Preprocessing, padded, softmax
from dcme.prediction.views import seen, turned_back
from dcme.results.decode import Decoding
from support.stand_in_network import GradientNet, letting_others_run, picture


def test_sizes_that_are_no_multiple_of_the_stride_are_padded_and_cut(deploy):
    network = Network(deploy, None, stride=32)
    ((vectors, grid),) = network([picture(40, 70)])
    assert GradientNet.batches == [(1, 3, 64, 96)]
    assert vectors.shape == (2, 40, 70)
    assert grid.shape == (2, 3, 5)
    assert np.allclose(grid.sum(axis=0), 1)


def test_outputs_survive_the_next_forward_pass(deploy):
    network = Network(deploy, None)
    ((vectors, grid),) = network([picture(32, 64, seed=1)])
    before = vectors.copy(), grid.copy()
    network([picture(32, 64, seed=2)])
    assert np.array_equal(vectors, before[0]) and np.array_equal(grid, before[1])


def test_threads_share_a_network_and_each_gets_its_answers(deploy, monkeypatch):
    monkeypatch.setattr(GradientNet, "forward", letting_others_run(GradientNet.forward))
    network = Network(deploy, None)
    images = [picture(32, 64), picture(32, 64, seed=1), picture(64, 64)]
    alone = [network([image]) for image in images]
    with ThreadPoolExecutor(3) as threads:
        found = list(threads.map(lambda image: network([image]), images * 3))
    for expected, given in zip(alone * 3, found):
        np.testing.assert_equal(given, expected)


def test_grey_images_are_seen_as_three_equal_channels(deploy):
    network, grey = Network(deploy, None), picture(32, 64)[..., 0]
    ((alone, _),) = network([grey])
    ((vectors, _),) = network([np.stack([grey] * 3, axis=2)])
    assert np.array_equal(alone, vectors)
    assert network([]) == []


@pytest.mark.parametrize(
    ("images", "message"),
    [
        (picture(8, 8), r"give a list of images, of a single one \[image\]"),
        ([picture(8, 8), picture(8, 9)], r"have one size, these \(8, 8\) and \(8, 9\)"),
        ([picture(8, 8).astype(np.float32)], r"an image is uint8 .* this is float32 \(8, 8, 3\)"),
        ([picture(8, 8)[..., :2]], r"an image is uint8 .* this is uint8 \(8, 8, 2\)"),
        ([picture(0, 8)], r"an image is uint8 .* this is uint8 \(0, 8, 3\)"),
    ],
)
def test_what_is_no_list_of_images_is_refused(deploy, images, message):
    with pytest.raises(ValueError, match=message):
        Network(deploy, None)(images)


@pytest.mark.parametrize("options", [{"stride": 0}, {"views": 3}])
def test_options_that_make_no_sense_are_refused_at_once(deploy, options):
    with pytest.raises(UserError, match="at least 1, and one of"):
        Network(deploy, None, **options)


@pytest.mark.parametrize("shape", [(1, 1), (1, 40), (3, 5), (32, 32), (33, 31)])
def test_padding_mirrors_the_image_as_often_as_need_be(shape):
    image = picture(*shape)
    size = tuple(-(-side // 32) * 32 for side in shape)
    more = [(0, most - side) for most, side in zip(size, shape)]
    assert np.array_equal(padded(image, size), np.pad(image, [*more, (0, 0)], mode="reflect"))


def test_scores_become_probabilities_and_probabilities_stay():
    of_sum_one = softmax(np.array([[-1.0, 2]]))
    assert of_sum_one[0] == pytest.approx([1 / (1 + np.e**3), 1 / (1 + np.e**-3)])
    assert softmax(np.array([[1000.0, 0]])).tolist() == [[1, 0]]
    shares = np.array([[0.25, 0.75]])
    assert np.array_equal(softmax(shares), shares)


@pytest.mark.parametrize("views", [2, 8])
def test_averaging_over_views_changes_nothing_for_a_symmetric_network(deploy, views):
    image = picture(64, 96)
    ((plain, plain_grid),) = Network(deploy, None)([image])
    ((mean, mean_grid),) = Network(deploy, None, views=views)([image])
    assert len(GradientNet.batches) == 1 + views
    assert np.allclose(plain, mean, atol=1e-4)
    assert np.allclose(plain_grid, mean_grid, atol=1e-6)


def test_views_are_turned_back_to_where_they_came_from():
    batch = np.random.default_rng(0).random((1, 1, 3, 5))
    views = [seen(batch, view) for view in range(8)]
    assert len({view.tobytes() for view in views}) == 8
    for number, view in enumerate(views):
        assert np.array_equal(turned_back(view, number), batch)


def test_pixels_classified_by_the_network_are_the_foreground(deploy, monkeypatch):
    """The class output has the shape of the vector map: their names tell them apart."""
    rows, cols = np.mgrid[:32, :32].astype(np.float32)
    vectors = np.stack([15 - cols, 15 - rows])  # every pixel points at one centre
    nucleus = np.zeros((32, 32), np.float32)
    nucleus[10:21, 8:23] = 0.7

    def forward(self):
        return {"mask": np.stack([1 - nucleus, nucleus])[None], "vectors": vectors[None]}

    monkeypatch.setattr(GradientNet, "forward", forward)
    ((found, mask),) = Network(deploy, None)([picture(32, 32)])
    assert np.array_equal(found, vectors)
    for probability, expected in ((0.6, nucleus > 0), (0.8, None)):
        decoding = Decoding(
            dt=3, vt=5, et=3, classes=ClassMap((1,), ("nucleus",)), probability=probability
        )
        result = decoding(VectorMap("a", found, mask))
        assert len(result) == (expected is not None)
        if expected is not None:
            assert np.array_equal(result.masks[0], expected)
            assert result.labels.tolist() == [1]


def test_only_outputs_that_are_needed_are_copied(deploy, monkeypatch):
    """Features of a hundred channels may be an output, too."""

    class Features:
        ndim, shape = 4, (1, 100, 32, 64)

        def __array__(self, *_, **__):
            raise AssertionError("copied")

    plain = GradientNet.forward

    def forward(net):
        outputs = plain(net)
        return {"features": Features(), "grid": outputs.pop("classes"), **outputs}

    monkeypatch.setattr(GradientNet, "forward", forward)
    ((vectors, grid),) = Network(deploy, None)([picture(32, 64)])
    assert vectors.shape == (2, 32, 64) and grid.shape == (2, 2, 4)


def test_a_net_without_vectors_is_refused_with_what_it_gives(deploy, monkeypatch):
    monkeypatch.setattr(GradientNet, "forward", lambda self: {"classes": np.ones((1, 2, 2, 4))})
    with pytest.raises(UserError, match=r"no output is a vector map .* classes \(1, 2, 2, 4\)"):
        Network(deploy, None)([picture(32, 64)])


def test_missing_files_name_themselves(deploy, tmp_path):
    with pytest.raises(UserError, match=r"none\.caffemodel"):
        Network(deploy, tmp_path / "none.caffemodel")
    with pytest.raises(UserError, match=r"none\.prototxt: no such file"):
        Preprocessing.beside(tmp_path / "none.prototxt", deploy, "--scale")
