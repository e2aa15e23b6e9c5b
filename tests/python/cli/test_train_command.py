"""``dcme train``: its data, going on, fine-tuning. Trains a small net for some iterations."""

import shutil

import pytest
from dcme.datasets.prepare import prepare
from dcme.errors import UserError
from dcme.training.caffe_train import NetFiles, bind_to_data, read_net, read_solver
from dcme.training.held_out import measure_held_out
from dcme.training.job import (
    TrainingJob,
    check_weights,
    newest_state,
    run_job,
)
from dcme.training.log import TrainLog, read_log
from dcme.training.weights import weight_layers
from support.small_training import NETS, train


def test_it_trains_and_goes_on_where_it_stopped(data, tmp_path, capfd):
    out = tmp_path / "run"
    assert train(data, out, 20) == 0
    curve = read_log(out / "train.log").loss
    said = (
        f"snapshot_iter_20.caffemodel: 20 iterations, loss {curve.values[-1]:.4g} at iteration 20"
    )
    told = capfd.readouterr().out
    words = f"{out / 'snapshot_iter_20.caffemodel'} {data / 'val.txt'} results"
    assert told.endswith(f"\nnext: dcme predict {out / 'deploy.prototxt'} {words}\n")
    assert said in told and curve.iterations == list(range(0, 21, 2))
    assert train(data, out, 40) == 0
    printed = capfd.readouterr().out
    assert "continuing from" in printed and "snapshot_iter_20.solverstate" in printed
    assert newest_state(out)[1] == 40
    assert read_log(out / "train.log").loss.iterations == [*range(0, 21, 2), *range(24, 41, 4)]
    before = (out / "train.log").read_bytes()
    assert train(data, out, 40) == 0
    assert "nothing is left to do" in capfd.readouterr().out
    assert (out / "train.log").read_bytes() == before


def test_it_trains_from_lmdbs_as_from_the_images(data, tmp_path, fails):
    line = fails("train", NETS, data, tmp_path / "none", "--lmdb", "--iterations", 1)
    assert "train_lmdb: no such LMDB; dcme prepare --lmdb writes it" in line
    prepare(data.parent / "city", tmp_path / "lmdb", size=(32, 64), lmdb=True)
    losses = []
    for name, more in (("a", []), ("b", ["--lmdb"])):
        assert train(tmp_path / "lmdb", tmp_path / name, 3, "--quiet", *more) == 0
        log = read_log(tmp_path / name / "train.log")
        losses.append((log.loss.values, log.test_loss.values))
    assert losses[0] == losses[1] and losses[0][1], "val.txt is there for the held-out images"
    (layer, _) = (
        one for one in read_net(tmp_path / "b" / "train.prototxt").layer if not one.bottom
    )
    assert layer.dcme_data_param.source == str(tmp_path / "lmdb" / "train_lmdb")


def test_the_loss_on_held_out_images_is_told_and_changes_no_weight(data, tmp_path, capfd):
    for name, images in (("with", 20), ("without", 0)):
        assert train(data, tmp_path / name, 20, "--held-out", images, "--quiet") == 0
    first, second = capfd.readouterr().out.splitlines()
    log = read_log(tmp_path / "with" / "train.log")
    assert log.test_loss.iterations == [20]
    parts = [log.test[name].values[0] for name in ("grid_loss", "vector_loss")]
    assert log.test_loss.values == [pytest.approx(sum(parts), rel=1e-4)]
    said = f"loss on held-out images {log.test_loss.values[0]:.4g} at iteration 20"
    assert first.endswith(said)
    assert "held-out" not in second and not read_log(tmp_path / "without" / "train.log").test
    weights = "snapshot_iter_20.caffemodel"
    contents = [(tmp_path / name / weights).read_bytes() for name in ("with", "without")]
    assert contents[0] == contents[1]


@pytest.mark.parametrize(
    ("listed", "images", "chosen"),
    [
        (39, 20, [0, *range(1, 38, 2)]),
        (50, 20, [i for i in range(50) if i % 5 in (0, 2)]),
        (5, 20, range(5)),
        (40, 3, (0, 13, 26)),
        (5, 0, ()),
        (0, 20, ()),
    ],
)
def test_held_out_images_are_spread_over_the_list(data, tmp_path, listed, images, chosen):
    shutil.copytree(data, tmp_path / "data")
    rows = [f"images/val/{i}.png instanceIds/val/{i}.png\n" for i in range(listed)]
    (tmp_path / "data" / "val.txt").write_text("# a comment\n" + "".join(rows))
    bound = bind_to_data(NetFiles.of_folder(NETS), tmp_path / "data", tmp_path / "r", 5000)
    before = bound.solver.read_bytes()
    assert measure_held_out(bound, images) == len(chosen)
    if not chosen:
        assert bound.solver.read_bytes() == before
        return
    assert (tmp_path / "r" / "measured_on.txt").read_text() == "".join(rows[i] for i in chosen)
    solver = read_solver(bound.solver)
    assert (list(solver.test_iter), solver.test_interval) == ([len(chosen)], 500)
    assert measure_held_out(bound, images) == 0, "a solver that tests stays as it is"


