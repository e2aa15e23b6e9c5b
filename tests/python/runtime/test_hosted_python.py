"""The interpreter that the caffe command starts for layers in Python, and what it ends with it."""

import contextlib
import os
import signal
import subprocess
import sys

import pytest
from support import command

HOSTED = """
import atexit, multiprocessing, os, signal, sys, time
from pathlib import Path
import caffe

def work():
    time.sleep(1000)

class Hosted(caffe.Layer):
    def setup(self, bottom, top):
        self.worker = multiprocessing.get_context("fork").Process(target=work, daemon=True)
        self.worker.start()
        Path("worker").write_text(str(self.worker.pid))
        Path("version").write_text(sys.version)
        atexit.register(Path("ended").write_text, "yes")
        print("printed by a layer")

    def reshape(self, bottom, top):
        top[0].reshape()

    def forward(self, bottom, top):
        if self.param_str == "error":
            raise ValueError("on purpose")
        if self.param_str == "interrupt":
            os.kill(os.getpid(), signal.SIGINT)

    def backward(self, top, propagate_down, bottom):
        pass
"""


@pytest.fixture
def run_hosted(tmp_path):
    """Runs `caffe train` with a layer that has a worker process; returns its exit status."""

    def run(param_str=""):
        (tmp_path / "hosted.py").write_text(HOSTED)
        solver = f"""net_param {{ layer {{ name: "h" type: "Python" top: "h" loss_weight: 1
          python_param {{ module: "hosted" layer: "Hosted" param_str: "{param_str}" }} }} }}
        base_lr: 1 lr_policy: "fixed" max_iter: 3 snapshot_after_train: false solver_mode: CPU"""
        (tmp_path / "solver.prototxt").write_text(solver)
        with open(tmp_path / "out", "w") as out:
            return subprocess.run(
                command.call("train", "--solver=solver.prototxt"),
                cwd=tmp_path,
                stdout=out,
                stderr=subprocess.DEVNULL,
                timeout=100,
                check=False,
            ).returncode

    yield run
    with contextlib.suppress(OSError):
        os.kill(int((tmp_path / "worker").read_text()), signal.SIGKILL)


@pytest.mark.parametrize(("param_str", "status"), [("", 0), ("error", 1), ("interrupt", 0)])
def test_the_caffe_command_ends_what_its_layers_have_started(
    run_hosted, tmp_path, param_str, status
):
    assert run_hosted(param_str) == status
    assert (tmp_path / "ended").read_text() == "yes"
    assert "printed by a layer" in (tmp_path / "out").read_text()
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "worker").read_text()), 0)


def test_the_caffe_command_has_the_python_that_the_package_is_for(run_hosted, tmp_path):
    assert run_hosted() == 0
    assert (tmp_path / "version").read_text() == sys.version
