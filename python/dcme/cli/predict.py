"""``dcme predict``."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from dcme.cli.options import (
    OneClassList,
    add_decoding,
    add_levels,
    add_no_masks,
    add_split,
    add_workers,
    classes,
    count,
    counted,
    decoding,
    factor,
    numbers,
    positive,
    size,
    split_of,
    workers,
)
from dcme.prediction.views import VIEWS

if TYPE_CHECKING:
    from dcme.classes import ClassMap
    from dcme.prediction.classifier import Classifier
    from dcme.prediction.network import Preprocessing


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of ``dcme predict``."""
    parser.add_argument("deploy", help="network for images (deploy.prototxt)")
    parser.add_argument("weights", help="trained weights (.caffemodel)")
    parser.add_argument("source", help="image, folder of images, list, or Cityscapes root")
    parser.add_argument("out", help="folder for the results (.txt, masks/, instanceIds/)")
    add_split(parser)
    parser.add_argument(
        "--size",
        type=size,
        metavar="HxW",
        help="resize images to this size for the network; default: as they are",
    )
    add_levels(parser)
    _add_input(parser)
    _add_classifier(parser)
    parser.add_argument("--gpu", type=count, metavar="N", help="run on this GPU")
    parser.add_argument(
        "--views",
        type=int,
        choices=VIEWS,
        default=1,
        help="average the outputs over this many views of an image: 1: the image alone; 2: also "
        "its mirror image; 8: also quarter turns; default: 1",
    )
    parser.add_argument(
        "--vectors",
        metavar="DIR",
        help="keep the network's outputs as .npz, with the thresholds for dcme decode and tune",
    )
    parser.add_argument(
        "--resume",
        action="store_true",
        help="continue an interrupted run of the same command: keep the results in OUT (those of "
        "other settings or weights are refused)",
    )
    add_no_masks(parser)
    add_decoding(parser, "beside deploy.prototxt")
    parser.add_argument(
        "--classes",
        type=classes,
        action=OneClassList,
        metavar="LABEL:NAME,...",
        help="classes of the network, e.g. 1:nucleus; default: those in its training prototxt",
    )
    add_workers(parser)
    parser.epilog = (
        "example: dcme predict deploy.prototxt snap_iter_1000.caffemodel city results \\\n"
        "           --size 128x256 --dt 5 --vt 12 --et 8\n"
        "two networks: ... --classifier googlenet/deploy.prototxt \\\n"
        "           --classifier-weights googlenet.caffemodel"
    )


def _add_input(parser: argparse.ArgumentParser) -> None:
    """What the network sees, and how much of it at once."""
    group = parser.add_argument_group("network input = (image - mean) * scale")
    group.add_argument(
        "--train-net",
        metavar="FILE",
        help="training prototxt that names scale and mean; default: train.prototxt beside the "
        "deploy.prototxt",
    )
    group.add_argument(
        "--scale",
        type=factor,
        help="scale to use instead of a training prototxt's; default with --mean: 1",
    )
    group.add_argument(
        "--mean",
        type=numbers,
        metavar="B,G,R",
        help="mean to use instead of a training prototxt's; default with --scale: 0",
    )
    parser.add_argument(
        "--batch", type=positive, default=4, help="images that the network sees at once; default: 4"
    )
    parser.add_argument(
        "--stride",
        type=positive,
        default=32,
        help="pad sides of images to multiples of this; default: 32",
    )
    group = parser.add_argument_group("images that are too large for the memory")
    group.add_argument(
        "--tile",
        type=size,
        metavar="HxW",
        help="largest part of an image that the network sees at once; default: what fits",
    )
    group.add_argument(
        "--overlap",
        type=count,
        default=128,
        metavar="PX",
        help="pixels that neighbouring tiles share; default: 128",
    )


