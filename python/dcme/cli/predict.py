"""``dcme predict``."""

from __future__ import annotations

import argparse

from dcme.cli.options import (
    add_classes,
    add_decoding,
    add_workers,
    decoding,
    numbers,
    positive,
    size,
    workers,
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of ``dcme predict``."""
    parser.add_argument("deploy", help="network for images (deploy.prototxt)")
    parser.add_argument("weights", help="trained weights (.caffemodel)")
    parser.add_argument("source", help="image, folder of images, list, or Cityscapes root")
    parser.add_argument("out", help="folder for the results (.txt, masks/, instanceIds/)")
    parser.add_argument("--split", default="val", help="of a Cityscapes root; default: val")
    parser.add_argument("--size", type=size, metavar="HxW", help="size that the network sees")
    group = parser.add_argument_group("network input = (image - mean) * scale")
    group.add_argument(
        "--train-net", metavar="FILE", help="take scale and mean from this training prototxt"
    )
    group.add_argument("--scale", type=float, default=1.0, help="default: 1")
    group.add_argument("--mean", type=numbers, default=(0.0,), metavar="B,G,R", help="default: 0")
    parser.add_argument("--batch", type=positive, default=4, help="images at once; default: 4")
    parser.add_argument(
        "--stride", type=positive, default=32, help="sides are padded to multiples; default: 32"
    )
    parser.add_argument("--flips", action="store_true", help="average with the mirrored image")
    parser.add_argument("--vectors", metavar="DIR", help="keep the network's outputs as .npz")
    add_decoding(parser)
    add_classes(parser)
    add_workers(parser)
    parser.epilog = (
        "example: dcme predict deploy.prototxt snap_iter_1000.caffemodel city results \\\n"
        "           --train-net train.prototxt --size 128x256 --dt 5 --vt 12 --et 8"
    )


def run(arguments: argparse.Namespace) -> None:
    """Predict and write the results."""
    from dcme.dataset import find_samples
    from dcme.network import Network, Preprocessing
    from dcme.predict import predict

    samples = find_samples(arguments.source, arguments.split)
    if arguments.train_net:
        preprocessing = Preprocessing.of_training_net(arguments.train_net)
    else:
        preprocessing = Preprocessing(arguments.scale, arguments.mean)
    network = Network(
        arguments.deploy, arguments.weights, preprocessing, arguments.stride, arguments.flips
    )
    found = predict(
        network,
        samples,
        arguments.out,
        decoding(arguments),
        arguments.size,
        arguments.batch,
        arguments.vectors,
        workers(arguments),
        arguments.quiet,
    )
    print(f"{arguments.out}: {found} instances in {len(samples)} images")
