"""Distances of instances from disparity images and camera files."""

import json
from pathlib import Path

import numpy as np
import pytest
from dcme.datasets.samples import Sample
from dcme.errors import UserError
from dcme.files import write_png, write_text
from dcme.results.distances import instance_distances, read_distances, stereo_files, with_distances

from bench.reference.scenes import scene_ids

BASELINE, FOCAL = 0.22, 2262.5


def literal(ids, stored):
    """Depth pixel by pixel, then NumPy's median, as Cityscapes describes its files."""
    with np.errstate(divide="ignore"):
        depth = BASELINE * FOCAL / ((stored.astype(float) - 1) / 256)
    found = {}
    for i in np.unique(ids[ids >= 1000]).tolist():
        valid = (ids == i) & (stored > 0)
        if valid.any():
            found[i] = (np.median(depth[valid]), valid.sum() / (ids == i).sum())
    return found


@pytest.fixture
def tree(tmp_path):
    """A Cityscapes tree of one image; returns its sample and both arrays."""
    rng = np.random.default_rng(1)
    ids = scene_ids(rng, (60, 80), 12)
    stored = rng.integers(0, 5000, ids.shape).astype(np.uint16) * (rng.random(ids.shape) < 0.8)
    path = tmp_path / "gtFine/val/ulm/ulm_0_0_gtFine_instanceIds.png"
    write_png(path, ids)
    write_png(tmp_path / "disparity/val/ulm/ulm_0_0_disparity.png", stored)
    camera = {"extrinsic": {"baseline": BASELINE}, "intrinsic": {"fx": FOCAL}}
    write_text(tmp_path / "camera/val/ulm/ulm_0_0_camera.json", json.dumps(camera))
    return Sample("ulm_0_0", None, path), ids, stored


def test_they_are_the_medians_of_the_measured_depths(tree):
    sample, ids, stored = tree
    assert with_distances([sample]) == 1
    found, expected = read_distances(sample.ids, stereo_files(sample)), literal(ids, stored)
    assert found.keys() == expected.keys() and len(found) > 5
    for i, values in expected.items():
        assert found[i] == pytest.approx(values, rel=1e-12)


def test_infinitely_far_and_unmeasured():
    ids = np.array([[1000, 1000, 2000, 2000]], np.uint16)
    found = instance_distances(ids, np.array([[1, 1, 0, 0]], np.uint16), BASELINE, FOCAL)
    assert found == {1000: (np.inf, 1.0)}


def test_without_either_file_there_are_no_distances(tree):
    sample, _, _ = tree
    stereo_files(sample).camera.unlink()
    assert stereo_files(sample) is None and with_distances([sample]) == 0


def test_other_samples_have_no_distances(tree):
    place = tree[0].ids
    others = [None, Path(place.name), place.parent / "ulm_0_0.png"]
    others.append(place.parent.parent.with_name("coarse") / "val" / "ulm" / place.name)
    assert with_distances([tree[0], *(Sample("other", None, path) for path in others)]) == 1


def test_damaged_files_name_themselves(tree):
    sample, ids, _ = tree
    files = stereo_files(sample)
    write_png(files.disparity, np.zeros((5, 6), np.uint16))
    with pytest.raises(UserError, match=r"disparity\.png: the disparity is 5x6 but"):
        read_distances(sample.ids, files)
    numbers = [f"1{'0' * 400}", "1e400", "NaN", "0", "-0.2"]
    with_numbers = [
        f'{{"extrinsic": {{"baseline": {x}}}, "intrinsic": {{"fx": 2262}}}}' for x in numbers
    ]
    for camera in ('{"extrinsic": 3}', *with_numbers):
        write_text(files.camera, camera)
        with pytest.raises(UserError, match=r"camera\.json: is no camera file"):
            read_distances(sample.ids, files)
    with pytest.raises(ValueError, match="disparity image is uint16"):
        instance_distances(ids, np.zeros(ids.shape, np.uint8), BASELINE, FOCAL)
    with pytest.raises(ValueError, match="baseline and focal length must be above 0"):
        instance_distances(ids, np.ones(ids.shape, np.uint16), BASELINE, 0)
