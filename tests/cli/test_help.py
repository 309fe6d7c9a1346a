"""The help: every verb is in it, and every example in it runs."""

import re
import shlex
import shutil
from pathlib import Path

import click
import numpy as np
import pytest

import convscope as cs
from convscope.cli.group import VERBS
from convscope.cli.group import convscope as group
from convscope.data import Subset
from convscope.data.config import DataConfig

COMMAND = re.compile(r"^ +convscope (.+)$", re.MULTILINE)


def helps() -> dict[str, str]:
    """Return the help text of every command, figures of plot included."""
    texts = {}

    def add(command: click.Command, path: str) -> None:
        context = click.Context(command, info_name=path, terminal_width=200)
        texts[path] = command.get_help(context)
        if isinstance(command, click.Group):
            for name in command.list_commands(context):
                add(command.get_command(context, name), f"{path} {name}")

    add(group, "convscope")
    return texts


HELPS = helps()
EXAMPLES = sorted({example.strip() for text in HELPS.values() for example in COMMAND.findall(text)})


@pytest.mark.parametrize("path", [path for path in HELPS if path != "convscope"])
def test_every_verb_has_an_example_of_itself(path):
    """Someone who asks for help wants to see it used."""
    assert any(f"convscope {example}".startswith(path) for example in COMMAND.findall(HELPS[path]))


@pytest.fixture(scope="session")
def run_folder(tmp_path_factory):
    """A short run of lenet on a part of the digits."""
    choice = DataConfig("digits", resize=(28, 28))
    few = Subset(choice.part("train"), np.arange(30))
    folder = tmp_path_factory.mktemp("runs") / "lenet-digits"
    cs.Model("lenet").fit(few, epochs=1, run=folder, notes={"data": choice.to_dict()}, progress=False)
    return folder


@pytest.mark.parametrize("example", EXAMPLES)
def test_every_example_runs(convscope, tmp_path, monkeypatch, example, run_folder):
    """As printed, in a folder with an image in it, and a run where one is named."""
    from PIL import Image

    monkeypatch.chdir(tmp_path)
    if "runs/lenet-digits" in example:
        shutil.copytree(run_folder, "runs/lenet-digits")
    Image.new("RGB", (300, 200), "orange").save("cat.jpg")
    if example.startswith("bench"):
        _time_nothing(monkeypatch)
    if example.startswith("tune"):
        _keep_nothing(monkeypatch)
    ended = convscope(*shlex.split(example))
    assert ended.code == 0, ended.err
    assert ended.out or len(list(Path().iterdir())) > 1


def _keep_nothing(monkeypatch):
    """Let every way of computing take 1 ms, and keep no choice for other tests."""
    from convscope.bench import tune
    from convscope.engines.native.tuning import cache as choices

    monkeypatch.setattr(tune, "fastest", lambda _work, _seconds: 1e-3)
    monkeypatch.setattr(choices, "_folder", lambda: None)


def _time_nothing(monkeypatch):
    """Let one case of each kind stand for all, and every piece of work take 1 ms."""
    from convscope.bench import networks, passes, peak, run

    monkeypatch.setattr(networks, "CASES", networks.CASES[-1:])
    monkeypatch.setattr(passes, "CASES", passes.CASES[:1])
    monkeypatch.setattr(run, "medians", lambda works, _seconds: [1e-3 for _ in works])
    monkeypatch.setattr(peak, "measured_peak", lambda: peak.Peak(1e9, 1e9))


def test_the_list_of_verbs_says_what_each_verb_says(convscope):
    """The short texts of the list stand in one place."""
    context = click.Context(group)
    assert group.list_commands(context) == list(VERBS)
    for verb, about in VERBS.items():
        command = group.get_command(context, verb)
        assert (command.name, command.short_help) == (verb, about)
        assert f"{verb} " in HELPS["convscope"]
