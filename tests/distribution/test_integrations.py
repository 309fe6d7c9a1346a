"""The GitHub Action and the pre-commit hooks call commands that exist, with options that exist."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest
import yaml

import convscope
from convscope.cli.check import command as check
from convscope.cli.group import COMMANDS

ROOT = Path(__file__).parents[2]
ACTION: dict[str, Any] = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))
HOOKS: list[dict[str, Any]] = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8"))
NOT_OPTIONS = {"model", "packages", "python-version"}


def option_names() -> set[str]:
    """Return the options of `check` that an action needs: its output is a text for the summary of the job."""
    names = {name.removeprefix("--") for one in check.params for name in one.opts if name.startswith("--")}
    return names - {"json", "lang"}


def test_action_offers_every_option_of_check() -> None:
    assert set(ACTION["inputs"]) - NOT_OPTIONS == option_names()


def test_action_passes_every_input_to_its_option() -> None:
    passed = ACTION["runs"]["steps"][-1]["env"]
    assert passed == {"MODEL": "${{ inputs.model }}"} | {
        "OPTION_" + name.replace("-", "_").upper(): f"${{{{ inputs.{name} }}}}" for name in option_names()
    }


@pytest.mark.skipif(shutil.which("bash") is None, reason="the step is a bash script")
@pytest.mark.parametrize(
    ("limits", "code", "shown"),
    [
        ({"MAX_PARAMS": "62k", "MIN_FIELD": "16"}, 0, "61,706 parameters"),
        ({"MAX_PARAMS": "62k", "INPUT": "1x32x32"}, 1, "82,826 parameters"),
        ({"MAX_MACS": "many"}, 2, ""),
    ],
)
def test_action_step_checks_a_network(limits: dict[str, str], code: int, shown: str, tmp_path: Path) -> None:
    python = tmp_path / "python"
    python.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} "$@"\n')
    python.chmod(0o755)
    summary = tmp_path / "summary.md"
    environment = {
        **os.environ,
        "PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}",
        "PYTHONIOENCODING": "utf-8",
        "GITHUB_STEP_SUMMARY": str(summary),
        "MODEL": "lenet",
        **{f"OPTION_{name}": "" for name in ("MAX_MEMORY", "MAX_FIELD")},
        **{f"OPTION_{name}": value for name, value in limits.items()},
    }
    script = ACTION["runs"]["steps"][-1]["run"]
    step = subprocess.run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script],
        env=environment,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert step.returncode == code, step.stderr
    assert shown in step.stdout
    assert summary.exists() == bool(shown)
    if shown:
        assert step.stdout in summary.read_text(encoding="utf-8")
    else:
        assert "max-macs" in step.stderr


@pytest.mark.parametrize("hook", HOOKS, ids=[hook["id"] for hook in HOOKS])
def test_hook_runs_a_command_that_exists(hook: dict[str, Any]) -> None:
    program, verb = hook["entry"].split()
    assert program == "convscope"
    assert verb in COMMANDS
    assert hook["id"] == f"convscope-{verb}"


def test_page_names_this_version_and_inputs_that_exist() -> None:
    page = (ROOT / "docs/how-to/continuous-integration.md").read_text(encoding="utf-8")
    assert set(re.findall(r"\bv(\d+\.\d+\.\d+)", page)) == {convscope.__version__}
    samples = [yaml.safe_load(textwrap.dedent(text)) for text in re.findall(r"```yaml\n(.*?)```", page, re.DOTALL)]
    steps = [step for sample in samples for step in (sample if isinstance(sample, list) else all_steps(sample))]
    uses = [step["with"] for step in steps if step.get("uses", "").startswith("OWNER/convscope@")]
    assert len(uses) == 2
    for inputs in uses:
        assert set(inputs) <= set(ACTION["inputs"])
    hooks = [hook for sample in samples if "repos" in sample for repo in sample["repos"] for hook in repo["hooks"]]
    assert {hook["id"] for hook in hooks} == {hook["id"] for hook in HOOKS}
    named = {name for line in page.splitlines() for name in re.findall(r"^\| `([a-z-]+)` \|", line)}
    assert named <= set(ACTION["inputs"])


def all_steps(workflow: dict[str, Any]) -> list[dict[str, Any]]:
    return [step for job in workflow.get("jobs", {}).values() for step in job["steps"]]


@pytest.mark.parametrize(
    "file",
    [*ROOT.glob(".github/workflows/*.yml"), ROOT / "Makefile", ROOT / ".ci" / "run"],
    ids=lambda file: file.name,
)
def test_files_that_are_run_exist(file: Path) -> None:
    named = re.findall(r"\b((?:tests|benchmarks|docs|src)/[\w./-]*\w)", file.read_text(encoding="utf-8"))
    assert [name for name in named if not (ROOT / name).exists()] == []
