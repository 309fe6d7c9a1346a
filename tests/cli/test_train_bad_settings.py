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
        "--data must be a known dataset, a folder of images per class, or an .npz file (got "
        "'smal.npz'). Known: cifar10, digits, fashion-mnist, mnist. [data-name]",
    ),
    (
        ["--optimizer", "adma"],
        "--optimizer must be sgd, adam or adamw (got 'adma'). Did you mean adam, adamw? [optimizer]",
    ),
    (
        ["--optimizer", "adam", "--momentum", "0.9"],
        "--momentum applies to --optimizer sgd only (got adam, which has its own). Leave it out. [momentum]",
    ),
    (
        ["--loss", "mse", "--label-smoothing", "0.1"],
        "--label-smoothing applies to --loss cross-entropy only (got mse). Leave it out. [label-smoothing]",
    ),
    (["--lr", "-1"], "--lr must be a number above 0 (got -1.0). 0.01 is a common start. [setting]"),
    (["--lr", "nan"], "--lr must be a number above 0 (got nan). 0.01 is a common start. [setting]"),
    (["--epochs", "0"], "--epochs must be an integer of at least 1 (got 0). Use 5. [setting]"),
    (
        ["--batch-size", "0"],
        "--batch-size must be an integer of at least 1 (got 0). 64 is usual. [setting]",
    ),
    (
        ["--schedule", "cosin"],
        "--schedule must be a schedule or its name (got 'cosin'). Did you mean cosine? [schedule]",
    ),
    (
        ["--augment", "shft=2"],
        "--augment has an unknown transformation (got 'shft'). Did you mean shift? [augment-name]",
    ),
    (
        ["--validation", "0.7"],
        "--validation must be a fraction from 0 to 0.5 (got 0.7). 0.1 is usual, 0 disables validation. [hold-out]",
    ),
    (["--channels", "2"], "--channels must be 1 for gray or 3 for color (got 2). [channels]"),
    (
        ["--resize", "0"],
        "--resize must be a number of pixels (got '0'). Example: 32, or 32x48 for rows and columns. [extent]",
    ),
    (
        ["--resize", "6x5x4"],
        "--resize must be one size or rows x columns, at most 10,000 each (got 6x5x4). Examples: 28, 28x32. [resize]",
    ),
    (
        ["--config", "none.yaml"],
        "The YAML file 'none.yaml' cannot be read (no such file or directory). Check the path. [config-file]",
    ),
]


@pytest.mark.parametrize(("given", "message"), SETTINGS, ids=[" ".join(given) for given, _ in SETTINGS])
def test_invalid_settings_are_refused(convscope, here, given, message):
    """Refused before anything is written."""
    refused(convscope, "train", DENSE, "--data", "small.npz", *given, message=message)


CONFIGURATIONS = [
    (
        "epochs: 2\nbatchsize: 3\n",
        "c.yaml, line 2: `convscope train` has no option 'batchsize'. Did you mean batch_size, resize? [config-key]",
    ),
    (
        "epochs: two\n",
        "c.yaml, line 1: the value of epochs is invalid. 'two' is not an integer. "
        "See `convscope train --help`. [config-value]",
    ),
    (
        "epochs: [1, 2]\n",
        "c.yaml, line 1: epochs must have one value (got a list or mapping). Write `epochs: value`. [config-value]",
    ),
    (
        "- epochs\n",
        "'c.yaml' must have one `option: value` per line. Example: `epochs: 5`. [config-file]",
    ),
    ("lr: -3\n", "--lr must be a number above 0 (got -3.0). 0.01 is a common start. [setting]"),
]


@pytest.mark.parametrize(("text", "message"), CONFIGURATIONS)
def test_invalid_configuration_files_are_refused(convscope, here, text, message):
    """Unknown keys get the nearest names; the file and the line are said."""
    Path("c.yaml").write_text(text)
    refused(convscope, "train", DENSE, "--data", "small.npz", "--config", "c.yaml", message=message)


def test_missing_model_or_data_is_refused(convscope, here):
    """A model and data, or a run."""
    message = (
        "{} is missing. Give both MODEL and --data, such as `convscope train lenet --data mnist`, or --resume with a "
        "run. [train-what]"
    )
    usage(convscope, "train", "lenet", message=message.format("--data"))
    usage(convscope, "train", "--data", "digits", message=message.format("MODEL"))
    usage(
        convscope,
        "train",
        "--resume",
        "a",
        "--run",
        "b",
        message="--run and --resume exclude each other (got --run and --resume). Use only one of them. [one-of]",
    )