def test_without_a_list_of_held_out_images_nothing_is_tested(data, tmp_path):
    shutil.copytree(data, tmp_path / "data")
    (tmp_path / "data" / "val.txt").unlink()
    assert train(tmp_path / "data", tmp_path / "r", 1, "--quiet") == 0
    assert not read_log(tmp_path / "r" / "train.log").test


def test_a_log_that_is_switched_off_elsewhere_is_read_all_the_same(data, tmp_path, monkeypatch):
    monkeypatch.setenv("GLOG_minloglevel", "3")
    assert train(data, tmp_path / "r", 1, "--quiet") == 0
    assert read_log(tmp_path / "r" / "train.log").loss.iterations[0] == 0


def test_the_same_training_may_be_spelled_otherwise(data, tmp_path, monkeypatch, fails):
    assert train(data, tmp_path / "r", 2, "--quiet") == 0
    monkeypatch.chdir(data.parent)
    assert train(f"./{data.name}", tmp_path / "r", 3, "--quiet") == 0
    assert newest_state(tmp_path / "r")[1] == 3
    before = (tmp_path / "r" / "solver.prototxt").read_bytes()
    line = fails("train", NETS, data, tmp_path / "r", "--iterations", 1)
    assert "is already at iteration 3 (snapshot_iter_3.solverstate), beyond 1" in line
    assert (tmp_path / "r" / "solver.prototxt").read_bytes() == before


def test_weights_are_matched_by_name_and_the_command_says_which(data, tmp_path, capfd):
    assert train(data, tmp_path / "a", 1) == 0
    weights = tmp_path / "a" / "snapshot_iter_1.caffemodel"
    assert {"conv1_1", "grid_score", "vectors"} <= weight_layers(weights)
    capfd.readouterr()
    assert train(data, tmp_path / "b", 1, "--weights", weights, "--quiet") == 0
    assert train(data, tmp_path / "c", 1, "--weights", weights) == 0
    out = capfd.readouterr().out
    assert f"layers are named in {weights}" in out and "; new:" not in out
    assert train(data, tmp_path / "c", 2, "--weights", weights) == 0
    assert "continuing from" in capfd.readouterr().out
    other = tmp_path / "b" / "snapshot_iter_1.caffemodel"
    assert train(data, tmp_path / "d", 1, "--weights", f"{weights},{other}", "--quiet") == 0


def test_nothing_is_said_to_start_from_weights_of_other_shapes(data, tmp_path, capfd):
    assert train(data, tmp_path / "a", 1) == 0
    nets = shutil.copytree(NETS, tmp_path / "nets")
    for path in (nets / "train.prototxt", nets / "deploy.prototxt"):
        path.write_text(path.read_text().replace("num_output: 16\n", "num_output: 24\n"))
    weights = tmp_path / "a" / "snapshot_iter_1.caffemodel"
    capfd.readouterr()
    assert train(data, tmp_path / "b", 1, "--weights", weights, nets=nets) == 1
    printed = capfd.readouterr()
    assert f"layers are named in {weights}\n" in printed.out and " start " not in printed.out
    assert "shape" in printed.err


def test_a_variant_and_the_box_anchor_are_bound(data, tmp_path, fails):
    nets = tmp_path / "nets"
    shutil.copytree(NETS, nets)
    for kind in ("train", "solver"):
        shutil.copy(nets / f"{kind}.prototxt", nets / f"{kind}_slow.prototxt")
    assert train(data, tmp_path / "r", 1, "--variant", "slow", "--anchor", "box", nets=nets) == 0
    bound = read_net(NetFiles.of_folder(tmp_path / "r").train)
    assert {layer.dcme_data_param.anchor for layer in bound.layer if not layer.bottom} == {1}
    line = fails("train", nets, data, tmp_path / "r", "--anchor", "box")
    assert "another training (variant: slow; now none)" in line


def test_the_newest_snapshot_is_that_of_most_iterations(tmp_path):
    assert newest_state(tmp_path) is None
    for name in ("9.solverstate", "20.solverstate", "x.solverstate", "30.solverstate.tmp"):
        (tmp_path / f"snapshot_iter_{name}").touch()
    assert newest_state(tmp_path) == (tmp_path / "snapshot_iter_20.solverstate", 20)
    (tmp_path / "snapshot_iter_100.solverstate.h5").touch()
    assert newest_state(tmp_path) == (tmp_path / "snapshot_iter_100.solverstate.h5", 100)


