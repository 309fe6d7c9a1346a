"""The native engine in processes of their own: stopped and resumed, threaded, and where it cannot be used."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

import convscope as cs
from convscope.engines.native.runtime.program import NativeProgram
from convscope.optim.optimizers import SGD, Adam
from convscope.training.model_io import read_model_file

DROPPED = "input 3x9x8 | conv 20 3 p1 nobias | batchnorm | relu | maxpool 2 | flatten | dropout 0.4 | dense 5"
WIDE = "input 16x12x11 | conv 40 3 p1 | relu | conv 24 3 p1 | relu | maxpool 2 | flatten | dropout 0.2 | dense 5"

TRAIN = """
import hashlib, json, sys, warnings
import numpy as np
import convscope as cs

told = []
warnings.showwarning = lambda message, kind, *rest: told.append(str(message))
draw = np.random.default_rng(4)
text, dtype = sys.argv[1:3]
model = cs.Model(text, seed=2, dtype=dtype)
x = draw.normal(size=(37, *model.network.input_shape)).astype(dtype)
y = draw.integers(0, 5, 37)
model.fit((x, y), epochs=2, batch_size=16, progress=False)
state = b"".join(model.program.read(name).tobytes() for name in model.program.names())
other = cs.Model(text, seed=3)
print(json.dumps({"program": type(model.program).__name__, "told": told, "loss": model.evaluate((x, y))["loss"],
                  "state": hashlib.sha256(state).hexdigest()}))
"""


def trained(*arguments: str, text: str = DROPPED, dtype: str = "float32", **environment: str) -> dict[str, object]:
    """Return what a process of its own tells of a training."""
    command = [sys.executable, *arguments, "-c", TRAIN, text, dtype]
    done = run(command, **environment)
    assert done.returncode == 0, done.stderr
    assert re.fullmatch(r"(Compiling \d+ kernels? for this processor, once …\n)?", done.stderr)
    found = json.loads(done.stdout)
    assert isinstance(found, dict)
    return found


def run(command: list[str], **environment: str) -> subprocess.CompletedProcess[str]:
    path = os.pathsep.join([environment.pop("FIRST", ""), *sys.path]).lstrip(os.pathsep)
    own = {**os.environ, "OPENBLAS_NUM_THREADS": "1", "PYTHONPATH": path, **environment}
    return subprocess.run(command, capture_output=True, text=True, env=own, check=False, timeout=120)


@pytest.fixture(scope="module")
def alone() -> dict[str, object]:
    """One thread, the usual cache."""
    return trained(CONVSCOPE_THREADS="1")


@pytest.fixture
def broken(tmp_path: Path) -> str:
    """A folder with a llvmlite that cannot be imported."""
    (tmp_path / "llvmlite.py").write_text('raise ImportError("no LLVM here")\n')
    return str(tmp_path)


def test_training_is_bit_identical_for_any_number_of_threads(alone: dict[str, object]) -> None:
    """CONVSCOPE_THREADS changes nothing: dropout, batch normalization, Winograd's algorithm."""
    assert alone["program"] == "NativeProgram"
    assert trained(CONVSCOPE_THREADS="3") == alone
    one, three = (trained(text=WIDE, CONVSCOPE_THREADS=count) for count in ("1", "3"))
    assert one == three


@pytest.mark.parametrize("optimizer", [SGD(lr=0.02, momentum=0.9), Adam(lr=0.01)])
def test_resumed_run_is_bit_identical(optimizer: cs.SGD | cs.Adam, tmp_path: Path) -> None:
    """Two epochs and then two more are four epochs: parameters, statistics, state, losses."""
    draw = np.random.default_rng(6)
    data = draw.normal(size=(45, 3, 9, 8)).astype(np.float32), draw.integers(0, 5, 45)
    given = {"batch_size": 16, "optimizer": optimizer, "validation": data, "progress": False}
    cs.Model(DROPPED, engine="native").fit(data, epochs=4, run=tmp_path / "whole", **given)
    cs.Model(DROPPED, engine="native").fit(data, epochs=2, run=tmp_path / "halves", **given)
    again = cs.Model(DROPPED, engine="native")
    assert isinstance(again.program, NativeProgram)
    again.fit(data, epochs=4, resume=tmp_path / "halves", validation=data, progress=False)
    whole, halves = (read_model_file(tmp_path / name / "last.safetensors").arrays for name in ("whole", "halves"))
    assert whole.keys() == halves.keys()
    for name, array in whole.items():
        np.testing.assert_array_equal(halves[name], array, strict=True)


