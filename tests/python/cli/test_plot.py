"""Pictures of scenes and of losses."""

from pathlib import Path
from unittest import mock

import cv2
import numpy as np
import pytest
from dcme.classes import CITYSCAPES, ClassMap
from dcme.cli import main
from dcme.datasets.class_file import write_classes
from dcme.datasets.samples import find_samples
from dcme.datasets.vectors import VectorMap, write_h5, write_npz
from dcme.encoding import encode
from dcme.pictures.plotting import (
    class_colours,
    palette,
    show_directions,
    show_grid,
    show_instances,
    show_magnitude,
)
from dcme.pictures.sheets import direction_wheel, enlarged, strip
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


def test_loss_curves_are_written_in_the_format_of_the_suffix(tmp_path, fails):
    log = tmp_path / "run.log"
    log.write_text("Iteration 0, loss = 3\nIteration 1, loss = 2\n")
    for name in ("loss.png", "loss.svg"):
        assert main(["plot", str(tmp_path / name), "--log", str(log)]) == 0
        assert (tmp_path / name).stat().st_size > 1000
    assert "written as" in fails("plot", tmp_path / "loss.doc", "--log", log)


@pytest.fixture
def legend_of(tmp_path):
    """The legend of ``dcme plot --log`` for the texts of logs by their paths: names and lines."""

    def legend(**logs):
        paths = []
        for name, text in logs.items():
            path = tmp_path / name.replace("__", "/")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.with_suffix(".log").write_text(text)
            paths.append(str(path.with_suffix(".log")))
        with mock.patch("matplotlib.axes.Axes.legend", autospec=True) as made:
            assert main(["plot", str(tmp_path / "loss.svg"), "--log", *paths]) == 0
        lines, names = made.call_args.args[1:]
        return dict(zip(names, lines))

    return legend


TRAINING = "Iteration 0, loss = 3\n"
TESTS = "Iteration 0, Testing net (#0)\n    Test net output #0: a_loss = 3 (* 1 = 3 loss)\n"


def test_curves_of_logs_that_share_a_name_are_told_apart_by_their_folders(legend_of):
    assert list(legend_of(a__train=TRAINING, b__train=TRAINING)) == ["a", "b"]
    assert list(legend_of(r__train=TRAINING, r__b__train=TRAINING)) == ["r", "r/b"]
    names = list(legend_of(a__train=TRAINING, b__train=TRAINING, b__c=TRAINING))
    assert [Path(name).parts for name in names] == [("a", "train"), ("b", "train"), ("b", "c")]


@pytest.mark.parametrize(
    ("logs", "names"),
    [
        (("w/train.log.1", "w/train.log.2"), ["train.log.1", "train.log.2"]),
        (("w/a.log", "w/a.txt", "v/a.log"), ["w/a.log", "w/a.txt", "v/a.log"]),
        (("a.log", "a.txt", "b.log"), ["a.log", "a.txt", "b.log"]),
        (("w/a.log", "w/a.log"), ["a.log", "a.log"]),
    ],
)
def test_logs_of_one_folder_are_told_apart_by_their_suffixes(tmp_path, logs, names):
    for log in logs:
        (tmp_path / log).parent.mkdir(exist_ok=True)
        (tmp_path / log).write_text(TRAINING)
    with mock.patch("dcme.pictures.figures.plot_losses") as plot:
        main(["plot", str(tmp_path / "loss.svg"), "--log", *(str(tmp_path / log) for log in logs)])
    assert [name for name, _ in plot.call_args.args[1]] == names


@pytest.mark.parametrize(("line", "name"), [("Test loss: 4", ""), ("", ": a_loss")])
def test_the_loss_of_tests_is_one_curve_where_the_log_has_it(legend_of, line, name):
    assert list(legend_of(train=TRAINING + TESTS + line)) == ["training", f"held-out{name}"]


def test_each_of_many_logs_is_named_once_and_looks_different(legend_of):
    logs = {f"r{k}": TRAINING * (k + 1) + TESTS + "Test loss: 4\n" for k in range(12)}
    legend = legend_of(**logs)
    assert list(legend) == [*logs, "training", "held-out"]
    looks = {(legend[name].get_color(), legend[name].get_marker()) for name in logs}
    assert len(looks) == 12
    assert [legend[kind].get_linestyle() for kind in ("training", "held-out")] == ["-", "--"]


def test_a_legend_covers_no_curve(tmp_path):
    logs = []
    for k in range(12):
        logs.append(tmp_path / f"a_rather_long_name_of_a_run_{k}.log")
        logs[-1].write_text("".join(f"Iteration {i}, loss = {12 - k}\n" for i in range(30)))
    places = []

    def note(figure, *words, **options):
        figure.draw_without_rendering()
        axes = figure.axes[0]
        places.append((axes.get_window_extent(), axes.get_legend().get_window_extent()))
        places.append((axes.get_legend().get_window_extent(), figure.bbox))

    with mock.patch("matplotlib.figure.Figure.savefig", autospec=True, side_effect=note):
        main(["plot", str(tmp_path / "loss.png"), "--log", *map(str, logs)])
    (axes, legend), (_, figure) = places
    assert legend.x0 >= axes.x1 and axes.width > 0.4 * figure.width
    assert legend.y0 >= 0 and legend.y1 <= figure.y1 and legend.x1 <= figure.x1


