"""What ``dcme train`` refuses: mistakes, weights of another net, folders of other trainings."""

import re
import shutil

import pytest
from dcme.datasets.prepare import prepare
from support.small_training import NETS, train


def test_images_that_the_net_cannot_halve_are_refused_with_what_to_do(data, tmp_path, fails):
    prepare(data.parent / "city", tmp_path / "odd", size=(40, 64))
    line = fails("train", NETS, tmp_path / "odd", tmp_path / "r", "--iterations", 1)
    assert "layer 'concat4'" in line and "sides must be multiples of its stride" in line


def test_mistakes_are_found_before_anything_runs(data, tmp_path, fails):
    out = tmp_path / "r"
    assert "no such folder" in fails("train", NETS, tmp_path / "none", out)
    assert "train_x.prototxt: no such file" in fails("train", NETS, data, out, "--variant", "x")
    (tmp_path / "w").write_bytes(b"no weights")
    assert "holds no weights" in fails("train", NETS, data, out, "--weights", tmp_path / "w")
    line = fails("train", NETS, data, out, "--balanced")
    assert "train_balanced.txt: no such list" in line
    assert "where the data set is" in fails("train", NETS, data, data)
    copy = tmp_path / "data"
    shutil.copytree(data, copy)
    next((copy / "images" / "train").glob("*.png")).unlink()
    assert "there is no such image" in fails("train", NETS, copy, tmp_path / "q")
    assert "none of the net's classes" in fails("train", NETS, data, out, "--classes", "9:cell")
    assert not out.exists() and not (tmp_path / "q").exists()


def test_weights_of_another_net_are_refused(data, tmp_path, fails):
    from caffe.proto import caffe_pb2

    other = caffe_pb2.NetParameter()
    other.layer.add(name="fc8").blobs.add(data=[1.0])
    (tmp_path / "w").write_bytes(other.SerializeToString())
    line = fails("train", NETS, data, tmp_path / "r", "--weights", tmp_path / "w")
    assert "has weights for none of the net's layers; it holds fc8" in line
    deploy = NETS / "deploy.prototxt"
    line = fails("predict", deploy, tmp_path / "w", data / "val.txt", tmp_path / "results")
    told = re.search(r"w: has no weights for (\d+) of the (\d+) layers of .*deploy", line)
    assert told[1] == told[2] and "conv1_1" in line and "of another net?" in line


def test_a_deploy_net_with_a_layer_that_nobody_trained_is_refused(data, tmp_path, fails):
    assert train(data, tmp_path / "r", 1, "--quiet") == 0
    weights = tmp_path / "r" / "snapshot_iter_1.caffemodel"
    deploy = tmp_path / "r" / "deploy.prototxt"
    words = ("predict", deploy, weights, data / "val.txt", tmp_path / "results")
    deploy.write_text(deploy.read_text().replace('"conv1_1"', '"conv_other"'))
    assert "has no weights for 1 of the" in (line := fails(*words)) and "(conv_other)" in line


def test_weights_of_another_shape_name_file_and_layer(data, tmp_path, fails):
    assert train(data, tmp_path / "r", 1, "--quiet") == 0
    weights = tmp_path / "r" / "snapshot_iter_1.caffemodel"
    deploy = tmp_path / "r" / "deploy.prototxt"
    text = deploy.read_text()
    deploy.write_text(re.sub(r"num_output: \d+", "num_output: 5", text, count=1))
    line = fails("predict", deploy, weights, data / "val.txt", tmp_path / "results")
    assert f"{weights}: parameter 0 of layer 'conv1_1' has shape 5 " in line
    assert "weights of another net" in line and "Check failed" not in line


def test_a_folder_with_another_training_is_left_alone(data, tmp_path, fails):
    assert train(data, tmp_path / "r", 1, "--quiet") == 0
    weights = tmp_path / "r" / "snapshot_iter_1.caffemodel"
    shutil.copy(data / "train.txt", data / "train_balanced.txt")
    for words, told in (
        (("--anchor", "box"), "anchor: mass; now box"),
        (("--weights", weights), f"weights: none; now {weights.resolve()}"),
        (("--balanced",), "list: train.txt; now train_balanced.txt"),
        (("--classes", "24:person"), "classes: those of the nets; now 24:person"),
    ):
        line = fails("train", NETS, data, tmp_path / "r", *words, "--quiet")
        assert f"holds snapshots of another training ({told})" in line
    (data / "train_balanced.txt").unlink()


@pytest.mark.parametrize("weights", ["", "w.caffemodel,", ",w.caffemodel"])
def test_weights_without_a_name_are_refused(data, tmp_path, fails, weights):
    line = fails("train", NETS, data, tmp_path / "r", "--weights", weights)
    assert f"--weights '{weights}': names no file; give FILE or FILE,FILE" in line


