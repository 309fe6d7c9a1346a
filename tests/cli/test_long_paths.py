"""Names that no file system takes end in one message, whatever verb they are given to."""

import pytest

from cli.small_data import NETWORK

LONG = "é" * 150  # 300 bytes; file systems take 255

READING = [
    ["inspect", LONG],
    ["inspect", f"{LONG}.onnx"],
    ["inspect", f"{LONG}.yaml"],
    ["inspect", f"{LONG}.keras"],
    ["inspect", f"{LONG}.pt"],
    ["inspect", f"torch:{LONG}:net", "--input", "1x6x5"],
    ["inspect", f"keras:{LONG}:net"],
    ["explain", LONG],
    ["compare", LONG, NETWORK],
    ["compare", NETWORK, LONG],
    ["check", LONG, "--max-macs", "3G"],
    ["counted-by", LONG, "thop"],
    ["convert", LONG, "net.yaml"],
    ["tune", LONG],
    ["diagnose", LONG],
    ["field", LONG, "conv1", "--at", "1,1"],
    ["field", NETWORK, "dense1", "--at", "1", "--image", LONG, "--save", "seen.png"],
    ["plot", "field", LONG],
    ["plot", "network", LONG],
    ["plot", "edges", "--image", f"{LONG}.png"],
    ["train", LONG, "--data", "small.npz"],
    ["train", NETWORK, "--config", LONG],
]

WRITING = [
    ["explain", NETWORK, "dense1", "--save", f"{LONG}.html"],
    ["convert", NETWORK, f"{LONG}.yaml"],
    ["convert", NETWORK, f"{LONG}.onnx"],
    ["plot", "network", NETWORK, "--save", f"{LONG}.png"],
    ["plot", "pooling", "--save", f"{LONG}/pooling.svg"],
]


@pytest.mark.parametrize("arguments", READING + WRITING, ids=lambda one: " ".join(one).replace(LONG, "LONG"))
def test_path_over_255_bytes_ends_in_one_message(convscope, here, arguments):
    ended = convscope(*arguments)
    assert (ended.code, ended.out) == (2, "")
    (message,) = ended.err.splitlines()
    assert message.startswith("convscope: ")
    assert [path.name for path in here.iterdir()] == ["small.npz"]
