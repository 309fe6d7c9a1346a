"""The help: every command is listed, every example runs, and every default shown is the real one."""

import json
import re
import shlex
import shutil
from pathlib import Path

import click
import numpy as np
import pytest

import convscope as cs
from convscope.cli.explain import QUANTITIES
from convscope.cli.group import COMMANDS
from convscope.cli.group import convscope as group
from convscope.data import Subset
from convscope.data.config import DataConfig
from convscope.data.load import HELD_OUT_SHARE
from convscope.optim.losses import get_loss
from convscope.optim.optimizers import Adam, AdamW
from convscope.training.configuration import Configuration

COMMAND = re.compile(r"^ +convscope (.+)$", re.MULTILINE)


def helps(width: int) -> dict[str, str]:
    """Return the help text of every command, figures of plot included."""
    texts = {}

    def add(command: click.Command, path: str) -> None:
        context = click.Context(command, info_name=path, terminal_width=width)
        texts[path] = command.get_help(context)
        if isinstance(command, click.Group):
            for name in command.list_commands(context):
                add(command.get_command(context, name), f"{path} {name}")

    add(group, "convscope")
    return texts


HELPS = {path: re.sub(r" \\\n +", " ", text) for path, text in helps(200).items()}
"""Help texts, the lines that continue an example joined."""

EXAMPLES = sorted({example.strip() for text in HELPS.values() for example in COMMAND.findall(text)})


@pytest.mark.parametrize("path", [path for path in HELPS if path != "convscope"])
def test_every_command_has_an_example_of_itself(path):
    assert any(f"convscope {example}".startswith(path) for example in COMMAND.findall(HELPS[path]))


def test_help_fits_a_terminal_of_80_columns():
    wide = [line for text in helps(80).values() for line in text.splitlines() if len(line) > 80]
    assert wide == []


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
    """As printed, in a folder with images, weights and class names, and a run where one is named."""
    from PIL import Image

    monkeypatch.chdir(tmp_path)
    for name in ("lenet-digits", "a", "b"):
        if re.search(rf"runs/{name}\b", example):
            shutil.copytree(run_folder, f"runs/{name}")
    if "model.onnx" in example:
        cs.Model("lenet").save("model.onnx")
    Image.new("RGB", (300, 200), "orange").save("cat.jpg")
    Image.new("L", (28, 28)).save("three.png")
    Path("photos").mkdir()
    Image.new("RGB", (30, 20), "green").save("photos/frog.png")
    cs.Model("lenet").save("lenet.safetensors")
    Path("digits.txt").write_text("\n".join(map(str, range(10))))
    if example.startswith("bench"):
        _fake_timing(monkeypatch)
    if example.startswith("tune"):
        _fake_tuning(monkeypatch)
    if example.startswith("explore"):
        _end_at_once(monkeypatch)
    ended = convscope(*shlex.split(example))
    assert ended.code == 0, ended.err
    assert ended.out or len(list(Path().iterdir())) > 5


def _end_at_once(monkeypatch):
    """Let the server end as soon as it starts, and open no browser."""
    import uvicorn

    monkeypatch.setattr(uvicorn.Server, "run", lambda _server, sockets: None)
    monkeypatch.setattr("webbrowser.open", lambda _link: None)


def _fake_tuning(monkeypatch):
    """Let every algorithm take 1 ms, and cache no choice for other tests."""
    from convscope.bench import tune
    from convscope.engines.native.tuning import cache as choices

    monkeypatch.setattr(tune, "fastest", lambda _work, _seconds: 1e-3)
    monkeypatch.setattr(choices, "_folder", lambda: None)


def _fake_timing(monkeypatch):
    """Measure one case of each kind only, and let all work take 1 ms."""
    from convscope.bench import networks, passes, peak, run

    monkeypatch.setattr(networks, "CASES", networks.CASES[-1:])
    monkeypatch.setattr(passes, "CASES", passes.CASES[:1])
    monkeypatch.setattr(run, "medians", lambda works, _seconds: [1e-3 for _ in works])
    monkeypatch.setattr(peak, "measured_peak", lambda: peak.Peak(1e9, 1e9))


