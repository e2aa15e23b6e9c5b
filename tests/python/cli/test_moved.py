"""Commands go on in folders that were moved or copied together with what they read."""

import json
import shutil

import numpy as np
import pytest
from dcme.cli import main
from dcme.files import write_png, write_text
from dcme.training.caffe_train import NetFiles, read_solver, write_message
from dcme.training.places import data_place, nets_place, weights_place
from support.small_training import NETS, train
from support.stand_in_network import GradientNet, predicted_input
from support.times import age, renewed


@pytest.fixture
def project(data, tmp_path):
    """A folder with a data set and a run that has one iteration behind it."""
    shutil.copytree(data, tmp_path / "p" / "data")
    shutil.copytree(NETS, tmp_path / "p" / "nets")
    assert train(tmp_path / "p" / "data", tmp_path / "p" / "run", 1, nets=tmp_path / "p/nets") == 0
    return tmp_path / "p"


def went_on(folder, capfd):
    capfd.readouterr()
    code = train(folder / "data", folder / "run", 2, nets=folder / "nets")
    printed = capfd.readouterr()
    return code == 0 and "snapshot_iter_1.solverstate" in printed.out, printed.err


def test_a_training_that_was_moved_with_its_data_goes_on(project, tmp_path, capfd):
    # Copies have other times; and the weights that a fine-tuning begins with are data, too.
    copied = shutil.copytree(project, tmp_path / "copied", copy_function=shutil.copyfile)
    shutil.rmtree(project)
    assert went_on(copied, capfd)[0]
    moved = copied.rename(tmp_path / "moved")
    words = ["--weights", moved / "run" / "snapshot_iter_2.caffemodel", "--quiet"]
    assert train(moved / "data", moved / "fine", 1, *words, nets=moved / "nets") == 0
    moved = moved.rename(tmp_path / "again")
    words[1] = moved / "run" / "snapshot_iter_2.caffemodel"
    assert train(moved / "data", moved / "fine", 2, *words, nets=moved / "nets") == 0


def test_a_training_goes_on_with_an_image_that_was_mended_where_it_is(project, capfd):
    write_png(next((project / "data" / "images").rglob("*.png")), np.zeros((32, 64, 3), np.uint8))
    assert went_on(project, capfd)[0]


@pytest.mark.parametrize("kind", ["list", "image", "net"])
def test_another_training_elsewhere_is_none_that_was_moved(project, tmp_path, capfd, kind):
    moved = project.rename(tmp_path / "moved")
    if kind == "list":
        path = moved / "data" / "train.txt"
        path.write_text(path.read_text().split("\n")[0])
    elif kind == "image":
        image = sorted((moved / "data" / "images" / "train").rglob("*.png"))[1]
        write_png(image, np.zeros((32, 64, 3), np.uint8))
    else:
        path = moved / "nets" / "train.prototxt"
        path.write_text(path.read_text() + "# other\n")
    key, name = ("nets", "nets") if kind == "net" else ("data", "data")
    passed, error = went_on(moved, capfd)
    told = f"another training ({key}: {project / name}; now {moved / name}); choose another folder"
    assert not passed and told in error


def test_a_run_of_an_earlier_version_is_known_by_its_paths(project, tmp_path, capfd):
    recipe = project / "run" / "training.json"
    kept = json.loads(recipe.read_text())
    places = {key: v["path"] if isinstance(v, dict) else v for key, v in kept.items()}
    recipe.write_text(json.dumps(places))
    moved = shutil.copytree(project, tmp_path / "moved")
    assert went_on(project, capfd)[0]
    assert "another training (nets: " in went_on(moved, capfd)[1]


def test_a_data_set_is_known_by_its_files(tmp_path):
    files = {"train.txt": "a.png b.png\n# a comment\nc d.png\te.png\n", "a.png": "a", "e.png": "e"}
    files["train_lmdb/data.mdb"] = "records"

    def mark(name, **others):
        for path, content in {**files, **others}.items():
            write_text(tmp_path / path, content)
        return data_place(tmp_path, name).content

    before, database = mark("train.txt"), mark("train_lmdb")
    assert before == mark("train.txt", **{"train_lmdb/data.mdb": "other"})
    for path in ("a.png", "e.png", "train.txt"):
        for content in (files[path].upper(), files[path] * 2):  # of its size, and not
            assert mark("train.txt", **{path: content}) != before
    assert mark("train_lmdb") == database != mark("train_lmdb", **{"train_lmdb/data.mdb": "x"})


