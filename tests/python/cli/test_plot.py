"""Pictures of scenes."""

from unittest import mock

import cv2
import numpy as np
import pytest
from dcme.classes import ClassMap
from dcme.cli import main
from dcme.datasets.class_file import write_classes
from dcme.datasets.samples import find_samples
from dcme.datasets.vectors import VectorMap, write_h5, write_npz
from dcme.encoding import encode
from dcme.pictures.sheets import strip
from dcme.results.decode import Decoding
from dcme.results.files import ImageResult, write_result
from dcme.results.thresholds import write_decoding

KINDS = ("true", "predicted")


def test_scene_strip_has_a_panel_for_each_file(city, tmp_path, capsys):
    sample = find_samples(city, "val")[0]
    assert main(["encode", str(sample.ids), str(tmp_path / "v"), "--quiet"]) == 0
    words = ["plot", str(tmp_path / "out.png"), "--image", str(sample.image), "--ids"]
    words += [str(sample.ids), "--vectors", str(tmp_path / "v" / f"{sample.name}.npz")]
    words += ["--results", str(sample.ids)]
    assert main(words) == 0
    picture = cv2.imread(str(tmp_path / "out.png"))
    assert picture.shape[1] == 5 * 260 - 4
    title = 16
    legend = picture.shape[0] - (2 * (title + 132) - 4)
    assert 15 < legend < 40 and picture[-legend:].min() < 80
    for row, column in ((r, c) for r in range(2) for c in range(5)):
        heading = picture[row * (title + 132) :, column * 260 :][:title, :256]
        empty = (row, column) == (1, 0)
        assert empty or heading.min() < 80, "each panel has its name above it"
        assert heading.max() == 255
    told = capsys.readouterr().out
    kinds = ("instances", "magnitudes (white: ", "directions", "grid classes")
    assert all(told.count(kind) == 2 for kind in kinds)


@pytest.fixture
def scene(tmp_path):
    """An image of 40x60 and a function that runs ``dcme plot`` on it."""
    cv2.imwrite(str(tmp_path / "image.png"), np.full((40, 60, 3), 90, np.uint8))
    return tmp_path


def test_pictures_have_the_format_of_their_suffix(scene, fails):
    for name, start in (("a.png", b"\x89PNG"), ("a.jpg", b"\xff\xd8")):
        assert main(["plot", str(scene / name), "--image", str(scene / "image.png")]) == 0
        assert (scene / name).read_bytes().startswith(start)
    line = fails("plot", scene / "a.pdf", "--image", scene / "image.png")
    assert "a.pdf: pictures are written as .png, .jpg" in line


def test_a_picture_takes_the_place_of_nothing_that_may_be_meant_to_be_shown(scene, fails):
    """Whoever forgets ``--ids`` names the instance map where the picture's name should be."""
    image, ids, other = (scene / f"{name}.png" for name in ("image", "gt", "other"))
    cv2.imwrite(str(ids), np.zeros((40, 60), np.uint16))
    cv2.imwrite(str(other), np.zeros((40, 60), np.uint8))
    before = {path: path.read_bytes() for path in scene.iterdir()}
    for words in [(), ("--ids", ids.with_name("a.png"))]:
        line = fails("plot", ids, "--image", image, *words)
        assert f"{ids}: is an instance map, which --ids shows; name another file" in line
    line = fails("plot", other, "--image", image)
    assert f"{other}: exists, and is no earlier picture of {image} alone" in line
    assert "delete it, or name another file" in line
    assert {path: path.read_bytes() for path in scene.iterdir()} == before
    for _ in range(2):  # a picture is made anew
        assert main(["plot", str(other), "--image", str(image), "--ids", str(ids)]) == 0


@pytest.mark.parametrize("name", ["look.png", "look.jpg"])
def test_a_picture_of_an_image_alone_is_made_anew(scene, fails, name):
    """``--levels`` that show the most of a deep image are found by trying."""
    look, image = scene / name, scene / "image.png"
    cv2.imwrite(str(image), np.full((40, 60), 1000, np.uint16))
    looks = []
    for levels in ("0,4000", "0,2000"):
        words = ["plot", str(look), "--image", str(image), "--levels", levels]
        assert main(words) == 0
        looks.append(look.read_bytes())
    assert looks[0] != looks[1]
    look.write_text("notes")
    assert f"{look}: exists, and is no earlier" in fails(*words)
    assert look.read_text() == "notes"


