"""Vector maps to result files, and reading those back."""

import shutil

import dcme
import numpy as np
import pytest
from dcme.classes import ClassMap
from dcme.cli import main
from dcme.datasets.samples import find_samples
from dcme.datasets.vectors import VectorMap, find_vectors, read_vectors, write_h5
from dcme.errors import UserError
from dcme.files import read_ids, write_png
from dcme.results.decode import Decoding
from dcme.results.files import ImageResult, LazyMasks, read_result, write_result

THRESHOLDS = ["--dt", "3", "--vt", "10", "--et", "4"]


def encoded(city, tmp_path, *words):
    assert main(["encode", str(city), str(tmp_path / "v"), "--quiet", *words]) == 0
    return tmp_path / "v"


def iou(a, b):
    return (a & b).sum() / max((a | b).sum(), 1)


def test_true_vectors_give_the_true_instances_and_classes(city, tmp_path):
    vectors = encoded(city, tmp_path)
    words = ["decode", str(vectors), str(tmp_path / "r"), "--quiet", *THRESHOLDS]
    assert main(words) == 0
    for sample in find_samples(city, "val"):
        ids = read_ids(sample.ids)
        result = read_result(tmp_path / "r" / f"{sample.name}.txt")
        large = [i for i in dcme.instances(ids) if i["pixels"] >= 60]
        for instance in large:
            truth = ids == instance["id"]
            best = max(range(len(result)), key=lambda k: iou(result.masks[k], truth))
            assert iou(result.masks[best], truth) > 0.9
        written = read_ids(tmp_path / "r" / "instanceIds" / f"{sample.name}_instanceIds.png")
        assert np.array_equal(written, result.instance_map())


def test_masks_take_the_size_asked_for(city, tmp_path):
    vectors = encoded(city, tmp_path, "--size", "64x128")
    out = tmp_path / "r"
    assert main(["decode", str(vectors), str(out), "--size", "128x256", "--quiet"]) == 0
    result = read_result(next(out.glob("*.txt")), (128, 256))
    assert result.size == (128, 256)


def test_a_stack_takes_names_and_sizes_from_a_list(city, tmp_path):
    samples = find_samples(city, "val")
    stack = np.stack([dcme.encode(dcme.reduce_ids(read_ids(s.ids), (64, 128))) for s in samples])
    np.save(tmp_path / "stack.npy", stack)
    lines = [f"{s.image} {s.ids}\n" for s in samples]
    (tmp_path / "val.txt").write_text("".join(lines))
    words = ["decode", str(tmp_path / "stack.npy"), str(tmp_path / "r"), *THRESHOLDS, "--quiet"]
    assert main([*words, "--list", str(tmp_path / "val.txt"), "--classes", "1:thing"]) == 0
    names = sorted(path.stem for path in (tmp_path / "r").glob("*.txt"))
    assert names == sorted(s.image.stem for s in samples)
    result = read_result(tmp_path / "r" / f"{names[0]}.txt", (128, 256))
    assert set(result.labels.tolist()) == {1}


@pytest.mark.parametrize("classes, label", [("1:a", 1), ("1:a,2:b", 0), ("cityscapes", 0)])
def test_without_a_grid_only_a_single_class_is_known(tmp_path, classes, label):
    ids = np.zeros((20, 20), np.uint16)
    ids[2:9, 2:9], ids[12:19, 12:19] = 1000, 1001
    np.save(tmp_path / "v.npy", dcme.encode(ids))
    words = ["decode", str(tmp_path / "v.npy"), str(tmp_path / "r"), *THRESHOLDS, "--quiet"]
    assert main([*words, "--classes", classes]) == 0
    assert read_result(tmp_path / "r" / "v.txt").labels.tolist() == [label, label]
    written = read_ids(tmp_path / "r" / "instanceIds" / "v_instanceIds.png")
    assert set(np.unique(written).tolist()) == {0, 1000, 1001}


