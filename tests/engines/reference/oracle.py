"""Ways to know that a forward and a backward pass are right. Each raises AssertionError where they are not.

Every array that goes in is read-only, so that writing into a caller's array is an error as well.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from convscope.engines.reference.layers import Context, Gradients, backward, forward
from convscope.layers import Embedding, IndexSelect, Layer
from convscope.layers.facts import facts

FLOAT64 = 1e-9
FLOAT32 = 3e-5
"""Largest error in float32, as a share of the largest number of the array; float64 PyTorch is the truth."""


class Case(NamedTuple):
    """A layer with numbers to run on, in float64 but exact in float32."""

    layer: Layer
    inputs: tuple[Any, ...]
    parameters: dict[str, Any]
    buffers: dict[str, Any]


class Passed(NamedTuple):
    output: Any
    grad_output: Any
    gradients: Gradients
    context: Context


def frozen(array: Any) -> Any:
    array = np.array(array)
    array.flags.writeable = False
    return array


def exact(rng: np.random.Generator, shape: Sequence[int]) -> Any:
    """Draw normal numbers that float32 holds exactly."""
    return frozen(rng.normal(size=shape).astype(np.float32).astype(np.float64))


def case(layer: Layer, shapes: Sequence[Sequence[int]], seed: int = 0, batch: int = 2) -> Case:
    """Fill a layer's inputs, parameters and buffers with numbers."""
    rng = np.random.default_rng(seed)
    known = facts(layer, tuple(map(tuple, shapes)))
    inputs = tuple(exact(rng, (batch, *shape)) for shape in shapes)
    if isinstance(layer, Embedding):
        inputs = (frozen(rng.integers(0, layer.num_embeddings, (batch, *shapes[0]))),)
    parameters = {name: exact(rng, shape) for name, shape in known.param_shapes.items()}
    buffers = {name: exact(rng, shape) for name, shape in known.buffer_shapes.items()}
    if "running_var" in buffers:
        buffers["running_var"] = frozen(np.abs(buffers["running_var"]) + 0.5)
    if isinstance(layer, IndexSelect):
        buffers["index"] = frozen(rng.integers(0, shapes[0][layer.axis], layer.size).astype(np.float64))
    return Case(layer, inputs, parameters, buffers)


def as_type(one: Case, dtype: Any) -> Case:
    def cast(array: Any) -> Any:
        return frozen(array.astype(dtype)) if array.dtype.kind == "f" else array

    return Case(
        one.layer,
        tuple(map(cast, one.inputs)),
        {name: cast(array) for name, array in one.parameters.items()},
        {name: cast(array) for name, array in one.buffers.items()},
    )


def run_case(one: Case, training: bool = False, algorithm: Any = "matrix") -> Passed:
    """Run forward, then backward from a random gradient of the output."""
    context = Context(training, algorithm, np.random.default_rng(7), one.buffers)
    output = forward(one.layer, one.inputs, one.parameters, context)
    grad_output = frozen(exact(np.random.default_rng(8), output.shape).astype(output.dtype))
    gradients = backward(one.layer, grad_output, one.inputs, one.parameters, context)
    return Passed(output, grad_output, gradients, context)


def close(ours: Any, theirs: Any, tolerance: float, what: str) -> None:
    """Compare shape and numbers; an error may be `tolerance` of the largest finite number."""
    assert ours.shape == theirs.shape, f"{what}: shape {ours.shape}, not {theirs.shape}"
    finite = np.abs(theirs[np.isfinite(theirs)])
    scale = float(finite.max()) if finite.size else 1.0
    np.testing.assert_allclose(ours, theirs, rtol=tolerance, atol=tolerance * scale, err_msg=what)


