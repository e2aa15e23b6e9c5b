"""Every option of every command, off its default: what reaches the function that does the work."""

import argparse
import inspect
import json
from importlib import import_module
from pathlib import Path
from types import FunctionType

import pytest
from dcme.cli import COMMANDS, _parser, main
from dcme.reproduce.context import FCN, THRESHOLD_FILE
from support.command_lines import CASES


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The working folder, with the files that the cases name."""
    monkeypatch.chdir(tmp_path)
    layer = 'layer { name: "d" transform_param { scale: 0.5 mean_value: 9 } }'
    Path("other.prototxt").write_text(layer)
    for name in ("d.prototxt", "c.prototxt"):
        Path(name).touch()
    Path("saved.json").write_text('{"dt": 2, "vt": 6}')
    Path("city", "gtFine").mkdir(parents=True)
    Path("weights").mkdir()
    Path("weights", f"{FCN}.caffemodel").touch()
    Path("weights", THRESHOLD_FILE).write_text(json.dumps({FCN: [1, 2, 3]}))


def note_calls(monkeypatch, place, result):
    """Replace a function by one that gives ``result``; its calls' arguments by parameter."""
    module, _, name = place.rpartition(".")
    signature = inspect.signature(getattr(import_module(module), name))
    calls = []

    def note(*values, **named):
        calls.append(signature.bind(*values, **named).arguments)
        return result

    monkeypatch.setattr(import_module(module), name, note)
    return calls


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.words.split()[0])
def test_what_is_asked_for_reaches_what_does_it(case, monkeypatch):
    places = {**dict.fromkeys(case.calls), **case.results}
    noted = {place: note_calls(monkeypatch, place, result) for place, result in places.items()}
    assert main(case.words.split()) == 0
    for place, expected in case.calls.items():
        (found,) = noted[place]
        for name, value in expected.items():
            met = value(found[name]) if isinstance(value, FunctionType) else found[name] == value
            assert met, f"{place}: {name} is {found[name]}, and not {value}"


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("command", COMMANDS)
def test_every_option_of_a_command_is_tried(command):
    parser = _parser(command)
    (commands,) = (a for a in parser._actions if isinstance(a, argparse._SubParsersAction))
    lines = [case.words.split() for case in CASES]
    given = [vars(parser.parse_args(words)) for words in lines if words[0] == command]
    for action in commands.choices[command]._actions:
        if action.dest not in ("help", "debug"):  # which all commands have
            tried = any(words[action.dest] != action.default for words in given)
            assert tried, f"no case has another {action.dest} than {action.default}"


@pytest.mark.parametrize(
    ("words", "option", "expected"),
    [
        ("collect images masks out", "", {"val_share": 0.2}),
        ("collect images masks out", "--val 0.5", {"val_share": 0.5}),
        ("reproduce", "", {"dry_run": False}),
        ("reproduce", "--list", {"dry_run": True}),
    ],
)
def test_options_are_taken_by_their_former_names(words, option, expected):
    parser = _parser(words.split()[0])
    given = vars(parser.parse_args([*words.split(), *option.split()]))
    assert given.items() >= expected.items()