def test_a_picture_takes_the_place_of_nothing_that_it_shows(scene, fails):
    log = scene / "log.png"
    log.write_text("")
    before = {path: path.read_bytes() for path in scene.iterdir()}
    image, ids = scene / "image.png", scene / "ids.png"
    for words in [
        ("--image", image),
        ("--image", scene / "other.png", "--ids", ids),
        ("--log", log),
    ]:
        assert f"{words[-1]}: is one of the files to show; name another file" in fails(
            "plot", words[-1], *words
        )
    results = ("--image", image, "--results", scene / "image.txt")
    for name in ("masks/image_000.png", "instanceIds/image_instanceIds.png"):
        assert "is among the results" in fails("plot", scene / name, *results)
    assert {path: path.read_bytes() for path in scene.iterdir()} == before


@pytest.mark.parametrize("option", ["--ids", "--results"])
def test_maps_of_another_size_than_the_image_are_refused(scene, fails, option):
    cv2.imwrite(str(scene / "ids.png"), np.zeros((80, 120), np.uint16))
    line = fails("plot", scene / "a.png", "--image", scene / "image.png", option, scene / "ids.png")
    assert "ids.png: is 80x120 but its image is 40x60" in line


def test_classes_are_those_of_the_data_set_that_the_map_is_of(scene, fails):
    ids = scene / "instanceIds" / "image.png"
    ids.parent.mkdir()
    cv2.imwrite(str(ids), np.full((40, 60), 3001, np.uint16))
    words = ["plot", str(scene / "a.png"), "--image", str(scene / "image.png"), "--ids", str(ids)]
    assert "instance 3001" in fails(*words)
    write_classes(scene, ClassMap((3,), ("cell",)))
    assert main(words) == 0


def test_results_of_the_image_are_found_in_their_folder(scene, fails):
    mask = np.zeros((1, 40, 60), bool)
    mask[:, 10:20, 10:20] = True
    result = ImageResult("image", (40, 60), mask, np.array([24]), np.array([0.5]))
    write_result(scene / "r", result)
    words = ["--image", str(scene / "image.png"), "--results"]
    shown = []
    for results in ("r", "r/image.txt"):
        assert main(["plot", str(scene / "a.png"), *words, str(scene / results)]) == 0
        shown.append((scene / "a.png").read_bytes())
    assert shown[0] == shown[1]
    line = fails("plot", scene / "a.png", *words, scene)
    assert f"{scene / 'image.txt'}: there are no results for this image" in line


@pytest.mark.parametrize(
    ("image", "results", "warns"),
    [
        ("nuclei_000", "nuclei_001", True),
        ("nuclei_000", "nuclei_0001", True),
        ("nuclei_000", "nuclei_000", False),
        ("nuclei_000", "nuclei_000_instanceIds", False),
        ("nuclei_000", "plate_nuclei_000", False),
        ("bonn_1_leftImg8bit", "bonn_1", False),
        ("bonn_1_leftImg8bit", "bonn_1_gtFine_instanceIds", False),
        ("bonn_1_leftImg8bit", "bonn_2_gtFine_instanceIds", True),
    ],
)
def test_results_of_another_image_are_told(scene, capsys, image, results, warns):
    (scene / "image.png").rename(scene / f"{image}.png")
    (scene / "r").mkdir()
    cv2.imwrite(str(scene / "r" / f"{results}.png"), np.full((40, 60), 1001, np.uint16))
    words = ["plot", str(scene / "a.png"), "--image", str(scene / f"{image}.png"), "--results"]
    assert main([*words, str(scene / "r" / f"{results}.png")]) == 0
    told = capsys.readouterr().err
    assert (f"{results}.png: shown over " in told and "after another image" in told) == warns


def test_an_image_of_16_bits_is_shown_between_its_levels(tmp_path, fails):
    grey = np.linspace(0, 4095, 40 * 60).reshape(40, 60)
    cv2.imwrite(str(tmp_path / "deep.png"), grey.astype(np.uint16))
    cv2.imwrite(str(tmp_path / "flat.png"), np.rint(grey.astype(np.uint16) / 4095 * 255))
    words = ["plot", str(tmp_path / "p.png"), "--image", str(tmp_path / "deep.png")]
    assert "has 16 bits a channel" in fails(*words)
    assert main([*words, "--levels", "0,4095"]) == 0
    flat = str(tmp_path / "q.png")
    assert main(["plot", flat, "--image", str(tmp_path / "flat.png")]) == 0
    assert np.array_equal(cv2.imread(str(tmp_path / "p.png")), cv2.imread(flat))


