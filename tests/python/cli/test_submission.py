"""Zips for the evaluation server, and what it would refuse."""

import zipfile

import numpy as np
import pytest
from dcme.cli import main
from dcme.datasets.samples import find_samples
from dcme.files import write_png, write_text
from dcme.results.files import ImageResult, read_result, write_result


@pytest.fixture
def results(city, tmp_path):
    masks = np.zeros((2, 128, 256), bool)
    masks[0, 10:40, 10:40], masks[1, 60:90, 100:160] = True, True
    for sample in find_samples(city, "val"):
        result = ImageResult(
            sample.name, (128, 256), masks, np.array([24, 26]), np.array([0.9, 0.5])
        )
        write_result(tmp_path / "r", result)
    return tmp_path / "r"


def submit(results, city, tmp_path):
    return ["submit", results, city, tmp_path / "s.zip", "--split", "val", "--size", "128x256"]


def test_the_zip_holds_text_files_and_masks_and_nothing_else(results, city, tmp_path, capsys):
    words = [str(word) for word in submit(results, city, tmp_path)]
    assert main([*words, "--quiet"]) == 0
    assert "4 instances in 2 images" in capsys.readouterr().out
    with zipfile.ZipFile(tmp_path / "s.zip") as archive:
        assert archive.testzip() is None
        names = archive.namelist()
        assert len(names) == 6 and sum(name.endswith(".txt") for name in names) == 2
        assert {one.date_time[0] for one in archive.infolist()} == {1980}, "whenever it is made"
        for name in (n for n in names if n.endswith(".txt")):
            for line in archive.read(name).decode().splitlines():
                assert line.split()[0] in names
    first = (tmp_path / "s.zip").read_bytes()
    assert main([*words, "--quiet"]) == 0
    assert (tmp_path / "s.zip").read_bytes() == first


@pytest.mark.parametrize("size", [(1024, 2048), (128, 256)])
def test_masks_have_the_size_of_cityscapes_images_unless_another_is_named(
    city, tmp_path, fails, size
):
    masks = np.zeros((1, *size), bool)
    masks[0, 10:40, 10:40] = True
    for sample in find_samples(city, "val"):
        write_result(tmp_path / "r", ImageResult(sample.name, size, masks, [24], [0.9]))
    words = ["submit", tmp_path / "r", city, tmp_path / "s.zip", "--split", "val", "--quiet"]
    if size == (1024, 2048):
        assert main([str(word) for word in words]) == 0
    else:
        assert "is 128x256 with 8 bits; masks are 1024x2048 with 8 bits" in fails(*words)


def spoil_missing(root):
    next(root.glob("*.txt")).unlink()
    return "there are no results for this image"


def spoil_size(root):
    write_png(next((root / "masks").glob("*.png")), np.ones((64, 64), np.uint8))
    return "is 64x64 with 8 bits; masks are 128x256"


def spoil_empty(root):
    write_png(next((root / "masks").glob("*.png")), np.zeros((128, 256), np.uint8))
    return "the mask is empty"


def spoil_absent(root):
    next((root / "masks").glob("*.png")).unlink()
    return "masks/"


def rewrite(root, old, new):
    path = next(root.glob("*.txt"))
    write_text(path, path.read_text().replace(old, new))


def spoil_label(root):
    rewrite(root, ".png 24", ".png 29")
    return "label 29 is none of the evaluated"


def spoil_score(root):
    rewrite(root, " 0.5", " -0.5")
    return "the score -0.5 is negative"


def spoil_depth(root):
    write_png(next((root / "masks").glob("*.png")), np.ones((128, 256), np.uint16))
    return "is 128x256 with 16 bits; masks are 128x256 with 8 bits"


def spoil_place(root):
    rewrite(root, "masks/", "../r2/")
    return "lies outside"


def spoil_twice(root):
    rewrite(root, "_001.png", "_000.png")
    return "lists a mask twice"


@pytest.mark.parametrize(
    "spoil",
    [
        spoil_missing,
        spoil_size,
        spoil_empty,
        spoil_absent,
        spoil_label,
        spoil_score,
        spoil_depth,
        spoil_place,
        spoil_twice,
    ],
)
def test_faults_are_named_and_nothing_is_written(results, city, tmp_path, fails, spoil):
    message = spoil(results)
    assert message in fails(*submit(results, city, tmp_path), "--quiet")
    assert not (tmp_path / "s.zip").exists()


def test_a_submission_without_any_instance_is_warned_of(results, city, tmp_path, capsys):
    for path in results.glob("*.txt"):
        path.write_text("")
    words = ["submit", results, city, tmp_path / "s.zip", "--split", "val", "--quiet"]
    assert main([str(word) for word in words]) == 0
    assert capsys.readouterr().err == f"dcme submit: warning: {results} holds no instance\n"


def test_results_without_masks_are_no_submission(results, city, tmp_path, fails):
    for path in results.glob("*.txt"):
        result = read_result(path)
        result.masks = np.array(list(result.masks)).reshape(-1, *result.size)
        write_result(results, result, masks=False)
    words = ["submit", results, city, tmp_path / "s.zip", "--split", "val", "--quiet"]
    assert "lists no masks; a submission needs results without --no-masks" in fails(*words)


def test_other_archives_are_refused(results, city, tmp_path, fails):
    assert "is a .zip file" in fails("submit", results, city, tmp_path / "s.tar", "--split", "val")
