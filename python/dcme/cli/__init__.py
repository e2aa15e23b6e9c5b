"""The command ``dcme``: parses arguments and calls the package; the work is done elsewhere.

A command's module has ``add_arguments``, ``run`` and, where it fills folders, ``written``, which
names them.
Commands import what they need when they run, so that ``dcme --help`` is immediate.
"""

from __future__ import annotations

import argparse
import os
import sys
import warnings
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from importlib import import_module
from typing import NoReturn

from dcme import __version__
from dcme.errors import EXPECTED, one_line
from dcme.folder_lock import sole_writer
from dcme.printing import Parser, drop_output, flush_output, open_streams
from dcme.stopping import exit_code, stop_signals_as_ctrl_c

COMMANDS = {
    "synth": "paint a synthetic street data set in Cityscapes' layout",
    "collect": "make a data set from your images and masks",
    "prepare": "reduce a data set to training size and write its lists",
    "encode": "turn instance maps into vectors to the centres of mass",
    "train": "run caffe train with checks and progress, or continue a stopped run",
    "predict": "turn images into instance masks with trained weights",
    "decode": "turn vector maps into instance masks",
    "evaluate": "compute average precision and matching scores of results",
    "tune": "find the decoder's thresholds from validation images",
    "submit": "pack results into a checked zip for Cityscapes' evaluation server",
    "oracle": "compute scores with part of the answer taken from the ground truth",
    "plot": "draw vectors, grid classes, masks and loss curves",
    "reproduce": "compute the tables and figures of both papers beside the printed numbers",
    "demo": "do all of it on painted scenes: synthesise, train, predict, evaluate, report",
}


class _Parser(Parser):
    """Tells what is wrong with the arguments in one line, without all that would be right."""

    words: Sequence[str] = ()
    """What is parsed, for the hints of messages."""

    def error(self, message: str) -> NoReturn:
        given = {word.partition("=")[0] for word in self.words}
        greedy = [
            name
            for action in self._actions
            for name in action.option_strings
            if action.nargs == "+" and name in given
        ]
        if greedy and message.startswith("the following arguments are required"):
            message += f" (before {greedy[0]}, which takes all words that follow it)"
        self.exit(2, f"{self.prog}: error: {message} (see {self.prog} --help)\n")

    def refuse(self, unknown: Sequence[str]) -> NoReturn:
        """End with the first of the words that are no arguments, and what may have been meant."""
        word = next((word for word in unknown if word.startswith("-")), unknown[0])
        names = [name for action in self._actions for name in action.option_strings]
        meant = _meant(word.partition("=")[0], names) if word.startswith("-") else ""
        self.error(f"unrecognized argument: {word}" + (f"; {meant}" if meant else ""))


def _meant(word: str, names: Iterable[str]) -> str:
    """The question whether the nearest of the names was meant; nothing where none is near."""
    from difflib import get_close_matches

    near = get_close_matches(word, list(names), n=1)
    return f"did you mean '{near[0]}'?" if near else ""


class _CommandHelp(argparse.HelpFormatter):
    """The list of commands, each with its summary beside it."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog, max_help_position=18)
        # Of names that are indented twice argparse reckons with the indent of one.
        self._action_max_length = max(map(len, COMMANDS)) + 2 * self._indent_increment


def _add_debug(parser: argparse.ArgumentParser, default: bool | str) -> None:
    parser.add_argument(
        "--debug", action="store_true", default=default, help="show the traceback of errors"
    )


def _parser(command: str | None, words: Sequence[str] = ()) -> _Parser:
    """The parser of ``words``; only the chosen command's module is imported."""
    parser = _Parser(
        prog="dcme",
        description="Instance segmentation by per-pixel vectors to the centre of mass.",
        epilog="example: dcme synth city --train 8 --val 2",
        formatter_class=_CommandHelp,
    )
    parser.add_argument("--version", action="version", version=f"dcme {__version__}")
    _add_debug(parser, False)
    subparsers = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for name, summary in COMMANDS.items():
        subparser = subparsers.add_parser(
            name,
            help=summary,
            description=summary[0].upper() + summary[1:] + ".",
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        if name == command:
            subparser.words = words
            module = import_module(f"dcme.cli.{name}")
            module.add_arguments(subparser)
            _add_debug(subparser, argparse.SUPPRESS)  # not to undo one before the command
            subparser.set_defaults(
                run=module.run,
                written=getattr(module, "written", lambda arguments: ()),
                refuse=subparser.refuse,
            )
    return parser


@contextmanager
def _warnings_as_lines(origin: str) -> Iterator[None]:
    """Show Python's warnings without file and line."""

    def show(message: Warning | str, *_: object, **__: object) -> None:
        print(f"{origin}: warning: {message}", file=sys.stderr)

    with warnings.catch_warnings():
        warnings.showwarning = show
        warnings.filterwarnings("once", category=UserWarning, module="dcme")
        yield


def _require_command(parser: argparse.ArgumentParser, words: Sequence[str]) -> None:
    """End with the nearest name where the first word that is no option is no command."""
    word = next((word for word in words if not word.startswith("-")), None)
    if word is None or word in COMMANDS:
        return
    known = _meant(word, COMMANDS) or f"there are {', '.join(COMMANDS)}"
    parser.error(f"there is no command '{word}': {known}")


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code: 0, 1 after an error, 2 for wrong arguments, 128 and
    the number of a signal that ended it."""
    open_streams()
    words = list(sys.argv[1:] if argv is None else argv)
    command = next((word for word in words if word in COMMANDS), None)
    parser = _parser(command, words)
    if not words:
        parser.print_help(sys.stderr)
        return 2
    _require_command(parser, words)
    arguments, unknown = parser.parse_known_args(words)
    if unknown:
        arguments.refuse(unknown)
    os.environ.setdefault("OPENCV_LOG_LEVEL", "SILENT")  # errors are told in one line of our own
    with stop_signals_as_ctrl_c():
        return _run(arguments)


def _run(arguments: argparse.Namespace) -> int:
    """The command's exit code, its errors told in one line."""
    try:
        with _warnings_as_lines(f"dcme {arguments.command}"), ExitStack() as locks:
            for folder in {os.path.realpath(f): f for f in arguments.written(arguments)}.values():
                locks.enter_context(sole_writer(folder))
            arguments.run(arguments)
        flush_output()
    except BrokenPipeError:
        drop_output()
        return 1
    except KeyboardInterrupt as interrupt:
        print("dcme: interrupted", file=sys.stderr)
        return exit_code(interrupt)
    except EXPECTED as error:
        if arguments.debug:
            raise
        print(f"dcme {arguments.command}: error: {one_line(error)}", file=sys.stderr)
        return 1
    return 0