def _add_classifier(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("a second network that names the classes (paper 1)")
    group.add_argument(
        "--classifier", metavar="DEPLOY", help="network for square crops of the images"
    )
    group.add_argument("--classifier-weights", metavar="FILE", help="its trained weights")
    group.add_argument(
        "--classifier-train-net", metavar="FILE", help="its training prototxt, as --train-net"
    )
    group.add_argument(
        "--smallest",
        type=positive,
        default=50,
        metavar="PX",
        help="smallest side of a crop in pixels; default: 50",
    )


def _preprocessing(arguments: argparse.Namespace) -> Preprocessing:
    """What ``--train-net``, or else ``--scale`` and ``--mean`` tell; the deploy net's own else."""
    from dcme.errors import UserError
    from dcme.prediction.network import Preprocessing

    scale, mean = arguments.scale, arguments.mean
    if scale is None and mean is None:
        return Preprocessing.beside(
            arguments.deploy, arguments.train_net, "--train-net FILE, or --scale and --mean"
        )
    if arguments.train_net is not None:
        raise UserError("give either --train-net, or --scale and --mean")
    return Preprocessing(1.0 if scale is None else scale, mean or (0.0,))


def _classes(arguments: argparse.Namespace) -> ClassMap:
    """Those given, else those that the network was trained on."""
    from dcme.datasets.class_file import read_classes
    from dcme.errors import UserError
    from dcme.prediction.network import training_net
    from dcme.training.net_classes import classes_of_net

    if arguments.classes is not None:
        return arguments.classes
    path = training_net(arguments.deploy, arguments.train_net)
    known = classes_of_net(path, read_classes(path)) if path.is_file() else None
    if known is None:
        lists = "lists none" if path.is_file() else "no such file"
        raise UserError(
            f"{path}: {lists} to tell the network's classes; give --classes (of Cityscapes' eight: "
            "cityscapes)"
        )
    return known


def _classifier(arguments: argparse.Namespace, classes: ClassMap) -> Classifier | None:
    from dcme.errors import UserError
    from dcme.prediction.classifier import Classifier
    from dcme.prediction.network import Preprocessing

    if arguments.classifier is None:
        if arguments.classifier_weights or arguments.classifier_train_net:
            raise UserError("--classifier names the network of --classifier-weights")
        return None
    if arguments.classifier_weights is None:
        raise UserError("--classifier needs --classifier-weights")
    return Classifier(
        arguments.classifier,
        arguments.classifier_weights,
        Preprocessing.beside(
            arguments.classifier, arguments.classifier_train_net, "--classifier-train-net FILE"
        ),
        arguments.smallest,
        classes,
    )


def written(arguments: argparse.Namespace) -> list[str]:
    """Results, and the network's outputs where they are kept."""
    return [arguments.out, *([arguments.vectors] if arguments.vectors else [])]


def run(arguments: argparse.Namespace) -> None:
    """Predict and write the results."""
    from dcme.datasets.samples import find_samples
    from dcme.files import folder_of, require_apart
    from dcme.prediction.net_loading import use_gpu
    from dcme.prediction.network import Network, Tiling
    from dcme.prediction.predict import Prediction, predict

    samples = find_samples(arguments.source, split_of(arguments))
    for out in (arguments.out, arguments.vectors or arguments.out):
        require_apart(out, [folder_of(arguments.source)], "the data set is")
    if arguments.vectors:  # its thresholds would be replaced by those of this prediction
        require_apart(arguments.vectors, [folder_of(arguments.deploy)], "the network is")
    if arguments.gpu is not None:
        use_gpu(arguments.gpu)
    network = Network(
        arguments.deploy,
        arguments.weights,
        _preprocessing(arguments),
        stride=arguments.stride,
        views=arguments.views,
        tiling=Tiling(arguments.tile, arguments.overlap),
    )
    classes = _classes(arguments)
    how = Prediction(
        network,
        decoding(arguments, classes, arguments.deploy),
        size=arguments.size,
        batch=arguments.batch,
        classifier=_classifier(arguments, classes),
        levels=arguments.levels,
        masks=arguments.masks,
    )
    out = arguments.out
    try:
        found = predict(
            how,
            samples,
            out,
            vectors_out=arguments.vectors,
            workers=workers(arguments),
            quiet=arguments.quiet,
            resume=arguments.resume,
        )
    except KeyboardInterrupt:
        print("\nstopped; add --resume to the same command to continue", flush=True)
        raise
    kept = f" ({found.kept} kept)" if found.kept else ""
    images = counted(found.images, "image")
    print(f"{out}: {counted(found.instances, 'instance')} in {images}{kept}")
    if not found.instances:
        lower = "--vt" if how.decoding.published else "--vt, --foreground or --probability"
        print(
            "a network that has learned little finds nothing: train longer, or lower "
            f"{lower} (dcme tune finds values)"
        )
