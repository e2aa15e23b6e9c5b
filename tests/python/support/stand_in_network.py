"""A stand-in for the runtime: a network whose vectors can be told from its image."""

import time
from typing import ClassVar

import numpy as np
from dcme.cli import main
from dcme.files import write_png


class Blob:
    def __init__(self, shape):
        self.reshape(*shape)

    def reshape(self, *shape):
        self.shape, self.data = shape, np.zeros(shape, np.float32)


class GradientNet:
    """dx, dy = differences of neighbours, so mirroring the image mirrors the vectors."""

    batches: ClassVar[list] = []
    seen: ClassVar[np.ndarray]

    def __init__(self, deploy, phase):
        self.inputs, self.outputs = ["data"], ["vectors", "classes"]
        self.blobs = {"data": Blob((1, 3, 32, 64))}
        self.params, self.memory = {}, {}
        self.bottom_names, self.top_names = {"data": []}, {"data": ["data"]}

    def copy_from(self, weights):
        return []

    def reshape(self):
        pass

    def forward(self):
        data = self.blobs["data"].data
        GradientNet.seen = data.copy()
        GradientNet.batches.append(data.shape)
        grey = np.pad(data.mean(axis=1), ((0, 0), (1, 1), (1, 1)), mode="edge")
        dx = grey[:, 1:-1, 2:] - grey[:, 1:-1, :-2]
        dy = grey[:, 2:, 1:-1] - grey[:, :-2, 1:-1]
        n, _, h, w = data.shape
        blocks = data.mean(axis=1).reshape(n, h // 16, 16, w // 16, 16).mean(axis=(2, 4))
        share = 1 / (1 + np.exp(-blocks / 64))
        return {
            "vectors": self._kept("vectors", np.stack([dx, dy], axis=1)),
            "classes": self._kept("classes", np.stack([share, 1 - share], axis=1)),
        }

    def _kept(self, name, values):
        """As in the runtime, each pass writes over the last one's outputs."""
        if name not in self.memory or self.memory[name].shape != values.shape:
            self.memory[name] = np.empty_like(values)
        self.memory[name][...] = values
        return self.memory[name]


def letting_others_run(forward):
    """A forward pass before which threads that did not wait for this one change the input."""

    def slow(net):
        time.sleep(0.02)
        return forward(net)

    return slow


def picture(height, width, seed=0):
    return np.random.default_rng(seed).integers(0, 255, (height, width, 3), np.uint8)


def predicted_input(deploy, tmp_path, *options):
    """What the network sees of a grey 50 image."""
    image, weights = tmp_path / "a.png", tmp_path / "w.caffemodel"
    if not image.exists():
        write_png(image, np.full((32, 64, 3), 50, np.uint8))
    if not weights.exists():
        weights.touch()
    classes = [] if "--classes" in options else ["--classes", "1:thing"]
    words = [deploy, weights, image, tmp_path / "r", *options, *classes]
    code = main(["predict", *map(str, words), "--quiet"])
    return code or float(GradientNet.seen.max())


def train_net(folder, scale, more=""):
    transform = TRANSFORM.format(scale, more)
    text = f'layer {{ name: "d" type: "DCMEData" top: "data" {transform} }}'
    (folder / "train.prototxt").write_text(text)


TRANSFORM = "transform_param {{ scale: {} mean_value: 9 {} }}"
