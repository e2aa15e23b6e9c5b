"""What ``dcme train`` tells while it trains."""

from pathlib import Path

from dcme.training.job import Trained, TrainingProgress, duration
from dcme.training.log import TrainLog


def test_off_a_terminal_every_tenth_part_is_told(capsys):
    for quiet in (False, True):
        progress, log = TrainingProgress(100, start=20, quiet=quiet), TrainLog()
        for iteration in range(20, 100, 5):
            log.loss.add(iteration, iteration)
            progress(log, iteration - 20.0)
    first, *between, last = capsys.readouterr().out.splitlines()
    assert len(between) == 5
    assert first == "  iteration 30/100  loss 30  70 s left"
    assert last == "  iteration 90/100  loss 90  10 s left"


def test_progress_is_told_once_for_each_tenth_part(monkeypatch, capsys):
    monkeypatch.setattr("os.isatty", lambda _: False)
    progress, log = TrainingProgress(1000, start=299), TrainLog()
    for iteration in (299, 300, 399, 400, 450, 1000):
        log.loss.add(iteration, 1)
        progress(log, 10.0)
    told = [line.split()[1] for line in capsys.readouterr().out.splitlines()]
    assert told == ["300/1000", "400/1000", "1000/1000"]


def test_what_is_left_is_told_once_it_is_known_and_as_people_say_it(monkeypatch, capsys):
    monkeypatch.setattr("os.isatty", lambda _: True)
    progress, log = TrainingProgress(1000), TrainLog()
    for iteration, seconds in ((0, 2), (100, 6000), (900, 630), (990, 99), (1000, 100)):
        log.loss.add(iteration, 3)
        progress(log, seconds)
    shown = [line.strip() for line in capsys.readouterr().out.split("\r")[1:]]
    left = [line.partition("loss 3")[2].strip() for line in shown]
    assert left == ["", "15 h 0 min left", "70 s left", "1 s left", ""]
    assert duration(172_800) == "48 h 0 min" and duration(130 * 60) == "2 h 10 min"
    assert duration(100) == "2 min" and duration(3599) == "1 h 0 min"
    assert duration(89) == "89 s" and duration(90) == "2 min"


def test_no_line_is_longer_than_the_terminals(monkeypatch, capsys):
    monkeypatch.setattr("os.isatty", lambda _: True)
    monkeypatch.setenv("COLUMNS", "30")
    progress, log = TrainingProgress(1000), TrainLog()
    for iteration in (0, 100, 1000):
        log.loss.add(iteration, 3)
        progress(log, 6000)
    shown = capsys.readouterr().out.rstrip("\n").split("\r")[1:]
    assert [len(line) for line in shown] == [29] * 3


def test_one_iteration_is_one():
    assert str(Trained(Path("w"), 1, None, 1.0, None)) == "w: 1 iteration"
    assert str(Trained(Path("w"), 2, None, 1.0, None)) == "w: 2 iterations"


def test_a_solver_with_nothing_to_do_makes_no_progress(capsys):
    progress, log = TrainingProgress(0), TrainLog()
    log.loss.add(0, 3)
    progress(log, 1)
    assert capsys.readouterr().out == ""  # of no tenth part of the training
