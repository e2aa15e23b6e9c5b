"""What holds for every command."""

import argparse
import errno
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
from dcme.cli import COMMANDS, _parser, main
from dcme.errors import UserError
from dcme.files import write_png
from dcme.folder_lock import sole_writer


@pytest.mark.parametrize("command", COMMANDS)
def test_help_shows_an_example(command, capsys):
    with pytest.raises(SystemExit) as stop:
        main([command, "--help"])
    assert stop.value.code == 0
    assert f"example: dcme {command} " in capsys.readouterr().out


def test_help_imports_nothing_heavy():
    code = (
        "import sys; from dcme.cli import main\n"
        "try: main(['--help'])\n"
        "except SystemExit: pass\n"
        "heavy = {'cv2', 'matplotlib', 'tqdm', 'h5py', 'caffe'} & set(sys.modules)\n"
        "sys.exit(f'imports {heavy}' if heavy else 0)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, stdout=subprocess.DEVNULL)


def test_no_command_is_a_usage_error_answered_by_the_help(capsys):
    assert main([]) == 2
    shown = capsys.readouterr()
    assert shown.out == "" and "predict" in shown.err and "example:" in shown.err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["evaluat", "a", "b"], "dcme: error: there is no command 'evaluat': did you mean 'evalu"),
        (["fly"], "dcme: error: there is no command 'fly': there are synth, collect, "),
        (["plot", "a.png", "--colour"], "dcme plot: error: "),
        (
            ["predict", "a", "b", "c", "d", "--bach", "2"],
            "dcme predict: error: unrecognized argument: --bach; did you mean '--batch'?",
        ),
        (
            ["evaluate", "a", "b", "c"],
            "dcme evaluate: error: unrecognized argument: c (see dcme ev",
        ),
        (["plot", "--log", "a", "b.png"], "required: out (before --log, which takes all words"),
        (["plot", "--image", "a.png"], "required: out (see dcme plot"),
        (["decode", "a", "b", "--probability", "1.5"], "--probability: '1.5' is not a share from"),
        (["predict", "a", "b", "c", "d", "--scale", "0"], "--scale: 0 would leave nothing of the"),
        (["collect", "a", "b", "c", "--levels", "9,9"], "--levels: '9,9' is not LOW,HIGH"),
        (
            ["collect", "a", "b", "c", "--val-share", "1"],
            "--val-share: '1' is not a share from 0 to below 1",
        ),
    ],
)
def test_wrong_arguments_are_one_line_that_points_to_the_help(capsys, words, message):
    with pytest.raises(SystemExit) as stop:
        main(words)
    error = capsys.readouterr().err
    assert stop.value.code == 2 and error.count("\n") == 1
    assert message in error and error.endswith("--help)\n")


@pytest.mark.parametrize("command", COMMANDS)
def test_every_help_is_a_phrase_of_its_own(command):
    parser = next(
        action.choices[command]
        for action in _parser(command)._actions
        if isinstance(action, argparse._SubParsersAction)
    )
    for action in parser._actions:
        begun = re.match(
            r"(of|for|from|in|as|likewise|default|never|its own)\b", action.help or "of"
        )
        assert not begun, f"{action.option_strings or action.dest}: {action.help}"


@pytest.mark.parametrize("words", [("--debug", "decode"), ("decode", "--debug")])
def test_debug_shows_the_traceback_before_and_after_the_command(words, tmp_path):
    rest = [str(tmp_path / "none.npz"), str(tmp_path / "out")]
    with pytest.raises(UserError, match="no such file"):
        main([*words, *rest])
    assert main([words[1] if words[0] == "--debug" else words[0], *rest]) == 1


