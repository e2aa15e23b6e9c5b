"""``dcme predict``: batches, resuming, where it writes. A stand-in plays the runtime."""

import json
from dataclasses import replace

import numpy as np
import pytest
from dcme.classes import ClassMap
from dcme.cli import main
from dcme.datasets.class_file import write_classes
from dcme.datasets.samples import read_folder, read_list
from dcme.datasets.vectors import read_vectors
from dcme.errors import UserError
from dcme.files import write_png
from dcme.prediction.network import Network
from dcme.prediction.predict import Prediction, predict
from dcme.results.decode import Decoding
from support.stand_in_network import GradientNet, picture, predicted_input, train_net
from support.times import age, renewed


def test_where_nothing_is_found_the_command_says_what_to_try(deploy, tmp_path, capsys):
    train_net(tmp_path, 1)
    predicted_input(deploy, tmp_path)
    told = capsys.readouterr().out
    assert "0 instances in 1 image\na network that has learned little" in told
    assert "lower --vt, --foreground or --probability (" in told
    predicted_input(deploy, tmp_path, "--mode", "reference", "--vt", "999")
    assert "lower --vt (dcme tune" in capsys.readouterr().out


def test_predict_batches_neighbours_of_one_size_and_restores_full_size(deploy, tmp_path):
    images = tmp_path / "images"
    for index, shape in enumerate([(64, 64), (64, 64), (64, 64), (32, 96)]):
        write_png(images / f"{index}.png", picture(*shape, seed=index))
    network = Network(deploy, None)
    decoding = Decoding(dt=3, vt=5, et=3, classes=ClassMap((1,), ("thing",)))
    out, kept = tmp_path / "r", tmp_path / "v"
    samples = read_folder(images)
    how = Prediction(network, decoding, batch=2)
    found = predict(how, samples, out, vectors_out=kept, workers=2).instances
    assert [shape[0] for shape in GradientNet.batches] == [2, 1, 1]
    assert [item.vectors.shape for item in read_vectors(kept)] == [(2, 64, 64)] * 3 + [(2, 32, 96)]
    assert found == sum(len(p.read_text().splitlines()) for p in out.glob("*.txt"))
    assert len(list(out.glob("*.txt"))) == 4


def test_an_interrupted_prediction_goes_on_with_what_is_missing(deploy, tmp_path):
    for index in range(4):
        write_png(tmp_path / "images" / f"{index}.png", picture(32, 64, seed=index))
    out, kept = tmp_path / "r", tmp_path / "v"
    decoding = Decoding(dt=9, vt=2, et=99, classes=ClassMap((1,), ("thing",)))
    samples = read_folder(tmp_path / "images")
    how = Prediction(Network(deploy, None), decoding, batch=1)
    first = predict(how, samples, out, vectors_out=kept)
    assert first.instances > 0 and (first.images, first.kept) == (4, 0)
    texts = {path.name: path.read_text() for path in out.glob("*.txt")}
    (out / "1.txt").unlink()
    (kept / "3.npz").unlink()
    GradientNet.batches.clear()
    assert predict(how, samples, out, vectors_out=kept, resume=True) == replace(first, kept=2)
    assert len(GradientNet.batches) == 2 and (kept / "3.npz").is_file()
    assert {path.name: path.read_text() for path in out.glob("*.txt")} == texts
    assert predict(how, samples, out, vectors_out=kept, resume=True) == replace(first, kept=4)
    assert len(GradientNet.batches) == 2
    assert predict(how, samples, out) == first and len(GradientNet.batches) == 6


def test_the_command_resumes_where_it_is_told_to(deploy, tmp_path, capsys):
    assert predicted_input(deploy, tmp_path, "--scale", "2") == 100
    GradientNet.batches.clear()
    assert predicted_input(deploy, tmp_path, "--scale", "2", "--resume") == 100
    assert not GradientNet.batches and "in 1 image (1 kept)" in capsys.readouterr().out
    write_png(tmp_path / "a.png", picture(32, 64))  # another image of that name is not kept
    predicted_input(deploy, tmp_path, "--scale", "2", "--resume")
    assert len(GradientNet.batches) == 1