def test_nan_names_the_file_and_the_pixel(tmp_path, fails):
    vectors = np.zeros((2, 16, 16), np.float32)
    vectors[0, 3, 4] = np.nan
    np.save(tmp_path / "bad.npy", vectors)
    line = fails("decode", tmp_path / "bad.npy", tmp_path / "r")
    assert "bad.npy" in line and "row 3, column 4" in line
    assert not (tmp_path / "r").exists()


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_class_probabilities_that_are_no_numbers_are_refused(tmp_path, fails, value):
    grid = np.full((2, 1, 1), 0.5, np.float32)
    grid[1] = value
    np.savez(tmp_path / "v.npz", vectors=np.zeros((2, 16, 16), np.float32), grid=grid)
    line = fails("decode", tmp_path / "v.npz", tmp_path / "r", "--classes", "1:a", "--quiet")
    assert "v.npz (v): of the grid classes: 1 values are NaN or infinite" in line
    assert "channel 1, row 0, column 0" in line


def twins(tmp_path, *names):
    """A stack of maps of these names."""
    stack = np.zeros((len(names), 2, 16, 16), np.float32)
    np.savez(tmp_path / "v.npz", vectors=stack, names=np.array(names))
    return tmp_path / "v.npz"


@pytest.mark.parametrize("name", ["../outside", "a/b", "..", ".hidden", "", "a\nb"])
def test_names_in_a_stack_do_not_lead_out_of_the_folder(tmp_path, fails, name):
    before = set(tmp_path.iterdir())
    line = fails("decode", twins(tmp_path, name, "ok"), tmp_path / "r", "--quiet")
    assert f"v.npz: a vector map is called {name!r}, which is no file's name" in line
    assert set(tmp_path.iterdir()) - before == {tmp_path / "v.npz"}


def test_maps_of_one_name_would_replace_each_other(tmp_path, fails):
    line = fails("decode", twins(tmp_path, "a", "b", "a"), tmp_path / "r", "--quiet")
    assert "v.npz: two vector maps are called a; the results of one would replace" in line


def test_a_truncated_archive_names_itself(tmp_path, fails):
    np.savez(tmp_path / "a.npz", vectors=np.zeros((2, 8, 8), np.float32))
    (tmp_path / "a.npz").write_bytes((tmp_path / "a.npz").read_bytes()[:200])
    line = fails("decode", tmp_path / "a.npz", tmp_path / "r", "--quiet")
    assert "a.npz: cannot be read as vector maps" in line


def test_confidences_that_differ_in_memory_differ_in_files(tmp_path):
    """Softmax outputs close to 1: ties would change the average precision."""
    scores = np.array([0.9999999, 0.9999996, 1e-9])
    result = ImageResult("a", (4, 4), np.ones((3, 4, 4), bool), np.full(3, 26), scores)
    write_result(tmp_path, result)
    assert read_result(tmp_path / "a.txt").scores.tolist() == scores.tolist()


def test_files_that_are_being_written_are_left_alone(tmp_path):
    np.save(tmp_path / "a.npy", np.zeros((2, 8, 8), np.float32))
    (tmp_path / ".b.1234.tmp.npz").write_bytes(b"PK")
    assert [item.name for item in read_vectors(tmp_path)] == ["a"]


def test_instances_whose_vectors_agree_come_first():
    ids = np.zeros((40, 80), np.uint16)
    ids[5:35, 5:35], ids[5:35, 45:75] = 1001, 1002
    field = dcme.encode(ids)
    field[:, :, :40] += np.random.default_rng(1).normal(0, 3, (2, 40, 40)).astype(np.float32)
    field[:, ids == 0] = 0
    result = Decoding(dt=4, vt=10, et=10)(VectorMap("x", field, None))
    assert result.centres[0, 1] > 40 and result.scores[0] > 0.95 > result.scores[1] > 0.3
    found = dcme.decode(field, 4, 10, 10)
    errors = found.spreads(field) + found.offsets
    expected = np.exp(-4 * errors / np.sqrt(found.pixels))
    assert result.scores.tolist() == pytest.approx(sorted(expected, reverse=True))


