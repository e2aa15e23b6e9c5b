"""Writes docs/compatibility.md."""

from __future__ import annotations

import inspect
from collections import Counter, defaultdict
from collections.abc import Iterable
from itertools import takewhile

import caffe.coord_map
import caffe.draw
from google.protobuf.message import Message

import caffe
from caffe.proto import caffe_pb2

from . import evidence, fields, tried

HEAD = """# Compatibility with Caffe 1.0

`./run docs` writes this page from the tests; a test fails where rows are missing or wrong.
"""

DIFFERENCES = """## Where it differs

Code and scripts written for Caffe 1.0 may notice the following.

### Errors and log

- A failed `CHECK` or `LOG(FATAL)` throws `caffe::Error` (Python: `caffe.Error`), and the process
  goes on. To end it instead, set `CAFFE_ABORT_ON_FATAL=1` in the environment or call
  `caffe::logging::set_failure_function(&abort)`. In googletest's death tests it ends by itself.
  An error's message is one line: line breaks in it are written as `\\n`.
- The log goes to stderr only; flags that choose other places change nothing. google-glog's macros,
  flags and calls are there without it, except `google::COUNTER`, `google::LogMessage`, `LogSink`
  with `AddLogSink` and `RemoveLogSink`, `LOG_STRING`, `LOG_TO_STRING`, `SYSLOG` and `RAW_LOG`. If
  its headers are installed they are used, too, but `LOG` and `CHECK` are always the runtime's; no
  `LogSink` gets their lines.
- A program with flags of its own needs google-gflags. If that is installed, its header comes with
  Caffe's, and `caffe::GlobalInit` parses the flags; it takes those of google-glog in any case.

### Layers in place

- A layer does not work in place where that would give wrong gradients, as it did in Caffe 1.0. This
  concerns a Convolution, Pooling, LRN, InnerProduct or another layer that needs its bottom. In nets
  that go back, it also concerns a layer that changes what the Backward of an earlier layer needs of
  the same blob, as a Scale or Dropout behind a Sigmoid. If its top has the bottom's name, the net
  keeps two blobs of that name; `blob_by_name` and `net.blobs` give the later one.
- ReLU and Dropout behind convolutions, BatchNorm and such work in place as ever, and so does every
  layer of yours.
- A layer in place behind MemoryData, whose tops are your arrays, or behind DummyData's constants,
  which are filled once, gets a blob of its own.

### Pooling and groups

- A pooling window that begins behind the image, as the last one of `kernel_size: 1 stride: 2` on
  an even size, is left out, also without padding. In Caffe 1.0 the top was larger by it, and its
  value was no pixel's.
- On the CPU, an infinity or NaN in one group of a convolution of narrow groups reaches the groups
  that are computed with it (`engine: CAFFE` keeps them apart).

### Gradients and losses

- Gradients are right where they presumably were not in Caffe 1.0. They pass through every row of
  layers whose blobs lie in one memory (Flatten, Reshape, Split, Concat and Slice of one blob, LSTM,
  RNN), also to what is before a Flatten behind another of these.
- `propagate_down: false` stops gradients in these layers as well, and in layers in place, which
  then get a blob of their own.
- A `loss_weight` holds for batches larger than the first, and for tops of layers in place. A loss
  that has a `loss_weight` and is read by a layer as well counts once.
- `lr_policy: "sigmoid"` without `gamma`, a rate that would never change, is an error.

### Data and random numbers

- A class label that is neither a class nor `ignore_label` is an error in every build. So is an
  index that is none of Embed's.
- A JPEG or PNG that was cut off is an image that cannot be read, not one that ends in grey. So is
  a DICOM file: the library by which OpenCV may read it ends the process where it is damaged.
- A TIFF, GIF, WebP, JPEG 2000 or AVIF file that claims more than 2^26 pixels and holds less than a
  byte for each 2048 is an image that cannot be read: a few bytes might take gigabytes of memory.
- The orientation in a picture's EXIF data turns it in ImageData, WindowData and `convert_imageset`.
  DenseImageData, DCMEData, `dcme` and `caffe.io.load_image` take pixels as they are stored. So does
  Data with files that `convert_imageset --encoded` kept as they are, unless `force_color` or
  `force_gray` is set. Store pictures upright where training and prediction read them differently.
- Stricter than needed: a line of a list for ImageData or `convert_imageset` that has no label, or
  one that is no whole number (`1.5`), is an error. Caffe 1.0 presumably read what it could of it.
- A Datum with more values than its channels x height x width is an error, as one with fewer is.
  Caffe 1.0 presumably read the first ones.
- Of an HDF5 file only its own values are read, not what external links, external storage or
  virtual datasets take from other files. A file damaged on purpose may end the process in libhdf5
  itself (1.10.8 does not check all that it reads of a group): open only files of people whom you
  trust.
- `convert_imageset --gray --encoded` stores grey images, also of files in colour.
- A seed repeats a run to the same bits, but shuffles, crops, mirroring and dropout are not those
  that Caffe 1.0 draws for it.
- Snapshots say where the data were. `Step` and `Solve` go on there, even in programs that run the
  net forward `iter()` times after `Restore`, as Caffe 1.0 required.

### C++

- A net keeps pointers to its inputs and outputs valid from run to run. What lies between its
  layers, and the parameters of a net in the TEST phase, may be in another layout after a run: take
  `cpu_data()` or `mutable_cpu_data()` of those anew. (NumPy arrays of `import caffe` may be kept.)
- `InternalThread` is a `std::thread`. `StopInternalThread` wakes who waits at a `BlockingQueue`. A
  wait of your own must end by itself and ask `must_stop()`; no `boost::thread` interrupts it.
- A layer takes the weights of its message into `blobs_`: `layer_param_.blobs_size()` is 0 then,
  also in `LayerSetUp`. `CopyTrainedLayersFrom` returns the names of the layers that it found.
- Headers bring what code found through them, except what needs another library or takes long to
  compile: `util/io.hpp` does not include `boost/filesystem.hpp`, nor `util/benchmark.hpp` the dates
  of boost. Include them yourself.
- `DEFINE_AND_INSTANTIATE_GPU_UNARY_FUNC` is not there: write the kernel with `CUDA_KERNEL_LOOP`.
  Nor is `caffe_gpu_scal` on a stream of your own: call `cublasSscal`.
- cuDNN is used inside; `CuDNN...Layer` are other names of the layers.

**Derived layers** find Caffe 1.0's public functions, the virtual ones of the base classes, and the
protected members that hold parameters and sizes. They do not find:

- such members of Power, Exp, Log, Threshold, Scale, Bias, Reshape, SPP and HDF5Output, `count_` of
  Concat, Slice and Split, `uint_thres_` of Dropout, `offsets` of Crop, `num_files_` of HDF5Data,
  and the windows and means of WindowData;
- functions into which a single layer divided its work, where that is divided otherwise:
  `ShuffleImages` of ImageData, `SaveBlobs` of HDF5Output, `Next` and `Skip` of HDF5Data,
  `PrefetchRand` of WindowData, `CrossChannelForward_cpu` and its kin of LRN, `AdamPreSolve` and
  `AdaDeltaPreSolve` of the solvers;
- members that held intermediate results which the computation no longer has: `max_idx_` of
  Pooling, `sigmoid_output_` of SigmoidCrossEntropyLoss with its `sigmoid_layer_`,
  `sum_multiplier_` and such;
- the place of Data, ImageData and HDF5Data in their list (`offset_`, `lines_id_`, `current_row_`):
  the number of a batch decides what is in it.

### Python scripts

- `draw_net.py` is `python -m caffe.draw`, and `parse_log.py` is the command `parse_log`.
- `classify.py` and `detect.py` are not there; `caffe.Classifier` and `caffe.Detector` are.
- `caffe.io.resize_image` refuses splines of order 2, 4 and 5.
"""