@pytest.mark.parametrize("sources", [[], 7, None])
def test_a_prediction_goes_on_where_nobody_knows_what_its_results_are_of(deploy, tmp_path, sources):
    assert predicted_input(deploy, tmp_path, "--scale", "2") == 100
    (kept,) = tmp_path.rglob("predict.json")
    kept.write_text(json.dumps({**json.loads(kept.read_text()), "sources": sources}))
    GradientNet.batches.clear()
    assert predicted_input(deploy, tmp_path, "--scale", "2", "--resume") == 100
    assert len(GradientNet.batches) == 1


def test_an_interrupted_prediction_says_how_to_go_on(deploy, tmp_path, fails, monkeypatch, capsys):
    def interrupted(self):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(GradientNet, "forward", interrupted)
        assert predicted_input(deploy, tmp_path) == 130
    captured = capsys.readouterr()
    assert "stopped; add --resume to the same command to continue" in captured.out
    assert captured.err.endswith("dcme: interrupted\n")
    write_png(tmp_path / "truth.png", np.full((32, 64), 1001, np.uint16))
    (tmp_path / "val.txt").write_text("a.png truth.png\n")
    line = fails("evaluate", tmp_path / "r", tmp_path / "val.txt", "--quiet")
    assert "a.txt: there are no results for this image" in line and "with --resume" in line
    assert predicted_input(deploy, tmp_path, "--resume") == 50


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("--dt", "3"), "(dt: 10.0; now 3.0)"),
        (("--scale", "3"), "(scale: 2.0; now 3.0)"),
        (("--views", "2"), "(views: 1; now 2)"),
        (("--size", "64x32"), "(size: not given; now [64, 32])"),
        (("--classes", "2:thing"), "(classes: 1:thing; now 2:thing)"),
        (("--vectors", "kept"), "(vectors: none; now "),
        (("--no-masks",), "(masks: not given; now none)"),
    ],
)
def test_results_of_other_settings_are_not_taken_for_ones_own(
    deploy, tmp_path, fails, monkeypatch, options, told
):
    monkeypatch.chdir(tmp_path)
    assert predicted_input(deploy, tmp_path, "--scale", "2") == 100
    classes = () if "--classes" in options else ("--classes", "1:thing")
    words = ("--scale", "2", *classes, *options, "--resume", "--quiet")
    line = fails("predict", deploy, "w.caffemodel", "a.png", "r", *words)
    assert "r: holds results of another prediction " + told in line
    assert "choose another folder, or begin anew without --resume" in line