def test_grids_of_class_numbers_are_as_good_as_certain_probabilities():
    ids = np.zeros((32, 64), np.uint16)
    ids[5:27, 5:27], ids[5:27, 37:59] = 24001, 26001
    field, decoding = dcme.encode(ids), Decoding(dt=4, vt=10, et=10)
    result = decoding(VectorMap("x", field, dcme.grid_classes(ids, 16)))
    assert sorted(result.labels.tolist()) == [24, 26]
    for number in (-1, 9):
        with pytest.raises(UserError, match=f"x: the grid holds class {number}, of classes there"):
            decoding(VectorMap("x", field, np.full((2, 4), number)))


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"vectors": np.zeros((3, 4, 5))}, r"a vector map is \(2, H, W\), this is \(3, 4, 5\)"),
        ({"vectors": np.zeros((6, 3, 4, 5))}, r"\(N, 2, H, W\), not \(6, 3, 4, 5\)"),
        ({"vectors": np.zeros((2, 2, 4, 5)), "names": ["a"]}, "2 vector maps for 1 names"),
        ({"vectors": np.zeros((2, 4, 5)), "names": ["a", "b"]}, "1 vector map for 2 names"),
        ({"field": np.zeros((2, 4, 5))}, "holds neither 'vectors' nor 'data'"),
    ],
)
def test_files_that_hold_no_vector_maps(tmp_path, arrays, message):
    np.savez(tmp_path / "x.npz", **arrays)
    with pytest.raises(UserError, match=message):
        list(read_vectors(tmp_path / "x.npz"))


def test_maps_may_have_the_names_of_caffes_blobs(tmp_path):
    with pytest.raises(UserError, match="holds no vector maps"):
        list(read_vectors(tmp_path))
    np.savez(tmp_path / "x.npz", data=np.ones((2, 32, 32)), label=np.full((2, 2), 3))
    (item,) = read_vectors(tmp_path / "x.npz", ["mine"])
    assert item.name == "mine" and (item.vectors == 1).all() and (item.grid == 3).all()


def test_a_list_of_several_images_does_not_fit_a_single_map(city, tmp_path, fails):
    np.save(tmp_path / "one.npy", np.zeros((2, 8, 8), np.float32))
    names = [str(sample.image) for sample in find_samples(city, "train")[:2]]
    (tmp_path / "list.txt").write_text("\n".join(names))
    line = fails("decode", tmp_path / "one.npy", tmp_path / "r", "--list", tmp_path / "list.txt")
    assert "one: holds 1 vector map for 2 names" in line
    assert not list((tmp_path / "r").glob("*.txt"))


def test_a_map_may_have_its_name_beside_it_without_a_list(tmp_path):
    np.savez(tmp_path / "x.npz", vectors=np.zeros((2, 8, 8)), names="mine")
    assert [item.name for item in read_vectors(tmp_path / "x.npz")] == ["mine"]


def test_suffixes_may_be_in_capitals(tmp_path):
    np.save(tmp_path / "a.npy", np.zeros((2, 8, 8), np.float32))
    np.savez(tmp_path / "b.npz", vectors=np.zeros((2, 8, 8)))
    write_h5(tmp_path / "c.h5", iter([VectorMap("c", np.zeros((2, 8, 8), np.float32))]), 1)
    for path in list(tmp_path.iterdir()):
        path.rename(path.with_suffix(path.suffix.upper()))
    assert [item.name for item in read_vectors(tmp_path)] == ["a", "b", "c"]


def test_a_map_of_an_image_is_found_by_name(tmp_path):
    np.save(tmp_path / "only.npy", np.zeros((2, 8, 8), np.float32))
    np.savez(tmp_path / "two.npz", vectors=np.zeros((2, 2, 8, 8)), names=["a", "b"])
    assert find_vectors(tmp_path / "only.npy", ["whatever"]).name == "only"
    assert find_vectors(tmp_path / "two.npz", ["b"]).name == "b"
    assert find_vectors(tmp_path, ["only"]).name == "only"
    for source, others in ((tmp_path / "two.npz", "a, b"), (tmp_path, "only, two")):
        with pytest.raises(UserError, match=f"holds no vector map of c, but of {others}$"):
            find_vectors(source, ["c"])