TESTED = """A *golden* case compares with numbers that Caffe 1.0 computed (`tests/golden`). A
*gradient* check compares with differences, in double. Other evidence is named by its file in
`tests/`.
"""

# Layers of their own tests: those of this project's models are tested in tests/cpp/layers.
_BEYOND = {"BN", "DCMEData", "DCMELoss", "DenseImageData", "GeometricLoss", "Interp", "Upsample"}
# Messages that a test walks through as a whole.
_WHOLE = {"V0LayerParameter": "test_old_layers.cpp", "V1LayerParameter": "test_old_layers.cpp"}
# Fields that tests see by what they do: a restored run goes on to the same bits.
_BY_EFFECT = {
    ("SolverState", name): "test_resuming.py"
    for name in ("rng_state", "layer_state", "recent_loss", "model_bytes", "model_crc")
} | {("LayerParameter", "dcme_loss_param"): "test_dcme_loss.cpp"}
# Fields of names that several messages have, in texts that tests put together when they run.
_PUT_TOGETHER = (
    {
        (f"{layer}Parameter", "engine"): "test_rare_fields.cpp"
        for layer in ("LRN", "ReLU", "SPP", "Sigmoid", "Softmax", "TanH")
    }
    | {
        ("LayerParameter", f"{layer}_param"): "test_rare_fields.cpp"
        for layer in ("sigmoid", "tanh")
    }
    | {
        ("DenseImageDataParameter", field.name): "test_image_layers.cpp"
        for field in caffe_pb2.DenseImageDataParameter.DESCRIPTOR.fields
    }
    | {
        ("BatchNormParameter", "engine"): "test_gpu_layers.cpp",
        ("PoolingParameter", "engine"): "test_gpu_layers.cpp",
        ("WindowDataParameter", "root_folder"): "test_window_data.cpp",
    }
)
# Fields that no test sets, and why.
WITHOUT_TEST = {
    "release_blobs": "beyond 1.0; `caffe train` sets it",
    "share_in_parallel": "layers are not shared between solvers, as in Caffe 1.0",
}
_SOLVERS = ("SGD", "Nesterov", "AdaGrad", "RMSProp", "AdaDelta", "Adam")
_POLICIES = ("fixed", "step", "exp", "inv", "multistep", "poly", "sigmoid")
_FILLERS = (
    "constant",
    "gaussian",
    "positive_unitball",
    "uniform",
    "xavier",
    "msra",
    "bilinear",
)