def test_runs_that_cannot_be_resumed_are_refused(convscope, here):
    """Another folder, another network, other settings: what differs is said."""
    convscope("train", DENSE, "--data", "small.npz", "--epochs", 1, "--run", "mine")
    refused(
        convscope,
        "train",
        "--resume",
        "mien",
        message="There is no run folder 'mien'. Did you mean mine? [no-model]",
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
        message="--run must be a new folder (got 'mine', which has a run). Resume it with `convscope train --resume "
        "mine`, or choose another folder. [run-exists]",
        runs=["mine"],
    )
    ended = convscope("train", "--resume", "mine", "--batch-size", 5)
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.splitlines()[-1] == (
        "convscope: --batch-size cannot change when a run is resumed (got 5, not 64). Leave it out, or "
        "start a new run. [resume-setting]"
    )
    ended = convscope("train", "input 1x6x5 | flatten | dense 4", "--resume", "mine")
    assert (ended.code, ended.out) == (2, "")
    assert "is a run of another network than network" in ended.err
    assert "+  - dense 4" in ended.err


def test_run_on_arrays_asks_for_data(convscope, here):
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
        message="The run was trained on arrays, so its data cannot be loaded. Add --data with the same data. "
        "[data-missing]",
    )
    usage(
        convscope,
        "evaluate",
        "python",
        verb="evaluate",
        message="The run was trained on arrays, so its data cannot be loaded. Add --data with a dataset, a folder "
        "or an .npz file. [data-missing]",
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


def test_full_disk_leaves_saved_checkpoints_intact(convscope, here, monkeypatch):
    """The run resumes once there is room, and its result is bit-identical."""
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
        "convscope: Cannot write 'mine/run.json' (no space left on device). Files saved earlier are intact. "
        "Free disk space or choose another folder, then resume. [write-failed]"
    )
    assert convscope("train", "--resume", "mine", "--epochs", 3).code == 0
    same_run(here / "whole", here / "mine")


def test_infinite_values_stop_the_run(convscope, here):
    """The layer is named, and where to look; the exit code is that of a check that failed."""
    net = "input 1x6x5 | flatten | one: dense 9 | two: dense 9 | dense 3"
    options = ("--lr", "1e30", "--epochs", 4, "--batch-size", 8, "--run", "hot")
    with np.errstate(all="ignore"):
        ended = convscope("train", net, "--data", "small.npz", *options)
    assert (ended.code, ended.out) == (1, "")
    *_, hint, message = ended.err.splitlines()
    assert hint == "diagnose with: convscope diagnose hot"
    assert message.startswith("convscope: NaN or infinity in layer ")
    assert message.endswith("Lower the learning rate (now 1e+30), or clip the gradient norm to 1. [not-finite]")


def test_diverging_run_exits_with_1(convscope, here):
    """The step is named, no exploded epoch is the best, and diagnose says what to change."""
    options = ("--loss", "mse", "--lr", 100, "--clip-norm", 1, "--epochs", 3, "--batch-size", 8, "--run", "bad")
    ended = convscope("train", DENSE, "--data", "small.npz", *options)
    assert ended.code == 1
    assert "Training diverged: the loss has been above " in ended.err
    assert ended.err.rstrip().endswith("Lower the learning rate, or clip the gradient norm to 1. [diverged]")
    _, diverged, _, next_command = ended.out.splitlines()
    assert diverged.startswith("Diverged at step ")
    assert diverged.endswith(", before the first epoch ended.")
    assert next_command == "next: convscope diagnose bad"
    assert not (here / "bad" / "best.safetensors").exists()
    found = convscope("diagnose", "bad", "--json")
    assert "diverged" in [one["code"] for one in json.loads(found.out)["training"]]
    assert "still-improving" not in found.out
    assert json.loads(convscope("train", "--resume", "bad", "--json").out)["stopped"] == "diverged"


@pytest.mark.parametrize("more", [(), ("--resume", "runs/old")])
def test_a_step_to_start_from_needs_a_run_to_fork(convscope, here, more):
    ended = convscope("train", DENSE, "--data", "small.npz", "--at", "3", *more)
    assert ended.code == 2
    assert "--at needs --fork. Add --fork with a run. [fork-run]" in ended.err