@pytest.mark.parametrize("text", [DROPPED, WIDE])
def test_models_in_python_threads_are_independent(text: str) -> None:
    """Two models trained at once, while a third is asked by two threads, give what they give alone."""

    def learn(seed: int) -> dict[str, bytes]:
        draw = np.random.default_rng(seed)
        model = cs.Model(text, seed=seed, engine="native")
        model.compile(optimizer=SGD(lr=0.02, momentum=0.9))
        for size in (12, 5, 12, 7) * 6:
            x = draw.normal(size=(size, *model.network.input_shape)).astype(np.float32)
            model.train_step(x, draw.integers(0, 5, size))
        return {name: model.program.read(name).tobytes() for name in model.program.names()}

    asked = cs.Model(text, seed=9, engine="native")
    questions = [
        np.random.default_rng(size).normal(size=(size, *asked.network.input_shape)).astype(np.float32)
        for size in (3, 8)
    ]
    answers = [asked.predict(x) for x in questions]
    expected, found, wrong = {seed: learn(seed) for seed in (1, 2)}, {}, []

    def train(seed: int) -> None:
        found[seed] = learn(seed)

    def ask(number: int) -> None:
        for _ in range(150):
            if not np.array_equal(asked.predict(questions[number]), answers[number]):
                wrong.append(number)

    threads = [threading.Thread(target=train, args=(seed,)) for seed in (1, 2)]
    threads += [threading.Thread(target=ask, args=(number,)) for number in (0, 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == expected
    assert wrong == []


FIRST_USE = """
import threading
import numpy as np
import convscope as cs

answers = []
start = threading.Barrier(6)


def ask():
    start.wait()
    model = cs.Model("input 3x9x8 | conv 5 3 | relu | flatten | dense 4", seed=1)
    answers.append(model.predict(np.ones((3, 3, 9, 8), np.float32)).tobytes())


threads = [threading.Thread(target=ask) for _ in range(6)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print(len(answers), len(set(answers)))
"""


def test_concurrent_first_use_by_six_threads_works() -> None:
    """Code, threads and answers are made once, whoever comes first; tried in several processes."""
    for _ in range(6):
        done = run([sys.executable, "-c", FIRST_USE])
        assert (done.returncode, done.stdout) == (0, "6 1\n"), done.stderr


def test_missing_llvmlite_warns_once_and_falls_back(broken: str) -> None:
    """Two models run on the reference; the reason is told once, and the results are the reference's."""
    found = trained(FIRST=broken)
    assert found["program"] == "ReferenceProgram"
    (told,) = found["told"]  # type: ignore[misc]
    assert told == (
        "The native engine cannot be used here (ImportError: no LLVM here). Using the slower reference engine."
    )


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (
            "def unknown():\n    raise RuntimeError('no features')\n\nllvm.get_host_cpu_features = unknown",
            "RuntimeError",
        ),
        ("del llvm.create_mcjit_compiler", "AttributeError"),
    ],
)
def test_broken_llvm_is_reported(damage: str, reason: str, tmp_path: Path) -> None:
    """A llvmlite that knows no such processor, or is of another age, is as good as none."""
    (tmp_path / "sitecustomize.py").write_text(f"import llvmlite.binding as llvm\n\n{damage}\n")
    found = trained(FIRST=str(tmp_path))
    assert found["program"] == "ReferenceProgram"
    (told,) = found["told"]  # type: ignore[misc]
    assert told.startswith(f"The native engine cannot be used here ({reason}: ")


def test_float64_uses_the_reference_without_a_warning(broken: str) -> None:
    """Float64 runs on the reference, with and without LLVM, and nothing is said."""
    with_llvm, without = trained(dtype="float64"), trained(dtype="float64", FIRST=broken)
    assert with_llvm["program"] == "ReferenceProgram"
    assert with_llvm["told"] == []
    assert without["state"] == with_llvm["state"]


@pytest.mark.parametrize("cache", ["a file", "no such/folder/\n", "damaged", "off", "~nobody-of-this-name/cache"])
def test_unusable_cache_changes_no_results(cache: str, tmp_path: Path, alone: dict[str, object]) -> None:
    """A file in the folder's place, a folder that cannot be, damaged objects, none: the same bits, nothing said."""
    (tmp_path / "a file").write_text("not a folder")
    if cache == "damaged":
        trained(CONVSCOPE_CACHE=str(tmp_path / cache))
        objects = sorted((tmp_path / cache / "objects").iterdir())
        assert objects
        for number, file in enumerate(objects):
            content = file.read_bytes()
            file.write_bytes([b"", content[:100], content[:-1] + b"?"][number % 3])
    named = cache if cache[0] in "o~" else str(tmp_path / cache)
    assert trained(CONVSCOPE_CACHE=named, CONVSCOPE_THREADS="1") == alone


def test_command_line_falls_back_without_llvmlite(broken: str, tmp_path: Path) -> None:
    """Without LLVM training ends with code 0, one warning, and no trace of Python's."""
    arguments = ["train", "input 1x8x8 | conv 4 3 | relu | flatten | dense 10", "--data", "digits"]
    command = [sys.executable, "-m", "convscope", *arguments, "--epochs", "1", "--run", str(tmp_path / "run")]
    done = run(command, FIRST=broken)
    assert done.returncode == 0, done.stderr
    assert (done.stdout + done.stderr).count("The native engine cannot be used here") == 1
    assert "Traceback" not in done.stderr
    assert ".py" not in done.stderr