def test_the_only_loss_of_a_short_run_is_seen(tmp_path):
    pictures = []
    for loss in ("Iteration 0, loss = 3\n", "Iteration 0, loss = nan\n"):
        (tmp_path / "run.log").write_text(loss)
        assert main(["plot", str(tmp_path / "l.png"), "--log", str(tmp_path / "run.log")]) == 0
        picture = cv2.imread(str(tmp_path / "l.png")).astype(int)
        centre = picture[
            picture.shape[0] // 4 : -picture.shape[0] // 4,
            picture.shape[1] // 3 : -picture.shape[1] // 3,
        ]
        pictures.append(((centre[..., 0] - centre[..., 2]) > 60).sum())  # blue
    assert pictures[0] > 50 and pictures[1] == 0


def test_touching_instances_have_a_light_line_between_them():
    image = np.zeros((8, 8, 3), np.uint8)
    ids = np.full((8, 8), 1001, np.uint16)
    ids[4:] = 1002
    shown = show_instances(image, ids)
    assert shown[3:5].min() > 150 > shown[[2, 5], 2:6].min()


def test_every_instance_has_a_colour_of_its_own():
    assert len(np.unique(palette(50), axis=0)) == 50
    image = np.zeros((8, 8, 3), np.uint8)
    ids = np.zeros((8, 8), np.uint16)
    ids[:4], ids[4:, :4], ids[6:, 6:] = 24000, 24001, 7
    shown = show_instances(image, ids)
    assert not np.array_equal(shown[0, 0], shown[7, 0])
    assert (shown[7, 7] == 0).all(), "stuff is not an instance"


def test_grid_blocks_are_coloured_where_they_have_a_class():
    image = np.full((32, 48, 3), 100, np.uint8)
    grid = np.zeros((2, 3), np.uint8)
    grid[1, 2] = 3
    shown = show_grid(image, grid, class_colours(CITYSCAPES))
    assert (shown[:15, :15] == 100).all()
    assert not (shown[20:30, 36:44] == 100).all()


@pytest.mark.parametrize("scale", [1, 3])
def test_a_grid_as_fine_as_the_image_or_finer_is_shown_without_lines(scale):
    image = np.full((8, 12, 3), 100, np.uint8)
    grid = np.zeros((8 * scale, 12 * scale), np.uint8)
    grid[:, 6 * scale :] = 1
    shown = show_grid(image, grid, class_colours(CITYSCAPES))
    assert (shown[:, :6] == 100).all() and (shown[:, 6:] == shown[0, 6]).all()
    assert (shown[0, 6] != 100).any()


def test_panels_of_other_sizes_are_brought_to_the_first():
    sheet = strip([np.zeros((10, 20, 3), np.uint8), np.zeros((5, 10, 3), np.uint8)])
    assert sheet.shape == (10, 44, 3)
    assert strip([np.zeros((10, 20, 3), np.uint8)], columns=4).shape == (10, 20, 3)
    gap = strip([None, np.zeros((10, 20, 3), np.uint8)])
    assert (gap[:, :20] == 255).all() and not gap[:, 24:].any()


def test_a_legend_shows_each_colour_once_with_its_name_in_lines_as_wide_as_the_sheet():
    colours = palette(8, 1 / 8)
    panel = np.full((64, 256, 3), 100, np.uint8)
    sheet = strip([panel], legend=list(zip(CITYSCAPES.names, colours)))
    band = sheet[64:]
    assert sheet.shape[1] == 256 and band.shape[0] > 25, "more than one line"
    for k, colour in enumerate(colours):
        rows, columns = np.nonzero((band == colour).all(axis=2))
        assert 80 < len(rows) < 400 and np.ptp(rows) < 20 and np.ptp(columns) < 20, k
        beside = band[rows.min() : rows.max() + 1, columns.max() + 2 :][:, :20]
        assert beside.min() < 100, "the name is beside its colour"


def test_small_panels_are_enlarged_and_titles_fit_panels_of_any_shape():
    assert enlarged(np.zeros((9, 11, 3), np.uint8)).shape == (216, 264, 3)
    assert enlarged(np.zeros((9, 256, 3), np.uint8)).shape == (9, 256, 3)
    title = "predicted magnitudes (white: 34.5 px)"
    narrow, wide = (
        strip([np.zeros((*size, 3), np.uint8)], titles=[title]) for size in ((1500, 48), (60, 2400))
    )
    assert narrow.shape[1] >= 250 and (narrow[-1500:, 48:] == 255).all()
    assert wide.shape[0] < 60 + 24, "no title is as high as its panel"


def test_magnitudes_of_one_scale_compare():
    vectors = np.zeros((2, 1, 3), np.float32)
    vectors[0] = [[2, 5, 10]]
    assert show_magnitude(vectors)[0, :, 0].tolist() == [51, 128, 255]
    assert show_magnitude(vectors, 5)[0, :, 0].tolist() == [102, 255, 255]
    assert show_magnitude(0.3 * vectors, 10).max() == 76
    assert show_directions(0.3 * vectors, 10).max() < show_directions(vectors, 10).max() == 255


def test_opposite_directions_have_opposite_hues():
    vectors = np.zeros((2, 1, 2), np.float32)
    vectors[0] = [[5, -5]]
    hue = cv2.cvtColor(show_directions(vectors), cv2.COLOR_BGR2HSV)[0, :, 0].astype(int)
    assert abs(abs(hue[0] - hue[1]) - 90) <= 2
    wheel = cv2.cvtColor(direction_wheel(49), cv2.COLOR_BGR2HSV)[24, [47, 1], 0].astype(int)
    assert (abs(wheel - hue) <= 2).all(), "the right of the wheel is what points to the right"


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
    assert f"{other}: is there already, and is no earlier picture of {image} alone" in line
    assert "else delete it first" in line
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
    assert f"{look}: is there already" in fails(*words)
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
        assert f"{words[-1]}: is to be shown; name another file" in fails("plot", words[-1], *words)
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
