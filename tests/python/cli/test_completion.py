"""Completion of both commands in bash."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPTS = Path(sys.prefix) / "share" / "bash-completion" / "completions"

pytestmark = pytest.mark.skipif(shutil.which("bash") is None, reason="needs bash")


def completed(*words, folder="."):
    """What bash offers for the last of the words."""
    command = words[0]
    code = (
        'source "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1))\n'
        "compopt() { :; }\n"
        f'_{command} {command} "${{COMP_WORDS[COMP_CWORD]}}" "${{COMP_WORDS[COMP_CWORD-1]}}"\n'
        'printf "%s\\n" "${COMPREPLY[@]}"\n'
    )
    run = ["bash", "-c", code, "bash", SCRIPTS / command, *words]
    path = f"{Path(sys.executable).parent}:/usr/bin:/bin"
    done = subprocess.run(
        run, check=True, stdout=subprocess.PIPE, text=True, cwd=folder, env={"PATH": path}
    )
    return list(dict.fromkeys(done.stdout.split()))  # bash shows a word once


def test_dcme():
    assert completed("dcme", "pre") == ["prepare", "predict"]
    assert completed("dcme", "predict", "--mo") == ["--mode"]
    assert completed("dcme", "predict", "--mode", "w") == ["watershed"]
    assert completed("dcme", "encode", "--anchor", "") == ["mass", "box"]
    assert completed("dcme", "oracle", "") == ["ceiling", "instance", "class"]


def test_caffe():
    assert completed("caffe", "ch") == ["check"]
    assert completed("caffe", "train", "--sol") == ["--solver"]
    assert completed("caffe", "train", "--precision", "B") == ["BF16"]
    assert completed("caffe", "train", "--plu") == ["--plugin"]
    assert completed("caffe", "--minl") == ["--minloglevel"]


def test_caffe_takes_flags_of_one_dash():
    assert completed("caffe", "train", "-so") == ["-solver"]
    assert completed("caffe", "train", "-precision", "B") == ["BF16"]


@pytest.mark.parametrize("flag", ["--iterations", "--level", "--stage", "--minloglevel"])
def test_caffe_proposes_no_numbers(flag):
    assert completed("caffe", "test", flag, "=") == []
    assert completed("caffe", "test", flag, "") == []


def test_weights_are_a_list_of_files(tmp_path):
    for name in ("a.caffemodel", "b.caffemodel", "b.txt"):
        (tmp_path / name).touch()
    for typed in (["--weights"], ["--weights", "="]):
        assert completed("caffe", "train", *typed, "a.caffemodel,b", folder=tmp_path) == [
            "a.caffemodel,b.caffemodel"
        ]
        assert completed("caffe", "train", *typed, "a", folder=tmp_path) == ["a.caffemodel"]


def test_nets_of_other_names_are_found(tmp_path):
    (tmp_path / "lenet.pt").touch()
    assert completed("caffe", "test", "--model", "len", folder=tmp_path) == ["lenet.pt"]


@pytest.mark.parametrize(("command", "words"), [("dcme", ["plot"]), ("caffe", ["time", "--model"])])
def test_file_names(tmp_path, command, words):
    (tmp_path / "net.prototxt").touch()
    assert completed(command, *words, "ne", folder=tmp_path) == ["net.prototxt"]
