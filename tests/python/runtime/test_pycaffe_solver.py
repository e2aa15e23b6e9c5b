"""caffe.get_solver and the six solvers."""

import copy
import gc

import numpy as np
import pytest

import caffe

NET = """
layer { name: "data" type: "Input" top: "x" top: "t"
        input_param { shape { dim: 4 dim: 3 } shape { dim: 4 dim: 1 } } }
layer { name: "ip" type: "InnerProduct" bottom: "x" top: "y"
        inner_product_param { num_output: 1 weight_filler { type: "constant" value: 1 } } }
layer { name: "loss" type: "EuclideanLoss" bottom: "y" bottom: "t" top: "loss" }
"""
SOLVER = """
net: "{folder}/net.prototxt" test_iter: 1 test_interval: 100 test_initialization: false
base_lr: 0.1 lr_policy: "step" stepsize: 3 gamma: 0.5 max_iter: 8 {more}
snapshot_prefix: "{folder}/model" snapshot_after_train: false solver_mode: CPU
"""


def write(folder, more=""):
    (folder / "net.prototxt").write_text(NET)
    path = folder / "solver.prototxt"
    path.write_text(SOLVER.format(folder=folder, more=more))
    return str(path)


def feed(solver):
    x = np.random.default_rng(0).normal(size=(4, 3))
    solver.net.blobs["x"].data[...] = x
    solver.net.blobs["t"].data[...] = x @ [[1], [2], [3]]


@pytest.mark.parametrize("kind", ["SGD", "Nesterov", "AdaGrad", "RMSProp", "AdaDelta", "Adam"])
def test_get_solver_gives_the_kind_that_the_file_names(tmp_path, kind):
    solver = caffe.get_solver(write(tmp_path, f'type: "{kind}"'))
    assert type(solver) is getattr(caffe, kind + "Solver")
    assert isinstance(solver, caffe.Solver)
    assert solver.type == kind


def test_a_solver_class_overrides_the_files_type(tmp_path):
    solver = caffe.AdamSolver(write(tmp_path, 'type: "SGD"'))
    assert solver.param.type == "Adam"


def test_steps_change_parameters_and_count(tmp_path):
    solver = caffe.get_solver(write(tmp_path))
    feed(solver)
    before = solver.net.params["ip"][0].data.copy()
    solver.step(2)
    assert solver.iter == 2
    assert not np.array_equal(before, solver.net.params["ip"][0].data)
    solver.solve()
    assert solver.iter == 8
    with pytest.raises(TypeError, match=r"whole number of iterations, not 0\.5"):
        solver.step(1 / 2)


def test_lr_is_that_of_the_next_iteration(tmp_path):
    solver = caffe.get_solver(write(tmp_path))
    feed(solver)
    rates = []
    for _ in range(5):
        rates.append(solver.lr)
        solver.step(1)
    np.testing.assert_allclose(rates, [0.1, 0.1, 0.1, 0.05, 0.05], rtol=1e-6)


def test_param_can_be_read_and_changed_while_training(tmp_path):
    solver = caffe.get_solver(write(tmp_path))
    assert (solver.param.max_iter, solver.param.lr_policy) == (8, "step")
    solver.param.base_lr = 0.01
    assert solver.param.base_lr == pytest.approx(0.01)
    assert solver.lr == pytest.approx(0.01)
    with pytest.raises(AttributeError):
        solver.param.bsae_lr = 1


def test_repeated_fields_of_param_are_set_as_a_whole(tmp_path):
    solver = caffe.get_solver(write(tmp_path, "stepvalue: 2"))
    solver.param.lr_policy = "multistep"
    assert solver.param.stepvalue == (2,)
    with pytest.raises(AttributeError):
        solver.param.stepvalue.append(3)
    solver.param.stepvalue = [1, 2, *solver.param.stepvalue]
    solver.param.base_lr = 0.4
    assert solver.param.stepvalue == (1, 2, 2)
    feed(solver)
    rates = []
    for _ in range(3):
        rates.append(solver.lr)
        solver.step(1)
    np.testing.assert_allclose(rates, [0.4, 0.2, 0.05], rtol=1e-6)


def test_settings_can_be_copied_and_listed(tmp_path):
    solver = caffe.get_solver(write(tmp_path))
    copied = copy.copy(solver.param)
    copied.base_lr = 0.3
    assert solver.param.base_lr == pytest.approx(0.3)
    assert {"base_lr", "stepvalue", "max_iter"} <= set(dir(solver.param))
    assert "snapshot_format" in dir(solver.param)  # the file does not say it
    assert not hasattr(solver.param, "_none")


@pytest.mark.parametrize("field", ["type", "net", "random_seed", "test_net", "solver_mode"])
def test_param_refuses_what_cannot_count_any_more(tmp_path, field):
    solver = caffe.get_solver(write(tmp_path))
    with pytest.raises(AttributeError, match=rf"param\.{field} was read .* prototxt"):
        setattr(solver.param, field, getattr(solver.param, field))


