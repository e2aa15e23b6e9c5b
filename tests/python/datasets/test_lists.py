"""Which images a list, a folder or a split stands for."""

from contextlib import suppress

import cv2
import numpy as np
import pytest
from dcme.datasets.samples import find_maps, find_samples, list_line, read_list, unique_names
from dcme.errors import UserError
from dcme.files import read_ids

import caffe


def rows(tmp_path, text, encoding="utf-8"):
    """What a list of this text names: (image, instance map) relative to its folder."""
    path = tmp_path / "list.txt"
    path.write_text(text, encoding=encoding)
    below = [(s.image, s.ids) for s in read_list(path)]
    return [tuple(p and str(p.relative_to(tmp_path)) for p in pair) for pair in below]


@pytest.mark.parametrize(
    ("line", "image", "ids"),
    [
        ("a.png", "a.png", None),
        ("a.png b.png", "a.png", "b.png"),
        ("a.png \t b.png", "a.png", "b.png"),
        ("my a.png", "my a.png", None),
        ("my a.png\tmy b.png", "my a.png", "my b.png"),
        ("a\u2028b.png\tb.png", "a\u2028b.png", "b.png"),
        ("x.png y.png\tb.png", "x.png y.png", "b.png"),
        ("a.png\t\tb.png", "a.png", "b.png"),
    ],
)
def test_a_line_names_an_image_or_a_pair(tmp_path, line, image, ids):
    assert rows(tmp_path, line + "\n") == [(image, ids)]


@pytest.mark.parametrize(
    "names", [("a.png", "b.png"), ("my a.png", "b.png"), ("a.png", "my b.png")]
)
def test_lines_are_read_as_they_were_written(tmp_path, names):
    assert rows(tmp_path, list_line(*names)) == [names]
    assert ("\t" in list_line(*names)) == (" " in "".join(names)), "DCMEData wants it"


def net_of(path):
    """A net of nothing but the layer that reads a list, in a file beside it."""
    net = path.with_name("net.prototxt")
    net.write_text(
        'layer { name: "data" type: "DCMEData" top: "data" top: "vectors" dcme_data_param '
        f'{{ source: "{path}" root_folder: "{path.parent}" batch_size: 1 }} }}'
    )
    return str(net)


@pytest.mark.parametrize(
    "line",
    [
        *("a.png b.png", " a.png \t  b.png ", "a.png  b.png\r", "my a.png\tmy b.png"),
        *("my a.png my b.png", "my a.png b.png", "a.png my b.png", "a.png b.png b.png"),
        *("a.png\t\tb.png", "a.png b.png\r# rest", "\ufeffa.png b.png"),
        *("my a.png", "a.png", "a.png\tb.png\tb.png", "\u00a0a.png b.png", "\ta.png\t"),
    ],
)
def test_the_layer_reads_the_same_pairs(tmp_path, line):
    for grey, name in enumerate(("a.png", "my a.png", "\u00a0a.png")):
        cv2.imwrite(str(tmp_path / name), np.full((4, 4, 3), grey, np.uint8))
    for name in ("b.png", "my b.png"):
        cv2.imwrite(str(tmp_path / name), np.zeros((4, 4), np.uint16))
    path = tmp_path / "list.txt"
    path.write_bytes(f"{line}\n".encode())
    read = None
    with suppress(UserError):
        (sample,) = read_list(path)
        read = cv2.imread(str(sample.image_path())).max() if sample.ids_path() else None
    read_by_layer = None
    with suppress(caffe.Error):
        net = caffe.Net(net_of(path), caffe.TEST)
        net.forward()
        read_by_layer = net.blobs["data"].data.max()
    assert read_by_layer == read


@pytest.mark.parametrize("name", ["a\tb.png", "a\nb.png", "a\udcffb.png"])
def test_names_that_no_list_can_hold_are_told_before(tmp_path, fails, name):
    cv2.imwrite(str(tmp_path / "a.png"), np.zeros((4, 4), np.uint8))
    (tmp_path / "a.png").rename(tmp_path / name)
    line = fails("collect", tmp_path, tmp_path, tmp_path / "out", "--classes", "1:a")
    assert f"{name[:-4]!r}: lists cannot hold this name" in line
    assert not (tmp_path / "out").exists()


def test_nor_can_an_image_alone_or_a_folder_beside_others_have_such_a_name(tmp_path):
    image = np.zeros((4, 4), np.uint8)
    for folder in ("a\tb", "c"):
        (tmp_path / folder).mkdir()
        cv2.imwrite(str(tmp_path / folder / "x.png"), image)
    paths = sorted(tmp_path.glob("*/x.png"))
    assert unique_names(paths[:1], tmp_path) == ["x"], "the folder does not become part of it"
    with pytest.raises(UserError, match="lists cannot hold this name"):
        unique_names(paths, tmp_path)
    (tmp_path / "c" / "x.png").rename(tmp_path / "c\td.png")
    with pytest.raises(UserError, match=r"'c\\td': lists cannot hold this name"):
        find_samples(tmp_path / "c\td.png")


