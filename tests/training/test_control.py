"""Pausing, stepping and stopping a training from outside leaves its bits as they are."""

import os
import subprocess
import sys
import time
from threading import Thread

import numpy as np
import pytest

from cli.small_data import NETWORK, write_npz
from convscope.model import Model
from convscope.training.control import Control, control_by_stream
from convscope.training.model_io import peek_metadata

SETTINGS = {"epochs": 3, "batch_size": 8, "log_every": 1, "progress": False}


def data():
    generator = np.random.default_rng(4)
    labels = np.arange(40) % 3
    return generator.normal(size=(40, 1, 9, 7)).astype(np.float32) + labels[:, None, None, None], labels


def model():
    return Model("input 1x9x7 | conv 3 3 | relu | flatten | dropout 0.2 | dense 3", seed=2, engine="reference")


def step_of(run):
    return peek_metadata(run / "last.safetensors").get("position", {}).get("step")


def wait_until(condition):
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end, "the condition never held"
        time.sleep(0.01)


def files(run):
    return {path.name: path.read_bytes() for path in run.iterdir() if path.is_file()}


def test_paused_and_stepped_training_is_bit_identical(tmp_path):
    model().fit(data(), run=tmp_path / "whole", **SETTINGS)
    control = Control()
    control.obey("pause")
    thread = Thread(
        target=lambda: model().fit(data(), run=tmp_path / "parts", control=control, **SETTINGS), daemon=True
    )
    thread.start()
    for step in (1, 2, 5, 6):  # the end of an epoch among them
        while (step_of(tmp_path / "parts") or 0) < step:
            before = step_of(tmp_path / "parts") or 0
            control.obey("step")
            wait_until(lambda before=before: step_of(tmp_path / "parts") == before + 1)
        assert thread.is_alive()
    control.obey("go")
    thread.join(60)
    assert files(tmp_path / "parts") == files(tmp_path / "whole")


def test_stopped_training_is_saved_and_resumes_bit_identically(tmp_path):
    model().fit(data(), run=tmp_path / "whole", **SETTINGS)
    control = Control()
    for _ in range(7):
        control.obey("step")
    Thread(target=lambda: (wait_until(lambda: step_of(tmp_path / "parts") == 7), control.obey("stop"))).start()
    with pytest.raises(KeyboardInterrupt):
        model().fit(data(), run=tmp_path / "parts", control=control, **SETTINGS)
    model().fit(data(), resume=tmp_path / "parts", progress=False)
    assert files(tmp_path / "parts") == files(tmp_path / "whole")


def test_unknown_commands_are_ignored():
    control = Control()
    assert not control.obey("faster")
    assert not control.is_paused
    assert control.await_turn(0)


@pytest.mark.parametrize(("command", "stops"), [("pause", True), ("go", False)])
def test_end_of_the_stream_stops_only_a_paused_training(command, stops):
    reading, writing = os.pipe()
    control = control_by_stream(reading)
    os.write(writing, command.encode() + b"\npau")
    os.close(writing)
    wait_until(lambda: control.is_stopped == stops)
    assert control.await_turn(10) is not stops
    os.close(reading)


def test_command_line_obeys_lines_and_survives_its_giver(tmp_path):
    write_npz(tmp_path / "small.npz")
    arguments = [
        "train",
        NETWORK,
        "--data",
        "small.npz",
        "--epochs",
        "2",
        "--batch-size",
        "9",
        "--control",
        "--run",
    ]

    def start(run):
        command = [sys.executable, "-m", "convscope", *arguments, run]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        return subprocess.Popen(command, cwd=tmp_path, encoding="utf-8", **pipes)

    with start("paused") as paused, start("running") as running:
        paused.stdin.write("step\nstep\n")
        paused.stdin.flush()
        wait_until(lambda: step_of(tmp_path / "paused") == 2)
        assert paused.poll() is None
        _, told = paused.communicate(timeout=60)
        assert paused.returncode == 130
        assert "stopped after step 2: checkpoint saved" in told
        running.communicate(timeout=60)
        assert running.returncode == 0
