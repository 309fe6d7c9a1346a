"""docs/explanation/engine.md: its Python runs, the instructions it shows come out, its commands work, its list of layers is true.

The list is written by running this file with CONVSCOPE_GOLDEN=write.
"""

import inspect
import os
import re
import shlex
import sys
import textwrap
import types
from pathlib import Path

import click
import pytest

from convscope import layers
from convscope.cli import main
from convscope.cli.group import convscope as group
from convscope.engines.native import lowering as _every_rule  # noqa: F401
from convscope.engines.native.codegen.compiler import assembled
from convscope.engines.native.codegen.target import named
from convscope.engines.native.lowering.lowering import lower

PAGE = Path(__file__).parents[2] / "docs" / "explanation" / "engine.md"
TEXT = PAGE.read_text(encoding="utf-8")
NO_KERNEL = re.compile(r"(?<=<!-- layers without kernels -->\n)(.*?)(?=\n<!-- end -->)", re.DOTALL)


def block(kind):
    return re.search(rf"^```{kind}\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)[1]


def kernel_of_the_page():
    names: dict[str, object] = {"__name__": "the page"}
    exec(compile(block("python"), PAGE.name, "exec", dont_inherit=True), names)
    return names["ScaleAndShift"]


@pytest.fixture(autouse=True)
def the_page_as_a_module(monkeypatch):
    """Dataclasses look up the module that they are defined in."""
    monkeypatch.setitem(sys.modules, "the page", types.ModuleType("the page"))


def test_the_python_runs_and_prints_both_languages(capsys):
    """LLVM's for this machine, then instructions for AVX2."""
    kernel_of_the_page()
    out = capsys.readouterr().out
    assert re.search(r'^define void @"?scale"?\(', out, re.MULTILINE)
    assert "vfmadd" in out


def test_instructions_on_the_page_match_the_compiler():
    """In this order, three times, at other offsets from the same pointers; in no other instruction a vector's sum."""
    shown = [operation(line) for line in block("asm").splitlines()]
    assert [name for name, _ in shown] == ["vmovups", "vfmadd132ps", "vmovups"]
    body = [
        operation(line)
        for line in assembled(kernel_of_the_page()(3), named("haswell")).splitlines()
        if "%ymm" in line
    ]
    in_loop = [line for line in body if line[0] != "vbroadcastss"]
    assert in_loop == 3 * shown


def operation(line):
    """Return an instruction's name and operands, without offsets and remarks."""
    name, operands = line.split("#")[0].split(maxsplit=1)
    return name, re.sub(r"-?\d+(?=\()", "", "".join(operands.split()))


@pytest.mark.parametrize("line", [line.split("#")[0].strip() for line in block("sh").splitlines()])
def test_every_command_works(line, tmp_path, monkeypatch, capsys):
    """As printed, training for one epoch; measuring takes its time, so that is only held to what it accepts."""
    monkeypatch.chdir(tmp_path)
    program, verb, *arguments = shlex.split(line)
    assert program == "convscope"
    if verb == "bench":
        context = click.Context(group)
        group.get_command(context, verb).make_context(verb, arguments, parent=context)
        return
    assert main([verb, *arguments, *(["--epochs", "1"] if verb == "train" else [])]) == 0
    out = " ".join(capsys.readouterr().out.split())  # lines break where the terminal ends
    assert ("· backward" if "--plan" in arguments else "engine native") in out


def without_kernels():
    """Return the kinds of layers for which the engine has no rule, without their numbers of axes."""
    exported = [getattr(layers, name) for name in layers.__all__]
    kinds = {kind for kind in exported if inspect.isclass(kind) and issubclass(kind, layers.Layer)}
    leaves = [kind for kind in kinds if not any(kind in other.__mro__[1:] for other in kinds)]
    missing = [kind for kind in leaves if lower.dispatch(kind) is lower.dispatch(object)]
    names = {re.sub(r"[123]d$", "", kind.__name__) for kind in missing if kind is not layers.Input}
    return sorted(names, key=str.casefold)


def test_the_layers_without_kernels_are_listed():
    """All of them and no other, as the engine's own rules say."""
    listed = ", ".join(f"`{name}`" for name in without_kernels())
    if os.environ.get("CONVSCOPE_GOLDEN") == "write":
        lines = _wrapped(listed)
        PAGE.write_text(NO_KERNEL.sub(lambda _: lines, TEXT), encoding="utf-8")
    else:
        assert " ".join(NO_KERNEL.search(TEXT)[1].split()) == listed


def test_layers_without_kernels_are_found():
    """Local response normalization has no kernel, convolution has; abstract kinds are not layers."""
    assert {"LocalResponseNorm", "StochasticPool", "LSTM"} <= set(without_kernels())
    assert not {"Conv", "Conv2d", "MaxPool", "Linear", "Layer", "Input", "Pool"} & set(without_kernels())


def _wrapped(text):
    return textwrap.fill(text, 118, break_long_words=False)