def _row(*cells: object) -> str:
    return "| " + " | ".join(str(cell) for cell in cells) + " |"


def _table(head: Iterable[str], rows: Iterable[Iterable[object]]) -> str:
    head = list(head)
    return "\n".join([_row(*head), _row(*["---"] * len(head)), *(_row(*row) for row in rows)])


def _test(pattern: str) -> str:
    name = evidence.best_file(pattern)
    return f"`{name}`" if name else "-"


def layer_rows() -> list[tuple[str, object, str, str]]:
    """Type, golden cases, gradient check, test files of every layer."""
    cases = Counter(
        layer_type
        for net in evidence.golden_nets().values()
        for layer_type in {layer.type for layer in net.layer}
    )
    excuses = evidence.gradient_excuses()
    rows = []
    for name in caffe.layer_type_list():
        gradient = f"none: {excuses[name]}" if name in excuses else "yes"
        label = name + (" (beyond 1.0)" if name in _BEYOND else "")
        test = _test(rf"type: ?\\?['\"]{name}\\?['\"]|\b{name}Layer<")
        rows.append((label, cases.get(name, "-"), gradient, test))
    return rows


def solver_rows() -> list[tuple[str, object, str]]:
    """What, golden cases and test files of solvers, learning rate policies and fillers."""
    solvers = evidence.golden_solvers().values()
    nets = list(evidence.golden_nets().values())
    fillers = Counter(name for net in nets for name in set(_filler_types(net)))
    rows = []
    for name in _SOLVERS:
        count = sum(solver.type == name for solver in solvers)
        rows.append((f"solver {name}", count or "-", _test(rf"\b{name}Solver|['\"]{name}['\"]")))
    for name in _POLICIES:
        count = sum(solver.lr_policy == name for solver in solvers)
        rows.append((f"lr_policy {name}", count or "-", _test(rf"['\"]{name}['\"]")))
    for name in _FILLERS:
        rows.append((f"filler {name}", fillers.get(name, "-"), _test(rf"['\"]{name}['\"]")))
    return rows


def _filler_types(message: Message) -> Iterable[str]:
    for field, value in message.ListFields():
        if field.message_type is None:
            continue
        for part in [value] if isinstance(value, Message) else value:
            if field.message_type.name == "FillerParameter":
                yield part.type
            yield from _filler_types(part)


def _users(message: str) -> str:
    """How a message's fields are introduced in prototxt text or code, as a regular expression."""
    special = {
        "FillerParameter": r"filler",
        "BlobShape": r"shape",
        "ParamSpec": r"param",
        "NetState": r"state",
        "NetStateRule": r"include|exclude|rule",
        "TransformationParameter": r"transform",
        "Datum": r"[Dd]atum",
        "BlobProto": r"[Bb]lob|mean|matrix",
        "SolverState": r"solverstate|SolverState|state",
        "BlobProtoVector": r"BlobProtoVector|arraylist",
    }
    if message in special:
        return special[message]
    words = message.removesuffix("Parameter")
    return rf"{words}|" + "".join("_" + c.lower() if c.isupper() else c for c in words).lstrip("_")


def _field_test(message: str, field: str) -> str:
    if message in _WHOLE:
        return _WHOLE[message]
    if (message, field) in _BY_EFFECT:
        return _BY_EFFECT[message, field]
    test = evidence.best(lambda text: fields.count(text, message, field))
    if test or len(fields.owners()[field]) > 1:
        return test or _put_together(message, field)
    return evidence.best_file(fields.use(field), beside=_users(message))


def _put_together(message: str, field: str) -> str:
    name = _PUT_TOGETHER.get((message, field), "")
    return name if name and field in evidence.sources()[name] else ""


