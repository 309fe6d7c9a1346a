"""Whatever is wrong with data, settings or files: one whole message on stderr, exit code 2, no run left behind."""

import errno
import os
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cli.small_data import NETWORK, pictures, same_run, write_folder, write_npz

DENSE = "input 1x6x5 | flatten | dense 3"


@pytest.fixture
def here(tmp_path, monkeypatch):
    """Work in a folder that has small.npz in it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("CONVSCOPE_DATA", raising=False)
    write_npz(tmp_path / "small.npz")
    return tmp_path


def refused(convscope, *arguments, message, runs=()):
    """Run the command line and hold its one message against the one expected; no other run is left behind."""
    ended = convscope(*arguments)
    assert (ended.code, ended.out) == (2, "")
    assert ended.err == f"convscope: {message}\n"
    assert {path.parent.name for path in Path().glob("**/run.json")} == set(runs)


def usage(convscope, *arguments, message, verb="train"):
    ended = convscope(*arguments)
    assert (ended.code, ended.out) == (2, "")
    assert ended.err == f"convscope: {message}\ntry: convscope {verb} --help\n"


def test_pictures_of_another_shape_than_the_network_takes(convscope, here):
    """The way out is only what works: lenet cannot take 8×8, this network can take 6×5."""
    refused(
        convscope,
        "train",
        "lenet",
        "--data",
        "digits",
        message="the data must have the pictures that the network takes; got 1×8×8 in digits and 1×28×28 in lenet; "
        "use --resize 28. [data-shape]",
    )
    refused(
        convscope,
        "train",
        "input 3x9x7 | conv 4 3 | globalavgpool | flatten | dense 3",
        "--data",
        "small.npz",
        message="the data must have the pictures that the network takes; got 1×6×5 in small and 3×9×7 in network; "
        "use --input 1x6x5 or --resize 9x7 --channels 3. [data-shape]",
    )


def test_each_way_out_of_another_shape_works(convscope, here):
    """Both options of the message above."""
    net = "input 3x9x7 | conv 4 3 | globalavgpool | flatten | dense 3"
    for way in (["--input", "1x6x5"], ["--resize", "9x7", "--channels", "3"]):
        assert convscope("train", net, "--data", "small.npz", "--epochs", 1, *way).code == 0


def test_more_classes_than_outputs(convscope, here):
    """The layer to change is named."""
    refused(
        convscope,
        "train",
        "input 1x8x8 | flatten | dense 20 | relu | scores: dense 4",
        "--data",
        "digits",
        message="the data must have at most as many classes as the network has outputs; got 10 classes in digits "
        "and 4 outputs in network; write it by `convscope convert` and give it 10 outputs in scores. [data-classes]",
    )


def test_a_network_that_ends_in_maps(convscope, here):
    """It gives no number per class."""
    refused(
        convscope,
        "train",
        "input 1x6x5 | conv 3 3",
        "--data",
        "small.npz",
        message="a network must give one number per class; got an output of 3×4×3 from network; "
        "end it in globalavgpool or flatten, and dense. [no-classes]",
    )


ARRAYS = {
    "labels-outside": (
        lambda x, y: {"x": x, "y": np.where(y == 2, -1, y)},
        "labels must be from 0 to 99999; got label -1 for picture 2 (3 of 9 are outside); "
        "number the classes from 0. [label-range]",
    ),
    "labels-short": (
        lambda x, y: {"x": x, "y": y[:7]},
        "labels must be as many as pictures; got 7 labels for 9 pictures; "
        "check that both come from the same split. [label-count]",
    ),
    "empty": (
        lambda x, y: {"x": x[:0], "y": y[:0]},
        "x must hold at least one picture with at least one pixel; got x=0×1×6×5; "
        "check where the pictures come from. [data-empty]",
    ),
    "nan": (
        lambda x, y: {"x": np.where(np.arange(9)[:, None, None, None] == 4, np.nan, x / 255), "y": y},
        "x must hold finite float32 numbers; got nan in picture 4, channel 0, row 0, column 0; "
        "mend or leave out such pictures. [data-nan]",
    ),
    "other-names": (
        lambda x, y: {"pics": x, "marks": y},
        "'bad.npz' must hold arrays x and y, or x_train and y_train (and x_test, y_test); got marks, pics; "
        "write it by np.savez(path, x=pictures, y=labels). [npz-names]",
    ),
    "objects": (
        lambda x, y: {"x": x, "y": np.array([{}] * 9)},
        "'y.npy' in 'bad.npz' must hold numbers or text; got objects, which could run code; write it by np.savez. "
        "[npz-objects]",
    ),
}


@pytest.mark.parametrize(("made", "message"), ARRAYS.values(), ids=ARRAYS)
def test_arrays_that_cannot_be_learned(convscope, here, made, message):
    """Labels out of range or too few, nothing, NaN, other names, objects."""
    np.savez("bad.npz", **made(*pictures(9)))
    refused(convscope, "train", DENSE, "--data", "bad.npz", message=message)


def test_a_truncated_archive(convscope, here):
    """Half a file is none."""
    whole = Path("small.npz").read_bytes()
    Path("half.npz").write_bytes(whole[: len(whole) // 2])
    refused(
        convscope,
        "train",
        DENSE,
        "--data",
        "half.npz",
        message="'half.npz' must be a NumPy archive (.npz); got a file that does not read as one (File is not a zip "
        "file); write it by np.savez. [npz-file]",
    )


def test_a_damaged_picture_is_named(convscope, here):
    """It is skipped only when asked."""
    folder = write_folder(here / "folder")
    (folder / "coal" / "broken.png").write_bytes(b"no picture")
    refused(
        convscope,
        "train",
        DENSE,
        "--data",
        "folder",
        message="'folder/coal/broken.png' must be a whole picture file; got a damaged one (no picture that Pillow "
        "knows); mend it, take it away, or skip such files. [picture-file]",
    )


def test_pictures_of_mixed_sizes(convscope, here):
    """Two of them are named with their sizes; --resize helps."""
    folder = write_folder(here / "folder")
    Image.new("L", (9, 8)).save(folder / "bone" / "large.png")
    refused(
        convscope,
        "train",
        DENSE,
        "--data",
        "folder",
        message="pictures must be of one size; got 6×5 in 'folder/ash/0.png' and 8×9 in 'folder/bone/large.png'; "
        "give a size to resize them to. [picture-sizes]",
    )
    assert convscope("train", DENSE, "--data", "folder", "--resize", "6x5", "--epochs", 1).code == 0


def test_a_class_without_validation_pictures(convscope, here):
    """A class of one picture gives none to validation."""
    folder = write_folder(here / "folder")
    (folder / "dust").mkdir()
    Image.new("L", (5, 6)).save(folder / "dust" / "only.png")
    refused(
        convscope,
        "train",
        "input 1x6x5 | flatten | dense 4",
        "--data",
        "folder",
        message="validation data must have pictures of every class; got none of dust (1 of 4 classes); "
        "add at least one picture of each, or leave the class out of training. [classes-missing]",
    )


def test_a_decompression_bomb(convscope, here):
    """A small file that claims a huge picture is refused before it is unpacked."""

    def chunk(kind, content):
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", 40_000, 30_000, 8, 0, 0, 0, 0))
    bomb = b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", zlib.compress(bytes(100))) + chunk(b"IEND", b"")
    folder = write_folder(here / "folder")
    (folder / "ash" / "bomb.png").write_bytes(bomb)
    refused(
        convscope,
        "train",
        DENSE,
        "--data",
        "folder",
        message="'folder/ash/bomb.png' must be a picture of at most 100,000,000 pixels; got more; "
        "make it smaller, or leave it out. [picture-pixels]",
    )


SETTINGS = [
    (
        ["--data", "smal.npz"],
        "data must be a known set, a folder of pictures per class, or an .npz file; got 'smal.npz'; "
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
    (["--epochs", "0"], "fit.epochs must be a whole number from 1; got epochs=0; use 5. [setting]"),
    (
        ["--batch-size", "0"],
        "fit.batch_size must be a whole number from 1; got batch_size=0; 64 is usual. [setting]",
    ),
    (
        ["--schedule", "cosin"],
        "fit.schedule must be one of constant, step, cosine, one_cycle, warm_up; got schedule='cosin'; "
        "did you mean cosine? [schedule]",
    ),
    (
        ["--augment", "shft=2"],
        "augment must name steps among shift, flip, crop, rotate; got 'shft'; did you mean shift? [augment-name]",
    ),
    (
        ["--validation", "0.7"],
        "--validation must be a share of the training pictures from 0 to 0.5; got 0.7; 0.1 is usual, 0 is none. "
        "[hold-out]",
    ),
    (["--channels", "2"], "--channels must be 1 for grey or 3 for colour; got 2; choose one. [channels]"),
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
        message="'mien' must be a run's folder; got no such folder; did you mean mine? [no-model]",
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
        message="--run must be a new folder; got 'mine' with a run in it; go on with it by --resume mine, or choose "
        "another. [run-exists]",
        runs=["mine"],
    )
    ended = convscope("train", "--resume", "mine", "--batch-size", 5)
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.splitlines()[-1] == (
        "convscope: fit.batch_size must stay as it was when a run goes on; got batch_size=5, not 64; "
        "leave it out, or begin a new run. [resume-setting]"
    )
    ended = convscope("train", "input 1x6x5 | flatten | dense 4", "--resume", "mine")
    assert (ended.code, ended.out) == (2, "")
    assert "must be a run of network; got one of another network" in ended.err
    assert "+  - dense 4" in ended.err


def test_a_run_without_named_data_asks_for_them(convscope, here):
    """Arrays given in Python have no name."""
    import convscope as cs

    x, labels = pictures(30)
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
    assert "'mine/last.safetensors' must be a whole .safetensors file; got a damaged one" in ended.err
    for name in ("last", "previous"):
        Path(f"mine/{name}.safetensors").write_bytes(b"damaged")
    ended = convscope("train", "--resume", "mine", "--epochs", 4)
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.splitlines()[-1] == (
        "convscope: 'mine' must have a whole checkpoint; got none; begin the run anew in another folder. "
        "[no-checkpoint]"
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
        "convscope: 'mine/run.json' must be a file that can be written; got an error (no space left on device); "
        "what was saved before is intact: make room or choose another folder, then resume. [write-failed]"
    )
    assert convscope("train", "--resume", "mine", "--epochs", 3).code == 0
    same_run(here / "whole", here / "mine")


def test_numbers_that_become_infinite_stop_the_run(convscope, here):
    """The layer is named, and where to look."""
    net = "input 1x6x5 | flatten | one: dense 9 | two: dense 9 | dense 3"
    options = ("--lr", "1e30", "--epochs", 4, "--batch-size", 8, "--run", "hot")
    with np.errstate(all="ignore"):
        ended = convscope("train", net, "--data", "small.npz", *options)
    assert (ended.code, ended.out) == (2, "")
    *_, hint, message = ended.err.splitlines()
    assert hint == "what the run shows: convscope diagnose hot"
    assert message.startswith("convscope: all numbers must stay finite; got NaN or infinity first in layer ")
    assert message.endswith("lower the learning rate (now 1e+30) or set clip_norm=1. [not-finite]")


def test_an_offline_set_says_where_its_files_belong(convscope, here, monkeypatch):
    """Every mirror failed."""
    import pooch

    def unreachable(*_arguments, **_more):
        raise OSError("no route to host")

    monkeypatch.setattr(pooch, "retrieve", unreachable)
    monkeypatch.setenv("XDG_CACHE_HOME", "cache")
    refused(
        convscope,
        "train",
        "lenet",
        "--data",
        "mnist",
        "--data-dir",
        "sets",
        message="mnist must have its original files; got no train-images-idx3-ubyte.gz in sets, cache/convscope, and "
        "fetching failed from https://ossci-datasets.s3.amazonaws.com/mnist/ (no connection), "
        "https://storage.googleapis.com/cvdf-datasets/mnist/ (no connection); put train-images-idx3-ubyte.gz, "
        "train-labels-idx1-ubyte.gz, t10k-images-idx3-ubyte.gz, t10k-labels-idx1-ubyte.gz into sets/mnist, "
        "or name their folder by --data-dir or CONVSCOPE_DATA. [data-missing]",
    )
