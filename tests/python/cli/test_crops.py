"""Paper 1's crops for the classifier and its balanced list."""

import cv2
import numpy as np
import pytest
from dcme.classes import ClassMap
from dcme.cli import main
from dcme.datasets.class_file import write_classes
from dcme.datasets.crops import CropRule, CropSettings
from dcme.datasets.prepare import RARE_LABELS, balanced
from dcme.datasets.samples import Sample, find_samples, read_list
from dcme.encoding import instances
from dcme.files import read_ids, read_image, write_png
from support.times import age, renewed


@pytest.mark.parametrize(
    ("box", "rider", "square"),
    [
        ((100, 200, 180, 230), False, (100, 175, 180, 255)),  # as wide as it is high
        ((100, 200, 110, 220), False, (80, 185, 130, 235)),  # at least 50
        ((0, 0, 10, 10), False, (0, 0, 30, 30)),  # clipped to the image
        ((100, 200, 110, 220), True, (75, 180, 135, 240)),  # a small rider: 10 more
        ((100, 200, 150, 220), True, (95, 180, 155, 240)),  # just not widened: small, too
        ((390, 480, 400, 490), False, (370, 460, 400, 500)),
        ((100, 200, 180, 230), True, (90, 165, 190, 265)),  # a rider: 20 more
    ],
)
def test_boxes_become_squares(box, rider, square):
    assert CropRule().square(box, (400, 500), rider) == square


def test_crops_are_reduced_by_area():
    image = np.random.default_rng(0).integers(0, 255, (300, 300, 3), np.uint8)
    crop = CropRule(side=64).cut(image, (20, 30, 148, 158))
    expected = cv2.resize(image[20:148, 30:158], (64, 64), interpolation=cv2.INTER_AREA)
    assert np.array_equal(crop, expected)
    with pytest.raises(ValueError, match="lies outside the image"):
        CropRule().cut(image, (400, 30, 410, 40))


def test_crops_larger_than_the_memory_are_told_as_such(monkeypatch):
    def fails(*_, **__):
        raise cv2.error("Failed to allocate 14700000000 bytes")

    monkeypatch.setattr(cv2, "resize", fails)
    with pytest.raises(MemoryError, match="for an image of 70000x70000"):
        CropRule(side=70000).cut(np.zeros((9, 9, 3), np.uint8), (2, 2, 5, 5))


def test_the_command_writes_crops_and_lists_of_classes(city, tmp_path, capsys):
    out = tmp_path / "crops"
    words = ["prepare", str(city), str(out), "--crops", "32", "--smallest", "9", "--quiet"]
    assert main(words) == 0
    rule = CropRule(32, 9)
    for split in ("train", "val"):
        lines = [line.split() for line in (out / f"{split}.txt").read_text().splitlines()]
        expected, seen = [], {24: 0, 26: 0, 33: 0}
        for sample in find_samples(city, split):
            image = read_image(sample.image)
            for one in instances(read_ids(sample.ids)):
                label, every = int(one["label"]), {24: 3, 26: 6, 33: 2}
                if label in every and split == "train":
                    seen[label] += 1
                    if (seen[label] - 1) % every[label]:
                        continue
                box = tuple(int(one[k]) for k in ("top", "left", "bottom", "right"))
                expected.append((rule.cut(image, box, label == 25), label))
        assert len(lines) == len(expected) > 5
        numbers = [0, 24, 25, 26, 27, 28, 31, 32, 33]
        for (path, number), (crop, label) in zip(lines, expected):
            assert numbers[int(number)] == label
            assert np.array_equal(read_image(out / path), crop)
    assert f"{len(lines)} crops" in capsys.readouterr().out
    crops = age(out.rglob("*.png"))
    assert main(words) == 0
    assert not renewed(crops) and set(crops) == set(out.rglob("*.png"))