def _messages() -> list[str]:
    names = sorted(caffe_pb2.DESCRIPTOR.message_types_by_name)
    skipped = {"DCMEDataParameter", "DCMELossParameter", "LayerState"}
    return [name for name in names if name not in skipped]


def field_rows() -> list[tuple[str, str, str, str]]:
    """By message: its fields set in goldens, only in tests (and where), and nowhere."""
    rows = []
    for message in _messages():
        golden, untested = [], []
        tested: dict[str, list[str]] = defaultdict(list)
        for field in caffe_pb2.DESCRIPTOR.message_types_by_name[message].fields:
            if field.name in evidence.golden_fields()[message]:
                golden.append(field.name)
                continue
            test = _field_test(message, field.name)
            if test:
                tested[test].append(field.name)
            elif field.name in WITHOUT_TEST:
                untested.append(f"{field.name}: {WITHOUT_TEST[field.name]}")
            else:
                untested.append(f"**{field.name}**")
        by_file = [f"{', '.join(names)} (`{test}`)" for test, names in sorted(tested.items())]
        columns = [", ".join(part) or "-" for part in (golden, by_file, untested)]
        rows.append((message, *columns))
    return rows


def tool_rows() -> list[tuple[str, str]]:
    """Every command and the tests that run it."""
    tools = sorted(p.stem for p in (evidence.REPOSITORY / "caffe/tools").glob("*.cpp"))
    rows = []
    for tool in tools:
        if tool != "caffe":
            rows.append((tool, _test(rf"\b{tool}\b")))
            continue
        for command in ("train", "test", "time", "device_query", "check"):
            rows.append((f"caffe {command}", _test(rf"['\"]{command}['\"]")))
    return rows


def python_calls() -> dict[str, list[str]]:
    """The public names of `import caffe` by the class or module that has them."""
    owners = {
        "caffe": caffe,
        "caffe.Net": caffe.Net,
        "caffe.Blob": caffe.Blob,
        "caffe.Layer": caffe.Layer,
        "caffe.Solver": caffe.Solver,
        "caffe.Timer": caffe.Timer,
        "caffe.NetSpec": caffe.NetSpec,
        "caffe.Classifier": caffe.Classifier,
        "caffe.Detector": caffe.Detector,
        "caffe.io": caffe.io,
        "caffe.io.Transformer": caffe.io.Transformer,
        "caffe.draw": caffe.draw,
        "caffe.coord_map": caffe.coord_map,
    }
    calls = {}
    for owner, thing in owners.items():
        names = caffe.__all__ if thing is caffe else _own_names(thing)
        calls[owner] = sorted(name for name in names if not name.startswith("_"))
    return calls


def _own_names(thing: object) -> list[str]:
    """What a module has, or a class with the bases in front of the first one that is offered."""
    if inspect.isclass(thing):
        offered = [object, *filter(inspect.isclass, vars(caffe).values())]
        own = takewhile(lambda base: base not in offered, thing.__mro__[1:])
        return sorted({name for base in (thing, *own) for name in vars(base)})
    return [
        name
        for name, value in vars(thing).items()
        if inspect.isfunction(value) and value.__module__ == thing.__name__
    ]


def python_rows() -> list[tuple[str, str, str]]:
    """By owner: names that tests use, and those that none does."""
    rows = []
    for owner, names in python_calls().items():
        used = {name: evidence.best_file(rf"\b{name}\b") for name in names}
        tested = ", ".join(name for name in names if used[name])
        untested = ", ".join(f"**{name}**" for name in names if not used[name])
        rows.append((owner, tested or "-", untested or "-"))
    return rows


def document() -> str:
    """The text of docs/compatibility.md."""
    goldens = len(evidence.golden_nets()), len(evidence.golden_solvers())
    parts = [
        HEAD,
        DIFFERENCES,
        tried.HEAD,
        _table(("code", "what it does with this runtime", "result"), tried.ROWS) + "\n",
        tried.FOOT,
        "## What is tested\n",
        TESTED,
        f"All {goldens[0]} golden cases of layers and nets and {goldens[1]} of solvers pass.\n",
        "### Layers\n",
        _table(("layer", "golden cases", "gradient", "tests"), layer_rows()) + "\n",
        "### Solvers, learning rates, fillers\n",
        _table(("what", "golden cases", "tests"), solver_rows()) + "\n",
        "### Fields of prototxts and files\n",
        "In bold: set by no test.\n",
        _table(("message", "in golden cases", "in tests", "in none"), field_rows()) + "\n",
        "### Commands\n",
        _table(("command", "tests"), tool_rows()) + "\n",
        "### `import caffe`\n",
        _table(("where", "names that tests use", "that none does"), python_rows()) + "\n",
    ]
    return "\n".join(parts)
