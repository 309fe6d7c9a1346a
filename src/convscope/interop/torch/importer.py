"""From a PyTorch module to a network, without running it."""

from __future__ import annotations

import copy
import inspect
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Literal, overload

from ...engines.torch.installed import imported
from ...errors import BadNetwork, BadSetting, BadShape, ConvscopeError
from ...input_shapes import InputShape, Shape, check_channels_first, shapes_by_name
from ...layers.base import show_shape

if TYPE_CHECKING:
    from torch import nn

    from ...model import Model
    from ...network import Network
    from .recorder import Recorder

LONGEST = 8
"""Axes of an input, at most."""


@overload
def from_torch(
    module: nn.Module, input_shape: InputShape, parameters: Literal[False] = ..., name: str | None = ...
) -> Network: ...


@overload
def from_torch(
    module: nn.Module, input_shape: InputShape, parameters: Literal[True], name: str | None = ...
) -> Model: ...


def from_torch(
    module: nn.Module, input_shape: InputShape, parameters: bool = False, name: str | None = None
) -> Network | Model:
    """Return the network of a PyTorch module, with its parameters if asked for: then a Model.

    The operators of one forward pass in evaluation mode are recorded on tensors that have a shape and no memory,
    for inputs of `input_shape` (batch left out): one shape for the first argument of `forward`, or a mapping from
    its arguments to shapes, {"image": (3, 64, 64), "state": (7,)}. Several inputs are named as the arguments are,
    one is named `input`. Layers are named by module path; what no layer stands for becomes Opaque with the
    operator's name. Modules and parameters that are used twice are counted once, those that are not used are left
    out. The module stays as it was: lazy layers get their shapes in a copy.

    Errors:   MissingExtra [torch-missing]; BadSetting [torch-module], [torch-input], [input-shape], [input-name];
              BadShape [torch-forward]; BadNetwork [torch-control-flow], [torch-forward], [torch-inputs],
              [torch-output], [torch-script], [torch-unseen], [torch-memory], [torch-lazy]

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
    shapes = _named_shapes(module, input_shape)
    _check_is_python(module)
    recorder, outputs = _record(_materialized(module, shapes), shapes)
    network = recorder.builder.build(outputs, name or type(module).__name__)
    if not parameters:
        return network
    from .arrays import with_parameters

    return with_parameters(network, recorder.builder.weights())


def _named_shapes(module: nn.Module, input_shape: InputShape) -> dict[str, Shape]:
    """Return the shapes of a module's inputs by the names of its arguments.

    Errors:   BadSetting [torch-input], [input-shape], [input-name]; BadNetwork [torch-inputs]
    """
    arguments = _arguments(module)
    names = list(arguments)
    if isinstance(input_shape, Mapping) and any(one.kind in _TAKING_MORE for one in arguments.values()):
        names = [name for name, one in arguments.items() if one.kind not in _TAKING_MORE]
        names += [name for name in input_shape if name not in names]
    shapes = shapes_by_name(input_shape, names or ["input"])
    for shape in shapes.values():
        if len(shape) > LONGEST:
            raise BadSetting(
                f"input_shape must have at most {LONGEST} axes; got {len(shape)} in {shape!r}; "
                "leave out the batch and join axes. [torch-input]"
            )
    missing = [name for name, one in arguments.items() if _is_required(one) and name not in shapes]
    if missing:
        example = ", ".join(f"{name!r}: {shapes.get(name, '(…)')}" for name in [*shapes, *missing])
        raise BadNetwork(
            f"input_shape must have a shape for every argument that a module's forward requires; got none for "
            f"{' and '.join(map(repr, missing))} of {type(module).__name__}.forward({', '.join(names)}); "
            f"give input_shape={{{example}}}, or wrap the module in one that makes the others. [torch-inputs]"
        )
    return shapes


_TAKING_MORE = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
"""Kinds of arguments that stand for any number of others."""


def _arguments(module: nn.Module) -> dict[str, inspect.Parameter]:
    """Return the arguments of a module's forward; none where it is written in C, and says itself what it takes."""
    try:
        return dict(inspect.signature(module.forward).parameters)
    except (TypeError, ValueError):
        return {}


def _is_required(argument: inspect.Parameter) -> bool:
    return argument.default is argument.empty and argument.kind not in _TAKING_MORE


def _check_is_python(module: nn.Module) -> None:
    """Refuse TorchScript, whose operators run without being called from Python.

    Errors:   BadNetwork [torch-script]
    """
    import torch

    from .layer_names import torchscript

    for path, one in module.named_modules():
        if isinstance(one, torch.jit.ScriptModule):
            raise torchscript(path)


def _materialized(module: nn.Module, shapes: Mapping[str, Shape]) -> nn.Module:
    """Return the module; a copy of it after one forward pass where lazy layers have no shapes yet.

    Errors:   BadNetwork [torch-lazy]; and those of a forward pass
    """
    if not any(_is_lazy(array) for array in (*module.parameters(), *module.buffers())):
        return module
    try:
        made = copy.deepcopy(module, {id(one): _another(one) for one in module.buffers() if _is_lazy(one)})
    except Exception as error:  # a caller's own classes may raise anything
        raise BadNetwork(
            f"a module with lazy layers must be one that can be copied; got {type(error).__name__} from a copy of "
            f"{type(module).__name__}; run it once on a batch of inputs, and import it then. [torch-lazy]"
        ) from error
    _record(made, shapes)
    return made


