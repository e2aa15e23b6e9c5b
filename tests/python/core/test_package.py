"""What ``import dcme`` offers, and that the page about it does what it says."""

import copy
import pickle
import re
import shutil
from pathlib import Path

import cv2
import dcme
import numpy as np
import pytest

import caffe

ROOT = Path(__file__).parents[3]


def test_every_name_that_is_offered_is_there():
    for name in dcme.__all__:
        assert getattr(dcme, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        dcme.nonsense  # noqa: B018
    assert dir(dcme) == sorted(dcme.__all__), "what a notebook completes"


PACKAGES = (
    "datasets",
    "synth",
    "results",
    "training",
    "pictures",
    "prediction",
    "reproduce",
    "cli",
)
"""Each imports those before it."""


def test_the_design_lists_every_module_once_and_packages_in_their_order():
    page = (ROOT / "docs" / "design.md").read_text()
    section = page.partition("## The Python package")[2].partition("\n## ")[0]
    cells = [line.split("|")[1] for line in section.splitlines() if line.startswith("| `")]
    listed = [name for cell in cells for name in re.findall(r"`(\w+/?)`", cell)]
    packages = [name[:-1] for name in listed if name.endswith("/")]
    assert packages == [name for name in PACKAGES if name != "cli"]
    whole = {"synth", "reproduce", "cli"}
    folder = ROOT / "python/dcme"
    files = [path.relative_to(folder) for path in folder.rglob("*.py*")]
    names = [path.stem for path in files if path.parent.name not in whole]
    offered = [name for name in names if name not in ("__init__", "__main__")]
    assert sorted(set(listed) - {f"{name}/" for name in packages}) == sorted(set(offered))
    assert len(listed) - len(packages) == len(offered)


def test_packages_import_only_those_before_them():
    folder = ROOT / "python/dcme"
    for position, package in enumerate(PACKAGES):
        for path in (folder / package).glob("*.py"):
            imported = re.findall(
                r"^\s*(?:from|import) dcme\.(\w+)", path.read_text(), re.MULTILINE
            )
            assert not set(imported) & set(PACKAGES[position + 1 :]), path
    for path in set(folder.glob("*.py")) - {
        folder / f"{n}.py" for n in ("demo", "__init__", "__main__")
    }:
        assert not re.search(rf"dcme\.({'|'.join(PACKAGES)})\b", path.read_text()), path


def test_objects_say_in_a_notebook_what_they_are():
    ids = dcme.from_labels(np.kron([[1, 0], [0, 2]], np.ones((12, 12), int)))
    found = dcme.decode(dcme.encode(ids), dt=3, vt=18, et=8)
    evaluator = dcme.Evaluator(dcme.ClassMap([1], ["cell"]))
    evaluator.add(ids, found)
    assert repr(found) == "<dcme.Instances: 2 in 24x24>"
    assert repr(evaluator) == "<dcme.Evaluator of cell>"
    summary = "<dcme.EvaluationResult: AP 1.000 (cell 1.000), AP50 1.000>"
    assert repr(evaluator.results()) == summary


def test_the_examples_of_the_page_run(tmp_path, monkeypatch, capsys):
    run = tmp_path / "runs" / "nuclei"
    shutil.copytree(ROOT / "prototxt" / "nuclei", run)
    net = caffe.Net(str(run / "deploy.prototxt"), caffe.TEST)
    net.save(str(run / "snapshot_iter_5000.caffemodel"))
    cv2.imwrite(str(tmp_path / "scan.png"), np.full((40, 50), 90, np.uint8))
    monkeypatch.chdir(tmp_path)
    page = (ROOT / "docs" / "python-dcme.md").read_text(encoding="utf-8")
    names = {}
    for block in re.findall(r"```python\n(.*?)```", page, re.DOTALL):
        exec(block, names)
    assert capsys.readouterr().out.split("\n")[1:3] == ["1.0", "1.0 1.0"]
    assert names["vectors"].shape == (2, 40, 50) and names["classes"].shape == (2, 40, 50)


def test_a_label_map_becomes_an_instance_map():
    labels = np.array([[0, 7, 7], [300, 0, 2]])
    assert dcme.from_labels(labels).tolist() == [[0, 1002, 1002], [1003, 0, 1001]]
    assert dcme.from_labels(labels > 5, label=26).tolist() == [[0, 26001, 26001], [26001, 0, 0]]
    assert dcme.from_labels(np.ones((1, 2), np.uint8)).tolist() == [[1001, 1001]]
    assert dcme.from_labels(labels).dtype == np.uint16
    assert np.array_equal(dcme.from_labels(labels.astype(np.float32)), dcme.from_labels(labels))


@pytest.mark.parametrize(
    ("labels", "label", "message"),
    [
        (np.zeros((2, 2, 2), int), 1, "shape"),
        (np.full((2, 2), 1.5), 1, "whole numbers"),
        (np.full((2, 2), np.nan), 1, "whole numbers"),
        (np.zeros((0, 5), int), 1, "shape"),
        (np.full((2, 2), -1), 1, "never -1"),
        (np.arange(1000).reshape(10, 100) + 1, 1, "1000 instances do not fit"),
        (np.ones((2, 2), int), 65, r"is 1\.\.64"),
    ],
)
def test_label_maps_that_make_no_instance_map(labels, label, message):
    with pytest.raises(ValueError, match=message):
        dcme.from_labels(labels, label)


def test_encoding_a_label_map_warns():
    with pytest.warns(UserWarning, match=r"below 1000.*dcme\.from_labels"):
        assert not dcme.encode(np.array([[0, 1, 2]])).any()


def test_evaluating_against_a_label_map_warns():
    evaluator = dcme.Evaluator(dcme.ClassMap([1], ["cell"]))
    with pytest.warns(UserWarning, match=r"below 1000.*dcme\.from_labels") as told:
        evaluator.add(np.array([[0, 1, 2]]), np.array([[0, 1, 2]]))
    assert told[0].filename == __file__


@pytest.mark.parametrize("mode", ["standard", "reference"])
def test_instances_can_be_sent_to_other_processes(mode):
    rng = np.random.default_rng(0)
    ids = dcme.from_labels(np.kron(np.arange(6).reshape(2, 3), np.ones((20, 20), int)))
    found = dcme.decode(dcme.encode(ids) + rng.normal(0, 1, (2, *ids.shape)), 3, 20, 8, mode)
    assert len(found) > 3 and found.masks.any()
    for copied in (pickle.loads(pickle.dumps(found)), copy.copy(found), copy.deepcopy(found)):
        for name in ("shape", "centres", "votes", "pixels", "boxes", "offsets", "masks"):
            assert np.array_equal(getattr(copied, name), getattr(found, name)), name
    few = dcme.decode(np.zeros((2, 3, 4), np.float32))
    assert copy.copy(few).shape == (3, 4) and len(copy.copy(few)) == 0


def test_a_damaged_pickle_is_refused():
    found = dcme.decode(dcme.encode(dcme.from_labels(np.ones((9, 9), int))), dt=2, vt=5, et=3)
    rows, cols, *rest, spans = found._core.__getstate__()
    for wrong in (spans + 9, spans - 9, spans[:-1], spans[:, :2]):
        with pytest.raises(ValueError, match="state of the instances is damaged"):
            type(found._core).__new__(type(found._core)).__setstate__((rows, cols, *rest, wrong))


def test_instances_are_a_sequence_of_masks():
    ids = dcme.from_labels(np.repeat([[1, 0, 2]], 9, axis=1).repeat(9, axis=0))
    found = dcme.decode(dcme.encode(ids), dt=2, vt=5, et=3)
    assert len(found) == 2
    assert np.array_equal(found[-1], found.masks[1]) and np.array_equal(found.mask(0), found[0])
    assert np.array_equal(found[::-1], found.masks[::-1])
    assert found[:1].shape == (1, *found.shape) and found[2:].shape == (0, *found.shape)
    for wrong in (2, -3):
        with pytest.raises(IndexError, match=f"no instance {wrong}; there are 2"):
            found.mask(wrong)