def test_short_help_in_the_list_is_that_of_each_command(convscope):
    context = click.Context(group)
    assert group.list_commands(context) == list(COMMANDS)
    for name, about in COMMANDS.items():
        command = group.get_command(context, name)
        assert (command.name, command.short_help) == (name, about)
        assert f"{name} " in HELPS["convscope"]


def test_shown_defaults_of_training_are_those_of_the_library():
    """The options stay unset, so that a resumed run keeps its own values; the help repeats the defaults."""
    usual = Configuration()
    shown = dict(re.findall(r"--([\w-]+)(?:, --[\w-]+)? .*?\[default: (.*?)\]", HELPS["convscope train"]))
    assert shown["epochs"] == str(usual.epochs)
    assert shown["batch-size"] == str(usual.batch_size)
    assert shown["momentum"] == str(usual.optimizer.momentum)
    assert shown["lr"] == f"{usual.optimizer.lr} for sgd, {Adam().lr} for adam and adamw"
    assert shown["weight-decay"] == f"{usual.optimizer.weight_decay:g}, or {AdamW().weight_decay} for adamw"
    assert Adam().lr == AdamW().lr
    assert shown["validation"] == str(HELD_OUT_SHARE)
    assert get_loss(shown["loss"].replace("-", "_")) == usual.loss


def test_quantities_of_explain_are_all_listed():
    """Every quantity that a derivation has can be chosen, with hyphens or underscores."""
    derived = {one.quantity for name in ("exercise", "mobilenet_v2") for one in cs.explain(name)}
    derived |= {one.quantity for one in cs.explain("exercise", "conv2", (0, 0))}
    assert derived <= {name.replace("-", "_") for name in QUANTITIES}


@pytest.mark.parametrize(
    ("command", "one", "other"),
    [
        (["explain", "exercise", "conv2"], ["--quantity", "receptive-field"], ["--quantity", "receptive_field"]),
        (["field", "lenet", "conv2", "--at", "1,2"], ["--origin", "pool1"], ["--of", "pool1"]),
    ],
)
def test_hyphens_underscores_and_aliases_mean_the_same(convscope, command, one, other):
    first, second = convscope(*command, *one), convscope(*command, *other)
    assert first == second
    assert first.code == 0


@pytest.mark.parametrize(
    "options",
    [
        ["--loss", "cross-entropy", "--lr", 0.02, "--patience", 7, "--schedule", "one-cycle"],
        ["--loss", "cross_entropy", "--learning-rate", 0.02, "--early-stop", 7, "--schedule", "one_cycle"],
    ],
)
def test_options_of_training_have_aliases(convscope, tmp_path, monkeypatch, options):
    monkeypatch.chdir(tmp_path)
    ended = convscope("train", "input 1x8x8 | flatten | dense 10", "--data", "digits", "--epochs", 1, *options)
    assert ended.code == 0, ended.err
    (folder,) = Path("runs").iterdir()
    document = json.loads((folder / "run.json").read_text())["configuration"]
    assert (document["loss"]["name"], document["optimizer"]["lr"]) == ("cross_entropy", 0.02)
    assert (document["patience"], document["schedule"]["name"]) == (7, "one_cycle")


def test_keys_of_a_configuration_file_have_the_aliases(convscope, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("mine.yaml").write_text("early-stop: 7\nlearning_rate: 0.02\nloss: cross-entropy\nepochs: 1\nrun: mine\n")
    ended = convscope("train", "input 1x8x8 | flatten | dense 10", "--data", "digits", "--config", "mine.yaml")
    assert ended.code == 0, ended.err
    document = json.loads(Path("mine/run.json").read_text())["configuration"]
    assert (document["patience"], document["optimizer"]["lr"]) == (7, 0.02)