def test_steps_are_as_many_as_iterations_can_be(tmp_path):
    solver = caffe.get_solver(write(tmp_path))
    with pytest.raises(ValueError, match=f"at most 2147483647 iterations, not {2**40}"):
        solver.step(2**40)


@pytest.mark.parametrize(
    ("field", "value"), [("iter_size", 0), ("average_loss", 0), ("loss_scale", -1)]
)
def test_param_cannot_become_what_no_solver_may_have(tmp_path, field, value):
    solver = caffe.get_solver(write(tmp_path))
    before = getattr(solver.param, field)
    with pytest.raises(caffe.Error, match=field):
        setattr(solver.param, field, value)
    assert getattr(solver.param, field) == before


def test_apply_update_subtracts_the_rate_times_the_diff(tmp_path):
    solver = caffe.get_solver(write(tmp_path))
    weights = solver.net.layers[1].blobs[0].data
    weights[...] = 0
    solver.net.layers[1].blobs[0].diff[...] = 1
    solver.apply_update()
    np.testing.assert_allclose(weights, -0.1, rtol=1e-6)


def test_nets_stay_usable_when_the_solver_is_gone(tmp_path):
    solver = caffe.get_solver(write(tmp_path))
    nets = [solver.net, *solver.test_nets]
    assert len(nets) == 2
    assert solver.net is solver.net
    del solver
    gc.collect()
    for net in nets:
        assert np.isfinite(net.forward()["loss"])
        assert net.params["ip"][0].data.sum() == 3


def test_test_nets_share_the_weights_and_other_nets_can(tmp_path):
    solver = caffe.get_solver(write(tmp_path))
    other = caffe.Net(str(tmp_path / "net.prototxt"), caffe.TEST)
    solver.share_weights(other)
    feed(solver)
    solver.step(1)
    solver.test_nets[0].share_with(solver.net)
    np.testing.assert_array_equal(other.params["ip"][0].data, solver.net.params["ip"][0].data)


@pytest.mark.parametrize("form", ["BINARYPROTO", "HDF5"])
def test_snapshots_are_written_and_continued(tmp_path, form):
    more = f'type: "Adam" momentum: 0.9 snapshot_format: {form}'
    suffix = ".h5" if form == "HDF5" else ""
    solver = caffe.get_solver(write(tmp_path, more))
    feed(solver)
    solver.step(3)
    solver.snapshot()
    assert (tmp_path / f"model_iter_3.caffemodel{suffix}").exists()
    solver.step(2)
    other = caffe.get_solver(write(tmp_path, more))
    other.restore(tmp_path / f"model_iter_3.solverstate{suffix}")
    assert other.iter == 3
    feed(other)
    other.step(2)
    np.testing.assert_array_equal(solver.net.params["ip"][0].data, other.net.params["ip"][0].data)


def test_callbacks_run_around_the_gradients(tmp_path):
    solver = caffe.get_solver(write(tmp_path))
    feed(solver)
    seen = []
    diff = solver.net.params["ip"][0].diff
    solver.add_callback(
        lambda: seen.append("start"), lambda: seen.append(bool(np.abs(diff).sum() > 0))
    )
    solver.step(2)
    assert seen == ["start", True, "start", True]


def test_a_solver_refuses_callbacks_that_cannot_be_called(tmp_path):
    solver = caffe.get_solver(write(tmp_path))
    for functions in ((3,), (lambda: None, 4), (None, "function")):
        with pytest.raises(TypeError, match="a callback must be a function, not"):
            solver.add_callback(*functions)
    solver.add_callback(None, None)
    solver.step(1)


def test_the_nets_of_a_solver_cannot_be_set(tmp_path):
    solver = caffe.get_solver(write(tmp_path))
    for name in ("net", "test_nets"):
        with pytest.raises(AttributeError, match=rf"SGDSolver\.{name} cannot be set"):
            setattr(solver, name, None)


def test_an_exception_in_a_callback_ends_the_run(tmp_path):
    solver = caffe.get_solver(write(tmp_path))
    solver.add_callback(lambda: 1 / 0, lambda: None)
    with pytest.raises(ZeroDivisionError):
        solver.solve()


def test_an_exception_in_backward_does_not_leave_the_loss_scaled(tmp_path):
    solver = caffe.get_solver(write(tmp_path, "loss_scale: 1000"))
    feed(solver)
    solver.net.forward()
    loss = float(solver.net.blobs["loss"].data)
    failures = iter([RuntimeError("once")])

    def after_backward(layer):
        for failure in failures:
            raise failure

    solver.net.after_backward(after_backward)
    with pytest.raises(RuntimeError, match="once"):
        solver.step(1)
    assert solver.net.blobs["loss"].diff == 1
    end = len(solver.net.layers) - 1
    assert solver.net._forward(0, end) == pytest.approx(loss)


def test_a_missing_file_is_a_clear_error(tmp_path):
    with pytest.raises(caffe.Error, match=r"nope\.prototxt"):
        caffe.get_solver(tmp_path / "nope.prototxt")
