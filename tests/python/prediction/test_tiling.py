"""Images larger than the network sees at once. A stand-in plays the runtime."""

import sys

import numpy as np
import pytest
from dcme.errors import UserError
from dcme.prediction.network import Network, Tiling
from dcme.prediction.tiling import run_tiled, starts
from support.stand_in_network import GradientNet, picture


@pytest.mark.parametrize("length", [10, 64, 65, 100, 128, 511, 1000])
@pytest.mark.parametrize(("tile", "overlap"), [(64, 0), (64, 16), (96, 40)])
def test_tiles_cover_a_side_and_overlap(length, tile, overlap):
    begins = starts(length, tile, overlap, 16)
    assert begins[0] == 0 and begins[-1] + tile >= length
    for before, after in zip(begins, begins[1:]):
        assert after % 16 == 0 and before < after <= before + tile - overlap
        assert after < length


def test_what_does_not_depend_on_the_tile_comes_out_as_from_the_whole():
    image = picture(200, 330)

    def function(part):
        values = part.astype(np.float32)
        grid = values[::16, ::16, :].transpose(2, 0, 1)
        return values[..., :2].transpose(2, 0, 1), grid

    vectors, grid = run_tiled(function, image, (96, 128), 32, 16)
    whole, whole_grid = function(image)
    np.testing.assert_allclose(vectors, whole, atol=1e-4)
    np.testing.assert_allclose(grid, whole_grid, atol=1e-4)


def test_neighbours_blend_without_a_step():
    places = iter([0.0, 1.0])

    def function(part):
        return np.full((2, *part.shape[:2]), next(places), np.float32), None

    vectors, _ = run_tiled(function, picture(16, 96), (16, 64), 32, 16)
    row = vectors[0, 0]
    assert (row[:32] == 0).all() and (row[64:] == 1).all()
    assert np.abs(np.diff(row)).max() < 1.5 / 32


def test_a_network_sees_tiles_no_larger_than_asked_for(deploy):
    image = picture(200, 320)
    network = Network(deploy, None, stride=16, tiling=Tiling((96, 128), overlap=32))
    ((vectors, grid),) = network([image])
    assert max(shape[2] for shape in GradientNet.batches) == 96
    assert max(shape[3] for shape in GradientNet.batches) == 128
    ((whole, whole_grid),) = Network(deploy, None, stride=16)([image])
    assert vectors.shape == whole.shape and grid.shape == whole_grid.shape
    inner = np.s_[:, 5:60, 5:90]  # tiles' borders are the stand-in's only difference
    np.testing.assert_allclose(vectors[inner], whole[inner], atol=1e-3)


def test_memory_decides_where_no_size_is_given(deploy):
    network = Network(deploy, None, stride=16, tiling=Tiling(overlap=16, memory=96 * 96 * 24))
    assert network.bytes_per_pixel == 24  # the stand-in's three input channels, twice
    assert network.tile_size(96, 96) is None
    tall, wide = network.tile_size(400, 500)
    assert tall * wide <= 96 * 96 and tall % 16 == wide % 16 == 0
    network([picture(64, 64)] * 4)
    assert GradientNet.batches == [(1, 3, 64, 64)] * 4


def test_an_image_of_the_deploy_files_size_is_not_padded(deploy):
    network = Network(deploy, None, stride=48)
    network([picture(32, 64)])
    assert GradientNet.batches == [(1, 3, 32, 64)]


class OneSizeNet(GradientNet):
    """As SegNet: its layers name their sizes. The shape of what it saw last is in ``batches``."""

    def reshape(self):
        if self.blobs["data"].shape[2:] != (32, 64):
            raise RuntimeError("upsample4: shapes differ")


@pytest.fixture
def one_size(deploy, monkeypatch):
    monkeypatch.setattr(sys.modules["caffe"], "Net", OneSizeNet)
    return deploy


@pytest.mark.parametrize("shape", [(20, 30), (32, 64), (33, 64), (90, 50), (75, 200)])
@pytest.mark.parametrize("tile", [None, (32, 64)])
def test_a_net_of_one_size_sees_any_image_in_tiles_of_it(one_size, shape, tile):
    image = picture(*shape)
    tiling = Tiling(tile, overlap=16)
    ((vectors, grid),) = Network(one_size, None, stride=16, tiling=tiling)([image])
    assert {seen[2:] for seen in GradientNet.batches} == {(32, 64)}
    assert vectors.shape == (2, *shape)
    assert grid.shape[1:] == (-(-shape[0] // 16), -(-shape[1] // 16))


def test_a_net_of_one_size_refuses_other_tiles_and_quarter_turns(one_size):
    with pytest.raises(UserError, match="takes 32x64 only; leave --tile out"):
        Network(one_size, None, tiling=Tiling((64, 64)))
    with pytest.raises(UserError, match=r"takes 32x64 only, and 8 views.*use 2"):
        Network(one_size, None, views=8)
    Network(one_size, None, views=2)([picture(32, 64)])


def test_tiles_smaller_than_their_overlap_are_refused(deploy):
    network = Network(deploy, None, stride=32, tiling=Tiling((100, 100), overlap=128))
    with pytest.raises(
        UserError, match=r"tiles of 100x100 \(to multiples of the stride: 96x96\) are too"
    ):
        network([picture(400, 400)])
