"""Curves of the losses in logs."""

from pathlib import Path
from unittest import mock

import cv2
import pytest
from dcme.cli import main


def test_loss_curves_are_written_in_the_format_of_the_suffix(tmp_path, fails):
    log = tmp_path / "run.log"
    log.write_text("Iteration 0, loss = 3\nIteration 1, loss = 2\n")
    for name in ("loss.png", "loss.svg"):
        assert main(["plot", str(tmp_path / name), "--log", str(log)]) == 0
        assert (tmp_path / name).stat().st_size > 1000
    assert "written as" in fails("plot", tmp_path / "loss.doc", "--log", log)


@pytest.fixture
def legend_of(tmp_path):
    """The legend of ``dcme plot --log`` for the texts of logs by their paths: names and lines."""

    def legend(**logs):
        paths = []
        for name, text in logs.items():
            path = tmp_path / name.replace("__", "/")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.with_suffix(".log").write_text(text)
            paths.append(str(path.with_suffix(".log")))
        with mock.patch("matplotlib.axes.Axes.legend", autospec=True) as made:
            assert main(["plot", str(tmp_path / "loss.svg"), "--log", *paths]) == 0
        lines, names = made.call_args.args[1:]
        return dict(zip(names, lines))

    return legend


TRAINING = "Iteration 0, loss = 3\n"
TESTS = "Iteration 0, Testing net (#0)\n    Test net output #0: a_loss = 3 (* 1 = 3 loss)\n"


def test_curves_of_logs_that_share_a_name_are_told_apart_by_their_folders(legend_of):
    assert list(legend_of(a__train=TRAINING, b__train=TRAINING)) == ["a", "b"]
    assert list(legend_of(r__train=TRAINING, r__b__train=TRAINING)) == ["r", "r/b"]
    names = list(legend_of(a__train=TRAINING, b__train=TRAINING, b__c=TRAINING))
    assert [Path(name).parts for name in names] == [("a", "train"), ("b", "train"), ("b", "c")]


@pytest.mark.parametrize(
    ("logs", "names"),
    [
        (("w/train.log.1", "w/train.log.2"), ["train.log.1", "train.log.2"]),
        (("w/a.log", "w/a.txt", "v/a.log"), ["w/a.log", "w/a.txt", "v/a.log"]),
        (("a.log", "a.txt", "b.log"), ["a.log", "a.txt", "b.log"]),
        (("w/a.log", "w/a.log"), ["a.log", "a.log"]),
    ],
)
def test_logs_of_one_folder_are_told_apart_by_their_suffixes(tmp_path, logs, names):
    for log in logs:
        (tmp_path / log).parent.mkdir(exist_ok=True)
        (tmp_path / log).write_text(TRAINING)
    with mock.patch("dcme.pictures.figures.plot_losses") as plot:
        main(["plot", str(tmp_path / "loss.svg"), "--log", *(str(tmp_path / log) for log in logs)])
    assert [name for name, _ in plot.call_args.args[1]] == names


@pytest.mark.parametrize(("line", "name"), [("Test loss: 4", ""), ("", ": a_loss")])
def test_the_loss_of_tests_is_one_curve_where_the_log_has_it(legend_of, line, name):
    assert list(legend_of(train=TRAINING + TESTS + line)) == ["training", f"held-out{name}"]


def test_each_of_many_logs_is_named_once_and_looks_different(legend_of):
    logs = {f"r{k}": TRAINING * (k + 1) + TESTS + "Test loss: 4\n" for k in range(12)}
    legend = legend_of(**logs)
    assert list(legend) == [*logs, "training", "held-out"]
    looks = {(legend[name].get_color(), legend[name].get_marker()) for name in logs}
    assert len(looks) == 12
    assert [legend[kind].get_linestyle() for kind in ("training", "held-out")] == ["-", "--"]


def test_a_legend_covers_no_curve(tmp_path):
    logs = []
    for k in range(12):
        logs.append(tmp_path / f"a_rather_long_name_of_a_run_{k}.log")
        logs[-1].write_text("".join(f"Iteration {i}, loss = {12 - k}\n" for i in range(30)))
    places = []

    def note(figure, *words, **options):
        figure.draw_without_rendering()
        axes = figure.axes[0]
        places.append((axes.get_window_extent(), axes.get_legend().get_window_extent()))
        places.append((axes.get_legend().get_window_extent(), figure.bbox))

    with mock.patch("matplotlib.figure.Figure.savefig", autospec=True, side_effect=note):
        main(["plot", str(tmp_path / "loss.png"), "--log", *map(str, logs)])
    (axes, legend), (_, figure) = places
    assert legend.x0 >= axes.x1 and axes.width > 0.4 * figure.width
    assert legend.y0 >= 0 and legend.y1 <= figure.y1 and legend.x1 <= figure.x1


def test_the_only_loss_of_a_short_run_is_seen(tmp_path):
    pictures = []
    for loss in ("Iteration 0, loss = 3\n", "Iteration 0, loss = nan\n"):
        (tmp_path / "run.log").write_text(loss)
        assert main(["plot", str(tmp_path / "l.png"), "--log", str(tmp_path / "run.log")]) == 0
        picture = cv2.imread(str(tmp_path / "l.png")).astype(int)
        centre = picture[
            picture.shape[0] // 4 : -picture.shape[0] // 4,
            picture.shape[1] // 3 : -picture.shape[1] // 3,
        ]
        pictures.append(((centre[..., 0] - centre[..., 2]) > 60).sum())  # blue
    assert pictures[0] > 50 and pictures[1] == 0
