"""From a PyTorch module to a network, without running it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Literal, overload

from ...engines.torch.installed import imported
from ...errors import BadNetwork, BadSetting, BadShape, ConvscopeError
from ...layers.base import show_shape
from ...layers.connection import Shape

if TYPE_CHECKING:
    from torch import nn

    from ...model import Model
    from ...network import Network
    from .recorder import Recorder

LONGEST = 8
"""Axes of an input, at most."""


@overload
def from_torch(
    module: nn.Module, input_shape: Iterable[int], parameters: Literal[False] = ..., name: str | None = ...
) -> Network: ...


@overload
def from_torch(
    module: nn.Module, input_shape: Iterable[int], parameters: Literal[True], name: str | None = ...
) -> Model: ...


def from_torch(
    module: nn.Module, input_shape: Iterable[int], parameters: bool = False, name: str | None = None
) -> Network | Model:
    """Return the network of a PyTorch module, with its parameters if asked for: then a Model.

    The operators of one forward pass in evaluation mode are recorded on tensors that have a shape and no memory,
    for pictures of `input_shape` (batch left out). Layers are named by module path; what no layer stands for
    becomes Opaque with the operator's name. Modules and parameters that are used twice are counted once, those
    that are not used are left out. The module stays as it was.

    Errors:   MissingExtra [torch-missing]; BadSetting [torch-module], [torch-input]; BadShape [torch-forward];
              BadNetwork [torch-control-flow], [torch-forward], [torch-inputs], [torch-output]

    >>> import torch
    >>> net = from_torch(torch.nn.Sequential(torch.nn.Conv2d(3, 8, 5), torch.nn.ReLU()), (3, 32, 30))
    >>> [(node.name, node.kind, node.output_shape) for node in net.layers]
    [('0', 'Conv2d', (8, 28, 26)), ('1', 'ReLU', (8, 28, 26))]
    """
    torch = imported()
    if not isinstance(module, torch.nn.Module):
        raise BadSetting(
            f"from_torch.module must be a torch.nn.Module; got {type(module).__name__}; "
            "pass an instance, as in from_torch(MyNet(), (3, 224, 224)). [torch-module]"
        )
    shape = _checked_shape(input_shape)
    recorder, outputs = _record(module, shape)
    network = recorder.graph.network(outputs, name or type(module).__name__)
    if not parameters:
        return network
    from .arrays import with_parameters

    return with_parameters(network, recorder.graph.arrays)


def _checked_shape(input_shape: Iterable[int]) -> Shape:
    try:
        shape = tuple(int(size) for size in input_shape)
    except (TypeError, ValueError):
        shape = ()
    if not 0 < len(shape) <= LONGEST or min(shape) < 1:
        raise BadSetting(
            "from_torch.input_shape must be the sizes of one picture, channels first and without the batch; "
            f"got input_shape={input_shape!r}; use (3, 224, 224). [torch-input]"
        )
    return shape


def _record(module: nn.Module, shape: Shape) -> tuple[Recorder, list[str]]:
    """Run the module's forward once on a batch of pictures without memory."""
    import torch

    from .batch import Batch, batch_size
    from .recorder import Recorder

    _check_takes_one(module)
    arrays = [*module.parameters(), *module.buffers()]
    batch = Batch(batch_size([*shape, *(size for array in arrays for size in array.shape)]))
    kinds = [array.dtype for array in arrays if array.is_floating_point()]
    recorder = Recorder(module, batch)
    pictures = torch.empty((batch.size, *shape), dtype=kinds[0] if kinds else torch.float32, device="meta")
    recorder.bind(pictures, recorder.graph.add_input(shape, "input"))
    try:
        with _evaluating(module), torch.no_grad(), recorder.names.following(), recorder:
            result = module(pictures)
    except ConvscopeError:
        raise
    except Exception as error:
        raise _failed(error, recorder, shape) from error
    outputs = [recorder.node(one) for one in _values(result, recorder)]
    if not outputs:
        raise BadNetwork(
            f"a module's forward must return a tensor made from its input; got {type(result).__name__}; "
            "import the part that does. [torch-output]"
        )
    return recorder, outputs


def _check_takes_one(module: nn.Module) -> None:
    """Refuse a module that must be called with more than pictures.

    Errors:   BadNetwork [torch-inputs]
    """
    import inspect

    try:
        inspect.signature(module.forward).bind(None)
    except TypeError as error:
        raise BadNetwork(
            f"a module's forward must take one tensor of pictures; got {type(module).__name__}.forward with "
            f"{error}; wrap it in a module that makes the other arguments. [torch-inputs]"
        ) from None
    except ValueError:
        return  # written in C: it says itself what it takes


@contextmanager
def _evaluating(module: nn.Module) -> Iterator[None]:
    """Put a module in evaluation mode for a while."""
    training = [one for one in module.modules() if one.training]
    module.eval()
    try:
        yield
    finally:
        for one in training:
            one.training = True


def _failed(error: Exception, recorder: Recorder, shape: Shape) -> ConvscopeError:
    """Say where and why a forward pass failed, in one line."""
    path = recorder.names.path
    where = f"in module {path!r}" if path else "in the module itself"
    reason = (str(error).strip().splitlines() or [""])[0].replace(f"{recorder.batch.size}, ", "n, ")
    said = f"{type(error).__name__}: {reason}" if reason else type(error).__name__
    if isinstance(error, RuntimeError | ValueError | AssertionError) and not isinstance(
        error, NotImplementedError
    ):
        return BadShape(
            f"a module must take pictures of {show_shape(shape)}; got {said} ({where}); "
            "give the shape that it was made for, batch left out. [torch-forward]"
        )
    return BadNetwork(
        f"a module's forward must run on tensors without memory; got {said} ({where}); "
        "import the part without it. [torch-forward]"
    )


def _values(result: Any, recorder: Recorder) -> Iterator[Any]:
    """Yield the tensors of a module's result that depend on the pictures."""
    from torch import Tensor

    if isinstance(result, Tensor):
        if recorder.is_value(result):
            yield result
    elif isinstance(result, Mapping):
        for one in result.values():
            yield from _values(one, recorder)
    elif isinstance(result, list | tuple):
        for one in result:
            yield from _values(one, recorder)
    elif hasattr(result, "__dict__"):
        for one in vars(result).values():
            yield from _values(one, recorder)