def test_images_have_names_of_their_own(tmp_path):
    path = tmp_path / "list.txt"
    path.write_text("x/a.png\ny/a.png\nx/b.png\nx/b.png\n")
    assert [sample.name for sample in read_list(path)] == ["x_a", "y_a", "x_b", "x_b"]
    path.write_text("x/a.png\nx/a.jpg\n")
    with pytest.raises(UserError, match="two images would share the name 'x_a'"):
        read_list(path)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("a.png b.png c.png", "list.txt:1: put a tab between"),
        ("my a.jpg  my b.png", "list.txt:1: put a tab between"),
        ("my a.png b.png", "list.txt:1: put a tab between"),
        ("a.png b.npy", "list.txt:1: 'b.npy' is not an image file name"),
        ("a.png 3", "list.txt:1: '3' is not an image file name"),
        ("a.png\tb.png\tc.png", "list.txt:1: names more than an image and its instance map"),
    ],
)
def test_lines_that_name_no_pair(tmp_path, line, message):
    with pytest.raises(UserError, match=message):
        rows(tmp_path, line)


def test_comments_and_a_byte_order_mark_are_no_names(tmp_path):
    assert rows(tmp_path, "a.png b.png\n\n# rest\n", "utf-8-sig") == [("a.png", "b.png")]
    with pytest.raises(UserError, match="the list is empty"):
        rows(tmp_path, "# nothing\n")


@pytest.fixture
def folder(tmp_path):
    cv2.imwrite(str(tmp_path / "a.png"), np.zeros((4, 4), np.uint8))
    return tmp_path


@pytest.mark.parametrize("with_images", [False, True])
def test_a_data_set_without_the_split_is_not_taken_for_a_folder_of_images(folder, with_images):
    for split in ("train", "val"):
        (folder / f"{split}.txt").write_text("a.png\n")
    if not with_images:
        (folder / "a.png").unlink()
    with pytest.raises(UserError, match=r"has no test\.txt; there are train, val \(--split\)"):
        find_samples(folder, "test")


def test_folders_without_images_are_named(tmp_path):
    with pytest.raises(UserError, match="holds no images"):
        find_samples(tmp_path)
    (tmp_path / "mine.txt").write_text("x/a.png\n")
    with pytest.raises(UserError, match=r"has no val\.txt; there are mine \(--split\)"):
        find_samples(tmp_path)


def test_images_of_other_kinds_are_not_taken_for_lists(tmp_path):
    (tmp_path / "a.webp").write_bytes(b"RIFF\x10\0\0\0WEBP")
    with pytest.raises(UserError, match=r"a\.webp: is neither an image \(\.png, .* nor a list"):
        find_samples(tmp_path / "a.webp")


def test_other_text_files_beside_images_do_no_harm(folder):
    (folder / "readme.txt").write_text("mine\n")
    assert [sample.name for sample in find_samples(folder)] == ["a"]


def test_colours_of_16_bits_are_no_instance_map(tmp_path):
    cv2.imwrite(str(tmp_path / "ids.png"), np.zeros((4, 4, 3), np.uint16))
    with pytest.raises(UserError, match=r"this one has 16 bits and 3 channel\(s\)"):
        read_ids(tmp_path / "ids.png")


@pytest.mark.parametrize(
    ("name", "image", "message"),
    [
        ("deep.png", np.zeros((4, 4), np.uint16), "deep.png: has 16 bits a channel"),
        ("real.tif", np.zeros((4, 4), np.float32), "real.tif: has 32 bits a channel"),
    ],
)
def test_images_are_never_cut_down_to_eight_bits(tmp_path, fails, name, image, message):
    cv2.imwrite(str(tmp_path / name), image)
    cv2.imwrite(str(tmp_path / "ids.png"), np.zeros((4, 4), np.uint16))
    (tmp_path / "train.txt").write_text(f"{name} ids.png\n")
    assert message in fails("prepare", tmp_path / "train.txt", tmp_path / "out", "--quiet")


def test_stacks_are_refused(tmp_path, fails):
    cv2.imwritemulti(str(tmp_path / "x.tif"), [np.zeros((4, 4), np.uint8)] * 3)
    cv2.imwrite(str(tmp_path / "ids.png"), np.zeros((4, 4), np.uint16))
    (tmp_path / "train.txt").write_text("x.tif ids.png\n")
    line = fails("prepare", tmp_path / "train.txt", tmp_path / "out", "--quiet")
    assert "x.tif: is a stack of 3 pages" in line


def test_of_a_cityscapes_tree_the_splits_are_told(city):
    with pytest.raises(UserError, match=r"of the split foo; there are train, val \(--split\)"):
        find_samples(city, "foo")


def test_images_alone_are_no_ground_truth(tmp_path):
    cv2.imwrite(str(tmp_path / "a.png"), np.zeros((4, 4, 3), np.uint8))
    (tmp_path / "list.txt").write_text("a.png\n")
    for source in (tmp_path / "list.txt", tmp_path / "a.png"):
        with pytest.raises(UserError, match=f"{source}: a.png has no instance map beside it, and"):
            find_maps(source, "val")
    cv2.imwrite(str(tmp_path / "a.png"), np.zeros((4, 4), np.uint16))
    assert [sample.ids for sample in find_maps(tmp_path / "list.txt", "val")] == [
        tmp_path / "a.png"
    ]


def test_a_comma_parts_no_names(tmp_path):
    with pytest.raises(UserError, match=r"list\.txt:1: put a space or a tab between"):
        rows(tmp_path, "a.png,ids/a.png\n")
