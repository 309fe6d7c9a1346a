"""The built wheel and sdist: complete, and usable in an environment that has nothing else.

`make dist` builds both into dist/ and runs this file with CONVSCOPE_DIST=dist. Other runs skip it: it installs packages.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import tarfile
import tomllib
import venv
import zipfile
from email.message import Message
from email.parser import Parser
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import convscope

FOLDER = os.environ.get("CONVSCOPE_DIST")
ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
NOT_IN_SDIST = re.compile(r"\.ci/|\.gitignore$")

pytestmark = pytest.mark.skipif(not FOLDER, reason="needs built distributions: `make dist`")


def built(pattern: str) -> Path:
    (found,) = (ROOT / str(FOLDER)).glob(pattern)
    return found


def tracked(*paths: str) -> set[str]:
    listed = subprocess.run(
        ["git", "ls-files", "-z", *paths], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return set(listed.stdout.rstrip("\0").split("\0"))


def names(requirements: list[str]) -> set[str]:
    return {canonicalize_name(Requirement(one).name) for one in requirements}


def shown_commands() -> list[tuple[str, str]]:
    """Return the README's commands that are shown with their output."""
    fences = re.findall(r"^```console\n(.*?)^```", README, re.DOTALL | re.MULTILINE)
    parts = [part for fence in fences for part in re.split(r"^\$ convscope ", fence, flags=re.MULTILINE)[1:]]
    return [(command, output) for command, _, output in (part.partition("\n") for part in parts)]


@pytest.fixture(scope="module")
def wheel() -> zipfile.ZipFile:
    return zipfile.ZipFile(built("*.whl"))


@pytest.fixture(scope="module")
def metadata(wheel: zipfile.ZipFile) -> Message:
    (name,) = (name for name in wheel.namelist() if name.endswith(".dist-info/METADATA"))
    return Parser().parsestr(wheel.read(name).decode())


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the interpreter of an environment with the wheel and its core dependencies."""
    folder = tmp_path_factory.mktemp("bare")
    venv.create(folder, with_pip=True)
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    subprocess.run([python, "-m", "pip", "install", "-q", str(built("*.whl"))], check=True)
    return python


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Change to an empty folder, with no path to the source tree in the environment."""
    monkeypatch.delenv("PYTHONPATH", raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_wheel_contains_exactly_the_tracked_files_of_the_package(wheel: zipfile.ZipFile) -> None:
    packed = {name for name in wheel.namelist() if ".dist-info/" not in name}
    assert packed == {name.removeprefix("src/") for name in tracked("src")}


def test_wheel_contains_types_zoo_data_and_license(wheel: zipfile.ZipFile) -> None:
    packed = wheel.namelist()
    assert "convscope/py.typed" in packed
    assert {f"convscope/zoo/{name}.yaml" for name in convscope.zoo_names()} <= set(packed)
    assert any(name.endswith("/digits.npz") for name in packed)
    licenses = {name.partition(".dist-info/licenses/")[2] for name in packed} - {""}
    assert licenses == set(PROJECT["license-files"])
    assert not any("test" in Path(name).name for name in packed)


def test_sdist_contains_the_tracked_files() -> None:
    with tarfile.open(built("*.tar.gz")) as sdist:
        packed = {name.partition("/")[2] for name in sdist.getnames()}
    assert {name for name in tracked() if not NOT_IN_SDIST.match(name)} <= packed


def test_metadata_matches_the_project(metadata: Message) -> None:
    assert metadata["Name"] == PROJECT["name"]
    assert metadata["Version"] == convscope.__version__
    assert metadata["License-Expression"] == PROJECT["license"]
    assert metadata.get_all("License-File") == PROJECT["license-files"]
    assert set(metadata.get_all("Provides-Extra", [])) == set(PROJECT["optional-dependencies"])


def test_bare_environment_has_no_optional_dependency(bare: Path) -> None:
    code = "import importlib.metadata as m; print(*(d.name for d in m.distributions()))"
    listed = subprocess.run([bare, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    installed = {canonicalize_name(name) for name in listed}
    optional = [one for extra in PROJECT["optional-dependencies"].values() for one in extra]
    assert names(PROJECT["dependencies"]) <= installed
    assert not (names(optional) - names(PROJECT["dependencies"])) & installed


@pytest.mark.usefixtures("elsewhere")
def test_console_script_prints_the_version(bare: Path) -> None:
    run = subprocess.run([bare.parent / "convscope", "--version"], capture_output=True, text=True, check=True)
    assert run.stdout == f"convscope {convscope.__version__}\n"


@pytest.mark.usefixtures("elsewhere")
@pytest.mark.parametrize(
    ("command", "shown"), shown_commands(), ids=[line.split()[0] for line, _ in shown_commands()]
)
def test_readme_commands_print_the_same_in_a_bare_environment(bare: Path, command: str, shown: str) -> None:
    environment = {**os.environ, "COLUMNS": "110", "NO_COLOR": "1", "PYTHONIOENCODING": "utf-8"}
    words = [bare, "-m", "convscope", *shlex.split(command)]
    run = subprocess.run(words, capture_output=True, encoding="utf-8", env=environment, check=False)
    assert run.returncode == 0, run.stderr
    assert run.stdout == shown


@pytest.mark.usefixtures("elsewhere")
def test_readme_python_samples_run_in_a_bare_environment(bare: Path) -> None:
    code = "".join(re.findall(r"^```python\n(.*?)^```", README, re.DOTALL | re.MULTILINE))
    assert "cs.inspect(" in code
    run = subprocess.run([bare, "-W", "error", "-c", code], capture_output=True, check=False)
    assert run.returncode == 0, run.stderr.decode()


@pytest.mark.usefixtures("elsewhere")
def test_readme_training_runs_in_a_bare_environment(bare: Path) -> None:
    """All but `predict`, which reads an image file and so needs Pillow."""
    block = re.search(r"^```\w*\n((?:\$ )?convscope train.*?)^```", README, re.DOTALL | re.MULTILINE)
    assert block is not None
    lines = block[1].replace("\\\n", " ").splitlines()
    commands = [shlex.split(line.removeprefix("$ ").removeprefix("convscope ")) for line in lines]
    assert {"train", "evaluate", "diagnose"} <= {verb for verb, *_ in commands}
    for command in commands:
        if command[0] != "predict":
            run = subprocess.run([bare, "-m", "convscope", *command], capture_output=True, check=False)
            assert run.returncode == 0, run.stderr.decode()


@pytest.mark.usefixtures("elsewhere")
def test_missing_pillow_is_named_in_a_bare_environment(bare: Path) -> None:
    command = [bare, "-m", "convscope", "field", "lenet", "conv1", "--at", "1,2", "--save", "seen.png"]
    run = subprocess.run(command, capture_output=True, encoding="utf-8", check=False)
    assert run.returncode == 2
    assert "pip install matplotlib pillow" in run.stderr
