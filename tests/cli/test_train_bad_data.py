"""Images and labels that a network cannot learn from: one whole message, exit code 2, no run left behind."""

import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cli.refusals import DENSE, refused
from cli.small_data import images, write_folder


def test_images_of_another_shape_than_the_network_takes(convscope, here):
    """The hint offers only what works: lenet cannot take 8×8, this network can take 6×5."""
    refused(
        convscope,
        "train",
        "lenet",
        "--data",
        "digits",
        message="The images of digits are 1×8×8, but lenet takes 1×28×28. Use --resize 28. [data-shape]",
    )
    refused(
        convscope,
        "train",
        "input 3x9x7 | conv 4 3 | globalavgpool | flatten | dense 3",
        "--data",
        "small.npz",
        message="The images of small are 1×6×5, but network takes 3×9×7. "
        "Use --input 1x6x5 or --resize 9x7 --channels 3. [data-shape]",
    )


def test_each_hint_for_another_shape_works(convscope, here):
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
        message="digits has 10 classes, but network has only 4 outputs. Give layer 'scores' 10 outputs. "
        "[data-classes]",
    )


def test_advice_on_too_few_outputs_works_when_pasted(convscope, here):
    """A bundled network is written to a file, changed there, and trained."""
    x, _ = images(33)
    np.savez("many.npz", x=x, y=np.arange(33) % 11)
    ended = convscope("train", "lenet", "--data", "many.npz", "--resize", 28)
    advice = (
        "Run `convscope convert lenet mine.yaml`, give layer 'fc3' in mine.yaml 11 outputs, and train mine.yaml"
    )
    assert ended.err == (
        f"convscope: many has 11 classes, but lenet has only 10 outputs. {advice}. [data-classes]\n"
    )
    command = advice.split("`")[1]
    assert convscope(*command.split()[1:]).code == 0
    written = Path("mine.yaml").read_text()
    assert "fc3: dense 10" in written
    Path("mine.yaml").write_text(written.replace("fc3: dense 10", "fc3: dense 11"))
    assert convscope("train", "mine.yaml", "--data", "many.npz", "--resize", 28, "--epochs", 1).code == 0


def test_error_for_four_channel_images_suggests_no_invalid_option(convscope, here):
    """Four channels cannot become one: neither --resize nor --channels is offered."""
    x = np.random.default_rng(5).random((12, 4, 9, 7)).astype(np.float32)
    np.savez("rgba.npz", x=x, y=np.arange(12) % 3)
    start = "The images of rgba are 4×9×7, but"
    refused(
        convscope,
        "train",
        "lenet",
        "--data",
        "rgba.npz",
        message=f"{start} lenet takes 1×28×28. Prepare images of 1×28×28, or choose another network. [data-shape]",
    )
    net = "input 3x9x7 | conv 5 3 | globalavgpool | flatten | dense 3"
    refused(
        convscope,
        "train",
        net,
        "--data",
        "rgba.npz",
        message=f"{start} network takes 3×9×7. Use --input 4x9x7. [data-shape]",
    )
    assert (
        convscope("train", net, "--data", "rgba.npz", "--input", "4x9x7", "--epochs", 1, "--run", "four").code == 0
    )


def test_misfit_of_a_trained_network_offers_no_other_input(convscope, here):
    """A run keeps its network: resuming and evaluating are offered what changes the data only."""
    net = "input 1x6x5 | conv 4 3 | globalavgpool | flatten | dense 3"
    assert convscope("train", net, "--data", "small.npz", "--epochs", 1, "--run", "mine").code == 0
    arrays = dict(np.load("small.npz"))
    doubled = {name: np.repeat(one, 2, axis=2) if name.startswith("x") else one for name, one in arrays.items()}
    np.savez("large.npz", **doubled)
    ended = convscope("train", "--resume", "mine", "--data", "large.npz", "--epochs", 2)
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.endswith(
        "The images of large are 1×12×5, but network takes 1×6×5. Use --resize 6x5. [data-shape]\n"
    )
    ended = convscope("train", "--resume", "mine", "--data", "large.npz", "--epochs", 2, "--resize", "6x5")
    assert ended.code == 0


def test_network_ending_in_maps_is_refused(convscope, here):
    """It gives no number per class."""
    refused(
        convscope,
        "train",
        "input 1x6x5 | conv 3 3",
        "--data",
        "small.npz",
        message="network does not output one value per class (its output is 3×4×3). End it with globalavgpool "
        "or flatten, then dense. [no-classes]",
    )


