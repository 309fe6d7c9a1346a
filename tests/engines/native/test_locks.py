"""Forks while other threads use the engine: the child works on the same model, on whole data."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from convscope.engines.native.runtime.locks import LOADER, PROGRAM, ForkLock

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="the system has no fork")

FORK = """
import os, signal, sys, threading, time
import numpy as np
import convscope as cs

what = sys.argv[1]
text = "input 3x18x16 | conv 32 3 p1 nobias | batchnorm | relu | conv 48 3 p1 | relu | flatten | dense 5"
draw = np.random.default_rng(2)
x = draw.normal(size=(64, 3, 18, 16)).astype(np.float32)
y = draw.integers(0, 5, 64)
model = cs.Model(text, seed=1, engine="native")
model.compile(optimizer=cs.SGD(lr=0.001, momentum=0.9))
model.train_step(x, y)
model.predict(x)
ended = threading.Event()


def work():
    number = 20
    while not ended.is_set():
        if what == "predict":
            model.predict(x)
        elif what == "train":
            model.train_step(x, y)
            model.predict(x)
        else:
            number += 1
            cs.Model(f"input 3x18x16 | conv {number} 3 | relu | conv 9 3 | flatten | dense 5").predict(x[:9])


def is_whole():
    alike = cs.Model(text, seed=2, engine="native")
    for name, array in model.parameters.items():
        alike.parameters[name] = array
    for name, array in model.buffers.items():
        alike.buffers[name] = array
    same = np.array_equal(model.logits(x), alike.logits(x))
    model.train_step(x, y)
    fresh = cs.Model(f"input 3x18x16 | conv {os.getpid() % 90 + 10} 3 | relu | flatten | dense 5", engine="native")
    return same and np.isfinite(fresh.predict(x)).all()


thread = threading.Thread(target=work)
thread.start()
codes = []
for attempt in range(5):
    time.sleep(0.013)
    child = os.fork()
    if child == 0:
        signal.alarm(60)
        os._exit(0 if is_whole() else 3)
    codes.append(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
    if codes[-1]:
        break
ended.set()
thread.join()
print(*codes, bool(np.isfinite(model.predict(x)).all()))
"""


@pytest.mark.parametrize("what", ["predict", "train", "compile"])
def test_fork_during_training_leaves_both_processes_working(what: str, tmp_path: Path) -> None:
    """The child predicts as a model with the same arrays does, trains, and compiles; the parent continues."""
    environment = {**os.environ, "CONVSCOPE_THREADS": "3", "CONVSCOPE_CACHE": str(tmp_path)}
    command = [sys.executable, "-W", "ignore::DeprecationWarning", "-c", FORK, what]
    done = subprocess.run(command, capture_output=True, text=True, timeout=240, env=environment, check=False)
    assert (done.returncode, done.stdout.split()) == (0, [*"0" * 5, "True"]), done.stderr
    assert "Traceback" not in done.stderr


def exit_code(child: int) -> int:
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


@pytest.mark.filterwarnings("ignore:.*multi-threaded.*:DeprecationWarning")
def test_fork_waits_for_locks_and_releases_them_in_the_child() -> None:
    """What a lock guards is whole in the child, locks that the forking thread holds itself stay its own."""
    outer, inner = ForkLock(PROGRAM), ForkLock(LOADER)
    pair, holding, go_on = [0, 0], threading.Event(), threading.Event()

    def change() -> None:
        with outer, inner:
            pair[0] = 1
            holding.set()
            go_on.wait(0.2)
            pair[1] = 1

    def is_free(lock: ForkLock) -> bool:
        taken = []

        def take() -> None:
            with lock:
                taken.append(True)

        thread = threading.Thread(target=take, daemon=True)
        thread.start()
        thread.join(10)
        return bool(taken)

    thread = threading.Thread(target=change)
    thread.start()
    holding.wait()
    own = ForkLock(PROGRAM)
    with own:
        child = os.fork()
        if child == 0:
            with own:
                os._exit(0 if pair == [1, 1] and is_free(outer) and is_free(inner) else 1)
        assert exit_code(child) == 0
    thread.join()
    assert is_free(outer)
    assert is_free(inner)
    assert is_free(own)