@pytest.mark.parametrize("command", ["", *COMMANDS])
def test_help_fits_on_a_terminal_of_80_columns(command, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    with pytest.raises(SystemExit):
        main([*command.split(), "--help"])
    assert max(map(len, capsys.readouterr().out.splitlines())) <= 80


def test_errors_of_the_system_name_the_file_first(tmp_path, capsys):
    (tmp_path / "file").write_text("")
    np.save(tmp_path / "v.npy", np.zeros((2, 8, 8), np.float32))
    assert main(["decode", str(tmp_path / "v.npy"), str(tmp_path / "file"), "--quiet"]) == 1
    line = capsys.readouterr().err
    assert "[Errno" not in line and f"error: {tmp_path / 'file'}" in line


def test_too_little_memory_is_one_line(monkeypatch, fails):
    from dcme.datasets import prepare

    def too_much(*_, **__):
        np.empty(1 << 50)

    monkeypatch.setattr(prepare, "prepare", too_much)
    assert "the memory does not suffice (Unable to allocate" in fails("prepare", "a", "b")


def test_ctrl_c_twice_ends_with_one_line():
    """The second one comes while the threads finish what they have begun."""
    code = (
        "import os, signal, sys, threading\n"
        "import dcme.stopping; dcme.stopping.IMPATIENCE = 600\n"
        "from dcme.datasets import prepare\n"
        "from dcme.cli import main\n"
        "from dcme.parallel import ordered_map\n"
        "first = threading.Event()\n"
        "def second(item):\n"
        "    if item > 0:\n"
        "        first.wait()\n"
        "        os.kill(os.getpid(), signal.SIGINT)\n"
        "def twice(*_, **__):\n"
        "    for _ in ordered_map(second, range(9), 3):\n"
        "        try:\n"
        "            os.kill(os.getpid(), signal.SIGINT)\n"
        "        except KeyboardInterrupt:\n"
        "            first.set()\n"
        "            raise\n"
        "prepare.prepare = twice\n"
        "sys.exit(main(['prepare', 'a', 'b']))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], stderr=subprocess.PIPE, text=True)
    assert (done.returncode, done.stderr) == (130, "dcme: interrupted\n")


@pytest.mark.parametrize("finishes", [False, True])
def test_a_second_signal_ends_what_the_first_one_does_not(finishes):
    """But not a training, which leaves a snapshot. Some seconds are as good as no end."""
    code = (
        "import contextlib, os, sys, time\n"
        "import dcme.stopping; dcme.stopping.IMPATIENCE = 0\n"
        "from dcme.datasets import prepare\n"
        "from dcme.cli import main\n"
        "from dcme.parallel import ordered_map\n"
        "def sleep(item):\n"
        "    os.write(1, b'begun\\n')\n"  # at once: two threads do so
        f"    time.sleep({3 if finishes else 600})\n"
        "def work(*_, **__):\n"
        f"    with {'dcme.stopping.must_finish' if finishes else 'contextlib.nullcontext'}():\n"
        "        list(ordered_map(sleep, range(2), 2))\n"
        "prepare.prepare = work\n"
        "sys.exit(main(['prepare', 'a', 'b']))\n"
    )
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen([sys.executable, "-c", code], **pipes) as process:
        try:
            assert process.stdout.readline() == process.stdout.readline() == "begun\n"
            time.sleep(0.2)
            for _ in range(3):
                process.send_signal(signal.SIGINT)
                time.sleep(0.2)
            _, error = process.communicate(timeout=300)
        finally:
            process.kill()
    assert (process.returncode, error) == (130, "dcme: interrupted\n" if finishes else "")


def test_ctrl_c_is_quiet_while_the_command_loads():
    """Before its signals are looked after, it ends at once, as programs do that have no Python."""
    code = (
        "import os, signal, sys\n"
        "from dcme_command import main\n"
        "class Interrupt:\n"
        "    def find_spec(self, name, *_):\n"
        "        if name == sys.argv[1]:\n"
        "            os.kill(os.getpid(), signal.SIGINT)\n"
        "sys.meta_path.insert(0, Interrupt())\n"
        "sys.argv[0] = 'dcme'\n"
        "sys.exit(main())\n"
    )
    for module in ("dcme", "dcme._core", "dcme.cli.prepare"):
        words = [sys.executable, "-c", code, module, "prepare", "a", "b"]
        done = subprocess.run(words, capture_output=True)
        assert (done.returncode, done.stdout, done.stderr) == (-signal.SIGINT, b"", b"")


def test_ctrl_c_ends_with_one_line(monkeypatch, capsys, tmp_path):
    from dcme.datasets import prepare

    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(prepare, "prepare", interrupted)
    assert main(["prepare", "a", str(tmp_path)]) == 130
    assert capsys.readouterr().err == "dcme: interrupted\n"


HOLDS = (
    "import sys, time\n"
    "from dcme.folder_lock import sole_writer\n"
    "with sole_writer(sys.argv[1]):\n"
    "    print('locked', flush=True)\n"
    "    time.sleep(600)\n"
)
FILLERS = {
    "synth": ["--train", "1", "--val", "0", "--size", "32x64"],
    "decode": [],
    "encode": ["--format", "npy"],
}


def test_a_folder_is_filled_by_one_command_at_a_time(tmp_path, fails):
    """The next one after the first was killed; what is refused leaves nothing."""
    np.save(tmp_path / "v.npy", np.zeros((2, 8, 8), np.float32))
    write_png(tmp_path / "ids.png", np.full((8, 8), 1001, np.uint16))
    sources = {"decode": [tmp_path / "v.npy"], "encode": [tmp_path / "ids.png"], "synth": []}
    out = tmp_path / "new" / "out"
    words = [sys.executable, "-c", HOLDS, str(out)]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout.readline() == "locked\n"
            for command, options in FILLERS.items():
                line = fails(command, *sources[command], out, *options)
                who = rf" \(process {process.pid}\)" if sys.platform == "linux" else ""
                assert re.search(f"{out}: another dcme command{who} is at work here", line)
            assert not list(out.iterdir())
        finally:
            process.kill()
    assert main(["decode", str(tmp_path / "v.npy"), str(out), "--quiet"]) == 0
    assert sorted(path.name for path in out.iterdir()) == ["classes.json", "instanceIds", "v.txt"]


def test_every_command_that_fills_a_folder_locks_it():
    words = {"out": "o", "vectors": "v", "format": "npz", "dry_run": False}
    locked = {
        name: import_module(f"dcme.cli.{name}").written(argparse.Namespace(**words))
        for name in COMMANDS
        if hasattr(import_module(f"dcme.cli.{name}"), "written")
    }
    fill = "synth collect prepare encode train predict decode reproduce demo".split()
    assert locked == {name: ["o", "v"] if name == "predict" else ["o"] for name in fill}


def test_a_folder_is_not_left_where_a_command_fails(tmp_path, fails):
    (tmp_path / "there").mkdir()
    for out in ("there", "new/out"):
        fails("decode", tmp_path / "none.npy", tmp_path / out)
    assert [path.name for path in tmp_path.iterdir()] == ["there"]


def test_a_file_system_without_locks_warns(tmp_path, monkeypatch):
    def none(*_):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr("fcntl.flock", none)
    with pytest.warns(UserWarning, match="locks no folders"), sole_writer(tmp_path / "a"):
        (tmp_path / "a" / "b").write_text("")
    assert (tmp_path / "a" / "b").is_file()


def test_names_that_the_output_cannot_show_end_no_work(tmp_path):
    write_png(tmp_path / "a.png", np.full((9, 9), 1001, np.uint16))
    words = [sys.executable, "-m", "dcme", "encode", "a.png", "\u00fc", "--classes", "1:a"]
    environment = {**os.environ, "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "1"}
    done = subprocess.run(words, cwd=tmp_path, env=environment, check=True, stdout=subprocess.PIPE)
    assert b"\\xfc" in done.stdout


def test_a_locale_that_is_not_of_utf8_is_told_before(tmp_path):
    write_png(tmp_path / "\u00fc.png", np.ones((9, 9), np.uint8))
    words = [sys.executable, "-m", "dcme", "collect", ".", ".", "out", "--classes", "1:a"]
    environment = {**os.environ, "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    done = subprocess.run(words, cwd=tmp_path, env=environment, stderr=subprocess.PIPE)
    assert done.returncode == 1 and b"set one that is, e.g. LC_ALL=C.UTF-8" in done.stderr
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("closed", [">&-", "<&- >&-", "<&- >&- 2>&-"])
def test_closed_streams_do_not_matter(tmp_path, closed):
    """Not even to what is written: a file must not take the place of the standard output."""
    words = shlex.join([sys.executable, "-m", "dcme", "synth", str(tmp_path / "city")])
    options = "--train 1 --val 0 --size 32x64 --quiet"
    done = subprocess.run(["sh", "-c", f"exec {words} {options} {closed}"], capture_output=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
    assert len(list((tmp_path / "city").rglob("*.png"))) > 2


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a device of Linux")
@pytest.mark.parametrize(("unbuffered", "where"), [("", "standard output: "), ("1", "")])
def test_output_to_a_full_disk_is_one_line(tmp_path, unbuffered, where):
    words = [sys.executable, "-m", "dcme", "synth", str(tmp_path / "city"), "--quiet"]
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [*words, "--train", "1", "--val", "0", "--size", "32x64"],
            stdout=full,
            env={**os.environ, "PYTHONUNBUFFERED": unbuffered},
            stderr=subprocess.PIPE,
            text=True,
        )
    line = f"dcme synth: error: {where}no space left on device\n"
    assert (done.returncode, done.stderr) == (1, line)


PRINTING = [["dcme", "--help"], ["dcme", "evaluate", "--help"], ["dcme", "--version"]]
PRINTING += [["dcme.training.log_table", "--help"]]


def call_of_printing(words):
    """A call of a module's ``main`` with buffered output, as on a user's machine."""
    module = "dcme.cli" if words[0] == "dcme" else words[0]
    code = f"import sys; from {module} import main; sys.exit(main())"
    return [sys.executable, "-c", code, *words[1:]]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a device of Linux")
@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize("words", PRINTING, ids=" ".join)
def test_help_that_cannot_be_written_is_an_error(words, unbuffered):
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            call_of_printing(words),
            env={**os.environ, "PYTHONUNBUFFERED": unbuffered},
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
        )
    assert done.returncode == 1
    assert done.stderr.endswith("no space left on device\n") and done.stderr.count("\n") == 1


@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize("words", PRINTING, ids=" ".join)
def test_help_that_nobody_reads_ends_without_a_word(words, unbuffered):
    ours, theirs = os.pipe()
    os.close(ours)
    done = subprocess.run(
        call_of_printing(words),
        env={**os.environ, "PYTHONUNBUFFERED": unbuffered},
        stdout=theirs,
        stderr=subprocess.PIPE,
    )
    os.close(theirs)
    assert (done.returncode, done.stderr) == (1, b"")


def test_what_fails_before_its_work_leaves_nothing_behind(tmp_path):
    """Settings that are written first would look like results, or be another run's."""
    for error, files, left in (
        (UserError, ["classes.json", "net/train.prototxt"], False),
        (UserError, ["classes.json", "a.txt"], True),
        (KeyboardInterrupt, ["predict.json"], True),
    ):
        out = tmp_path / "a" / "out"
        with pytest.raises(error), sole_writer(out):
            for name in files:
                (out / name).parent.mkdir(exist_ok=True)
                (out / name).touch()
            raise error
        assert (tmp_path / "a").exists() == left
        with pytest.raises(UserError), sole_writer(tmp_path):
            raise UserError
        assert all((out / name).exists() for name in files) == left
        if left:
            shutil.rmtree(tmp_path / "a")


def test_every_command_has_its_summary_beside_it(capsys):
    with pytest.raises(SystemExit):
        main(["--help"])
    told = capsys.readouterr().out
    for command, summary in COMMANDS.items():
        assert re.search(rf"^    {command} +{re.escape(summary[:20])}", told, re.MULTILINE)