def test_the_vector_map_of_the_images_name_is_shown(scene, fails):
    maps = {name: np.zeros((2, 40, 60), np.float32) for name in ("other", "image", "third")}
    maps["image"][0, :20] = 5
    for name, vectors in maps.items():
        write_npz(scene / "folder" / f"{name}.npz", vectors, None)
    write_h5(scene / "v.h5", (VectorMap(*item) for item in maps.items()), len(maps))
    words = ["plot", str(scene / "a.png"), "--image", str(scene / "image.png"), "--vectors"]
    shown = []
    for source in ("folder", "v.h5", "folder/image.npz"):
        assert main([*words, str(scene / source)]) == 0
        shown.append(cv2.imread(str(scene / "a.png"))[16:216, 304:604])
    assert all((one[:90] == 255).all() and (one[110:] == 0).all() for one in shown)
    (scene / "image.png").rename(scene / "fourth.png")
    for source in ("folder", "v.h5"):
        line = fails(
            "plot", scene / "a.png", "--image", scene / "fourth.png", *words[4:], scene / source
        )
        assert f"{source}: holds no vector map of fourth, but of " in line


@pytest.fixture
def compared(scene):
    """The panels, by title, that ``dcme plot`` makes of a map of the class 1 on the scene's left
    half, its vectors times ``factor``, and a grid of this probability there."""
    ids = np.zeros((40, 60), np.uint16)
    ids[:, :30] = 1001
    (scene / "d" / "ids").mkdir(parents=True)
    cv2.imwrite(str(scene / "d" / "ids" / "image.png"), ids)
    cell = ClassMap((1,), ("cell",))
    write_classes(scene / "d", cell)

    def panels(factor, probability, *options):
        inside = np.where(ids > 0, probability, 0).astype(np.float32)
        grid = np.stack([1 - inside, inside])
        write_npz(scene / "v" / "image.npz", factor * encode(ids, classes=cell), grid)
        words = [scene / "a.png", "--image", scene / "image.png", "--vectors", scene / "v"]
        words += ["--ids", scene / "d" / "ids" / "image.png", *options]
        with mock.patch("dcme.pictures.figures.strip", side_effect=strip) as made:
            assert main(["plot", *map(str, words)]) == 0
        return dict(zip(made.call_args.kwargs["titles"], made.call_args.args[0]))

    return panels


def test_vectors_that_are_too_short_look_so_beside_the_true_ones(compared):
    panels = compared(0.3, 0.9)
    true, predicted = (panels[f"{kind} magnitudes (white: 24.3 px)"] for kind in KINDS)
    assert true.max() == 255 and predicted.max() in (76, 77)
    true, predicted = (panels[f"{kind} directions"].max(axis=2) for kind in KINDS)
    assert predicted[100, 10] < 0.7 * true[100, 10]


def test_predicted_classes_are_those_that_the_decoder_takes(compared, scene):
    plain = compared(1, 0.3)
    assert np.array_equal(plain["predicted grid classes (over 0.5)"], plain["input"])
    write_decoding(scene / "v" / "decoding.json", Decoding(probability=0.2))
    seen = compared(1, 0.3)
    assert np.array_equal(seen["predicted grid classes (over 0.2)"], seen["true grid classes"])
    assert not np.array_equal(
        compared(1, 0.3, "--grid-size", "16")["true grid classes"], seen["true grid classes"]
    ), "the option has precedence over the net's blocks"


def test_vectors_of_another_size_than_the_image_are_refused(scene, fails):
    np.save(scene / "v.npy", np.zeros((2, 40, 80), np.float32))
    line = fails(
        "plot", scene / "a.png", "--image", scene / "image.png", "--vectors", scene / "v.npy"
    )
    assert "v.npy (v): is 40x80 but its image is 40x60" in line


def test_more_instances_than_a_map_can_number_are_drawn(scene):
    corners = [(r, c) for r in range(0, 40, 2) for c in range(60)][:1001]
    masks = np.zeros((len(corners), 40, 60), bool)
    for k, corner in enumerate(corners):
        masks[k][corner] = True
    count = len(corners)
    result = ImageResult("x", (40, 60), masks, np.ones(count, int), np.ones(count))
    with pytest.warns(UserWarning, match="more than 1000 instances of label 1 do not fit"):
        write_result(scene / "r", result)
    words = ["plot", scene / "a.png", "--image", scene / "image.png"]
    assert main([*map(str, words), "--results", str(scene / "r" / "x.txt")]) == 0
    found = cv2.imread(str(scene / "a.png"))[-200:, 304:]
    row, column = corners[1000]
    assert (found[5 * row + 2, 5 * column + 2] != 90).any()
