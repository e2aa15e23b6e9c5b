"""What ``dcme prepare --lmdb`` writes, DCMEData reads: the same batches as from the list."""

from __future__ import annotations

from pathlib import Path

import cv2
import lmdb
import numpy as np
import pytest
from dcme.datasets.prepare import prepare

import caffe
from caffe.proto import caffe_pb2

LAYER = """
layer {{
  name: "data" type: "DCMEData" top: "data" top: "vectors" top: "classes" top: "ids"
  dcme_data_param {{
    {source} batch_size: 2 grid_size: 8 shuffle: true rotate: true
    crop_height: 16 crop_width: 16 seed: 7
  }}
}}
"""


@pytest.fixture
def prepared(tmp_path: Path) -> Path:
    """Five street-like maps of two cars each and their images, reduced by half, with an LMDB."""
    raw = tmp_path / "raw"
    raw.mkdir()
    rng = np.random.default_rng(0)
    for split in ("train", "val"):
        lines = []
        for i in range(5):
            ids = np.zeros((48, 64), np.uint16)
            for k in range(2):
                top, left = rng.integers(0, 24), rng.integers(0, 40)
                ids[top : top + 20, left : left + 20] = 26000 + k
            cv2.imwrite(str(raw / f"{split}{i}.png"), rng.integers(0, 255, (48, 64, 3), np.uint8))
            cv2.imwrite(str(raw / f"{split}{i}_ids.png"), ids)
            lines.append(f"{split}{i}.png {split}{i}_ids.png\n")
        (raw / f"{split}.txt").write_text("".join(lines), encoding="utf-8")
    prepare(raw, tmp_path / "reduced", size=(24, 32), lmdb=True)
    return tmp_path / "reduced"


def batches(tmp_path: Path, source: str, count: int) -> list[dict[str, np.ndarray]]:
    path = tmp_path / "net.prototxt"
    path.write_text(LAYER.format(source=source), encoding="utf-8")
    net = caffe.Net(str(path), caffe.TRAIN)
    return [{k: v.copy() for k, v in net.forward().items()} for _ in range(count)]


@pytest.mark.parametrize("kind", ["is_color: true", "is_color: false"])
def test_batches_of_the_lmdb_are_those_of_the_list(
    prepared: Path, tmp_path: Path, kind: str
) -> None:
    from_list = batches(
        tmp_path, f"{kind} source: '{prepared}/train.txt' root_folder: '{prepared}/'", count=6
    )
    from_lmdb = batches(tmp_path, f"{kind} backend: LMDB source: '{prepared}/train_lmdb'", count=6)
    assert any(batch["ids"].any() for batch in from_list)
    for expected, got in zip(from_list, from_lmdb):
        assert expected.keys() == got.keys()
        for name in expected:
            np.testing.assert_array_equal(expected[name], got[name])


def test_other_records_are_ignored(prepared: Path, tmp_path: Path) -> None:
    source = f"backend: LMDB source: '{prepared}/train_lmdb'"
    expected = batches(tmp_path, source, count=6)
    with lmdb.open(f"{prepared}/train_lmdb") as environment:
        with environment.begin(write=True) as transaction:
            for key in (b"note", b"0.image", b"-0000001.image", b"00000009.images", b"99", b"z"):
                transaction.put(key, b"of somebody else")
    for batch, got in zip(expected, batches(tmp_path, source, count=6)):
        for name in batch:
            np.testing.assert_array_equal(batch[name], got[name])


def test_grey_images_become_three_equal_channels(prepared: Path, tmp_path: Path) -> None:
    with lmdb.open(f"{prepared}/train_lmdb") as environment:
        with environment.begin(write=True) as transaction:
            for number in range(5):
                key = f"{number:08d}.image".encode()
                datum = caffe_pb2.Datum.FromString(transaction.get(key))
                datum.channels, datum.data = 1, datum.data[: datum.height * datum.width]
                transaction.put(key, datum.SerializeToString())
    (batch,) = batches(tmp_path, f"backend: LMDB source: '{prepared}/train_lmdb'", count=1)
    blue, green, red = batch["data"].transpose(1, 0, 2, 3)
    assert blue.any() and np.array_equal(blue, green) and np.array_equal(blue, red)


@pytest.mark.parametrize(
    "change",
    [
        {"height": 23},
        {"channels": 2, "data": bytes(2 * 24 * 32)},
        {"height": -1, "width": -1},
        {"data": bytes(3 * 24 * 32 + 1)},
        {"encoded": True},
    ],
)
def test_an_image_record_that_does_not_fit_its_size_is_named(
    prepared: Path, tmp_path: Path, change: dict[str, int | bytes]
) -> None:
    key = b"00000000.image"
    with lmdb.open(f"{prepared}/train_lmdb") as environment:
        with environment.begin(write=True) as transaction:
            datum = caffe_pb2.Datum.FromString(transaction.get(key))
            for name, value in change.items():
                setattr(datum, name, value)
            transaction.put(key, datum.SerializeToString())
    with pytest.raises(
        caffe.Error, match=r"record 00000000\.image of .* (holds no|is damaged, or no) image"
    ):
        batches(tmp_path, f"backend: LMDB source: '{prepared}/train_lmdb'", count=6)


def map_record(rows: int, columns: int) -> bytes:
    png = cv2.imencode(".png", np.zeros((rows, columns), np.uint16))[1].tobytes()
    return caffe_pb2.Datum(data=png, encoded=True).SerializeToString()


NUMBERS = [b"%08d" % i for i in range(5)]
NO_IMAGES = {key + b".image": b"" for key in NUMBERS}


@pytest.mark.parametrize(
    ("records", "message"),
    [
        ({b"00000000.ids": b""}, r"has no record 00000000\.ids"),
        ({b"00000000.image": b"no Datum"}, r"record 00000000\.image of .* is no Datum"),
        ({b"00000000.ids": map_record(9, 8)}, r"record 00000000\.ids of .* is 9x8 but its image"),
        ({b"00000000.image": b""}, "holds 4 images, which are not numbered from 0 on"),
        ({b"2147483647.image": b"x"}, "holds 6 images, which are not numbered from 0 on"),
        (NO_IMAGES, "holds no images with instance maps"),
    ],
)
def test_records_that_do_not_fit_together_are_named(
    prepared: Path, tmp_path: Path, records: dict[bytes, bytes], message: str
) -> None:
    with lmdb.open(f"{prepared}/train_lmdb") as environment:
        with environment.begin(write=True) as transaction:
            for key, value in records.items():
                transaction.put(key, value) if value else transaction.delete(key)
    with pytest.raises(caffe.Error, match=message):
        batches(tmp_path, f"backend: LMDB source: '{prepared}/train_lmdb'", count=6)


def test_a_damaged_lmdb_is_refused_and_does_not_end_the_process(
    prepared: Path, tmp_path: Path
) -> None:
    data = prepared / "train_lmdb" / "data.mdb"
    data.write_bytes(data.read_bytes()[: data.stat().st_size // 2])
    with pytest.raises(caffe.Error, match=r"data\.mdb"):
        batches(tmp_path, f"backend: LMDB source: '{prepared}/train_lmdb'", count=1)
