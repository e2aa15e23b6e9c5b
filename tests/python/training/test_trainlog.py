"""Reading training logs."""

from datetime import datetime

import pytest
from dcme.errors import UserError
from dcme.training import log as train_log
from dcme.training import log_table
from dcme.training.log import Curve, parse_log, read_log

HEAD = "I0101 00:00:00.000000 00000 "
LOG = [
    "caffe.cpp:239] Starting Optimization",
    "solver.cpp:347] Iteration 0, Testing net (#0)",
    "solver.cpp:414]     Test net output #0: accuracy = 0.458333",
    "solver.cpp:414]     Test net output #1: loss = 1.10374 (* 1 = 1.10374 loss)",
    "solver.cpp:239] Iteration 0 (-1.56945e-43 iter/s, 0s/5 iters), loss = 1.34744",
    "solver.cpp:258]     Train net output #0: loss = 1.34744 (* 1 = 1.34744 loss)",
    "sgd_solver.cpp:112] Iteration 0, lr = 0.01",
    "solver.cpp:239] Iteration 5 (5 iter/s, 0s/5 iters), loss = 1.07818e+00",
    "solver.cpp:258]     Train net output #0: loss = 1.0",
    "sgd_solver.cpp:112] Iteration 5, lr = 1e-3",
    "solver.cpp:327] Iteration 10, loss = nan",
]


def test_losses_rates_and_outputs_by_iteration():
    log = parse_log(HEAD + line for line in LOG)
    assert log.loss.iterations == [0, 5, 10]
    assert log.loss.values[:2] == [1.34744, 1.07818]
    assert log.rate.values == [0.01, 0.001]
    assert log.test["accuracy"].values == [0.458333]
    assert log.test["loss"].iterations == [0]
    assert log.train["loss"].values == [1.34744, 1.0]


def test_a_resumed_run_replaces_the_iterations_it_repeats():
    lines = [
        f"Iteration {i} (1 iter/s, 1s/5 iters), loss = {v}"
        for i, v in ((0, 4), (5, 3), (10, 2), (5, 2.5), (10, 1))
    ]
    log = parse_log(lines)
    assert log.loss.iterations == [0, 5, 10]
    assert log.loss.values == [4, 2.5, 1]


def test_the_outputs_of_several_test_nets_are_kept_apart(tmp_path):
    text = "Iteration 0, loss = 4\n"
    for iteration in (0, 10):
        for net in (0, 1):
            text += (
                f"Iteration {iteration}, Testing net (#{net})\nTest loss: {net + 0.5}\n"
                f"    Test net output #0: accuracy = {iteration + net}\n"
            )
    (tmp_path / "two.log").write_text(text)
    log = read_log(tmp_path / "two.log")
    assert log.test_loss == Curve([0, 10], [0.5, 0.5])
    assert log.test == {
        "accuracy": Curve([0, 10], [0, 10]),
        "accuracy (#1)": Curve([0, 10], [1, 11]),
    }
    head, rows = log_table.table(log, test=True)
    assert head[3:] == list(log.test) and [row[3:] for row in rows] == [[0, 1], [10, 11]]


def test_a_cut_last_line_is_ignored():
    assert parse_log(["Iteration 3 (1 iter/s, 1s/1 iters), loss = "]).loss.iterations == []


def test_a_line_of_nothing_but_digits_costs_no_time_worth_mentioning():
    digits = 300_000 * "1"
    lines = [
        f"Iteration 2, loss = {digits}x",
        f"Iteration 3, lr = {digits}x",
        "Iteration 4, loss = 2.",
    ]
    assert parse_log(lines).loss.values == [2]


def test_smoothing_is_the_mean_of_the_last_points():
    assert Curve([0, 1, 2, 3], [4.0, 2.0, 0.0, 4.0]).smoothed(2).values == [4, 3, 1, 2]


def test_a_file_without_losses_names_itself(tmp_path):
    (tmp_path / "x.log").write_text("hello\n")
    with pytest.raises(UserError, match=r"x\.log"):
        read_log(tmp_path / "x.log")


def stamped(stamp, text):
    return f"I{stamp} 4711 solver.cpp:1] {text}"


