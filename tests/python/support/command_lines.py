"""Command lines with every option of every command off its default, and what they have to call."""

from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from dcme.classes import ClassMap
from dcme.datasets.collect import Settings
from dcme.datasets.crops import CropRule, CropSettings
from dcme.datasets.encode import Encoding
from dcme.demo import DemoSettings
from dcme.pictures.figures import SceneFiles
from dcme.prediction.network import Preprocessing, Tiling
from dcme.prediction.predict import Prediction
from dcme.reproduce.context import FCN
from dcme.reproduce.figures import Drawn
from dcme.reproduce.synthetic import Scale
from dcme.results.decode import Decoding
from dcme.results.oracles import Ceiling, ClassOracle, InstanceOracle
from dcme.training.job import TrainingJob

CELL = ClassMap((7,), ("cell",))
DECODER = "--dt 3 --vt 4 --et 5 --foreground 2 --probability 0.25 --mode watershed"
DECODING = Decoding(3, 4, 5, "watershed", 2, CELL, 0.25)
WORKERS = "--workers 3 --quiet"


@dataclass
class Case:
    """A command line, and what it has to call.

    ``calls`` are arguments by function and parameter, or conditions that they meet; ``results``
    what functions give back that the command goes on with.
    """

    words: str
    calls: dict[str, dict[str, Any]]
    results: dict[str, Any] = field(default_factory=dict)


class Scored:
    def as_text(self):
        return "scores"

    def as_dict(self):
        return {"ap": 1}

    def tables(self):
        return {"ap": "table"}


TRIAL = SimpleNamespace(value=0.5, precision=0.5, recall=0.5, decoding=DECODING)
TUNING = SimpleNamespace(
    best=TRIAL, trials=[TRIAL], require_found=lambda: None, edges=list, flags=lambda: "--dt 3"
)
FOUND = SimpleNamespace(instances=2, images=1, kept=0)
ORACLE = {"workers": 3, "quiet": True, "classes": CELL, "samples": ["maps"]}
NETWORK = {"deploy": "d.prototxt", "weights": "w"}
PREDICT = {
    "dcme.datasets.samples.find_samples": ["samples"],
    "dcme.prediction.network.Network": "network",
    "dcme.prediction.classifier.Classifier": "classifier",
    "dcme.prediction.predict.predict": FOUND,
}