def test_results_of_an_earlier_version_are_told_as_such(deploy, tmp_path, fails, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert predicted_input(deploy, tmp_path, "--scale", "2") == 100
    recipe = tmp_path / "r" / "predict.json"
    kept = json.loads(recipe.read_text())
    recipe.write_text(json.dumps({**kept, "net": kept["net"]["path"]}))
    words = ("--scale", "2", "--classes", "1:thing", "--resume", "--quiet")
    line = fails("predict", deploy, "w.caffemodel", "a.png", "r", *words)
    assert "(net: content unknown, as an earlier version left it; now content " in line


def test_results_of_other_images_are_neither_mixed_nor_lost(deploy, tmp_path, fails, capsys):
    assert predicted_input(deploy, tmp_path, "--scale", "2") == 100
    (tmp_path / "a.png").rename(tmp_path / "b.png")
    words = ("predict", deploy, tmp_path / "w.caffemodel", tmp_path / "b.png", tmp_path / "r")
    words = (*words, "--classes", "1:thing", "--scale", "2", "--quiet")
    line = fails(*words, "--dt", "3")
    assert "r: holds results of other images (1: a); name another folder or delete this" in line
    assert "--resume adds to results of the same settings" in line
    assert (tmp_path / "r" / "a.txt").is_file()
    (tmp_path / "r" / "notes.txt").write_text("not ours")
    assert main([str(word) for word in (*words, "--resume")]) == 0
    assert {path.name for path in (tmp_path / "r").glob("?.txt")} == {"a.txt", "b.txt"}
    capsys.readouterr()


def test_a_prediction_does_not_go_on_with_what_was_decoded_there(deploy, tmp_path):
    assert predicted_input(deploy, tmp_path, "--scale", "2") == 100
    np.save(tmp_path / "a.npy", np.zeros((2, 32, 64), np.float32))
    words = ["decode", str(tmp_path / "a.npy"), str(tmp_path / "r"), "--quiet"]
    assert main(words) == 0
    GradientNet.batches.clear()
    predicted_input(deploy, tmp_path, "--scale", "2", "--resume")
    assert len(GradientNet.batches) == 1


def test_results_of_other_weights_are_not_taken_for_ones_own(deploy, tmp_path, capsys):
    assert predicted_input(deploy, tmp_path, "--scale", "2") == 100
    # What an interrupted run without --resume has not come to is not there any more.
    (tmp_path / "a.png").write_bytes(b"damaged")
    assert predicted_input(deploy, tmp_path, "--scale", "3") == 1
    write_png(tmp_path / "a.png", np.full((32, 64, 3), 50, np.uint8))
    assert predicted_input(deploy, tmp_path, "--scale", "3", "--resume") == 150
    (tmp_path / "w.caffemodel").write_bytes(b"of another training")
    assert predicted_input(deploy, tmp_path, "--scale", "3", "--resume") == 1
    assert "results of another prediction (weights: content " in capsys.readouterr().err
    deploy.write_text("# another net")
    assert predicted_input(deploy, tmp_path, "--scale", "3", "--resume") == 1
    assert "results of another prediction (net: content " in capsys.readouterr().err


def test_predict_does_not_write_among_the_images(deploy, tmp_path):
    write_png(tmp_path / "images" / "a.png", picture(32, 64))
    how = Prediction(Network(deploy, None), Decoding())
    for place in ({"out": tmp_path / "images"}, {"out": "r", "vectors_out": tmp_path / "images"}):
        with pytest.raises(UserError, match="is where the data set is; name another folder"):
            predict(how, read_folder(tmp_path / "images"), **place)
    assert [path.name for path in (tmp_path / "images").iterdir()] == ["a.png"]


@pytest.mark.parametrize("lines", ["images/val.png\n", "images/val.png instanceIds/val.png\n"])
def test_predict_does_not_write_into_a_data_set(deploy, tmp_path, fails, lines):
    """A result's text file could be a list, its instance map would stand beside the true ones."""
    data, weights = tmp_path / "data", tmp_path / "w.caffemodel"
    write_png(data / "images" / "val.png", picture(32, 64))
    write_png(data / "instanceIds" / "val.png", np.ones((32, 64), np.uint16))
    for name in ("train.txt", "val.txt"):
        (data / name).write_text(lines)
    weights.touch()
    before = age(data.rglob("*"))
    for source in (data, data / "train.txt"):
        for place in ((data,), (tmp_path / "r", "--vectors", data)):
            line = fails("predict", deploy, weights, source, *place, "--classes", "1:a", "--quiet")
            assert f"{data}: is where the data set is; name another folder" in line
    np.savez(tmp_path / "val.npz", vectors=np.zeros((2, 32, 64), np.float32))
    line = fails("decode", tmp_path / "val.npz", data, "--list", data / "train.txt")
    assert f"{data}: is where the list is; name another folder" in line
    assert not renewed(before) and set(before) == set(data.rglob("*"))


def test_predict_does_not_write_among_the_lists_of_another_data_set(deploy, tmp_path, fails):
    write_png(tmp_path / "a.png", picture(32, 64))
    write_png(tmp_path / "other" / "b.png", picture(32, 64))
    (tmp_path / "other" / "val.txt").write_text("b.png\n")
    (tmp_path / "w.caffemodel").touch()
    for place in ((tmp_path / "other",), (tmp_path / "r", "--vectors", tmp_path / "other")):
        words = (deploy, tmp_path / "w.caffemodel", tmp_path / "a.png", *place)
        line = fails("predict", *words, "--classes", "1:a", "--quiet")
        assert f"{tmp_path / 'other'}: holds a data set; name another folder" in line
    assert {path.name for path in (tmp_path / "other").iterdir()} == {"b.png", "val.txt"}


def test_an_image_that_is_listed_several_times_is_seen_once(deploy, tmp_path):
    for index in range(2):
        write_png(tmp_path / f"{index}.png", picture(32, 64, seed=index))
    decoding = Decoding(dt=9, vt=2, et=99, classes=ClassMap((1,), ("thing",)))
    how = Prediction(Network(deploy, None), decoding, batch=1)
    found = {}
    for name, times in {"once": 1, "often": 3}.items():
        listed = tmp_path / f"{name}.txt"
        listed.write_text("0.png\n" * times + "1.png\n" * times)
        found[name] = predict(how, read_list(listed), tmp_path / name, workers=4)
    assert found["once"] == found["often"] and found["once"].instances > 0
    assert len(GradientNet.batches) == 4


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_network_whose_classes_diverged_is_told(deploy, tmp_path, monkeypatch, value):
    write_png(tmp_path / "images" / "a.png", picture(32, 64))
    forward = GradientNet.forward

    def diverged(self):
        outputs = forward(self)
        outputs["classes"][0, 1] = value
        return outputs

    monkeypatch.setattr(GradientNet, "forward", diverged)
    how = Prediction(Network(deploy, None), Decoding(classes=ClassMap((1,), ("thing",))))
    with pytest.raises(UserError, match=r"output for a: of the grid classes: .* diverged"):
        predict(how, read_folder(tmp_path / "images"), tmp_path / "r")


def test_an_image_that_is_missing_is_found_before_any_work(deploy, tmp_path):
    (tmp_path / "list.txt").write_text("absent.png\n")
    with pytest.raises(UserError, match=r"absent\.png: there is no such image"):
        how = Prediction(Network(deploy, None), Decoding())
        predict(how, read_list(tmp_path / "list.txt"), tmp_path / "r")
    assert GradientNet.batches == []


def test_outputs_of_an_earlier_network_do_not_stay(deploy, tmp_path, monkeypatch):
    """Of an interrupted prediction, that is; tuning would work on those of two networks."""
    for index in range(3):
        write_png(tmp_path / "images" / f"{index}.png", picture(32, 64, seed=index))
    samples, kept = read_folder(tmp_path / "images"), tmp_path / "v"
    how = Prediction(Network(deploy, None), Decoding(dt=3, classes=ClassMap((1,), ("thing",))))
    predict(how, samples, tmp_path / "first", vectors_out=kept)

    def interrupted(self):
        raise KeyboardInterrupt

    monkeypatch.setattr(GradientNet, "forward", interrupted)
    with pytest.raises(KeyboardInterrupt):
        predict(how, samples, tmp_path / "second", vectors_out=kept)
    assert not list(kept.glob("*.npz"))


def test_thresholds_are_kept_with_the_vectors_for_decode(deploy, tmp_path, capsys):
    found = predicted_input(deploy, tmp_path, "--vectors", str(tmp_path / "v"))
    before = (tmp_path / "r" / "a.txt").read_text()
    assert found and main(["decode", str(tmp_path / "v"), str(tmp_path / "again"), "--quiet"]) == 0
    assert f"{tmp_path / 'v' / 'decoding.json'}: --dt " in capsys.readouterr().out
    assert (tmp_path / "again" / "a.txt").read_text() == before


def test_outputs_are_not_mixed_with_those_of_another_network(deploy, tmp_path):
    for folder in "ab":
        write_png(tmp_path / folder / f"{folder}.png", picture(32, 64))
    kept = tmp_path / "v"
    one, other = (ClassMap((1,), (name,)) for name in ("thing", "cell"))
    for folder, classes in (("a", one), ("a", other), ("b", other)):
        how = Prediction(Network(deploy, None), Decoding(classes=classes))
        predict(how, read_folder(tmp_path / folder), tmp_path / f"r_{folder}", vectors_out=kept)
    before = age(kept.glob("*.npz"))
    how = Prediction(Network(deploy, None), Decoding(classes=one))
    with pytest.raises(UserError, match=r"v: holds vector maps with the classes 1:cell"):
        predict(how, read_folder(tmp_path / "a"), tmp_path / "r", vectors_out=kept)
    assert len(before) == 2 and not renewed(before)


def test_the_networks_own_thresholds_are_not_replaced(deploy, tmp_path, fails):
    write_png(tmp_path / "images" / "a.png", picture(32, 64))
    words = ("predict", deploy, "w.caffemodel", tmp_path / "images", tmp_path / "r")
    line = fails(*words, "--classes", "1:thing", "--vectors", tmp_path)
    assert f"{tmp_path}: is where the network is; name another folder" in line


@pytest.mark.parametrize(
    ("own", "told"),
    [
        ("masks/a_000.png", "masks: holds files other than results"),
        ("masks/a.png", "masks: holds files other than results"),
        ("instanceIds/a_instanceIds.png", "instanceIds: holds files other than results"),
        ("a.txt", "a.txt: exists and is no result"),
    ],
)
@pytest.mark.parametrize("command", ["predict", "predict --resume", "decode"])
def test_files_of_the_users_own_are_not_replaced_by_results(
    deploy, tmp_path, capsys, command, own, told
):
    """``images/`` and ``masks/`` in one folder are the layout that ``dcme collect`` asks for."""
    mine = tmp_path / "r" / own
    mine.parent.mkdir(parents=True)
    mine.write_text("mine")
    if command == "decode":
        np.save(tmp_path / "a.npy", np.zeros((2, 32, 64), np.float32))
        assert main(["decode", str(tmp_path / "a.npy"), str(tmp_path / "r"), "--quiet"]) == 1
    else:
        assert predicted_input(deploy, tmp_path, "--scale", "2", *command.split()[1:]) == 1
    assert f"{told}; name another folder" in capsys.readouterr().err
    assert mine.read_text() == "mine"
    assert [path for path in (tmp_path / "r").rglob("*") if path.is_file()] == [mine]


def test_a_prediction_that_left_no_list_yet_is_begun_again(deploy, tmp_path):
    assert predicted_input(deploy, tmp_path, "--scale", "2") == 100
    (tmp_path / "r" / "a.txt").unlink()  # comes last: here an interruption came first
    assert predicted_input(deploy, tmp_path, "--scale", "2") == 100


@pytest.mark.parametrize("after", ["decode", "predict"])
def test_decoding_that_left_no_list_yet_is_begun_again(deploy, tmp_path, monkeypatch, after):
    np.save(tmp_path / "a.npy", np.zeros((2, 32, 64), np.float32))
    decoding = ["decode", str(tmp_path / "a.npy"), str(tmp_path / "r"), "--quiet"]

    def stopped(*picture):
        write_png(*picture)
        raise KeyboardInterrupt

    with monkeypatch.context() as stopping:
        stopping.setattr("dcme.results.files.write_png", stopped)
        assert main(decoding) == 130
    assert [path.name for path in (tmp_path / "r" / "instanceIds").iterdir()]
    if after == "predict":
        assert predicted_input(deploy, tmp_path, "--scale", "2") == 100
    assert main(decoding) == 0
    assert not (tmp_path / "r" / ".decoding").exists()


@pytest.mark.parametrize("command", ["predict", "decode"])
def test_vector_maps_keep_the_file_that_tells_their_classes(deploy, tmp_path, fails, command):
    """Also those of the very images."""
    out = tmp_path / "r"
    write_classes(out, ClassMap((1,), ("cell",)))
    before = (out / "classes.json").read_bytes()
    np.savez(out / "a.npz", vectors=np.zeros((2, 32, 64), np.float32))
    np.save(tmp_path / "a.npy", np.zeros((2, 32, 64), np.float32))
    write_png(tmp_path / "images" / "a.png", picture(32, 64))
    (tmp_path / "w.caffemodel").touch()
    read = {
        "predict": (deploy, tmp_path / "w.caffemodel", tmp_path / "images"),
        "decode": (tmp_path / "a.npy",),
    }[command]
    line = fails(command, *read, out, "--classes", "1:thing")
    assert f"{out}: holds vector maps with the classes 1:cell (1: a, ...)" in line
    assert (out / "classes.json").read_bytes() == before


def test_the_folder_of_a_network_is_no_network(deploy, tmp_path, fails):
    (tmp_path / "w.caffemodel").touch()
    (tmp_path / "a.png").touch()
    words = (tmp_path / "w.caffemodel", tmp_path / "a.png", tmp_path / "r", "--classes", "1:a")
    line = fails("predict", tmp_path, *words)
    assert f"{tmp_path}: is a folder; name a .prototxt file in it" in line


def test_a_prediction_that_is_refused_leaves_no_folder(deploy, tmp_path):
    write_png(tmp_path / "a.png", np.full((32, 64, 3), 50, np.uint16))
    vectors = tmp_path / "v"
    assert predicted_input(deploy, tmp_path, "--scale", "2", "--vectors", str(vectors)) == 1
    assert not vectors.exists() and not (tmp_path / "r").exists()
