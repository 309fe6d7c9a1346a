"""Settings, configurations and runs that cannot be: one whole message, exit code 2, no run left behind."""

import errno
import json
import os
from pathlib import Path

import numpy as np
import pytest

from cli.refusals import DENSE, refused, usage
from cli.small_data import NETWORK, images, same_run

SETTINGS = [
    (
        ["--data", "smal.npz"],
        "data must be a known set, a folder of images per class, or an .npz file; got 'smal.npz'; "
        "known: cifar10, digits, fashion-mnist, mnist [data-name]",
    ),
    (
        ["--optimizer", "adma"],
        "--optimizer must be one of sgd, adam, adamw; got 'adma'; did you mean adam, adamw? [optimizer]",
    ),
    (
        ["--optimizer", "adam", "--momentum", "0.9"],
        "--momentum must come with --optimizer sgd; got adam, which has its own; leave it out. [momentum]",
    ),
    (
        ["--loss", "mse", "--label-smoothing", "0.1"],
        "--label-smoothing must come with --loss cross_entropy; got mse; leave one out. [label-smoothing]",
    ),
    (["--lr", "-1"], "SGD.lr must be a number above 0; got lr=-1.0; 0.01 is a common start. [setting]"),
    (["--lr", "nan"], "SGD.lr must be a number above 0; got lr=nan; 0.01 is a common start. [setting]"),
    (["--epochs", "0"], "epochs must be an integer from 1; got epochs=0; use 5. [setting]"),
    (
        ["--batch-size", "0"],
        "batch_size must be an integer from 1; got batch_size=0; 64 is usual. [setting]",
    ),
    (
        ["--schedule", "cosin"],
        "schedule must be one of constant, step, cosine, one_cycle, warm_up; got schedule='cosin'; did you mean "
        "cosine? [schedule]",
    ),
    (
        ["--augment", "shft=2"],
        "augment must name steps among shift, flip, crop, rotate; got 'shft'; did you mean shift? [augment-name]",
    ),
    (
        ["--validation", "0.7"],
        "--validation must be a share of the training images from 0 to 0.5; got 0.7; 0.1 is usual, 0 is none. "
        "[hold-out]",
    ),
    (["--channels", "2"], "--channels must be 1 for gray or 3 for color; got 2; choose one. [channels]"),
    (
        ["--resize", "0"],
        "--resize must be a number of pixels; got '0'; write 32, or 32x48 for rows x columns. [extent]",
    ),
    (
        ["--resize", "6x5x4"],
        "--resize must be one side or rows x columns, at most 10,000 each; got 6x5x4; write 28, or 28x32. [resize]",
    ),
    (
        ["--config", "none.yaml"],
        "'none.yaml' must be a YAML file that can be read; got an error (no such file or directory); check the path. [config-file]",
    ),
]


@pytest.mark.parametrize(("given", "message"), SETTINGS, ids=[" ".join(given) for given, _ in SETTINGS])
def test_settings_that_cannot_be(convscope, here, given, message):
    """Refused before anything is written."""
    refused(convscope, "train", DENSE, "--data", "small.npz", *given, message=message)


CONFIGURATIONS = [
    (
        "epochs: 2\nbatchsize: 3\n",
        "c.yaml, line 2: a key must be an option of `convscope train`; got 'batchsize'; "
        "did you mean batch_size, resize? [config-key]",
    ),
    (
        "epochs: two\n",
        "c.yaml, line 1: epochs must be a value of its option; got 'two': 'two' is not a valid integer; "
        "see `convscope train --help`. [config-value]",
    ),
    (
        "epochs: [1, 2]\n",
        "c.yaml, line 1: epochs must have one value; got a list or mapping; write `epochs: value`. [config-value]",
    ),
    (
        "- epochs\n",
        "'c.yaml' must hold `option: value`, one a line; got something else; write for example `epochs: 5`. [config-file]",
    ),
    ("lr: -3\n", "SGD.lr must be a number above 0; got lr=-3.0; 0.01 is a common start. [setting]"),
]


@pytest.mark.parametrize(("text", "message"), CONFIGURATIONS)
def test_configurations_that_cannot_be(convscope, here, text, message):
    """Unknown keys get the nearest names; the file and the line are said."""
    Path("c.yaml").write_text(text)
    refused(convscope, "train", DENSE, "--data", "small.npz", "--config", "c.yaml", message=message)


def test_what_must_be_given(convscope, here):
    """A model and data, or a run."""
    message = (
        "a MODEL and --data must be given, or --resume; got {}; write it as in `convscope train lenet --data mnist`. "
        "[train-what]"
    )
    usage(convscope, "train", "lenet", message=message.format("no --data"))
    usage(convscope, "train", "--data", "digits", message=message.format("no MODEL"))
    usage(
        convscope,
        "train",
        "--resume",
        "a",
        "--run",
        "b",
        message="of --run and --resume one must be chosen; got --run and --resume; leave out all but one. [one-of]",
    )


