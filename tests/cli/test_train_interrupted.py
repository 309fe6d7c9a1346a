"""Training in its own process: Ctrl-C, progress on a terminal and in a pipe."""

import os
import pty
import re
import select
import shlex
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from cli.small_data import NETWORK, same_run, write_npz

COMMAND = [sys.executable, "-m", "convscope"]
SLOW = "input 1x12x10 | conv 24 3 same | relu | conv 24 3 same | relu | flatten | dropout 0.2 | dense 3"
SLOW_OPTIONS = ["--data", "slow.npz", "--epochs", "8", "--batch-size", "16", "--augment", "shift=1"]


@pytest.fixture
def slow_data(tmp_path):
    """Images enough for an epoch to take a while."""
    generator = np.random.default_rng(8)
    labels = np.arange(240) % 3
    x = generator.normal(size=(240, 1, 12, 10)).astype(np.float32) + labels[:, None, None, None]
    np.savez(tmp_path / "slow.npz", x=x, y=labels)
    return tmp_path


def start(arguments, folder):
    return subprocess.Popen(
        [*COMMAND, *arguments],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        env={**os.environ, "PYTHONUTF8": "1"},
    )


def test_control_c_saves_and_resumed_run_is_bit_identical(slow_data):
    """Exit code 130, nothing on stdout; the run that went on is the run that never stopped."""
    whole = start(["train", SLOW, *SLOW_OPTIONS, "--run", "whole"], slow_data)
    stopped = start(["train", SLOW, *SLOW_OPTIONS, "--run", "in parts"], slow_data)
    told = ""
    while "epoch 2:" not in told:
        line = stopped.stderr.readline()
        assert line, "the run ended before it could be interrupted"
        told += line
    stopped.send_signal(signal.SIGINT)
    out, err = stopped.communicate(timeout=300)
    assert (stopped.returncode, out) == (130, "")
    assert "Traceback" not in err
    assert re.search(r"^stopped after step \d+: checkpoint saved$", err, re.MULTILINE)
    assert err.count("in parts") == 1  # besides the line that was read before
    command = err.splitlines()[-1].removeprefix("resume with: ")
    assert command == "convscope train --resume 'in parts'"
    assert not (slow_data / "in parts" / "curves.png").exists()

    resumed = start(shlex.split(command)[1:], slow_data)
    assert resumed.communicate(timeout=300)[0]
    assert resumed.returncode == 0
    assert whole.communicate(timeout=300)[0]
    same_run(slow_data / "whole", slow_data / "in parts")
    assert (slow_data / "in parts" / "curves.png").exists()


@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP"])
def test_other_signals_save_as_control_c_does(slow_data, name):
    """The exit code is the shell's for that signal."""
    number = getattr(signal, name)
    stopped = start(["train", SLOW, *SLOW_OPTIONS, "--run", "stopped"], slow_data)
    wait_for_epoch(stopped)
    stopped.send_signal(number)
    out, err = stopped.communicate(timeout=300)
    assert (stopped.returncode, out) == (128 + number, "")
    assert re.search(
        r"^stopped after step \d+: checkpoint saved\nresume with: convscope train --resume stopped\n\Z",
        err,
        re.MULTILINE,
    )


def wait_for_epoch(process):
    while line := process.stderr.readline():
        if "epoch 1:" in line:
            return
    pytest.fail("the run ended before it could be interrupted")


def test_a_signal_ignored_from_the_start_does_not_stop_a_run(slow_data):
    """As under nohup."""
    arguments = ["train", SLOW, *SLOW_OPTIONS, "--run", "ignoring"]
    arguments[arguments.index("--epochs") + 1] = "2"
    ignoring = f"import os, signal, sys; signal.signal(signal.SIGHUP, signal.SIG_IGN); os.execv(sys.executable, {[*COMMAND, *arguments]!r})"
    process = subprocess.Popen(
        [sys.executable, "-c", ignoring],
        cwd=slow_data,
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        encoding="utf-8",
    )
    wait_for_epoch(process)
    process.send_signal(signal.SIGHUP)
    process.communicate(timeout=300)
    assert process.returncode == 0


def test_control_c_before_training_leaves_no_traceback(slow_data):
    """While everything is imported, and while data is read: exit code 130."""
    interrupting = (
        "import signal, sys\n"
        "class Finder:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name == {module!r}: signal.raise_signal(signal.SIGINT)\n"
        "sys.meta_path.insert(0, Finder())\n"
        "from convscope.cli import main\n"
        "sys.exit(main({arguments!r}))\n"
    )
    arguments = ["train", SLOW, *SLOW_OPTIONS]
    for module in (
        "click",
        "numpy",
        "convscope.cli.train",
        "convscope.data.arrays",
        "convscope.training.fit",
    ):
        script = interrupting.format(module=module, arguments=arguments)
        ended = subprocess.run(
            [sys.executable, "-c", script], cwd=slow_data, capture_output=True, encoding="utf-8", check=False
        )
        assert (ended.returncode, ended.stdout) == (130, ""), module
        assert ended.stderr.strip() in ("", "writing runs/network-slow"), module


def test_a_terminal_has_a_bar_with_rate_and_time(tmp_path):
    """A pipe has one line per epoch instead."""
    write_npz(tmp_path / "small.npz")
    arguments = ["train", NETWORK, "--data", "small.npz", "--epochs", "2"]
    shown = on_terminal(arguments, tmp_path)
    assert re.search(r"\repoch 1/2 [█░]+ 1/1  loss [\d.]+  [\d,]+ images/s  0:00 left", shown)
    piped = start(arguments, tmp_path).communicate(timeout=300)[1]
    assert "█" not in piped
    assert len(piped.splitlines()) == 3


def on_terminal(arguments, folder):
    """Return what stderr shows when it is a terminal."""
    main, sub = pty.openpty()
    process = subprocess.Popen(
        [*COMMAND, *arguments],
        cwd=folder,
        stdout=subprocess.DEVNULL,
        stderr=sub,
        env={**os.environ, "COLUMNS": "120", "PYTHONUTF8": "1"},
    )
    os.close(sub)
    shown, until = b"", time.monotonic() + 60
    while time.monotonic() < until and select.select([main], [], [], 30)[0]:
        try:
            part = os.read(main, 65536)
        except OSError:  # the other side is closed
            break
        if not part:
            break
        shown += part
    os.close(main)
    assert process.wait(timeout=30) == 0
    return shown.decode()
