"""Keyword arguments of PyTorch's functions give the same layers as positional ones."""

from __future__ import annotations

import inspect
from types import FunctionType
from typing import Any

import pytest
import torch
import torch.nn.functional as F

import convscope as cs
from convscope.interop.torch.arguments import NUMPY_NAMES, rename_arguments
from convscope.interop.torch.call import converters
from interop.torch.test_operators import IMAGE, SIGNAL, Of, cases, of, same_as_pytorch

WRITTEN_AS_NUMPY_DOES = [
    ("mean", lambda x: x.mean(axis=(2, 3), keepdims=True), lambda x: x.mean((2, 3), True)),
    ("sum", lambda x: torch.sum(x, axis=1), lambda x: torch.sum(x, 1)),
    ("max", lambda x: x.max(axis=1, keepdims=True)[0], lambda x: x.max(1, True)[0]),
    ("amin", lambda x: x.amin(axis=(1, 3)), lambda x: x.amin((1, 3))),
    ("std", lambda x: x.std(axis=1, keepdims=True, correction=0), lambda x: x.std(1, keepdim=True, correction=0)),
    ("logsumexp", lambda x: torch.logsumexp(x, axis=1), lambda x: torch.logsumexp(x, 1)),
    ("cat", lambda x: torch.cat([x, x], axis=1), lambda x: torch.cat([x, x], 1)),
    ("stack", lambda x: torch.stack([x, x], axis=2), lambda x: torch.stack([x, x], 2)),
    ("split", lambda x: torch.split(x, 3, dim=1)[0], lambda x: torch.split(x, 3, 1)[0]),
    ("split-all", lambda x: torch.split(tensor=x, split_size_or_sections=3, dim=1)[0], lambda x: x.split(3, 1)[0]),
    ("chunk", lambda x: torch.chunk(input=x, chunks=2, axis=1)[1], lambda x: x.chunk(2, 1)[1]),
    ("unbind", lambda x: torch.unbind(x, axis=1)[2], lambda x: torch.unbind(x, 1)[2]),
    ("softmax", lambda x: x.softmax(axis=1), lambda x: x.softmax(1)),
    ("log_softmax", lambda x: torch.log_softmax(x, axis=3), lambda x: torch.log_softmax(x, 3)),
    ("permute", lambda x: x.permute(dims=(0, 2, 3, 1)), lambda x: x.permute(0, 2, 3, 1)),
    ("permute-all", lambda x: torch.permute(input=x, dims=(0, 2, 3, 1)), lambda x: x.permute(0, 2, 3, 1)),
    ("flip", lambda x: torch.flip(input=x, dims=(1, 3)), lambda x: x.flip(1, 3)),
    ("swapaxes", lambda x: x.swapaxes(axis0=1, axis1=3), lambda x: x.swapaxes(1, 3)),
    ("moveaxis", lambda x: torch.moveaxis(x, source=1, destination=-1), lambda x: torch.moveaxis(x, 1, -1)),
    ("roll", lambda x: torch.roll(x, shifts=2, dims=3), lambda x: torch.roll(x, 2, 3)),
    ("select", lambda x: x.select(dim=1, index=2), lambda x: x.select(1, 2)),
    ("add", lambda x: torch.add(x1=x, x2=x.relu()), lambda x: torch.add(x, x.relu())),
    ("mul", lambda x: torch.mul(input=x, other=x.relu()), lambda x: torch.mul(x, x.relu())),
    ("maximum", lambda x: torch.max(input=x, other=x.mul(2)), lambda x: torch.max(x, x.mul(2))),
    ("bmm", lambda x: torch.bmm(x[:, 0], mat2=x[:, 1].mT), lambda x: torch.bmm(x[:, 0], x[:, 1].mT)),
    (
        "where",
        lambda x: x.where(torch.arange(14) > 5, other=x.relu()),
        lambda x: x.where(torch.arange(14) > 5, x.relu()),
    ),
    ("relu", lambda x: F.relu(input=x, inplace=True), lambda x: F.relu(x, True)),
]


