"""Whatever is wrong with a solver is answered with the solver's file, and with what to do."""

import re

import pytest
from support import command

import caffe

NET = """name: "small"
layer { name: "in" type: "Input" top: "x" input_param { shape { dim: 2 dim: 3 } } }
layer { name: "ip" type: "InnerProduct" bottom: "x" top: "ip"
  inner_product_param { num_output: 4 } }
layer { name: "loss" type: "EuclideanLoss" bottom: "ip" bottom: "ip" top: "loss" }
"""
SOLVER = """net: "net.prototxt"
base_lr: 0.1
lr_policy: "fixed"
max_iter: 2
weight_decay: 1
"""

# (what of the solver is replaced, by what, what the answer says)
BAD = [
    ("max_iter: 2", "max_iter: many", "solver.prototxt:4:"),
    ("max_iter", "max_itre", "solver.prototxt:4:"),
    ('net: "net.prototxt"\n', "", "the solver names no train net"),
    ('net: "net', 'train_net: "net.prototxt"\nnet: "net', "the solver names several train nets"),
    ("net.prototxt", "none.prototxt", "net 'none.prototxt' does not exist"),
    ('net: "net', 'train_net: "none', "train_net 'none.prototxt' does not exist"),
    ("max_iter", 'test_net: "none.prototxt"\ntest_iter: 1\nmax_iter', "test_net 'none.prototxt'"),
    ("max_iter", 'test_net: "net.prototxt"\nmax_iter', "each test net needs its test_iter"),
    ("max_iter", "test_iter: 1\nmax_iter", "test_interval must be set"),
    ("max_iter", "test_iter: -1\ntest_interval: 1\nmax_iter", "test_iter counts batches (got -1"),
    (
        "max_iter",
        "test_iter: 1\ntest_interval: 1\ntest_state {}\ntest_state {}\nmax_iter",
        "2 test_state for 1 test nets",
    ),
    ("max_iter: 2\n", "", "max_iter is missing"),
    ("base_lr: 0.1\n", "", "base_lr is missing"),
    ('lr_policy: "fixed"\n', "", "lr_policy is missing: use fixed, step"),
    ("fixed", "stepp", "unknown lr_policy 'stepp' (did you mean step"),
    ("fixed", "step", "lr_policy step needs stepsize"),
    ("fixed", "sigmoid", "lr_policy sigmoid needs stepsize"),
    ('"fixed"', '"exp"\ngamma: -1', "lr_policy exp needs a gamma of at least 0"),
    (
        '"fixed"',
        '"multistep"\nstepvalue: 9\nstepvalue: 5',
        "no stepvalue may be below the one before (got 5, needed >= 9)",
    ),
    ("max_iter", 'regularization_type: "L3"\nmax_iter', "unknown regularization_type 'L3'"),
    ("max_iter", 'type: "Adm"\nmax_iter', "unknown solver type 'Adm' (did you mean Adam"),
    ("max_iter", 'type: "LARS"\nmax_iter', "solvers of your own come in a plug-in"),
    ("max_iter", 'type: "Adam"\nsolver_type: ADAM\nmax_iter', "keep only `type`"),
    ("max_iter", 'type: "AdaGrad"\nmomentum: 0.9\nmax_iter', "AdaGrad has no momentum"),
    ("max_iter", 'type: "RMSProp"\nrms_decay: 1\nmax_iter', "rms_decay lies in [0, 1)"),
    ("max_iter", "average_loss: 0\nmax_iter", "average_loss counts iterations (got 0"),
    ("max_iter", "iter_size: 0\nmax_iter", "iter_size counts batches (got 0"),
    (
        "max_iter",
        "loss_scale: 0\nmax_iter",
        "loss_scale multiplies gradients; 1 changes nothing (got 0",
    ),
    (
        "max_iter",
        'snapshot_prefix: "no/where"\nmax_iter',
        "cannot write snapshots to snapshot_prefix 'no/where'",
    ),
    ("max_iter", 'snapshot: 1\nsnapshot_prefix: "no/where"\nmax_iter', "'no/where'"),
]


@pytest.fixture(params=BAD, ids=[f"{old.strip()}-{new.strip()}" for old, new, _ in BAD])
def wrong(request, tmp_path):
    """A folder with a solver, and what is to be said of it."""
    old, new, answer = request.param
    assert SOLVER.count(old) == 1
    (tmp_path / "net.prototxt").write_text(NET)
    (tmp_path / "my_solver.prototxt").write_text(SOLVER.replace(old, new))
    return tmp_path, answer


def test_the_command_names_the_file(wrong):
    folder, answer = wrong
    line = command.fail(folder, "train", "--solver=my_solver.prototxt")
    assert "my_solver.prototxt:" in line
    assert answer in line


def test_python_names_the_file(wrong, monkeypatch):
    folder, answer = wrong
    monkeypatch.chdir(folder)
    with pytest.raises(caffe.Error, match=re.escape(answer)) as error:
        caffe.get_solver("my_solver.prototxt").solve()
    assert "my_solver.prototxt:" in str(error.value)


def test_a_solver_of_a_class_names_the_file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "net.prototxt").write_text(NET)
    (tmp_path / "my_solver.prototxt").write_text(SOLVER + "momentum: 0.9")
    with pytest.raises(caffe.Error, match=r"my_solver\.prototxt: AdaGrad has no momentum"):
        caffe.AdaGradSolver("my_solver.prototxt")
    (tmp_path / "my_solver.prototxt").write_text(SOLVER.replace("fixed", "fast"))
    solver = caffe.SGDSolver("my_solver.prototxt")
    with pytest.raises(caffe.Error, match=r"my_solver\.prototxt: unknown lr_policy 'fast'"):
        solver.step(1)
