"""What holds for every command."""

import subprocess
import sys

import numpy as np
import pytest
from dcme.cli import COMMANDS, main


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


def test_errors_of_the_system_name_the_file_first(tmp_path, capsys):
    (tmp_path / "file").write_text("")
    np.save(tmp_path / "v.npy", np.zeros((2, 8, 8), np.float32))
    assert main(["decode", str(tmp_path / "v.npy"), str(tmp_path / "file"), "--quiet"]) == 1
    line = capsys.readouterr().err
    assert "[Errno" not in line and f"error: {tmp_path / 'file'}" in line


def test_ctrl_c_ends_with_one_line(monkeypatch, capsys, tmp_path):
    from dcme import prepare

    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(prepare, "prepare", interrupted)
    assert main(["prepare", "a", str(tmp_path)]) == 130
    assert capsys.readouterr().err == "dcme: interrupted\n"
