"""Scores of result folders."""

import json
import shutil

import numpy as np
import pytest
from dcme.classes import CITYSCAPES, ClassMap
from dcme.cli import main
from dcme.datasets.samples import Sample, find_samples
from dcme.errors import UserError
from dcme.evaluation import void_of
from dcme.files import read_ids, write_json, write_png, write_text
from dcme.labels import labels_in
from dcme.results.files import ImageResult, write_result
from dcme.results.scoring import score_images, score_results


def truth_as_result(sample, name=None, drop=0):
    """The true instances, but for the first few, as a result."""
    ids = read_ids(sample.ids)
    values = [v for v in np.unique(ids[ids >= 1000]) if v // 1000 in CITYSCAPES.labels][drop:]
    masks = np.stack([ids == v for v in values])
    labels = np.array([v // 1000 for v in values])
    return ImageResult(
        name or sample.name, ids.shape, masks, labels, np.linspace(1, 0.5, len(values))
    )


@pytest.fixture
def perfect(city, tmp_path):
    for sample in find_samples(city, "val"):
        write_result(tmp_path / "r", truth_as_result(sample))
    return tmp_path / "r"


def test_the_truth_itself_scores_one(city, perfect):
    scores = score_results(perfect, find_samples(city, "val"), CITYSCAPES, workers=2)
    assert scores.agnostic_ap == pytest.approx(1) and scores.agnostic_ap50 == pytest.approx(1)
    present = [row for row in scores.rows if row.instances]
    assert present and all(row.ap == pytest.approx(1) for row in present)
    assert [m.score for m in scores.matchings] == [1, 1]


def test_maps_of_another_size_than_the_truth_are_named(city, tmp_path):
    for sample in find_samples(city, "val"):
        result = truth_as_result(sample)
        size = (result.size[0] // 2, result.size[1])
        write_result(tmp_path / "r", result.resized(size), masks=False)
    with pytest.raises(UserError, match=r"_instanceIds\.png: a predicted mask is .* ground truth"):
        score_results(tmp_path / "r", find_samples(city, "val"), CITYSCAPES)


def test_missed_instances_are_counted(city, tmp_path):
    samples = find_samples(city, "val")
    for sample in samples:
        write_result(tmp_path / "r", truth_as_result(sample, drop=1))
    (counts, _) = score_results(tmp_path / "r", samples, CITYSCAPES).matchings
    assert counts.fn == len(samples) and counts.fp == 0


def test_tables_go_to_the_terminal_to_json_and_to_csv(city, perfect, tmp_path, capsys):
    words = ["evaluate", str(perfect), str(city), "--json", str(tmp_path / "s.json")]
    assert main([*words, "--table", str(tmp_path / "s.csv"), "--iou", "0.5,0.75", "--quiet"]) == 0
    text = capsys.readouterr().out
    assert "class-agnostic" in text and "IoU > 0.75" in text
    scores = json.loads((tmp_path / "s.json").read_text())
    assert scores["ap50_class_agnostic"] == pytest.approx(1)
    assert set(scores["per_class"]) >= {"car", "person"}
    assert (tmp_path / "s.csv").read_text().startswith("class,instances,predictions,ap,ap50,ap100m")
    matching = (tmp_path / "s_matching.csv").read_text()
    assert matching.startswith("matched at,score,") and "\nIoU > 0.75,1.0,1.0,1.0," in matching


def test_results_may_be_named_after_the_image_file(city, tmp_path):
    (first, *_) = find_samples(city, "val")
    write_result(tmp_path / "r", truth_as_result(first, name=first.image.stem))
    assert score_results(tmp_path / "r", [first], CITYSCAPES).matchings[0].score == 1
    write_result(tmp_path / "short", truth_as_result(first))
    listed = Sample(first.image.stem, first.image, first.ids)  # as in a list of files
    assert score_results(tmp_path / "short", [listed], CITYSCAPES).matchings[0].score == 1


def test_an_image_without_results_names_itself(city, perfect, fails):
    missing = next(perfect.glob("*.txt"))
    missing.unlink()
    line = fails("evaluate", perfect, city, "--quiet")
    assert missing.name in line and "no results for this image" in line


def test_a_folder_that_holds_no_results_of_these_images_is_told(city, perfect, tmp_path, fails):
    """How to go on with an interrupted prediction would lead astray."""
    folder = tmp_path / "another"
    write_text(folder / "notes.txt", "")
    line = fails("evaluate", folder, city)
    assert f"{folder}: holds no results of these images" in line and "--resume" not in line
    assert "2 of 2 images lack them" in line
    next(perfect.glob("*.txt")).unlink()
    line = fails("evaluate", perfect, city)
    assert "there are no results for this image (1 of 2 images lack them; an interrupted" in line


def test_a_split_of_a_list_is_refused(city, perfect, tmp_path, fails):
    sample = find_samples(city)[0]
    write_text(tmp_path / "list.txt", f"{sample.image} {sample.ids}\n")
    for command in ("evaluate", "tune"):
        line = fails(command, perfect, tmp_path / "list.txt", "--split", "train")
        assert "--split is for a Cityscapes root or a folder of lists, not for a file" in line


def test_results_in_the_place_of_the_ground_truth_are_told(city, perfect, fails):
    line = fails("evaluate", city, perfect, "--quiet")
    assert f"{perfect}: holds results; the ground truth is named after them" in line


def test_a_missing_folder_of_results_is_named(city, tmp_path, fails):
    assert "no such folder of results" in fails("evaluate", tmp_path / "none", city)


def test_labels_outside_the_classes_are_refused(city, perfect, fails):
    assert "none of the classes (1 cell)" in fails(
        "evaluate", perfect, city, "--classes", "1:cell", "--quiet"
    )
    path = next(perfect.glob("*.txt"))
    write_text(path, path.read_text().replace(".png 2", ".png 4", 1))
    line = fails("evaluate", perfect, city, "--quiet")
    assert path.name in line and "is none of the classes" in line
    rest = path.read_text().partition("\n")[2]
    for label in (2**63 - 1, 65536, 65, -1):
        write_text(path, f"masks/a.png {label} 0.5\n{rest}")
        line = fails("evaluate", perfect, city, "--quiet")
        assert f"{path}:1: the label {label} is none of 1..64, or 0 for none" in line
    for path in perfect.glob("*.txt"):
        write_text(path, "")
    line = fails("evaluate", perfect, city, "--classes", "1:cell", "--quiet")
    assert "instanceIds.png" in line and "none of the classes (1 cell)" in line
    assert "name all classes of your data: --classes 1:cell,24:class24," in line


def test_the_order_of_the_classes_does_not_matter(city, perfect):
    """It is that of a net's outputs; the ground truth's void stays Cityscapes'."""
    samples = find_samples(city, "val")
    for path in perfect.glob("*.txt"):  # one mask more, on a part that is left out of the scores
        truth = next(s for s in samples if s.name == path.stem)
        ids = read_ids(truth.ids)
        write_png(
            perfect / "masks" / f"{path.stem}_void.png", 255 * np.isin(ids, (0, 4)).astype(np.uint8)
        )
        write_text(path, f"masks/{path.stem}_void.png 26 1.0\n{path.read_text()}")
    words = [f"{k}:{n}" for k, n in zip(CITYSCAPES.labels, CITYSCAPES.names)]
    turned = ClassMap.parse(",".join(reversed(words)))
    assert turned.ignored == CITYSCAPES.ignored and turned != CITYSCAPES
    assert void_of(turned) == void_of(CITYSCAPES) != ()
    rows = [score_results(perfect, samples, given).rows for given in (CITYSCAPES, turned)]
    assert repr(rows[0]) == repr(rows[1][::-1]) and rows[0][2].ap == pytest.approx(1)


def test_predictions_of_cityscapes_other_labels_are_left_aside(city, perfect, capsys, fails):
    """As cityscapesScripts does: a method may say what is road, too."""
    samples = find_samples(city, "val")
    expected = score_results(perfect, samples, CITYSCAPES)
    (path, *_) = perfect.glob("*.txt")
    first, *others = path.read_text().splitlines(keepends=True)
    write_text(path, "".join([first.replace(first.split()[1], "7"), first, *others]))
    scores = score_results(perfect, samples, CITYSCAPES)
    assert scores.aside == 1 and scores.as_dict() == expected.as_dict()
    assert main(["evaluate", str(perfect), str(city), "--quiet"]) == 0
    assert "1 predictions of labels that are not evaluated" in capsys.readouterr().out
    write_text(path, path.read_text().replace(" 7 ", " 34 ", 1))
    line = fails("evaluate", perfect, city, "--quiet")
    assert "label 34 is none of the classes" in line and "--classes 24:person,25:rider," in line


def test_they_are_left_out_of_a_map_of_all_instances(city, tmp_path):
    samples = find_samples(city, "val")
    for sample in samples:
        result = truth_as_result(sample)
        result.labels[0] = 7
        write_result(tmp_path / "maps", result, masks=False)
        keep = np.arange(1, len(result))
        fewer = (result.masks[keep], result.labels[keep], result.scores[keep])
        write_result(tmp_path / "fewer", ImageResult(result.name, result.size, *fewer))
    scores = [score_results(tmp_path / n, samples, CITYSCAPES) for n in ("maps", "fewer")]
    assert [one.aside for one in scores] == [len(samples), 0]
    assert scores[0].as_dict() == scores[1].as_dict()


def test_data_of_none_of_cityscapes_classes_gets_advice_for_its_own(tmp_path, fails):
    ids = np.zeros((40, 60), np.uint16)
    ids[5:20, 5:20], ids[22:38, 30:50] = 1001, 2001
    write_png(tmp_path / "ids.png", ids)
    write_text(tmp_path / "val.txt", "image.png ids.png\n")
    write_text(tmp_path / "image.txt", "")
    line = fails("evaluate", tmp_path, tmp_path, "--quiet")
    assert line.endswith("name all classes of your data: --classes 1:class1,2:class2\n")
    line = fails("evaluate", tmp_path, tmp_path, "--quiet", "--classes", "1:cell")
    assert line.endswith("--classes 1:cell,2:class2\n")


def test_a_data_set_of_ones_own_class(tmp_path):
    ids = np.zeros((40, 60), np.uint16)
    ids[5:20, 5:20], ids[22:38, 30:50], ids[22:38, :20] = 1001, 1002, 2001
    for name in ("image", "ids"):
        write_png(tmp_path / f"{name}.png", ids)
    write_text(tmp_path / "val.txt", "image.png ids.png\n")
    (sample,) = find_samples(tmp_path)
    masks = np.stack([ids == 1001, np.roll(ids == 1002, 12, axis=1)])
    masks[0, 13:] = False  # IoU 8/15
    result = ImageResult("image", ids.shape, masks, np.array([1, 1]), np.array([0.9, 0.8]))
    write_result(tmp_path / "r", result)
    scores = score_results(tmp_path / "r", [sample], ClassMap((1,), ("cell",), ignored=(2,)))
    (counts, _) = scores.matchings
    assert (counts.tp, counts.fp, counts.fn) == (1, 1, 1)
    assert scores.rows[0].name == "cell" and scores.rows[0].ap50 == pytest.approx(0.5)
    assert (scores.ap_mean, scores.ap50_mean) == pytest.approx((0.05, 0.5))
    assert (scores.agnostic_ap, scores.agnostic_ap50) == pytest.approx((0.05, 0.5))
    assert scores.notes == ()
    assert [row[0] for row in scores.class_table().rows] == ["cell"], "said once, not three times"


def test_what_is_found_in_a_crowd_is_not_invented(tmp_path):
    ids = np.zeros((40, 60), np.uint16)
    ids[5:20, 5:20], ids[22:38, 30:50] = 1001, 1
    for name in ("image", "ids"):
        write_png(tmp_path / f"{name}.png", ids)
    write_text(tmp_path / "val.txt", "image.png ids.png\n")
    inside, half, beside = (np.zeros(ids.shape, bool) for _ in range(3))
    inside[24:36, 32:40], half[24:36, 44:56], beside[24:36, 2:14] = True, True, True
    masks = np.stack([ids == 1001, inside, half, beside])
    write_result(tmp_path / "r", ImageResult("image", ids.shape, masks, np.ones(4), np.ones(4)))
    (sample,) = find_samples(tmp_path)
    scores = score_results(tmp_path / "r", [sample], ClassMap((1,), ("cell",)))
    assert [(m.tp, m.fp, m.fn) for m in scores.matchings] == [(1, 2, 0)] * 2


def without_classes(folder):
    for path in folder.glob("*.txt"):
        rows = [line.split() for line in path.read_text().splitlines()]
        write_text(path, "".join(f"{mask} 0 {score}\n" for mask, _, score in rows))


def test_predictions_without_a_class_count_where_classes_are_left_aside(city, perfect, capsys):
    without_classes(perfect)
    assert main(["evaluate", str(perfect), str(city), "--quiet"]) == 0
    assert "predictions have no class (label 0)" in capsys.readouterr().out
    scores = score_results(perfect, find_samples(city, "val"), CITYSCAPES)
    assert scores.ap_mean == 0 and sum(row.predictions for row in scores.rows) == 0
    assert scores.agnostic_ap == pytest.approx(1) and scores.matchings[0].score == 1
    assert scores.as_dict()["unclassified"] == scores.matchings[0].tp
    path = next(perfect.glob("*.txt"))
    write_text(path, path.read_text().replace(" 0 ", " 26 ", 1))
    fewer = score_results(perfect, find_samples(city, "val"), CITYSCAPES)
    assert fewer.unclassified == scores.unclassified - 1


def test_the_labels_of_a_map_are_those_of_its_instances():
    assert labels_in(np.array([[0, 7, 999], [1000, 24001, 65535]], np.uint16)) == {1, 24, 65}


def test_a_missing_disparity_is_told(city, perfect, tmp_path, capsys):
    (first, *_) = find_samples(city, "val")
    copy = tmp_path / "city"
    shutil.copytree(city, copy)
    assert main(["evaluate", str(perfect), str(copy), "--quiet"]) == 0
    out = capsys.readouterr().out
    assert "AP100m" in out and "disparity" not in out and "below 100 px" not in out
    next((copy / "disparity" / "val").glob(f"*/{first.name}_*")).unlink()
    assert main(["evaluate", str(perfect), str(copy), "--quiet"]) == 0
    out = capsys.readouterr().out
    assert "No AP100m and AP50m: only 1 of 2 images have disparity" in out
    assert out.split("\n")[0].split()[-1] == "AP50"
    samples = find_samples(copy, "val")
    assert not score_images(truth_as_result, samples, CITYSCAPES).distances
    samples[1].ids.unlink()
    for score, results in ((score_results, perfect), (score_images, truth_as_result)):
        with pytest.raises(UserError, match="there is no such instance map"):
            score(results, samples, CITYSCAPES)


def test_nothing_found_has_no_precision(city, tmp_path):
    for sample in find_samples(city, "val"):
        write_text(tmp_path / f"{sample.name}.txt", "")
    scores = score_results(tmp_path, find_samples(city, "val"), CITYSCAPES)
    assert scores.as_dict()["matching"][0]["precision"] is None
    row = scores.matching_table().as_text().splitlines()[1].split()
    assert row[3:6] == ["0.000", "-", "0.000"]


def test_instances_in_memory_score_as_their_files_do(city, perfect):
    samples = find_samples(city, "val")
    in_files = score_results(perfect, samples, CITYSCAPES).as_dict()
    scores = score_images(truth_as_result, samples, CITYSCAPES)
    assert list(scores.tables()) == ["classes"]
    in_memory = scores.as_dict()
    assert in_files.pop("matching") and not in_memory.pop("matching")
    assert in_memory == in_files and in_files["images"] == len(samples)
    assert in_files["ap100m_mean"] == pytest.approx(1)


def test_means_are_those_over_the_classes_at_any_distance(city, tmp_path):
    shutil.copytree(city, tmp_path / "city")
    for path in (tmp_path / "city" / "camera").rglob("*.json"):
        camera = json.loads(path.read_text())
        camera["extrinsic"]["baseline"] *= 6  # farther away
        write_json(path, camera)
    samples = find_samples(tmp_path / "city", "val")
    scores = score_images(lambda one: truth_as_result(one, drop=3), samples, CITYSCAPES)
    for name in ("ap", "ap50", "ap100m", "ap50m"):
        column = [getattr(row, name) for row in scores.rows]
        assert getattr(scores, f"{name}_mean") == pytest.approx(np.nanmean(column))
    assert len({scores.ap_mean, scores.ap100m_mean, scores.ap50m_mean}) == 3


def test_masks_in_memory_of_another_size_are_refused(city):
    def cut(sample):
        result = truth_as_result(sample)
        result.masks = result.masks[:, 1:]
        return result

    with pytest.raises(UserError, match=r"instanceIds\.png: a predicted mask is 127x256"):
        score_images(cut, find_samples(city, "val"), CITYSCAPES)


def test_small_instances_count_for_the_matching_only(tmp_path, capsys):
    ids = np.zeros((40, 60), np.uint16)
    ids[5:14, 5:14], ids[22:38, 30:50] = 1001, 1002
    write_png(tmp_path / "ids.png", ids)
    write_text(tmp_path / "val.txt", "image.png ids.png\n")
    result = ImageResult("image", ids.shape, ids[None] == 1002, np.array([0]), np.array([0.8]))
    write_result(tmp_path / "r", result)
    words = ["evaluate", str(tmp_path / "r"), str(tmp_path / "val.txt"), "--classes", "1:cell"]
    assert main([*words, "--quiet"]) == 0
    out = capsys.readouterr().out
    assert "True instances below 100 px (here 1) count for the matching only" in out
    assert "have no class" not in out  # label 0 is the only class there is
    assert out.splitlines()[1].split() == ["cell", "1", "1", "1.000", "1.000"]


def test_masks_of_another_size_are_refused(city, perfect, fails):
    mask = next((perfect / "masks").glob("*.png"))
    write_png(mask, np.zeros((8, 8), np.uint8))
    assert "mask is 8x8 but its ground truth 128x256 (dcme decode --size" in fails(
        "evaluate", perfect, city, "--quiet"
    )


def test_an_image_that_is_listed_twice_is_not_scored_twice(city, perfect):
    samples = find_samples(city, "val")
    with pytest.raises(UserError, match=f"{samples[0].name} is listed twice"):
        score_results(perfect, [*samples, samples[0]], CITYSCAPES)
    with pytest.raises(UserError, match=f"{samples[0].name} is listed twice"):
        score_images(truth_as_result, [*samples, samples[0]], CITYSCAPES)


def test_ground_truth_without_any_instance_is_told(tmp_path, capsys):
    write_png(tmp_path / "ids.png", np.full((40, 60), 2, np.uint16))
    write_text(tmp_path / "val.txt", "image.png ids.png\n")
    write_text(tmp_path / "image.txt", "")
    words = ["evaluate", str(tmp_path), str(tmp_path), "--classes", "1:cell", "--quiet"]
    assert main(words) == 0
    assert "ids.png: holds no instance (ids from 1000 on); of label maps" in capsys.readouterr().out
