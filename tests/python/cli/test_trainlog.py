"""Reading training logs."""

import pytest
from dcme.errors import UserError
from dcme.trainlog import Curve, parse_log, read_log

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


def test_a_cut_last_line_is_ignored():
    assert parse_log(["Iteration 3 (1 iter/s, 1s/1 iters), loss = "]).loss.iterations == []


def test_smoothing_is_the_mean_of_the_last_points():
    assert Curve([0, 1, 2, 3], [4.0, 2.0, 0.0, 4.0]).smoothed(2).values == [4, 3, 1, 2]


def test_a_file_without_losses_names_itself(tmp_path):
    (tmp_path / "x.log").write_text("hello\n")
    with pytest.raises(UserError, match=r"x\.log"):
        read_log(tmp_path / "x.log")