def list_of_two_crops(folder, first, second):
    """What ``--crops`` lists of an image with two instances, of these ids."""
    ids = np.zeros((60, 90), np.uint16)
    ids[5:30, 5:30], ids[5:30, 50:70] = first, second
    write_png(folder / "a.png", np.zeros((60, 90, 3), np.uint8))
    write_png(folder / "ids.png", ids)
    (folder / "val.txt").write_text("a.png ids.png\n")
    assert main(["prepare", str(folder / "val.txt"), str(folder / "o"), "--crops", "8"]) == 0
    return (folder / "o" / "val.txt").read_text()


def test_caravans_are_class_0(tmp_path):
    text = list_of_two_crops(tmp_path, 29000, 33000)
    assert text == "crops/val/a_29000.png 0\ncrops/val/a_33000.png 8\n"


def test_a_list_may_repeat_an_image(city, tmp_path):
    samples = find_samples(city, "train")
    rows = [f"{s.image}\t{s.ids}\n" for s in samples]
    for name, times in {"once": 1, "often": 4}.items():
        listed = tmp_path / f"{name}.txt"
        listed.write_text("".join(row * times for row in rows))
        words = ["--crops", "32", "--smallest", "9", "--workers", "4", "--quiet"]
        assert main(["prepare", str(listed), str(tmp_path / name), *words]) == 0
    once, often = (sorted(p.name for p in (tmp_path / n).rglob("*.png")) for n in ("once", "often"))
    lines = {n: (tmp_path / n / f"{n}.txt").read_text().splitlines() for n in ("once", "often")}
    assert once == often and len(lines["often"]) == 4 * len(lines["once"])


def test_classes_come_from_the_file_beside_the_lists(tmp_path):
    write_classes(tmp_path, ClassMap((3, 7), ("a", "b")))
    text = list_of_two_crops(tmp_path, 7001, 3001)
    assert text == "crops/val/a_3001.png 1\ncrops/val/a_7001.png 2\n"


def test_wrong_combinations_are_refused(city, tmp_path, fails):
    line = fails("prepare", city, tmp_path / "o", "--crops", "32", "--size", "32x64")
    assert "--crops cannot be combined with --size" in line
    write_png(tmp_path / "0.png", np.full((4, 4), 60000, np.uint16))
    write_png(tmp_path / "image.png", np.zeros((4, 4), np.uint8))
    (tmp_path / "val.txt").write_text("image.png 0.png\n")
    line = fails("prepare", tmp_path / "val.txt", tmp_path / "p", "--crops", "32", "--quiet")
    assert "val: holds no instance of the classes 24:person" in line
    assert "nothing to crop (--classes names others)" in line and not (tmp_path / "p").exists()


def make_samples(folder, labels):
    samples = []
    for index, label in enumerate(labels):
        ids = np.full((4, 4), 1000 * label, np.uint16)
        write_png(folder / f"{index}.png", ids)
        samples.append(Sample(str(index), folder / f"{index}.png", folder / f"{index}.png"))
    return samples


def test_rare_images_come_three_times_and_every_30th_of_the_others(tmp_path):
    samples = make_samples(tmp_path, [26] * 31 + [28] + [24] * 29 + [32])
    names = [sample.name for sample in balanced(samples, rare=(27, 28, 31, 32))]
    assert names == ["0", "30", "31", "31", "31", "61", "61", "61"]
    assert RARE_LABELS == (27, 28, 31, 32) and CropSettings().every == {24: 3, 26: 6, 33: 2}


def test_the_balanced_list_stands_beside_the_others(city, tmp_path, capsys):
    out = tmp_path / "out"
    words = ["prepare", str(city), str(out), "--size", "64x128", "--balance", "--quiet"]
    assert main(words) == 0
    listed = [s.name for s in read_list(out / "train_balanced.txt")]
    expected = balanced(read_list(out / "train.txt"), (27, 28, 31, 32))
    assert listed == [s.name for s in expected] and len(set(listed)) > 1
    line = ["prepare", str(city), str(tmp_path / "v"), "--splits", "val", "--balance", "--quiet"]
    assert main(line) == 1
    assert "a balanced list needs the split 'train'" in capsys.readouterr().err