@pytest.mark.parametrize(
    ("stored", "told"),
    [
        ([f"l{i}" for i in range(10)], "10 of 10 layers are named in W"),
        ([f"l{i}" for i in range(8)], "8 of 10 layers are named in W; new: l8, l9"),
        (["l0", "l1"], "2 of 10 layers are named in W; new: l2, l3, l4, l5, l6, l7, l8, l9"),
        (["l9"], "1 of 10 layers are named in W; new: l0, l1, l2, l3, l4, l5, l6, l7 and 1 more"),
    ],
)
def test_the_layers_that_start_anew_are_named(tmp_path, stored, told):
    from caffe.proto import caffe_pb2

    net, weights = caffe_pb2.NetParameter(), caffe_pb2.NetParameter()
    for i in range(10):
        net.layer.add(name=f"l{i}", type=("Convolution", "InnerProduct")[i % 2])
    net.layer.add(name="relu", type="ReLU")
    for name in stored:
        weights.layer.add(name=name).blobs.add(data=[1.0])
    path = tmp_path / "w.caffemodel"
    path.write_bytes(weights.SerializeToString())
    assert check_weights(net, path) == told.replace("W", str(path))


def test_every_layer_with_weights_counts(tmp_path):
    """Those of the runtime by their types, those of plug-ins by what the file holds."""
    from caffe.proto import caffe_pb2

    net, weights = caffe_pb2.NetParameter(), caffe_pb2.NetParameter()
    for kind in ("Convolution", "PReLU", "Bias", "Embed", "LSTM", "RNN", "Parameter", "Mine"):
        net.layer.add(name=kind, type=kind, bottom=["x"])
    net.layer.add(name="sum", type="Bias", bottom=["x", "y"])
    for name in ("Convolution", "Mine"):
        weights.layer.add(name=name).blobs.add(data=[1.0])
    path = tmp_path / "w.caffemodel"
    path.write_bytes(weights.SerializeToString())
    told = f"2 of 8 layers are named in {path}; new: PReLU, Bias, Embed, LSTM, RNN, Parameter"
    assert check_weights(net, path) == told


def play_training(monkeypatch, out, *names, log=""):
    """Training that leaves these files, and runs no command."""

    def train(bound, log_path, progress, words, append):
        train.words = list(words)
        for name in names:
            (out / name).touch()
        if log:
            log_path.write_text(log)
        return TrainLog(), 1.0

    monkeypatch.setattr("dcme.training.job.train", train)
    return train


def test_what_a_training_leaves_behind_is_looked_at(data, tmp_path, monkeypatch):
    job = TrainingJob(NETS, data, tmp_path / "r", iterations=10)
    play_training(monkeypatch, tmp_path / "r")
    with pytest.raises(UserError, match=r"r: training left no snapshot; see .*train\.log"):
        run_job(job, quiet=True)
    play_training(monkeypatch, tmp_path / "r", "snapshot_iter_10.solverstate")
    with pytest.raises(UserError, match=r"snapshot_iter_10\.caffemodel: training left no such"):
        run_job(job, quiet=True)
    state, weights = "snapshot_iter_10.solverstate.h5", "snapshot_iter_10.caffemodel.h5"
    job = TrainingJob(NETS, data, tmp_path / "s", iterations=20, gpu="0,1")
    interrupted = play_training(monkeypatch, tmp_path / "s", state, weights)
    with pytest.raises(KeyboardInterrupt):  # somebody stopped caffe, and it left a snapshot
        run_job(job, quiet=True)
    assert interrupted.words == ["--gpu=0,1"]
    names = [name.replace("10", "20") for name in (state, weights)]
    whole = play_training(monkeypatch, tmp_path / "s", *names)
    trained = run_job(job, quiet=True)
    assert whole.words == [f"--snapshot={tmp_path / 's' / state}", "--gpu=0,1"]
    assert trained.weights == tmp_path / "s" / names[1]
    assert (trained.iterations, trained.loss, trained.seconds) == (20, None, 1.0)
    assert str(trained) == f"{trained.weights}: 20 iterations"


def test_a_training_whose_loss_is_no_number_is_told(data, tmp_path, monkeypatch, capsys):
    files = [f"snapshot_iter_10.{kind}" for kind in ("solverstate", "caffemodel")]
    losses = ["3", "nan", "2", "inf", "-nan"]
    lines = [f"Iteration {2 * k}, loss = {loss}\n" for k, loss in enumerate(losses)]
    for lost in (0, 2):
        out = tmp_path / f"r{lost}"
        play_training(monkeypatch, out, *files, log="".join(lines[: 3 + lost]))
        assert train(data, out, 10, "--quiet") == 0
        told = capsys.readouterr().err
        assert bool(told) == bool(lost)
    assert f"{out / 'train.log'}: the loss is not finite since iteration 6" in told
    assert told.count("\n") == 1 and f"lower base_lr in {NETS / 'solver.prototxt'} and" in told
    for lost in (0, 2):
        assert train(data, tmp_path / f"r{lost}", 10) == 0
        assert ("next: dcme predict" in capsys.readouterr().out) == (not lost)
