"""Names that are longer than a file's name may be end in one message, and names made here are never too long."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cli.small_data import NETWORK, write_folder
from convscope.cli.output import file_name

LONG = "é" * 150  # 300 bytes

COMMANDS = [
    (["train", NETWORK, "--data", "small.npz", "--epochs", 1, "--run", LONG], "[folder]"),
    (["train", NETWORK, "--data", LONG], "[data-name]"),
    (["train", "--resume", LONG], "[no-model]"),
    (["evaluate", LONG], "[no-model]"),
    (["predict", LONG, "a.png"], "[no-model]"),
    (["diagnose", LONG], "[model-name]"),
    (["plot", "curves", LONG], "[no-model]"),
    (["plot", "activations", "--save", f"{LONG}.png"], "[save]"),
    (
        ["field", "alexnet", "pool5", "--at", "1,1", "--image", f"{LONG}.png", "--save", "a.png"],
        "[image-missing]",
    ),
    (["train", NETWORK, "--config", LONG], "[config-file]"),
]


@pytest.mark.parametrize(("arguments", "code"), COMMANDS, ids=[" ".join(map(str, c[0][:2])) for c in COMMANDS])
def test_a_name_too_long_for_a_file_ends_in_one_message(convscope, here, arguments, code):
    ended = convscope(*arguments)
    assert ended.code == 2
    assert "Traceback" not in ended.err
    assert code in ended.err


def test_a_run_of_a_network_with_the_longest_name_gets_a_shorter_folder(convscope, here):
    """The name of the network's file and that of the data would be too long together."""
    from convscope.notation import parse, to_yaml

    network = parse(NETWORK, "n" * 300)
    Path("long.yaml").write_text(to_yaml(network))
    Path("small.npz").rename("d" * 240 + ".npz")
    ended = convscope("train", "long.yaml", "--data", "d" * 240 + ".npz", "--epochs", 1)
    assert ended.code == 0
    (folder,) = Path("runs").iterdir()
    assert len(folder.name) <= 110
    assert convscope("plot", "network", "long.yaml").code == 0


def test_a_class_with_the_longest_name_is_learned(convscope, here):
    folder = write_folder(here / "folder")
    (folder / "coal").rename(folder / ("c" * 255))
    assert convscope("train", NETWORK, "--data", "folder", "--epochs", 1, "--run", "run").code == 0
    Image.fromarray(np.zeros((6, 5), np.uint8)).save("dark.png")
    assert convscope("predict", "run", "dark.png").code == 0


@pytest.mark.parametrize(
    ("text", "name"),
    [("a b/c", "a-b-c"), ("...", ""), ("é" * 200, "é" * 50), ("x" + "é" * 200, "x" + "é" * 49), ("-a.", "a")],
)
def test_file_names_are_short_and_plain(text, name):
    assert file_name(text) == name