@pytest.mark.parametrize("mode", ["reference", "watershed"])
def test_in_the_modes_of_the_papers_background_wins_and_scores_are_probabilities(mode):
    ids = np.zeros((32, 64), np.uint16)
    ids[5:27, 5:27], ids[5:27, 37:59] = 1001, 1002
    field = dcme.encode(ids)
    field[:, ids > 0] += np.random.default_rng(1).normal(0, 1, (2, (ids > 0).sum()))
    grid = np.array([[[0.6, 0.3]], [[0.4, 0.7]]], np.float32)  # blocks of 32 pixels
    how = {"dt": 4, "vt": 5, "et": 10, "classes": ClassMap((1,), ("cell",))}
    result = Decoding(mode=mode, **how)(VectorMap("x", field, grid))
    assert result.scores.tolist() == pytest.approx([0.7]) and result.centres[0, 1] > 32
    result = Decoding(**how)(VectorMap("x", field, grid))
    assert len(result) == 2 and (result.scores < [0.7, 0.4]).all()


def test_a_part_of_an_instance_comes_after_whole_ones():
    ids = np.zeros((40, 80), np.uint16)
    ids[5:35, 5:35], ids[5:35, 45:75] = 1001, 1002
    field = dcme.encode(ids)
    field[:, :, :20] = 0
    result = Decoding(dt=4, vt=10, et=10)(VectorMap("x", field, None))
    assert result.centres[0, 1] > 40 and result.scores[0] > 0.95 > 0.5 > result.scores[1]


@pytest.mark.parametrize("size", [(340, 680), (100, 130), (64, 96)])
@pytest.mark.parametrize("mode", ["standard", "reference"])
def test_blocks_name_the_classes_of_images_that_they_do_not_divide(size, mode):
    labels, ids = dcme.CITYSCAPES.labels, np.zeros(size, np.uint16)
    corners = [(row, column) for row in range(8, size[0] - 16, 32) for column in (8, size[1] - 24)]
    for k, (row, column) in enumerate(corners):
        ids[row : row + 12, column : column + 12] = 1000 * labels[k % 8] + k
    grid = np.moveaxis(np.eye(9, dtype=np.float32)[dcme.grid_classes(ids, 16)], -1, 0)
    result = Decoding(dt=4, vt=10, et=6, mode=mode)(VectorMap("x", dcme.encode(ids), grid))
    assert len(result) == len(corners)
    assert result.labels.tolist() == [
        int(ids[tuple(np.round(centre).astype(int))]) // 1000 for centre in result.centres
    ]


def test_a_network_that_classifies_pixels_is_asked_over_the_whole_mask():
    ids = np.zeros((30, 30), np.uint16)
    ids[5:25, 5:25] = 1001
    grid = np.zeros((3, 30, 30), np.float32)
    grid[0], grid[2] = ids == 0, ids != 0
    grid[1:, 14:16, 14:16] = [[[1]], [[0]]]  # the centre alone says otherwise
    classes = ClassMap((1, 2), ("a", "b"))
    item = VectorMap("x", dcme.encode(ids), grid)
    result = Decoding(dt=4, vt=10, et=10, classes=classes)(item)
    assert result.labels.tolist() == [2]
    centre = dcme.decode(item.vectors, 4, 10, 10).confidences(item.vectors)
    assert result.scores[0] == pytest.approx((1 - 4 / 400) * centre[0], abs=1e-6)


def test_a_grid_of_other_classes_is_told_even_where_nothing_is_found():
    item = VectorMap("x", np.zeros((2, 32, 32), np.float32), np.ones((3, 2, 2), np.float32) / 3)
    with pytest.raises(UserError, match=r"the grid output is \(3, 2, 2\); expected \(5, h, w\)"):
        Decoding(classes=ClassMap((1, 2, 3, 4)))(item)


