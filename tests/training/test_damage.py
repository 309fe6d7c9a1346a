"""Random faults: each is detected or harmless, and none silently changes a result.

Briefly here; `make torture` tries many times as many. A seed that found something is printed with the failure.
"""

import os
import random
import shutil
import signal
import time

import numpy as np
import pytest

import convscope as cs
from convscope.errors import ConvscopeError
from convscope.training.run_diagnosis import diagnose_run
from training.test_resume import finish, same_end, start
from training.torture import TORTURE, bounded

pytestmark = pytest.mark.torture

NET = "input 1x4x3 | conv 2 2x1 | bn | relu | flatten | dropout 0.2 | dense 2"
DATA = (np.random.default_rng(5).normal(size=(13, 1, 4, 3)).astype(np.float32), np.arange(13) % 2)
FILES = ("run.json", "log.jsonl", "best.safetensors", "last.safetensors", "previous.safetensors")


def model():
    return cs.Model(NET, seed=4, engine="reference")


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A finished run, and all that can be read from it."""
    folder = tmp_path_factory.mktemp("damage") / "run"
    model().fit(
        DATA,
        epochs=3,
        batch_size=4,
        optimizer=cs.Adam(lr=0.01),
        validation=DATA,
        patience=3,
        run=folder,
        progress=False,
    )
    return folder, results(folder)


def results(folder):
    """Return the result of each reader of a run, or its error message."""
    return {
        "load": attempted(lambda: cs.load(folder)),
        "predict": attempted(lambda: cs.Model.load(folder, "reference").predict(DATA[0]).tobytes()),
        "evaluate": attempted(lambda: cs.Model.load(folder, "reference").evaluate(DATA)),
        "diagnose": attempted(lambda: diagnose_run(folder)),
        "resume": attempted(lambda: resumed(folder)),
    }


def resumed(folder):
    """Resume the run, which has nothing left to do unless its last checkpoint is damaged."""
    made = model()
    history = made.fit(DATA, validation=DATA, resume=folder, progress=False)
    return history, made.predict(DATA[0]).tobytes()


class Refused(str):
    """Message of an expected error."""


def attempted(action):
    try:
        return action()
    except ConvscopeError as error:
        return Refused(error)


def check(finished, tmp_path, name, damage):
    """Damage one file of a copy. Every reader must report it, or return the original result."""
    folder, expected = finished
    copy = tmp_path / "run"
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(folder, copy)
    path = copy / name
    content = path.read_bytes()
    path.write_bytes(damage(content))
    found = results(copy)
    for reader, result in found.items():
        assert isinstance(result, Refused) or result == expected[reader], reader
    return any(isinstance(result, Refused) for result in found.values())


@pytest.mark.parametrize("name", FILES)
def test_flipped_bit_is_detected_or_harmless(finished, tmp_path, name, capsys):
    for number in range(bounded(25, 1000)):
        place = random.Random(number)

        def flip(content, place=place):
            bit = place.randrange(8 * len(content))
            changed = bytearray(content)
            changed[bit // 8] ^= 1 << bit % 8
            return bytes(changed)

        try:
            check(finished, tmp_path, name, flip)
        except Exception as error:
            pytest.fail(f"bit of Random({number}): {type(error).__name__}: {error}")


@pytest.mark.parametrize("name", FILES)
def test_truncated_file_is_detected_or_harmless(finished, tmp_path, name, capsys):
    for number in range(bounded(12, 300)):
        place = random.Random(number)
        try:
            check(finished, tmp_path, name, lambda content, place=place: content[: place.randrange(len(content))])
        except Exception as error:
            pytest.fail(f"length of Random({number}): {type(error).__name__}: {error}")


@pytest.mark.parametrize("name", FILES)
def test_missing_file_is_detected_or_harmless(finished, tmp_path, name, capsys):
    folder, expected = finished
    copy = tmp_path / "run"
    shutil.copytree(folder, copy)
    (copy / name).unlink()
    for reader, result in results(copy).items():
        # Without its best parameters a folder gives its last ones, and says nothing: they are a model of the run.
        if name == "best.safetensors" and reader in ("predict", "evaluate"):
            continue
        assert isinstance(result, Refused) or result == expected[reader], reader


@pytest.mark.skipif(not TORTURE, reason="test_resume has the brief form; `make torture` asks for this one")
def test_runs_killed_at_random_times_give_identical_files(tmp_path):
    whole = tmp_path / "whole"
    assert start(whole, "run").wait() == 0
    kills = 0
    for number in range(int(os.environ.get("CONVSCOPE_TORTURE_RUNS", "60"))):
        moment = random.Random(number)
        folder = tmp_path / str(number)
        for _ in range(moment.randint(1, 3)):
            how = "resume" if (folder / "run.json").exists() else "run"
            if moment.random() < 0.5:
                process = start(folder, how, moment.randint(1, 60))
            else:
                process = start(folder, how)
                time.sleep(moment.uniform(0.3, 2.5))
                process.send_signal(signal.SIGKILL)
            kills += process.wait() == -signal.SIGKILL
        finish(folder)
        same_end(folder, whole)
        shutil.rmtree(folder)
    print(f"{kills} kills")
