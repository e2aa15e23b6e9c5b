from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

class ClassMap:
    def __init__(
        self,
        labels: Sequence[int],
        names: Sequence[str] = ...,
        ignored: Sequence[int] = ...,
        priority: Sequence[int] = ...,
    ) -> None: ...
    def __len__(self) -> int: ...
    @property
    def labels(self) -> list[int]: ...
    @property
    def names(self) -> list[str]: ...
    @property
    def ignored(self) -> list[int]: ...
    @property
    def priority(self) -> list[int]: ...
    def class_of(self, id: int) -> int: ...

CITYSCAPES: ClassMap
CITYSCAPES_VOID: tuple[int, ...]
FIRST_INSTANCE_ID: int
LAST_LABEL: int

def instances(
    ids: npt.NDArray[np.uint16], classes: ClassMap | None = ...
) -> npt.NDArray[np.void]: ...
def reduce_ids(ids: npt.NDArray[np.uint16], rows: int, cols: int) -> npt.NDArray[np.uint16]: ...
def encode(
    ids: npt.NDArray[np.uint16], anchor: str, round_centre: bool, classes: ClassMap | None
) -> npt.NDArray[np.float32]: ...
def magnitude(vectors: npt.NDArray[np.float32]) -> npt.NDArray[np.uint8]: ...
def grid_classes(
    ids: npt.NDArray[np.uint16], grid_size: int, classes: ClassMap, priority: Sequence[int]
) -> npt.NDArray[np.uint8]: ...
def classify_instances(
    centres: npt.NDArray[np.float64],
    block_probabilities: npt.NDArray[np.float32],
    grid_size: int,
    foreground_only: bool,
) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.float32]]: ...

class ListRow:
    number: int
    text: str
    names: list[str]
    has_tab: bool

def list_rows(content: str) -> list[ListRow]: ...

class Instances:
    def __len__(self) -> int: ...
    @property
    def shape(self) -> tuple[int, int]: ...
    def centres(self) -> npt.NDArray[np.float64]: ...
    def votes(self) -> npt.NDArray[np.int64]: ...
    def pixels(self) -> npt.NDArray[np.int64]: ...
    def boxes(self) -> npt.NDArray[np.int32]: ...
    def means_over(self, values: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]: ...
    def offsets(self) -> npt.NDArray[np.float64]: ...
    def spreads(self, vectors: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]: ...
    def mask(self, index: int) -> npt.NDArray[np.bool_]: ...
    def masks(self) -> npt.NDArray[np.bool_]: ...
    def mask_full_resolution(self, index: int, rows: int, cols: int) -> npt.NDArray[np.bool_]: ...
    def label_map(self, upwards: Sequence[int] | None = ...) -> npt.NDArray[np.int32]: ...

DECODE_DEFAULTS: dict[str, float]

def decode(
    vectors: npt.NDArray[np.float32],
    dt: float,
    vt: float,
    et: float,
    mode: str,
    foreground: float,
    mask: npt.NDArray[np.uint8] | None,
) -> Instances: ...

class Evaluator:
    def __init__(
        self,
        classes: ClassMap,
        void_ids: Sequence[int],
        class_agnostic: bool,
        distances: Sequence[float],
    ) -> None: ...
    def add(self, image: ImageMatcher) -> None: ...
    def results(self) -> dict[str, Any]: ...

class MatchCounts:
    found: int
    invented: int
    missed: int
    iou_sum: float

def add_files(
    evaluators: Sequence[Evaluator],
    truth: str,
    predictions: Sequence[tuple[str, int, float]],
    distances: Mapping[int, tuple[float, float]],
    ious: Sequence[float],
) -> tuple[list[int], list[MatchCounts]]: ...
def add_label_map(
    evaluators: Sequence[Evaluator],
    truth: str,
    label_map: npt.NDArray[np.int32],
    labels: Sequence[int],
    confidences: Sequence[float],
    distances: Mapping[int, tuple[float, float]],
    ious: Sequence[float],
) -> tuple[list[int], list[MatchCounts]]: ...

class ImageMatcher:
    def __init__(
        self,
        evaluator: Evaluator,
        ids: npt.NDArray[np.uint16],
        distances: Mapping[int, tuple[float, float]],
    ) -> None: ...
    def add_mask(self, mask: npt.NDArray[np.uint8], label: int, confidence: float) -> None: ...
    def add_label_map(
        self,
        label_map: npt.NDArray[np.int32],
        labels: Sequence[int],
        confidences: Sequence[float],
    ) -> None: ...
    def add_instances(
        self, instances: Instances, labels: Sequence[int], confidences: Sequence[float]
    ) -> None: ...

def instance_distances(
    ids: npt.NDArray[np.uint16],
    disparity: npt.NDArray[np.uint16],
    baseline: float,
    focal_length: float,
) -> dict[int, tuple[float, float]]: ...
def is_whole_picture(content: bytes) -> bool: ...
def read_grey_png(path: str) -> npt.NDArray[np.uint8] | npt.NDArray[np.uint16]: ...

class LabelMapMatcher:
    def __init__(
        self, truth: npt.NDArray[np.int32], silent: npt.NDArray[np.int32] | None
    ) -> None: ...
    def add(self, predicted: npt.NDArray[np.int32]) -> None: ...
    def counts(self, iou: float) -> MatchCounts: ...
