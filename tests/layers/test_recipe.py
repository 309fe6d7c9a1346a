"""A new layer takes at most six files: the recipe is followed in a copy, and the contract tests pass there."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from layers.recipe import LAYER, OPTIONAL, REQUIRED

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "how-to" / "add-a-layer.md"
CONTRACTS = (
    "tests/layers/test_contract.py",
    "tests/derivations/test_contract.py",
    "tests/derivations/test_render.py",
    "tests/engines/reference/test_contract.py",
    "tests/engines/reference/test_fields.py",
    "tests/engines/test_torch.py",
    "tests/interop/torch/test_writing.py",
    "tests/interop/onnx/test_export.py",
    "tests/notation/test_round_trip.py",
)
EVERY_ENGINE = f"""
import numpy as np
import convscope as cs
from convscope.analysis.counted_by import TOOLS, recount

network = cs.load("input 3x6x5 | conv 4 3 | {LAYER.lower()} | relu | flatten | dense 2")
for tool in TOOLS:
    assert {{row.kind: row.theirs for row in recount(network, tool).rows}}["{LAYER}"] in (None, 0, 8), tool
assert "2·c" in cs.explain(network, "{LAYER.lower()}1").text()
x = np.random.default_rng(0).random((8, 3, 6, 5), dtype=np.float32)
losses = []
for engine in ("reference", "native", "torch"):
    model = cs.Model(network, seed=0, engine=engine)
    model.compile(optimizer=cs.SGD(lr=0.1), loss="cross_entropy")
    losses.append([model.train_step(x, np.arange(8) % 2) for _ in range(3)])
np.testing.assert_allclose(losses[1:], [losses[0]] * 2, rtol=1e-4)
"""


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a copy of the project with the made-up layer."""
    folder = tmp_path_factory.mktemp("checkout")
    for part in ("src", "tests"):
        shutil.copytree(ROOT / part, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", folder)
    for name, addition in REQUIRED.items():
        with (folder / name).open("a", encoding="utf-8") as file:
            file.write(addition)
    return folder


def run_in(folder: Path, *arguments: str) -> str:
    """Run Python on the copy; return what it prints."""
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(folder / "src"), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return done.stdout


def test_recipe_has_at_most_six_required_files() -> None:
    assert len(REQUIRED) <= 6
    assert all((ROOT / path).exists() for path in (*REQUIRED, *OPTIONAL))


def test_page_lists_the_files_of_the_recipe() -> None:
    page = PAGE.read_text(encoding="utf-8")
    required, optional = page.split("## Optional")
    assert [path for path in REQUIRED if f"`{path}`" not in required] == []
    assert [path for path in OPTIONAL if f"`{path}`" not in optional] == []
    assert required.count("\n| `") == len(REQUIRED)


def test_made_up_layer_passes_every_contract_test(checkout: Path) -> None:
    """Shapes, derivations, gradients, the PyTorch module, the ONNX file and the notation, with no other file changed."""
    pytest.importorskip("onnxruntime")
    pytest.importorskip("torch")
    chosen = f"{LAYER} or {LAYER.lower()} or has_an_example"
    out = run_in(checkout, "-m", "pytest", "-vv", "-p", "no:cacheprovider", "-k", chosen, *CONTRACTS)
    passed = [
        line.split("::")[0] for line in out.splitlines() if LAYER.lower() in line.lower() and "PASSED" in line
    ]
    assert set(passed) == set(CONTRACTS), out


def test_made_up_layer_trains_on_every_engine_and_is_recounted(checkout: Path) -> None:
    pytest.importorskip("torch")
    run_in(checkout, "-W", "ignore", "-c", EVERY_ENGINE)