def test_tables_have_a_row_for_each_time_the_nets_said_something(tmp_path, capsys):
    lines = [
        stamped("1231 23:59:50.000000", "Solving small"),
        stamped("1231 23:59:50.500000", "Iteration 0, Testing net (#0)"),
        stamped("1231 23:59:51.000000", "    Test net output #0: accuracy = 0.25"),
        stamped("1231 23:59:51.500000", "Iteration 0 (0 iter/s, 1s/5 iters), loss = 4"),
        stamped("1231 23:59:51.500000", "    Train net output #0: loss_a = 3 (* 1 = 3 loss)"),
        stamped("1231 23:59:51.500000", "    Train net output #1: loss_b = 1 (* 1 = 1 loss)"),
        stamped("1231 23:59:51.500000", "Iteration 0, lr = 0.1"),
        stamped("0101 00:00:02.000000", "Iteration 5 (1 iter/s, 5s/5 iters), loss = 2"),
        stamped("0101 00:00:02.000000", "    Train net output #0: loss_a = 1.5 (* 1 = 1.5 loss)"),
        stamped("0101 00:00:02.000000", "    Train net output #1: loss_b = 0.5 (* 1 = 0.5 loss)"),
        stamped("0101 00:00:02.000000", "Iteration 5, lr = 0.01"),
        stamped("0101 00:00:03.000000", "Iteration 7, Testing net (#0)"),
        stamped("0101 00:00:03.000000", "    Test net output #0: accuracy = 0.75"),
    ]
    log = tmp_path / "small.log"
    log.write_text("\n".join(lines))
    assert log_table.main([str(log), str(tmp_path / "tables"), "--verbose"]) == 0
    assert (tmp_path / "tables" / "small.log.train").read_text().splitlines() == [
        "NumIters,Seconds,LearningRate,loss_a,loss_b",
        "0,1.5,0.1,3.0,1.0",
        "5,12.0,0.01,1.5,0.5",
    ]
    assert (tmp_path / "tables" / "small.log.test").read_text().splitlines() == [
        "NumIters,Seconds,LearningRate,accuracy",
        "0,0.5,0.1,0.25",
        "7,13.0,0.01,0.75",
    ]
    assert capsys.readouterr().out.count("wrote ") == 2


def test_what_was_not_told_is_no_table(tmp_path, capsys):
    log = tmp_path / "train.log"
    log.write_text("\n".join(LOG[-1:]))
    assert log_table.main([str(log), str(tmp_path), "--delimiter", ";"]) == 0
    assert not (tmp_path / "train.log.test").exists()
    assert (tmp_path / "train.log.train").read_text() == (
        "NumIters;Seconds;LearningRate;loss\n10;nan;nan;nan\n"
    )
    log.write_text("nothing\n")
    assert log_table.main([str(log), str(tmp_path)]) == 1
    assert "train.log: holds no line" in capsys.readouterr().err


def seconds(stamps):
    """When the losses of a log were told whose lines have such stamps; the first is the start."""
    lines = [stamped(stamps[0], "Solving small")]
    for iteration, stamp in enumerate(stamps[1:]):
        lines.append(stamped(stamp, f"Iteration {iteration} (1 iter/s, 1s/1 iters), loss = 4"))
    return parse_log(lines).train_seconds.values


DAY = 24 * 3600


@pytest.mark.parametrize(
    ("year", "stamps", "expected"),
    [
        (
            2026,
            ["0228 23:59:50", "0228 23:59:58", "0229 00:00:08", "0301 00:00:00"],
            [8, 18, DAY + 10],
        ),
        (2026, ["0229 12:00:00", "0229 12:00:01", "0301 12:00:00"], [1, DAY]),
        (2026, ["1231 00:00:00", "0101 00:00:00", "0229 00:00:00"], [DAY, 60 * DAY]),
        (2026, ["1231 00:00:00", "0229 00:00:00", "0301 00:00:00"], [60 * DAY, 61 * DAY]),
        (2028, ["0228 00:00:00", "0229 00:00:00", "0301 00:00:00"], [DAY, 2 * DAY]),
        (2026, ["0228 00:00:00", "0301 00:00:00"], [DAY]),
        (2026, ["0228 00:00:00", "0231 00:00:00", "0301 00:00:00"], [0, DAY]),
    ],
)
def test_stamps_without_the_year_are_days_of_one_that_has_them(monkeypatch, year, stamps, expected):
    class Today(datetime):
        @classmethod
        def now(cls, tz=None):
            return cls(year, 11, 27)

    monkeypatch.setattr(train_log, "datetime", Today)
    assert seconds([f"{stamp}.000000" for stamp in stamps]) == expected


def test_stamps_with_the_year_are_taken_at_their_word():
    assert seconds(["20231231 23:00:00.000000", "20240101 00:00:00.500000"]) == [3600.5]
    of_years = ["20240228 00:00:00.000000", "20240301 00:00:00.000000", "20250301 00:00:00.000000"]
    assert seconds(of_years) == [2 * DAY, 367 * DAY]


def test_logs_may_hold_names_that_are_not_utf_8(tmp_path):
    line = stamped(
        "0315 13:05:40.000000", "Iteration 5 (1 iter/s, 5s/5 iters), loss = 2\r\n"
    ).encode()
    (tmp_path / "x.log").write_bytes(b"Finetuning from /home/m\xfcller/x\n" + line)
    assert read_log(tmp_path / "x.log").loss.last == (5, 2.0)
    for contents in (line.decode().encode("utf-16"), b"\x89PNG\0\xff"):
        (tmp_path / "x.log").write_bytes(contents)
        with pytest.raises(UserError, match=r"x\.log: not a text file"):
            read_log(tmp_path / "x.log")