def test_of_a_damaged_recipe_only_the_file_has_to_go(data, tmp_path, fails):
    assert train(data, tmp_path / "r", 1, "--quiet") == 0
    recipe = tmp_path / "r" / "training.json"
    recipe.write_text("{")
    line = fails("train", NETS, data, tmp_path / "r", "--iterations", "1", "--quiet")
    assert f"{recipe}: is damaged; delete this file and start again" in line
    recipe.unlink()
    assert train(data, tmp_path / "r", 1, "--quiet") == 0


def test_a_training_that_never_began_may_be_another_one(data, tmp_path, fails):
    fails("train", NETS, data, tmp_path / "r", "--balanced", "--anchor", "box")
    assert train(data, tmp_path / "r", 1, "--quiet") == 0


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("\n", "train.txt: the list is empty"),
        ("a.png\n", "train.txt:1: a line is 'image class'"),
        ("a.png x\n", "train.txt:1: a line is 'image class'"),
        ("\n\na.png -1\n", "train.txt:3: a line is 'image class'"),
        ("a.png 3\n", "a.png: there is no such image"),
    ],
)
def test_lists_of_a_classifier_are_checked(tmp_path, fails, text, message):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "train.txt").write_text(text)
    nets = NETS.with_name("dcme2017_googlenet")
    assert message in fails("train", nets, tmp_path / "data", tmp_path / "r", "--quiet")


def test_a_list_for_testing_is_needed_only_where_the_solver_tests(data, tmp_path, fails):
    copy = tmp_path / "data"
    shutil.copytree(data, copy)
    (copy / "val.txt").unlink()
    assert train(copy, tmp_path / "r", 1, "--quiet") == 0
    nets = tmp_path / "nets"
    shutil.copytree(NETS, nets)
    with open(nets / "solver.prototxt", "a") as solver:
        solver.write("test_iter: 1\ntest_interval: 1\n")
    assert "val.txt: no such list" in fails("train", nets, copy, tmp_path / "s")


def test_beside_a_damaged_snapshot_the_one_before_is_named(data, tmp_path, fails):
    out = tmp_path / "r"
    for iterations in (1, 2):
        assert train(data, out, iterations, "--quiet") == 0
    state = out / "snapshot_iter_2.solverstate"
    state.write_bytes(state.read_bytes()[:1000])
    line = fails("train", NETS, data, out, "--iterations", 3, "--quiet")
    assert "only a part of one" in line
    files = f"{out}/snapshot_iter_2.*"
    assert line.rstrip().endswith(
        f"; delete {files} and run the same command to continue from snapshot_iter_1.solverstate"
    )
    for path in out.glob("snapshot_iter_2.*"):
        path.unlink()
    assert train(data, out, 3, "--quiet") == 0


def test_nets_of_the_users_own_are_not_replaced_by_those_of_a_run(data, tmp_path, fails):
    nets = tmp_path / "nets"
    shutil.copytree(NETS, nets)
    before = {path: path.read_bytes() for path in nets.iterdir()}
    line = fails("train", nets, data, nets, "--iterations", 1)
    assert f"{nets}: is where the nets are; name another folder" in line
    line = fails("train", NETS, data, nets, "--iterations", 1)
    assert f"{nets / 'train.prototxt'}: would be overwritten, but dcme train did not write" in line
    assert {path: path.read_bytes() for path in nets.iterdir()} == before


def test_a_snapshot_does_not_make_the_users_nets_those_of_a_run(data, tmp_path, fails):
    """``caffe train`` leaves it beside them."""
    nets = tmp_path / "nets"
    shutil.copytree(NETS, nets)
    (nets / "snapshot_iter_1.solverstate").touch()
    before = {path: path.read_bytes() for path in nets.iterdir()}
    line = fails("train", NETS, data, nets, "--iterations", 2)
    assert f"{nets / 'train.prototxt'}: would be overwritten, but dcme train did not write" in line
    assert {path: path.read_bytes() for path in nets.iterdir()} == before


def test_where_there_is_no_command_caffe_no_folder_is_left(data, tmp_path, monkeypatch, fails):
    monkeypatch.setattr("sys.executable", str(tmp_path / "env" / "python"))
    monkeypatch.setenv("PATH", str(tmp_path))
    line = fails("train", NETS, data, tmp_path / "r", "--iterations", 1, "--quiet")
    assert "'caffe' is not on the PATH" in line
    assert not (tmp_path / "r").exists()


def test_a_misspelt_field_is_answered_with_its_place_and_what_was_meant(data, tmp_path, fails):
    nets = tmp_path / "nets"
    shutil.copytree(NETS, nets)
    solver = nets / "solver.prototxt"
    solver.write_text(solver.read_text().replace("max_iter", "max_itr"))
    line = fails("train", nets, data, tmp_path / "r")
    assert re.search(rf'{solver}:\d+:\d+: .* "max_itr" \(did you mean max_iter', line), line
    assert not (tmp_path / "r").exists()