ARRAYS = {
    "labels-outside": (
        lambda x, y: {"x": x, "y": np.where(y == 2, -1, y)},
        "labels must be from 0 to 99999 (got -1 for image 2; 3 of 9 labels are outside). Number the classes "
        "from 0. [label-range]",
    ),
    "labels-short": (
        lambda x, y: {"x": x, "y": y[:7]},
        "There must be one label per image (got 7 labels for 9 images). Check that both come from the same "
        "split. [label-count]",
    ),
    "empty": (
        lambda x, y: {"x": x[:0], "y": y[:0]},
        "x must contain at least one image with at least one pixel (got x=0×1×6×5). Check where the images "
        "come from. [data-empty]",
    ),
    "nan": (
        lambda x, y: {"x": np.where(np.arange(9)[:, None, None, None] == 4, np.nan, x / 255), "y": y},
        "x must be finite in float32 (got nan in image 4, channel 0, row 0, column 0). Repair or remove such "
        "images. [data-nan]",
    ),
    "other-names": (
        lambda x, y: {"pics": x, "marks": y},
        "'bad.npz' must contain arrays x and y, or x_train and y_train (and x_test, y_test) (got marks, "
        "pics). Write it with np.savez(path, x=images, y=labels). [npz-names]",
    ),
    "objects": (
        lambda x, y: {"x": x, "y": np.array([{}] * 9)},
        "'y.npy' in 'bad.npz' must contain numbers or text (got objects, which could run code). Write it with "
        "np.savez. [npz-objects]",
    ),
}


@pytest.mark.parametrize(("made", "message"), ARRAYS.values(), ids=ARRAYS)
def test_unusable_arrays_are_refused(convscope, here, made, message):
    """Labels out of range or too few, nothing, NaN, other names, objects."""
    np.savez("bad.npz", **made(*images(9)))
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
        message="'half.npz' is not a readable NumPy archive (.npz) (File is not a zip file). Write it with "
        "np.savez. [npz-file]",
    )


def test_a_damaged_image_is_named(convscope, here):
    """It is skipped only when asked."""
    folder = write_folder(here / "folder")
    (folder / "coal" / "broken.png").write_bytes(b"no image")
    refused(
        convscope,
        "train",
        DENSE,
        "--data",
        "folder",
        message="'folder/coal/broken.png' is a damaged image file (unknown image format). Repair or remove it, "
        "or pass --skip-corrupt (in Python skip_corrupt=True). [image-file]",
    )


def test_images_of_mixed_sizes(convscope, here):
    """Two of them are named with their sizes; --resize helps."""
    folder = write_folder(here / "folder")
    Image.new("L", (9, 8)).save(folder / "bone" / "large.png")
    refused(
        convscope,
        "train",
        DENSE,
        "--data",
        "folder",
        message="Images must be of one size (got 6×5 in 'folder/ash/0.png' and 8×9 in "
        "'folder/bone/large.png'). Pass a size to resize them to. [image-sizes]",
    )
    assert convscope("train", DENSE, "--data", "folder", "--resize", "6x5", "--epochs", 1).code == 0


def test_a_class_without_validation_images(convscope, here):
    """A class of one image gives none to validation."""
    folder = write_folder(here / "folder")
    (folder / "dust").mkdir()
    Image.new("L", (5, 6)).save(folder / "dust" / "only.png")
    refused(
        convscope,
        "train",
        "input 1x6x5 | flatten | dense 4",
        "--data",
        "folder",
        message="Validation data must have images of every class (got none of dust; 1 of 4 classes). Add at "
        "least one image of each, or leave the class out of training. [classes-missing]",
    )


def test_a_decompression_bomb(convscope, here):
    """A small file that claims a huge image is refused before it is unpacked."""

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
        message="'folder/ash/bomb.png' has more than 100,000,000 pixels. Resize or remove it. [image-pixels]",
    )


def test_an_offline_set_says_where_its_files_belong(convscope, here, monkeypatch):
    """Every mirror failed."""
    import pooch

    def unreachable(*_arguments, **_more):
        raise OSError("no route to host")

    monkeypatch.setattr(pooch, "retrieve", unreachable)
    monkeypatch.setenv("XDG_CACHE_HOME", "/cache")
    refused(
        convscope,
        "train",
        "lenet",
        "--data",
        "mnist",
        "--data-dir",
        "sets",
        message="mnist needs its original files (no train-images-idx3-ubyte.gz in sets, /cache/convscope), "
        "and downloading failed from https://ossci-datasets.s3.amazonaws.com/mnist/ (no connection), "
        "https://storage.googleapis.com/cvdf-datasets/mnist/ (no connection). Put "
        "train-images-idx3-ubyte.gz, train-labels-idx1-ubyte.gz, t10k-images-idx3-ubyte.gz, "
        "t10k-labels-idx1-ubyte.gz into sets/mnist, or pass their folder as --data-dir or "
        "CONVSCOPE_DATA. [data-missing]",
    )
