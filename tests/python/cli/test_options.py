"""Options are obeyed or refused, never passed over."""

import argparse

import cv2
import numpy as np
import pytest
from dcme.cli import main
from dcme.cli.options import add_decoding
from dcme.results.decode import Decoding


@pytest.fixture
def listed(tmp_path):
    """A list of one image and its instance map."""
    cv2.imwrite(str(tmp_path / "a.png"), np.zeros((8, 8), np.uint8))
    ids = np.zeros((8, 8), np.uint16)
    ids[2:5, 2:5] = 1001
    cv2.imwrite(str(tmp_path / "ids.png"), ids)
    (tmp_path / "train.txt").write_text("a.png ids.png\n")
    return tmp_path / "train.txt"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--classes", "1:cell"], "--classes and --smallest are for --crops"),
        (["--smallest", "9"], "--classes and --smallest are for --crops"),
        (["--splits", "val"], "--splits is for a Cityscapes root"),
        (["--crops", "9", "--size", "4x4"], "--crops cannot be combined with --size"),
    ],
)
def test_options_of_prepare_that_would_do_nothing(listed, tmp_path, fails, words, message):
    assert message in fails("prepare", listed, tmp_path / "out", *words)
    assert not (tmp_path / "out").exists()


def test_an_empty_list_of_splits_is_a_usage_error(listed, tmp_path, capsys):
    with pytest.raises(SystemExit) as stop:
        main(["prepare", str(listed.parent), str(tmp_path / "out"), "--splits", ""])
    assert stop.value.code == 2 and "is not a list of names" in capsys.readouterr().err


def test_an_hdf5_file_gets_a_name_that_decode_knows(listed, tmp_path, fails):
    ids, out = listed.parent / "ids.png", tmp_path / "vectors"
    words = ["encode", ids, out, "--format", "h5", "--classes", "1:cell", "--quiet"]
    assert "the name of an HDF5 file ends in .h5 or .hdf5" in fails(*words)


def test_an_output_below_a_file_is_one_line(listed, fails):
    line = fails("prepare", listed, listed.parent / "a.png", "--quiet")
    assert "a.png: is a file; name a folder" in line
    line = fails("encode", listed, listed.parent / "a.png" / "v", "--classes", "1:cell", "--quiet")
    assert "is no folder, or lies below a file" in line


@pytest.mark.parametrize("size", ["0x8", "8x0", "00x100", "8x000"])
def test_a_size_has_two_sides(listed, tmp_path, capsys, size):
    with pytest.raises(SystemExit) as stop:
        main(["prepare", str(listed), str(tmp_path / "out"), "--size", size])
    assert stop.value.code == 2 and f"'{size}' is not a size" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["train nets data out", "demo out"])
def test_more_iterations_than_a_solver_counts_are_a_usage_error(capsys, command):
    with pytest.raises(SystemExit) as stop:
        main([*command.split(), "--iterations", "3000000000"])
    error = capsys.readouterr().err
    assert stop.value.code == 2 and "argument --iterations: 3000000000 is more than a" in error


def test_an_output_that_is_a_device_is_one_line(fails):
    assert "/dev/null: is a file; name a folder" in fails("synth", "/dev/null", "--train", 1)


def test_the_version_is_told(capsys):
    with pytest.raises(SystemExit) as stop:
        main(["--version"])
    assert stop.value.code == 0 and capsys.readouterr().out.startswith("dcme 0.")


def test_the_defaults_of_the_decoder_are_told():
    parser = argparse.ArgumentParser()
    add_decoding(parser, "in SOURCE")
    told = " ".join(parser.format_help().split())
    for name in ("dt", "vt", "et", "foreground", "probability"):
        option = told.partition(f" --{name} ")[2].partition(" --")[0]
        assert f"default: {getattr(Decoding(), name):g}" in option
    assert f"default: {Decoding().mode}" in told


@pytest.mark.parametrize(
    "command", ["collect images masks out", "evaluate r city", "prepare city out", "train n d out"]
)
def test_of_two_lists_of_classes_none_is_passed_over(capsys, command):
    with pytest.raises(SystemExit) as stop:
        main([*command.split(), "--classes", "1:nucleus", "--classes", "2:cell"])
    error = capsys.readouterr().err
    assert stop.value.code == 2 and "argument --classes: is given twice; name all in one" in error