def _another(buffer: Any) -> Any:
    """Return another buffer without a shape; PyTorch copies parameters without one, but not buffers."""
    return type(buffer)(device=buffer.device, dtype=buffer.dtype)


def _is_lazy(array: Any) -> bool:
    from torch.nn.parameter import is_lazy

    return bool(is_lazy(array))


def _record(module: nn.Module, shapes: Mapping[str, Shape]) -> tuple[Recorder, list[str]]:
    """Run the module's forward once on a batch of inputs without memory.

    An input of one number per image has the batch as its only axis in some modules, and an axis of size 1 besides
    in others: both are tried.
    """
    try:
        return _recorded(module, shapes, alone=False)
    except BadShape:
        if (1,) in shapes.values():
            try:
                return _recorded(module, shapes, alone=True)
            except ConvscopeError:
                pass
        _check_channels_first(module, shapes)
        raise


def _check_channels_first(module: nn.Module, shapes: Mapping[str, Shape]) -> None:
    """Refuse shapes with channels last by that name, once a module has failed on them."""
    channels = next(
        (n for one in module.modules() if isinstance(n := getattr(one, "in_channels", None), int)), None
    )
    if channels is not None:
        for name, shape in shapes.items():
            check_channels_first(shape, channels, name)


def _recorded(module: nn.Module, shapes: Mapping[str, Shape], *, alone: bool) -> tuple[Recorder, list[str]]:
    import torch

    from .batch import Batch, batch_size
    from .recorder import Recorder

    arrays = [array for array in (*module.parameters(), *module.buffers()) if not _is_lazy(array)]
    sizes = [size for shape in shapes.values() for size in shape]
    batch = Batch(batch_size([*sizes, *(size for array in arrays for size in array.shape)]))
    kinds = [array.dtype for array in arrays if array.is_floating_point()]
    recorder = Recorder(module, batch)
    inputs = {}
    for name, shape in shapes.items():
        axes = () if alone and shape == (1,) else shape
        inputs[name] = torch.empty((batch.size, *axes), dtype=kinds[0] if kinds else torch.float32, device="meta")
        recorder.bind(inputs[name], recorder.builder.add_input(shape, name if len(shapes) > 1 else "input"))
    args, kwargs = _passed(module, inputs)
    try:
        with _evaluating(module), torch.no_grad(), recorder.names.following(), recorder.seeing_scripts(), recorder:
            result = module(*args, **kwargs)
    except ConvscopeError:
        raise
    except (Exception, SystemExit) as error:
        raise _failed(error, recorder, shapes) from error
    outputs = [recorder.node(one) for one in _values(result, recorder)]
    if not outputs:
        raise BadNetwork(
            f"a module's forward must return a tensor made from its input; got {type(result).__name__}; "
            "import the part that does. [torch-output]"
        )
    return recorder, outputs


def _passed(module: nn.Module, inputs: Mapping[str, Any]) -> tuple[list[Any], dict[str, Any]]:
    """Return inputs as positional and keyword arguments of a module's forward, by position up to a gap."""
    arguments = _arguments(module)
    kinds = [one.kind for one in arguments.values()]
    by_name = set()
    for place, name in enumerate(inputs):
        if name not in arguments:
            named = inspect.Parameter.VAR_POSITIONAL not in kinds
        else:
            named = arguments[name].kind is inspect.Parameter.KEYWORD_ONLY or list(arguments)[place] != name
        by_name |= {name} if named else set()
    args = [tensor for name, tensor in inputs.items() if name not in by_name]
    return args, {name: inputs[name] for name in by_name}


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


def _failed(error: BaseException, recorder: Recorder, shapes: Mapping[str, Shape]) -> ConvscopeError:
    """Say where and why a forward pass failed, in one line."""
    path = recorder.names.path
    where = f"in module {path!r}" if path else "in the module itself"
    reason = (str(error).strip().splitlines() or [""])[0].replace(f"{recorder.batch.size}, ", "n, ")
    said = f"{type(error).__name__}: {reason}" if reason else type(error).__name__
    wanted = re.search(r"allocate (\d+) bytes|allocate (.+) for an array", reason)
    if wanted is not None or isinstance(error, MemoryError):
        size = "more than there is" if wanted is None else wanted[2] or f"{int(wanted[1]):,} bytes"
        return BadNetwork(
            "a module's forward must fit into memory while it is recorded, since arrays that depend on no input "
            f"are computed for real; got one of {size} ({where}); give a smaller input_shape, or import the part "
            "without that array. [torch-memory]"
        )
    if isinstance(error, RuntimeError | ValueError | AssertionError) and not isinstance(
        error, NotImplementedError
    ):
        several = len(shapes) > 1
        taken = ", ".join(
            f"{name} {show_shape(one)}" if several else show_shape(one) for name, one in shapes.items()
        )
        return BadShape(
            f"a module must take {'inputs' if several else 'images'} of {taken}; got {said} ({where}); "
            f"give the {'shapes' if several else 'shape'} that it was made for, batch left out. [torch-forward]"
        )
    return BadNetwork(
        f"a module's forward must run on tensors without memory; got {said} ({where}); "
        "import the part without it. [torch-forward]"
    )


def _values(result: Any, recorder: Recorder) -> Iterator[Any]:
    """Yield the tensors of a module's result that depend on the images."""
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