def test_of_a_large_data_set_every_files_size_counts(tmp_path):
    names = [f"{number}.png" for number in range(20)]
    write_text(tmp_path / "train.txt", "\n".join(names))
    for name in names:
        write_text(tmp_path / name, "a")
    marks = [data_place(tmp_path, "train.txt").content]
    for name in names:
        write_text(tmp_path / name, "more")
        marks.append(data_place(tmp_path, "train.txt").content)
    assert len(set(marks)) == len(marks)


def test_nets_and_weights_are_known_by_what_they_say(tmp_path):
    for name in ("one", "two"):
        shutil.copytree(NETS, tmp_path / name)
    one, two = (NetFiles.of_folder(tmp_path / name) for name in ("one", "two"))
    for path, other in ((two.train, "#"), (two.deploy, "#"), (two.solver, "clip_gradients: 7")):
        assert nets_place(one).content == nets_place(two).content
        text = path.read_text()
        path.write_text(text + other)
        assert nets_place(one).content != nets_place(two).content
        path.write_text(text)
    first, second = one.train, two.solver
    assert weights_place([first]).content == weights_place([two.train]).content
    assert weights_place([first, second]).content != weights_place([second, first]).content


def test_nets_may_be_moved_whose_solver_tells_where_they_are(tmp_path):
    marks = set()
    for name in ("one", "two"):
        files = NetFiles.of_folder(shutil.copytree(NETS, tmp_path / name))
        solver = read_solver(files.solver)
        solver.net, solver.snapshot_prefix = str(files.train), f"{tmp_path}/{name}/snapshot"
        write_message(files.solver, solver)
        marks.add(nets_place(files).content)
    assert len(marks) == 1


def test_a_prediction_that_was_moved_goes_on(deploy, tmp_path):
    def seen(folder, *options):
        GradientNet.batches.clear()
        more = ("--vectors", str(folder / "v"), *options)
        assert predicted_input(folder / "deploy.prototxt", folder, *more) == 50
        return len(GradientNet.batches)

    project = tmp_path / "project"
    project.mkdir()
    for name in ("deploy.prototxt", "train.prototxt"):
        shutil.copy(tmp_path / name, project)
    assert (seen(project), seen(project, "--resume")) == (1, 0)
    moved = project.rename(tmp_path / "moved")
    assert seen(moved, "--resume") == 0
    # Weights that were copied have another time, and are the same even so.
    age([moved / "w.caffemodel"])
    assert seen(moved, "--resume") == 0
    # So would be another image of that name, size and time.
    age([moved / "a.png"])
    assert seen(moved, "--resume") == 1


def test_results_go_on_alone_with_images_that_stayed(deploy, tmp_path):
    assert predicted_input(deploy, tmp_path) == 50
    GradientNet.batches.clear()
    (tmp_path / "r").rename(tmp_path / "s")
    words = [deploy, tmp_path / "w.caffemodel", tmp_path / "a.png", tmp_path / "s", "--resume"]
    assert main(["predict", *map(str, words), "--classes", "1:thing", "--quiet"]) == 0
    assert not GradientNet.batches


def test_images_elsewhere_are_others_even_of_one_size_and_time(deploy, tmp_path):
    assert predicted_input(deploy, tmp_path) == 50
    write_png(tmp_path / "b" / "a.png", np.full((32, 64, 3), 50, np.uint8))
    shutil.copystat(tmp_path / "a.png", tmp_path / "b" / "a.png")
    GradientNet.batches.clear()
    words = [deploy, tmp_path / "w.caffemodel", tmp_path / "b/a.png", tmp_path / "r", "--resume"]
    assert main(["predict", *map(str, words), "--classes", "1:thing", "--quiet"]) == 0
    assert len(GradientNet.batches) == 1


def test_a_data_set_that_was_moved_with_its_source_is_kept(city, tmp_path, fails):
    shutil.copytree(city, tmp_path / "p" / "city")
    assert main(["prepare", str(tmp_path / "p" / "city"), str(tmp_path / "p" / "out")]) == 0
    moved = (tmp_path / "p").rename(tmp_path / "q")
    aged = age((moved / "out").rglob("*.png"))
    assert main(["prepare", str(moved / "city"), str(moved / "out")]) == 0
    assert renewed(aged) == []
    other = shutil.copytree(city, tmp_path / "other")
    line = fails("prepare", other, moved / "out")
    assert f"another data set (source: {moved / 'city'}; now {other}); choose" in line
