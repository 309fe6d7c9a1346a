"""Importing costs next to nothing, and every public name is there."""

import subprocess
import sys

import pytest

import convscope

HEAVY = ("torch", "onnx", "matplotlib", "llvmlite", "PIL", "yaml", "click", "numpy.testing")


def modules_after(code: str) -> set[str]:
    listed = subprocess.run(
        [sys.executable, "-c", f"{code}; import sys; print(*sys.modules)"],
        check=True,
        capture_output=True,
        text=True,
    )
    return set(listed.stdout.split())


@pytest.mark.parametrize(
    "code",
    [
        "import convscope",
        "import convscope as cs; cs.Network; cs.inspect; cs.explain; cs.load",
        "import convscope as cs; str(cs.inspect(cs.load('input 3x9x11 | conv 4 3 | relu | flatten | dense 5')))",
    ],
)
def test_nothing_heavy_is_loaded(code):
    assert not modules_after(code) & set(HEAVY)


def test_a_yaml_network_loads_yaml_and_nothing_else_heavy():
    loaded = modules_after("import convscope as cs; cs.inspect(cs.load('resnet18'))")
    assert loaded & set(HEAVY) == {"yaml"}


def test_every_public_name_exists():
    for name in convscope.__all__:
        assert getattr(convscope, name) is not None
    assert set(convscope.__all__) <= set(dir(convscope))


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="module 'convscope' has no attribute 'nothing'"):
        convscope.nothing  # noqa: B018


def test_no_public_function_is_hidden_by_a_module_of_its_name():
    """A submodule becomes an attribute of the package when it is imported, whatever stood there before."""
    code = "import convscope.cli, convscope.cli.explain, pkgutil, convscope as cs; cs.explain('exercise');"
    code += "assert not set(m.name for m in pkgutil.iter_modules(cs.__path__)) & set(cs.__all__) - {'layers'}"
    subprocess.run([sys.executable, "-c", code], check=True)