def like_torch(
    one: Case,
    function: Callable[..., Any],
    training: bool = False,
    algorithm: Any = "matrix",
    float32: bool = True,
) -> None:
    """Compare values and all gradients with PyTorch's function(*inputs, **parameters); dots in names are _."""
    import torch

    def tensor(array: Any) -> Any:
        return torch.tensor(np.array(array), requires_grad=array.dtype.kind == "f")

    inputs = [tensor(x) for x in one.inputs]
    parameters = {name: tensor(array) for name, array in one.parameters.items()}
    expected = function(*inputs, **{name.replace(".", "_"): value for name, value in parameters.items()})
    for dtype, tolerance in ((np.float64, FLOAT64), (np.float32, FLOAT32)):
        if dtype is np.float32 and not float32:
            continue
        passed = run_case(as_type(one, dtype), training, algorithm)
        assert passed.output.dtype == dtype, f"output is {passed.output.dtype}"
        close(passed.output, expected.detach().numpy(), tolerance, "output")
        leaves = [x for x in [*inputs, *parameters.values()] if x.requires_grad]
        grads = torch.autograd.grad(
            expected, leaves, torch.tensor(passed.grad_output.astype(np.float64)), retain_graph=True
        )
        by_leaf = {id(leaf): grad.numpy() for leaf, grad in zip(leaves, grads, strict=True)}
        for number, (x, ours) in enumerate(zip(inputs, passed.gradients.inputs, strict=True)):
            if x.requires_grad:
                assert ours.dtype == dtype, f"gradient of input {number} is {ours.dtype}"
                close(ours, by_leaf[id(x)], tolerance, f"gradient of input {number}")
            else:
                assert ours is None
        assert set(passed.gradients.parameters) == set(parameters)
        for name, parameter in parameters.items():
            ours = passed.gradients.parameters[name]
            assert ours.dtype == dtype, f"gradient of {name} is {ours.dtype}"
            close(ours, by_leaf[id(parameter)], tolerance, f"gradient of {name}")


def algorithms_agree(one: Case, training: bool = False) -> None:
    """Compare the plain loops with the matrix form, values and gradients."""
    matrix, loops = (run_case(one, training, algorithm) for algorithm in ("matrix", "loops"))
    close(loops.output, matrix.output, 1e-12, "output")
    for mine, other in zip(loops.gradients.inputs, matrix.gradients.inputs, strict=True):
        close(mine, other, 1e-12, "gradient of the input")
    assert set(loops.gradients.parameters) == set(matrix.gradients.parameters)
    for name, grad in loops.gradients.parameters.items():
        close(grad, matrix.gradients.parameters[name], 1e-12, f"gradient of {name}")


def finite_differences(one: Case, training: bool = False, step: float = 1e-6, tolerance: float = 1e-6) -> None:
    """Compare ⟨gradient, d⟩ with the slope of the loss ⟨output, g⟩ along a random direction d of everything."""
    rng = np.random.default_rng(9)
    passed = run_case(one, training)
    moves: list[Any] = [rng.normal(size=x.shape) if x.dtype.kind == "f" else None for x in one.inputs]
    shifts: Mapping[str, Any] = {name: rng.normal(size=array.shape) for name, array in one.parameters.items()}

    def loss(distance: float) -> float:
        inputs = tuple(x if d is None else x + distance * d for x, d in zip(one.inputs, moves, strict=True))
        parameters = {name: array + distance * shifts[name] for name, array in one.parameters.items()}
        context = Context(training, "matrix", np.random.default_rng(7), one.buffers)
        output = forward(one.layer, inputs, parameters, context)
        return float((output * passed.grad_output).sum())

    slope = (loss(step) - loss(-step)) / (2 * step)
    pairs = [(g, d) for g, d in zip(passed.gradients.inputs, moves, strict=True) if d is not None]
    pairs += [(grad, shifts[name]) for name, grad in passed.gradients.parameters.items()]
    assert set(passed.gradients.parameters) == set(one.parameters)
    predicted = sum(float((g * d).sum()) for g, d in pairs)
    scale = max(1.0, *(float(np.abs(g * d).sum()) for g, d in pairs))
    assert abs(slope - predicted) <= tolerance * scale, f"slope {slope}, gradients say {predicted}"


def adjoint(one: Case) -> None:
    """Check ⟨f(x) − f(0), y⟩ = ⟨x, fᵀ(y)⟩ for a layer that is linear in its inputs."""
    passed = run_case(one)
    nothing = tuple(np.zeros_like(x) for x in one.inputs)
    at_zero = run_case(Case(one.layer, nothing, one.parameters, one.buffers)).output
    left = float(((passed.output - at_zero) * passed.grad_output).sum())
    right = sum(float((x * grad).sum()) for x, grad in zip(one.inputs, passed.gradients.inputs, strict=True))
    scale = float(np.abs(passed.output * passed.grad_output).sum())
    assert abs(left - right) <= 1e-12 * scale, f"{left} is not {right}"
