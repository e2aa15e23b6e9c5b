"""The rows of nets on a GPU: what is measured in which process, and what is left out for time."""

from typing import ClassVar

import pytest

from bench import gpu_rows
from bench.engines import PRECISIONS
from bench.timing import Budget

STEPS = {"caffe": 50.0, "eager": 80.0, "compile": 60.0}


class FakeWorker:
    """A process that needs no GPU, and remembers which jobs it was given."""

    started: ClassVar[list] = []
    compiler_fails: ClassVar[bool] = False
    steady_after: ClassVar[int] = 1000  # steps until ours takes more memory

    def __init__(self, job):
        self.jobs = [job]
        self.steps = 0
        FakeWorker.started.append(self.jobs)

    def switch(self, job):
        self.jobs.append(job)

    def step(self):
        self.steps += 1
        job = self.jobs[-1]
        if "--compile" in job and FakeWorker.compiler_fails:
            raise RuntimeError("a long story\nno compiler")
        kind = "caffe" if job.startswith("caffe") else "eager"
        return STEPS["compile" if "--compile" in job else kind]

    def memory(self):
        if self.jobs[-1].startswith("caffe"):
            return 0, 700.0 if self.steps <= FakeWorker.steady_after else 740.0
        return 0, 1000.0

    def close(self):
        pass

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass


@pytest.fixture(autouse=True)
def fakes(monkeypatch):
    FakeWorker.started, FakeWorker.compiler_fails, FakeWorker.steady_after = [], False, 1000
    monkeypatch.setattr(gpu_rows, "Worker", FakeWorker)
    monkeypatch.setattr(gpu_rows, "gpu_names", lambda: ["a GPU"])
    monkeypatch.setattr(
        gpu_rows,
        "alternate",
        lambda steps, **_: {name: step() for name, step in steps.items()},
    )


def test_a_net_is_measured_in_two_processes_beside_the_fastest_of_pytorch():
    time, memory = gpu_rows.gpu_cases()["gpu-deeplab-train-bf16"]()
    assert (time.ours, time.theirs, time.peer) == (50, 60, "PyTorch compiled channels-last")
    assert "PyTorch eager channels-last 80.0 ms" in time.note
    assert (memory.name, memory.ours, memory.theirs) == (
        "gpu-deeplab-train-bf16-memory",
        700,
        1000,
    )
    assert [len(jobs) for jobs in FakeWorker.started] == [1, 2]


def test_memory_is_taken_up_for_some_steps():
    FakeWorker.steady_after = 7
    (_, memory) = gpu_rows.gpu_cases()["gpu-deeplab-train-bf16"]()
    assert memory.ours == 740


def test_memory_that_is_taken_up_beside_pytorch_is_told():
    FakeWorker.steady_after = gpu_rows.STEADY_AFTER
    (time, memory) = gpu_rows.gpu_cases()["gpu-deeplab-train-bf16"]()
    assert memory.ours == 700
    assert "40 MiB more were taken beside PyTorch eager channels-last" in time.note
    assert "beside PyTorch compiled" not in time.note


def test_inference_has_a_row_of_memory_too():
    rows = gpu_rows.gpu_cases()["gpu-segnet-infer-fp32"]()
    assert [row.name for row in rows] == ["gpu-segnet-infer-fp32", "gpu-segnet-infer-fp32-memory"]


def test_nothing_is_compiled_when_time_is_short():
    (time, _) = gpu_rows.gpu_cases(Budget(60))["gpu-deeplab-train-bf16"]()
    assert time.peer == "PyTorch eager channels-last"
    assert "no time for PyTorch compiled channels-last" in time.note


def test_no_net_is_begun_when_the_time_is_nearly_up():
    for case in gpu_rows.gpu_cases(Budget(1)).values():
        with pytest.raises(LookupError, match="no time"):
            case()


def test_a_variant_that_fails_leaves_the_others():
    FakeWorker.compiler_fails = True
    (time, _) = gpu_rows.gpu_cases()["gpu-segnet-train-fp32"]()
    assert time.peer == "PyTorch eager NCHW"
    assert "PyTorch compiled NCHW failed: no compiler" in time.note


def test_the_training_of_the_largest_net_comes_first():
    names = list(gpu_rows.gpu_cases())
    assert names[0] == "gpu-deeplab-train-bf16"
    assert names.index("gpu-loss") < names.index("gpu-segnet-infer-tf32")


def test_each_precision_of_the_gpu_is_measured():
    names = set(gpu_rows.gpu_cases())
    for net in gpu_rows.BATCHES:
        for job in gpu_rows.WORDS:
            assert {f"gpu-{net}-{job}-{precision}" for precision in PRECISIONS} <= names


def test_a_net_that_reads_an_lmdb_has_the_inputs_of_the_one_that_does_not(tmp_path, monkeypatch):
    monkeypatch.setenv("GLOG_minloglevel", "2")  # import_caffe sets it for good
    from dcme.datasets.lmdb_file import write_lmdb
    from dcme.datasets.samples import read_list

    from bench import gpu_data
    from bench.data import write_images
    from bench.engines import import_caffe, net_from
    from bench.nets import NETS

    caffe = import_caffe()
    write_lmdb(tmp_path / "lmdb", read_list(write_images(tmp_path, images=1)))
    proto = gpu_data.reading(NETS["deeplab"], 2, tmp_path / "lmdb")
    del proto.layer[1:]  # the net itself is slow here
    net = net_from(proto, caffe.TRAIN)
    net.forward()
    expected = NETS["deeplab"].inputs(train=True, batch=2)
    assert {name: blob.data.shape for name, blob in net.blobs.items()} == expected