def test_results_are_not_written_over_their_source(tmp_path, fails):
    np.save(tmp_path / "v.npy", np.zeros((2, 8, 8), np.float32))
    assert "another folder" in fails("decode", tmp_path, tmp_path)


@pytest.mark.parametrize("command", ["decode", "encode"])
def test_the_folder_of_a_data_set_is_left_alone(city, data, tmp_path, fails, command):
    np.save(tmp_path / "v.npy", np.zeros((2, 16, 16), np.float32))
    source = tmp_path / "v.npy" if command == "decode" else data / "val.txt"
    for out in (city, shutil.copytree(data, tmp_path / "other")):
        before = set(out.rglob("*"))
        assert f"{out}: holds a data set; name another folder" in fails(command, source, out)
        assert set(out.rglob("*")) == before
    if command == "encode":
        assert f"{data}: is where the data set is" in fails(command, data, data)


def test_results_of_an_image_called_train_are_no_data_set(tmp_path):
    twins(tmp_path, "train")
    for _ in range(2):
        words = [str(tmp_path / "v.npz"), str(tmp_path / "r"), "--quiet"]
        assert main(["decode", *words]) == 0
    assert (tmp_path / "r" / "train.txt").is_file()


def test_a_file_is_no_folder_for_results(tmp_path, fails):
    np.save(tmp_path / "v.npy", np.zeros((2, 8, 8), np.float32))
    (tmp_path / "r").touch()
    assert "r: is a file; name a folder" in fails("decode", tmp_path / "v.npy", tmp_path / "r")


def test_results_of_other_images_are_refused_before_anything_is_written(tmp_path, fails):
    """Also those of other maps of one stack."""
    for count in (2, 1):
        np.save(tmp_path / "stack.npy", np.zeros((count, 2, 8, 8), np.float32))
        words = ("decode", tmp_path / "stack.npy", tmp_path / "r", "--quiet")
        if count == 2:
            assert main([str(word) for word in words]) == main([str(word) for word in words]) == 0
            (tmp_path / "r" / "stack_000000.txt").write_text("kept")
    line = fails(*words)
    assert "r: holds results of other images (1: stack_000001); name another folder" in line
    assert "--resume" not in line
    assert (tmp_path / "r" / "stack_000000.txt").read_text() == "kept"


def test_an_image_without_instances_has_an_empty_list(tmp_path):
    np.save(tmp_path / "v.npy", np.zeros((2, 8, 8), np.float32))
    assert main(["decode", str(tmp_path / "v.npy"), str(tmp_path / "r"), "--quiet"]) == 0
    assert (tmp_path / "r" / "v.txt").read_text() == ""
    assert not read_ids(tmp_path / "r" / "instanceIds" / "v_instanceIds.png").any()


def test_of_a_folder_of_maps_a_list_says_which(city, tmp_path, fails):
    assert main(["encode", str(city), str(tmp_path / "v"), "--grid-size", "0", "--quiet"]) == 0
    first = find_samples(city, "val")[0]
    listed = tmp_path / "list.txt"
    for name in (first.name, "other"):
        write_png(tmp_path / f"{name}.png", np.zeros((256, 512), np.uint8))
    listed.write_text(f"{first.name}.png\n")
    words = ["decode", str(tmp_path / "v"), str(tmp_path / "r"), "--list", str(listed), "--quiet"]
    assert main([*words, *THRESHOLDS, "--classes", "1:thing"]) == 0
    assert [path.stem for path in (tmp_path / "r").glob("*.txt")] == [first.name]
    read_result(tmp_path / "r" / f"{first.name}.txt", (256, 512)).instance_map()
    listed.write_text(f"{first.name}.png\nother.png\n")
    assert "has no vector map of other (1 of 2 images" in fails(*words)