@pytest.mark.parametrize(
    ("written", "plain"), [pytest.param(one, two, id=name) for name, one, two in WRITTEN_AS_NUMPY_DOES]
)
def test_keyword_and_positional_arguments_give_equal_layers(written, plain):
    network = same_as_pytorch(Of(written), IMAGE)
    expected = cs.from_torch(Of(plain).eval(), IMAGE)
    assert [(n.layer, n.inputs) for n in network.nodes] == [(n.layer, n.inputs) for n in expected.nodes]


@cases(
    of("constant-pad", lambda x: torch.constant_pad_nd(x, (1, 2), 0.5)),
    of("where", lambda x, w: x.where(torch.arange(14) > 5, w), w=(4, 1, 1)),
    of(
        "convolution",
        lambda x, w: torch.convolution(x, w, None, [1, 2], [1, 0], [1, 1], False, [0, 0], 2),
        w=(6, 2, 3, 2),
    ),
    of(
        "transposed",
        lambda x, w: torch.convolution(x, w, None, [1, 2], [1, 0], [1, 1], True, [0, 1], 1),
        w=(4, 6, 3, 2),
    ),
)
def test_arguments_in_unusual_order_match_pytorch(module, shape):
    same_as_pytorch(module, shape)


def test_scaled_elu_is_opaque():
    network = cs.from_torch(Of(lambda x: torch._C._nn.elu_(x + 0, 1.0, 2.0)).eval(), SIGNAL)
    assert [node.kind for node in network.layers] == ["Opaque(elu)"]


def test_numpy_names_match_pytorch_argument_parser():
    """A keyword that the parser does not know raises; the tensor's own names always work."""
    x = torch.ones(2, 3)
    for name, meant in NUMPY_NAMES.items():
        if meant in ("dim", "keepdim"):
            torch.mean(x, **{name: 1} if meant == "dim" else {"dim": 1, name: True})
        elif meant == "input":
            torch.relu(**{name: x})
        else:
            torch.mul(x, **{name: x})
    with pytest.raises(TypeError):
        torch.mean(x, axes=1)


LEFT_OUT = {"out", "out_dtype", "generator", "_stacklevel", "max", "max_values", "min", "min_indices"}
"""Arguments that are handled elsewhere, do not affect values, or are results."""


def overloads(function: Any) -> list[list[str]]:
    """Return the names of a function's arguments in PyTorch, by overload; `input` for the tensor itself."""
    if isinstance(function, FunctionType) and not hasattr(function, "__wrapped__"):
        names = [list(inspect.signature(function).parameters)]
        return [] if names[0][0] == "args" else names
    word = function.__name__
    found = []
    for schema in torch._C._jit_get_schemas_for_operator(f"aten::{word}"):
        if schema.arguments and str(schema.arguments[0].type) in ("Tensor", "List[Tensor]"):
            found.append(["input" if one.name == "self" else one.name for one in schema.arguments])
    return found


def takes(converter: Any, names: list[str]) -> list[str]:
    """Return the keywords that a converter does not accept."""
    _, *parameters = inspect.signature(converter).parameters.values()
    known = {one.name for one in parameters}
    more = any(one.kind is one.VAR_KEYWORD for one in parameters)
    missing = []
    for name in names:
        args, renamed = rename_arguments(converter, (), {name: None})
        if not (more or args or known.issuperset(renamed)):
            missing.append(name)
    return missing


NUMPYS = {own: numpy for numpy, own in NUMPY_NAMES.items() if numpy in ("axis", "keepdims", "x1", "x2")}
METHODS_ONLY = {"elu_", "dropout_", "rrelu", "rrelu_", "lstm", "copy_"}
"""Functions that PyTorch's modules call with positional arguments only, or with overloads of TorchScript only."""


def test_converters_accept_every_keyword_of_their_functions():
    """The names are those of PyTorch's schemas, with NumPy's where there is one."""
    missing, tried = {}, 0
    for function, converter in converters().items():
        word = getattr(function, "__name__", "")
        if word in METHODS_ONLY or word.startswith("__"):
            continue
        for names in overloads(function):
            asked = [name for name in names if name not in LEFT_OUT]
            asked += [NUMPYS[name] for name in asked if name in NUMPYS]
            tried += len(asked)
            if takes(converter, asked):
                missing[word] = takes(converter, asked)
    assert missing == {}
    assert tried > 1000