CASES = [
    Case(
        f"synth out --train 1 --val 2 --test 3 --seed 4 --size 5x6 {WORKERS}",
        {
            "dcme.synth.write_dataset": {
                **{"out": "out", "train": 1, "val": 2, "test": 3, "seed": 4, "size": (5, 6)},
                **{"workers": 3, "quiet": True},
            }
        },
        {"dcme.synth.write_dataset": 6},
    ),
    Case(
        "collect images masks out --classes 7:cell --parts one --val-share 0.5 --seed 4 "
        f"--levels 1,2 --tile 5x6 {WORKERS}",
        {
            "dcme.datasets.collect.collect": {
                **{"images": "images", "masks": "masks", "out": "out", "classes": CELL},
                **{
                    "settings": Settings("one", 0.5, 4, (1, 2), (5, 6)),
                    "workers": 3,
                    "quiet": True,
                },
            }
        },
        {
            "dcme.datasets.collect.collect": SimpleNamespace(
                images={}, lost=0, divided=0, left_out={}, unused=[], classes=CELL
            )
        },
    ),
    Case(
        f"prepare source out --size 5x6 --splits a,b --lmdb --balance {WORKERS}",
        {
            "dcme.datasets.prepare.prepare": {
                **{"source": "source", "out": "out", "size": (5, 6), "splits": ("a", "b")},
                **{"lmdb": True, "workers": 3, "quiet": True},
            },
            "dcme.datasets.prepare.write_balanced_list": {"out": "out"},
        },
        {"dcme.datasets.prepare.prepare": {}, "dcme.datasets.prepare.write_balanced_list": 1},
    ),
    Case(
        "prepare source out --crops 24 --smallest 9 --classes 7:cell",
        {
            "dcme.datasets.prepare.prepare_crops": {
                **{"source": "source", "out": "out", "splits": ("train", "val"), "quiet": False},
                "settings": CropSettings(CropRule(24, 9), CELL, every={}),
            }
        },
        {"dcme.datasets.prepare.prepare_crops": {}},
    ),
    Case(
        "encode source out --split test --format npy --size 5x6 --anchor box --round-centre "
        f"--grid-size 8 --classes 7:cell {WORKERS}",
        {
            "dcme.datasets.encode.encode_dataset": {
                **{"source": "source", "out": "out", "file_format": "npy", "split": "test"},
                "encoding": Encoding((5, 6), "box", True, 8, CELL),
                **{"workers": 3, "quiet": True},
            }
        },
        {"dcme.datasets.encode.encode_dataset": 1},
    ),
    Case(
        "train nets data out --weights w --variant v --iterations 9 --balanced --anchor box "
        "--classes 7:cell --held-out 2 --gpu 0,1 --quiet",
        {
            "dcme.training.job.run_job": {
                "job": TrainingJob(
                    **{"nets": "nets", "data": "data", "out": "out", "variant": "v"},
                    **{"weights": "w", "iterations": 9, "train_list": "train_balanced.txt"},
                    **{"box_anchor": True, "held_out": 2, "gpu": "0,1", "classes": CELL},
                ),
                "quiet": True,
            }
        },
    ),
    Case(
        "train nets data out --lmdb",
        {
            "dcme.training.job.run_job": {
                "job": TrainingJob("nets", "data", "out", train_list="train_lmdb", held_out=20),
            }
        },
    ),
    Case(
        "predict d.prototxt w source out --split test --size 5x6 --levels 1,2 --scale 2 --no-masks "
        "--mean 1,2,3 --batch 6 --stride 16 --tile 32x48 --overlap 8 --classifier c.prototxt "
        "--classifier-weights cw --classifier-train-net other.prototxt --smallest 9 --gpu 1 "
        f"--views 8 --vectors kept --resume {DECODER} --classes 7:cell {WORKERS}",
        {
            "dcme.datasets.samples.find_samples": {"source": "source", "split": "test"},
            "dcme.prediction.net_loading.use_gpu": {"number": 1},
            "dcme.prediction.network.Network": {
                **NETWORK,
                **{"preprocessing": Preprocessing(2, (1, 2, 3)), "stride": 16, "views": 8},
                "tiling": Tiling((32, 48), 8),
            },
            "dcme.prediction.classifier.Classifier": {
                **{"deploy": "c.prototxt", "weights": "cw", "smallest": 9, "classes": CELL},
                "preprocessing": Preprocessing(0.5, (9,)),
            },
            "dcme.prediction.predict.predict": {
                "how": Prediction("network", DECODING, (5, 6), 6, "classifier", (1, 2), False),
                **{"samples": ["samples"], "out": "out", "vectors_out": "kept"},
                **{"workers": 3, "quiet": True, "resume": True},
            },
        },
        PREDICT,
    ),
    Case(
        "predict d.prototxt w source out --train-net other.prototxt --decoding saved.json "
        "--classes 7:cell",
        {
            "dcme.prediction.network.Network": {
                **NETWORK,
                **{"preprocessing": Preprocessing(0.5, (9,)), "tiling": Tiling()},
            },
            "dcme.prediction.predict.predict": {
                "how": Prediction("network", Decoding(dt=2, vt=6, classes=CELL)),
                **{"samples": ["samples"], "out": "out", "quiet": False},
            },
        },
        PREDICT,
    ),
    Case(
        f"decode source out --size 5x6 --list some.txt --no-grid {DECODER} --decoding saved.json "
        f"--no-masks --classes 7:cell {WORKERS}",
        {
            "dcme.datasets.samples.find_samples": {"source": "some.txt"},
            "dcme.prediction.predict.decode_files": {
                **{"source": "source", "out": "out", "decoding": DECODING, "size": (5, 6)},
                **{"samples": ["samples"], "workers": 3, "quiet": True},
                **{"with_grid": False, "masks": False},
            },
        },
        {
            "dcme.datasets.samples.find_samples": ["samples"],
            "dcme.prediction.predict.decode_files": (1, 2),
        },
    ),
    Case(
        "evaluate results source --split test --iou 0.25 --json a.json --table a.csv "
        f"--classes 7:cell {WORKERS}",
        {
            "dcme.datasets.samples.find_maps": {"source": "source", "split": "test"},
            "dcme.results.scoring.score_results": {
                **{"results": "results", "samples": ["maps"], "classes": CELL, "ious": (0.25,)},
                **{"workers": 3, "quiet": True},
            },
            "dcme.files.write_json": {"path": "a.json", "content": {"ap": 1}},
            "dcme.tables.write_tables": {"path": "a.csv", "tables": {"ap": "table"}},
        },
        {
            "dcme.datasets.samples.find_maps": ["maps"],
            "dcme.results.scoring.score_results": Scored(),
        },
    ),
    Case(
        "tune vectors source --split minival --goal ap --iou 0.25 --images 2 --plot a.png "
        f"--json a.json --save best.json {DECODER} --decoding saved.json --classes 7:cell "
        + WORKERS,
        {
            "dcme.prediction.tuning.refuse_test_data": {"source": "source", "split": "minival"},
            "dcme.datasets.samples.find_maps": {"source": "source", "split": "minival"},
            "dcme.prediction.tuning.load_scenes": {
                **{"vectors": "vectors", "samples": ["a", "c"], "classes": CELL, "workers": 3}
            },
            "dcme.prediction.tuning.tune": {
                **{"scenes": "scenes", "start": DECODING, "goal": "ap", "ious": (0.25,)},
                "workers": 3,
            },
            "dcme.results.thresholds.write_decoding": {"path": "best.json", "decoding": DECODING},
            "dcme.files.write_json": {"path": "a.json"},
            "dcme.prediction.tuning.plot_tuning": {"out": "a.png", "tuning": TUNING},
        },
        {
            "dcme.datasets.samples.find_maps": ["a", "b", "c", "d"],
            "dcme.prediction.tuning.load_scenes": "scenes",
            "dcme.prediction.tuning.tune": TUNING,
        },
    ),
    Case(
        f"submit results source out.zip --split val --size 5x6 {WORKERS}",
        {
            "dcme.datasets.samples.find_samples": {"source": "source", "split": "val"},
            "dcme.results.submission.write_submission": {
                **{"results": "results", "samples": ["samples"], "out": "out.zip"},
                **{"size": (5, 6), "workers": 3, "quiet": True},
            },
        },
        {
            "dcme.datasets.samples.find_samples": ["samples"],
            "dcme.results.submission.write_submission": SimpleNamespace(
                instances=1, images=1, bytes=1
            ),
        },
    ),
    Case(
        "oracle ceiling source --split test --size 5x6 --dt 2 --vt 3 --et 4 --table a.csv "
        f"--classes 7:cell {WORKERS}",
        {
            "dcme.datasets.samples.find_maps": {"source": "source", "split": "test"},
            "dcme.results.scoring.score_images": {
                "make": Ceiling((5, 6), Decoding(2, 3, 4, "reference"), CELL),
                **ORACLE,
            },
            "dcme.tables.write_tables": {"path": "a.csv", "tables": {"ap": "table"}},
        },
        {
            "dcme.datasets.samples.find_maps": ["maps"],
            "dcme.results.scoring.score_images": Scored(),
        },
    ),
    Case(
        f"oracle ceiling source --size 5x6 --masks --classes 7:cell {WORKERS}",
        {
            "dcme.results.scoring.score_images": {"make": Ceiling((5, 6), None, CELL), **ORACLE},
        },
        {
            "dcme.datasets.samples.find_maps": ["maps"],
            "dcme.results.scoring.score_images": Scored(),
        },
    ),
    Case(
        f"oracle class source --results results --classes 7:cell {WORKERS}",
        {
            "dcme.results.scoring.score_images": {
                "make": ClassOracle(Path("results"), CELL),
                **ORACLE,
            },
        },
        {
            "dcme.datasets.samples.find_maps": ["maps"],
            "dcme.results.scoring.score_images": Scored(),
        },
    ),
    Case(
        f"oracle instance source --vectors vectors --classes 7:cell {WORKERS}",
        {
            "dcme.results.oracles.class_accuracy": {
                "oracle": InstanceOracle(Path("vectors"), CELL),
                **{"samples": ["maps"], "workers": 3, "quiet": True},
            },
            "dcme.results.scoring.score_images": {
                "make": InstanceOracle(Path("vectors"), CELL),
                **ORACLE,
            },
        },
        {
            "dcme.datasets.samples.find_maps": ["maps"],
            "dcme.results.oracles.class_accuracy": SimpleNamespace(table=Scored),
            "dcme.results.scoring.score_images": Scored(),
        },
    ),
    Case(
        "plot a.png --image i.png --ids data/ids/i.png --vectors v --results r.txt --grid-size 8 "
        "--columns 3 --classes 7:cell --levels 1,2",
        {
            "dcme.pictures.figures.plot_scene": {
                **{"out": "a.png", "classes": CELL, "grid_size": 8, "columns": 3},
                "files": SceneFiles("i.png", "data/ids/i.png", "v", "r.txt", (1, 2)),
            }
        },
        {"dcme.pictures.figures.plot_scene": ["image"]},
    ),
    Case(
        "plot a.png --log a.log b.log",
        {"dcme.pictures.figures.plot_logs": {"out": "a.png", "logs": ["a.log", "b.log"]}},
    ),
    Case(
        "reproduce isisa-2019 --synthetic --effort 0.5 --out out --nets nets --mode standard "
        f"--gpu 1 --no-figures {WORKERS}",
        {
            "dcme.reproduce.runner.choose": {"keys": ["isisa-2019"]},
            "dcme.prediction.net_loading.use_gpu": {"number": 1},
            "dcme.reproduce.synthetic.synthetic_context": {
                **{"out": Path("out"), "nets": Path("nets"), "scale": Scale.of_effort(0.5)},
                **{"mode": "standard", "workers": 3, "quiet": True, "gpu": "1"},
            },
            "dcme.reproduce.runner.reproduce": {"context": "context", "experiments": ["one"]},
            "dcme.reproduce.page.write_report": {
                **{"context": "context", "reports": [], "figures": {}}
            },
        },
        {
            "dcme.reproduce.runner.choose": ["one"],
            "dcme.reproduce.synthetic.synthetic_context": "context",
            "dcme.reproduce.runner.reproduce": [],
            "dcme.reproduce.figures.draw_figures": Drawn({"drawn": Path("x")}),
        },
    ),
    Case(
        "reproduce --source city --weights weights --dry-run --nets nets",
        {
            "dcme.reproduce.runner.survey": {
                "context": lambda context: (
                    context.source == Path("city")
                    and context.nets[FCN].weights == Path("weights") / f"{FCN}.caffemodel"
                    and context.thresholds == {FCN: (1, 2, 3)}
                )
            }
        },
        {
            "dcme.reproduce.runner.survey": [
                SimpleNamespace(
                    experiment=SimpleNamespace(key="one", title="one"),
                    **{"state": "to do", "missing": [], "failure": None},
                )
            ]
        },
    ),
    Case(
        f"demo out --nets nets --train 1 --val 2 --seed 3 --iterations 4 --gpu 5 {WORKERS}",
        {
            "dcme.demo.run_demo": {
                "out": "out",
                "settings": DemoSettings(
                    Path("nets"), 1, 2, 3, iterations=4, workers=3, gpu=5, quiet=True
                ),
            }
        },
        {"dcme.demo.run_demo": {"ap50_untrained": 0, "ap50_class_agnostic": 1}},
    ),
]