def test_of_a_list_that_repeats_an_image_its_map_is_decoded_once(city, tmp_path, capsys):
    vectors, samples = encoded(city, tmp_path), find_samples(city, "val")
    (tmp_path / "some.txt").write_text(f"{samples[0].image}\n" * 3)
    words = ["decode", str(vectors), str(tmp_path / "r"), *THRESHOLDS, "--quiet"]
    (vectors / f"{samples[0].name}.npz").rename(vectors / f"{samples[0].image.stem}.npz")
    assert main([*words, "--list", str(tmp_path / "some.txt")]) == 0
    assert "in 1 image\n" in capsys.readouterr().out


def test_any_number_of_workers_writes_the_same_files(city, tmp_path, capsys):
    assert main(["encode", str(city), str(tmp_path / "v"), "--size", "64x128", "--quiet"]) == 0
    told, files = [], []
    for workers in ("1", "3"):
        out = tmp_path / workers
        words = ["decode", str(tmp_path / "v"), str(out), "--dt", "3", "--vt", "9", "--et", "5"]
        words += ["--size", "90x180"]
        capsys.readouterr()
        assert main([*words, "--workers", workers, "--quiet"]) == 0
        told.append(capsys.readouterr().out.removeprefix(str(out)))
        files.append({p.relative_to(out): p.read_bytes() for p in out.rglob("*") if p.is_file()})
    assert told[0] == told[1] and files[0] == files[1] and len(files[0]) > 4


@pytest.mark.parametrize("size", [[], ["--size", "200x300"]])
def test_without_masks_the_map_tells_the_same(city, tmp_path, capsys, size):
    vectors = encoded(city, tmp_path)
    for out, words in (("whole", []), ("map", ["--no-masks"])):
        decode = ["decode", str(vectors), str(tmp_path / out), "--quiet", *THRESHOLDS]
        assert main([*decode, *size, *words]) == 0
    assert not (tmp_path / "map" / "masks").exists()
    for text in (tmp_path / "whole").glob("*.txt"):
        whole, mapped = read_result(text), read_result(tmp_path / "map" / text.name)
        assert np.array_equal(whole.labels, mapped.labels) and len(whole) > 3
        assert np.array_equal(whole.scores, mapped.scores) and whole.size == mapped.size
        assert np.array_equal(whole.label_map(), mapped.label_map())
    if size:
        return
    capsys.readouterr()
    for out in ("whole", "map"):
        assert main(["evaluate", str(tmp_path / out), str(city), "--quiet"]) == 0
    told = capsys.readouterr().out
    assert told[: len(told) // 2] == told[len(told) // 2 :] and "IoU > 0.7" in told


def test_without_masks_more_than_a_thousand_are_scored_by_their_label_map(tmp_path, capsys):
    labels = np.zeros((80, 120), np.int32)
    labels[::2, ::2] = np.arange(2400).reshape(40, 60) + 1
    masks = LazyMasks(2400, lambda index: labels == index + 1)
    scores = np.full(2400, 0.5)
    result = ImageResult("x", labels.shape, masks, np.ones(2400, int), scores)
    with pytest.warns(UserWarning, match="more than 1000 instances of label 1 do not fit"):
        write_result(tmp_path / "r", result, masks=False)
    assert "instanceIds/x_labels.npy 1 0.5\n" in (tmp_path / "r" / "x.txt").read_text()
    truth = np.zeros(labels.shape, np.uint16)
    truth[::2, :120:2] = np.where(labels[::2, ::2] <= 300, 1000 + labels[::2, ::2], 0)
    write_png(tmp_path / "ids.png", truth)
    (tmp_path / "val.txt").write_text("x.png ids.png\n")
    capsys.readouterr()
    words = ["evaluate", tmp_path / "r", tmp_path / "val.txt", "--classes", "1:dot", "--quiet"]
    assert main([str(word) for word in words]) == 0
    row = next(x for x in capsys.readouterr().out.splitlines() if x.startswith("IoU > 0.5"))
    assert row.split()[-3:] == ["300", "2100", "0"]