def test_runs_that_cannot_go_on(convscope, here):
    """Another folder, another network, other settings: what differs is said."""
    convscope("train", DENSE, "--data", "small.npz", "--epochs", 1, "--run", "mine")
    refused(
        convscope,
        "train",
        "--resume",
        "mien",
        message="there is no run folder 'mien'; did you mean mine? [no-model]",
        runs=["mine"],
    )
    refused(
        convscope,
        "train",
        DENSE,
        "--data",
        "small.npz",
        "--run",
        "mine",
        message="--run must be a new folder; got 'mine' with a run in it; continue it with `convscope train --resume "
        "mine`, or choose another folder. [run-exists]",
        runs=["mine"],
    )
    ended = convscope("train", "--resume", "mine", "--batch-size", 5)
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.splitlines()[-1] == (
        "convscope: batch_size cannot change when a run is resumed (got batch_size=5, not 64). Leave it out, or "
        "start a new run. [resume-setting]"
    )
    ended = convscope("train", "input 1x6x5 | flatten | dense 4", "--resume", "mine")
    assert (ended.code, ended.out) == (2, "")
    assert "is a run of another network than network" in ended.err
    assert "+  - dense 4" in ended.err


def test_a_run_without_named_data_asks_for_them(convscope, here):
    """Arrays given in Python have no name."""
    import convscope as cs

    x, labels = images(30)
    data = ((x / 255).astype(np.float32), labels)
    cs.Model(DENSE).fit(data, epochs=1, run="python", progress=False)
    usage(
        convscope,
        "train",
        "--resume",
        "python",
        message="--data must be given: the run was begun with data that has no name; got none; "
        "give the same data again. [data-missing]",
    )
    usage(
        convscope,
        "evaluate",
        "python",
        verb="evaluate",
        message="--data must be given: the model was trained on data that has no name; got none; "
        "name a set, a folder or an .npz file. [data-missing]",
    )


def test_a_damaged_checkpoint_is_named_and_the_previous_used(convscope, here):
    """The run ends as if nothing had happened; without any whole one, it cannot go on."""
    convscope("train", NETWORK, "--data", "small.npz", "--epochs", 2, "--run", "mine")
    Path("mine/last.safetensors").write_bytes(b"damaged")
    ended = convscope("train", "--resume", "mine", "--epochs", 3)
    assert ended.code == 0
    assert "'mine/last.safetensors' is a damaged .safetensors file" in ended.err
    for name in ("last", "previous"):
        Path(f"mine/{name}.safetensors").write_bytes(b"damaged")
    ended = convscope("train", "--resume", "mine", "--epochs", 4)
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.splitlines()[-1] == (
        "convscope: 'mine' has no intact checkpoint. Start the run again in another folder. [no-checkpoint]"
    )


def test_a_disk_that_fills_leaves_what_was_saved(convscope, here, monkeypatch):
    """The run goes on once there is room, and ends as if nothing had happened."""
    options = ("--data", "small.npz", "--batch-size", 8)
    convscope("train", NETWORK, *options, "--epochs", 3, "--run", "whole")
    convscope("train", NETWORK, *options, "--epochs", 1, "--run", "mine")

    def full(_number):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as disk:
        disk.setattr(os, "fsync", full)
        ended = convscope("train", "--resume", "mine", "--epochs", 3)
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.splitlines()[-1] == (
        "convscope: cannot write 'mine/run.json' (no space left on device). Files saved earlier are intact. "
        "Free disk space or choose another folder, then resume. [write-failed]"
    )
    assert convscope("train", "--resume", "mine", "--epochs", 3).code == 0
    same_run(here / "whole", here / "mine")


def test_numbers_that_become_infinite_stop_the_run(convscope, here):
    """The layer is named, and where to look; the exit code is that of a check that failed."""
    net = "input 1x6x5 | flatten | one: dense 9 | two: dense 9 | dense 3"
    options = ("--lr", "1e30", "--epochs", 4, "--batch-size", 8, "--run", "hot")
    with np.errstate(all="ignore"):
        ended = convscope("train", net, "--data", "small.npz", *options)
    assert (ended.code, ended.out) == (1, "")
    *_, hint, message = ended.err.splitlines()
    assert hint == "what the run shows: convscope diagnose hot"
    assert message.startswith("convscope: NaN or infinity in layer ")
    assert message.endswith("Lower the learning rate (now 1e+30) or set clip_norm=1. [not-finite]")


def test_run_that_diverges_ends_with_exit_code_1(convscope, here):
    """The step is named, no exploded epoch is the best, and diagnose says what to change."""
    options = ("--loss", "mse", "--lr", 100, "--clip-norm", 1, "--epochs", 3, "--batch-size", 8, "--run", "bad")
    ended = convscope("train", DENSE, "--data", "small.npz", *options)
    assert ended.code == 1
    assert "training diverged: the loss has been above " in ended.err
    assert ended.err.rstrip().endswith("Lower the learning rate, or set clip_norm=1. [diverged]")
    _, diverged, _, next_command = ended.out.splitlines()
    assert diverged.startswith("diverged from step ")
    assert diverged.endswith(" on: no epoch ended before.")
    assert next_command == "next: convscope diagnose bad"
    assert not (here / "bad" / "best.safetensors").exists()
    found = convscope("diagnose", "bad", "--json")
    assert "diverged" in [one["code"] for one in json.loads(found.out)["training"]]
    assert "still-improving" not in found.out
    assert json.loads(convscope("train", "--resume", "bad", "--json").out)["stopped"] == "diverged"
