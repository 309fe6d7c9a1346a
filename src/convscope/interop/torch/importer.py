"""Import of PyTorch modules, without running them."""

from __future__ import annotations

import copy
import inspect
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from ...engines.protocol import Array
from ...engines.torch.installed import imported
from ...errors import BadNetwork, BadSetting, BadShape, ConvscopeError
from ...input_shapes import InputShape, Shape, check_channels_first, shapes_by_name
from ...layers.base import show_shape
from ...text.language import Message
from ...text.lists import join_and, listed
from ..errors import first_line
from ..graph_builder import ImportedWeights
from ..import_spec import DEFAULT_IMAGE_SIZE, Scheme, build_model, parse_spec

if TYPE_CHECKING:
    from torch import Tensor, nn

    from ...network import Network
    from .recorder import Recorder

MAX_RANK = 8
"""Largest number of axes of an input."""

SCHEME = Scheme("torch", Message("a torch.nn.Module"), "torch:torchvision.models:resnet50")


def read_network(
    module: nn.Module, input_shape: InputShape, name: str | None = None
) -> tuple[Network, Mapping[str, Array]]:
    """Return the network of a PyTorch module, and its weights, which are read when they are asked for.

    Raises:
        MissingExtra: [torch-missing]
        BadSetting: [torch-module], [torch-input], [input-shape], [input-name]
        BadShape: [torch-forward]
        BadNetwork: [torch-control-flow], [torch-forward], [torch-inputs], [torch-output], [torch-script],
            [torch-unseen], [torch-memory], [torch-lazy]; when a weight is read, [torch-no-numbers]
    """
    torch = imported()
    if not isinstance(module, torch.nn.Module):
        raise BadSetting(
            "from_torch.module must be a torch.nn.Module (got {got}). Pass an instance, as in from_torch(MyNet(), "
            "(3, 224, 224)). [torch-module]",
            got=type(module).__name__,
        )
    shapes = _shapes_by_argument(module, input_shape)
    _refuse_torchscript(module)
    recorder, outputs = _record(_materialize(module, shapes), shapes)
    network = recorder.builder.build(outputs, name or type(module).__name__)
    tensors = recorder.builder.weights()
    return network, ImportedWeights(network, lambda name: _to_numpy(name, tensors[name]))


def _to_numpy(name: str, tensor: Tensor) -> Array:
    """Return a tensor's values as float32, or as float64 if it has another type.

    Raises:
        BadNetwork: [torch-no-numbers] for a tensor on the meta device.
    """
    import torch

    tensor = tensor.detach()
    if tensor.is_meta:
        raise BadNetwork(
            "The module's weights have no values (got {name!r} on the meta device). Build the module on the CPU, "
            "or leave out parameters=True. [torch-no-numbers]",
            name=name,
        )
    array: Array = (tensor if tensor.dtype == torch.float32 else tensor.double()).cpu().numpy()
    return array


def load_module(spec: str, input_shape: InputShape | None = None) -> Network:
    """Return the network of the module that an import spec names.

    A callable runs on the meta device, so that no weights are created. Without `input_shape`, `usual_shape` is
    used.

    Raises:
        UnknownModel: [torch-name], [torch-import], [torch-callable]
        BadSetting: [torch-arguments], [torch-raised], [torch-model]
        ConvscopeError: As `read_network`.
    """
    parsed = parse_spec(spec, SCHEME)
    torch = imported()
    module = build_model(parsed, torch.nn.Module, _build)
    shape = usual_shape(module) if input_shape is None else input_shape
    return read_network(module, shape, parsed.name)[0]


def load_weighted_module(
    spec: str, input_shape: InputShape | None = None, prepare: Callable[[nn.Module], None] | None = None
) -> tuple[Network, Mapping[str, Array]]:
    """Return the network and the weights of the module that an import spec names.

    The module is built with values. Random initial ones are drawn from seed 0. `prepare` may change it before
    it is read.

    Raises:
        ConvscopeError: As `load_module`.
    """
    parsed = parse_spec(spec, SCHEME)
    torch = imported()
    module = build_model(parsed, torch.nn.Module, _build_with_values)
    if prepare is not None:
        prepare(module)
    shape = usual_shape(module) if input_shape is None else input_shape
    return read_network(module, shape, parsed.name)


def _build_with_values(call: Callable[[], Any]) -> Any:
    import torch

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return call()


def _build(call: Callable[[], Any]) -> Any:
    import torch

    try:
        with torch.device("meta"):
            return call()
    except (NotImplementedError, RuntimeError):  # building it may need values
        return call()


def usual_shape(module: nn.Module) -> Shape:
    """Return the input shape that a module's first layer with weights expects: its channels, or its features."""
    for one in module.modules():
        channels, kernel = getattr(one, "in_channels", None), getattr(one, "kernel_size", None)
        if isinstance(channels, int) and isinstance(kernel, tuple):
            return (channels, *(DEFAULT_IMAGE_SIZE for _ in kernel))
        features = getattr(one, "in_features", None)
        if isinstance(features, int):
            return (features,)
    return (3, DEFAULT_IMAGE_SIZE, DEFAULT_IMAGE_SIZE)


def _shapes_by_argument(module: nn.Module, input_shape: InputShape) -> dict[str, Shape]:
    """Return the shapes of a module's inputs by argument of its forward.

    Raises:
        BadSetting: [torch-input], [input-shape], [input-name]
        BadNetwork: [torch-inputs]
    """
    arguments = _arguments(module)
    names = list(arguments)
    if isinstance(input_shape, Mapping) and any(one.kind in _VARIADIC for one in arguments.values()):
        names = [name for name, one in arguments.items() if one.kind not in _VARIADIC]
        names += [name for name in input_shape if name not in names]
    shapes = shapes_by_name(input_shape, names or ["input"])
    for shape in shapes.values():
        if len(shape) > MAX_RANK:
            raise BadSetting(
                "input_shape must have at most {limit} axes (got {rank} in {shape!r}). Leave out the batch axis, "
                "or merge axes. [torch-input]",
                limit=MAX_RANK,
                rank=len(shape),
                shape=shape,
            )
    missing = [name for name, one in arguments.items() if _is_required(one) and name not in shapes]
    if missing:
        example = ", ".join(f"{name!r}: {shapes.get(name, '(…)')}" for name in [*shapes, *missing])
        raise BadNetwork(
            "input_shape must have a shape for every required argument of {module}.forward({arguments}) (got none "
            "for {missing}). Pass input_shape={{{example}}}, or wrap the module in one that creates the others. "
            "[torch-inputs]",
            module=type(module).__name__,
            arguments=", ".join(names),
            missing=join_and(map(repr, missing)),
            example=example,
        )
    return shapes


_VARIADIC = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
"""Kinds of parameters that take any number of arguments."""


def _arguments(module: nn.Module) -> dict[str, inspect.Parameter]:
    """Return the parameters of a module's forward; none where it has no signature, as in C."""
    try:
        return dict(inspect.signature(module.forward).parameters)
    except (TypeError, ValueError):
        return {}


def _is_required(argument: inspect.Parameter) -> bool:
    return argument.default is argument.empty and argument.kind not in _VARIADIC


def _refuse_torchscript(module: nn.Module) -> None:
    """Refuse TorchScript, whose operators are not called from Python.

    Raises:
        BadNetwork: [torch-script]
    """
    import torch

    from .layer_names import torchscript

    for path, one in module.named_modules():
        if isinstance(one, torch.jit.ScriptModule):
            raise torchscript(path)


def _materialize(module: nn.Module, shapes: Mapping[str, Shape]) -> nn.Module:
    """Return the module, or a copy after one forward pass if it has uninitialized lazy layers.

    Raises:
        BadNetwork: [torch-lazy]
        ConvscopeError: As a forward pass.
    """
    if not any(_is_lazy(array) for array in (*module.parameters(), *module.buffers())):
        return module
    try:
        materialized = copy.deepcopy(
            module, {id(one): _copy_lazy(one) for one in module.buffers() if _is_lazy(one)}
        )
    except Exception as error:  # the user's classes may raise anything
        raise BadNetwork(
            "A module with lazy layers must support copy.deepcopy (got {error} from {module}). Run it on a batch "
            "of inputs once before importing it. [torch-lazy]",
            error=type(error).__name__,
            module=type(module).__name__,
        ) from error
    _record(materialized, shapes)
    return materialized


def _copy_lazy(buffer: Any) -> Any:
    """Return an uninitialized buffer like this one. PyTorch copies uninitialized parameters, but not buffers."""
    return type(buffer)(device=buffer.device, dtype=buffer.dtype)


def _is_lazy(array: Any) -> bool:
    from torch.nn.parameter import is_lazy

    return bool(is_lazy(array))


def _record(module: nn.Module, shapes: Mapping[str, Shape]) -> tuple[Recorder, list[str]]:
    """Record one forward pass on a batch of inputs without memory.

    For inputs of shape (1,), some modules take a batch (n, 1) and others a batch (n,): both are tried.
    """
    try:
        return _record_once(module, shapes, scalars=False)
    except BadShape:
        if (1,) in shapes.values():
            try:
                return _record_once(module, shapes, scalars=True)
            except ConvscopeError:
                pass
        _check_channels_first(module, shapes)
        raise


def _check_channels_first(module: nn.Module, shapes: Mapping[str, Shape]) -> None:
    """Refuse channels-last shapes, after a module has failed on them."""
    channels = next(
        (n for one in module.modules() if isinstance(n := getattr(one, "in_channels", None), int)), None
    )
    if channels is not None:
        for name, shape in shapes.items():
            check_channels_first(shape, channels, name)


def _record_once(module: nn.Module, shapes: Mapping[str, Shape], *, scalars: bool) -> tuple[Recorder, list[str]]:
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
        axes = () if scalars and shape == (1,) else shape
        inputs[name] = torch.empty((batch.size, *axes), dtype=kinds[0] if kinds else torch.float32, device="meta")
        recorder.bind(inputs[name], recorder.builder.add_input(shape, name if len(shapes) > 1 else "input"))
    args, kwargs = _bind_inputs(module, inputs)
    try:
        with (
            _evaluation_mode(module),
            torch.no_grad(),
            recorder.names.track(),
            recorder.recording_scripts(),
            recorder,
        ):
            result = module(*args, **kwargs)
    except ConvscopeError:
        raise
    except (Exception, SystemExit) as error:
        raise _forward_error(error, recorder, shapes) from error
    outputs = [recorder.node(one) for one in _output_tensors(result, recorder)]
    if not outputs:
        raise BadNetwork(
            "The module's forward must return a tensor computed from its input (got {got}). Import the part of "
            "the module that does. [torch-output]",
            got=type(result).__name__,
        )
    return recorder, outputs


def _bind_inputs(module: nn.Module, inputs: Mapping[str, Any]) -> tuple[list[Any], dict[str, Any]]:
    """Return inputs as positional and keyword arguments of a module's forward: positional up to the first gap."""
    arguments = _arguments(module)
    kinds = [one.kind for one in arguments.values()]
    by_name = set()
    for index, name in enumerate(inputs):
        if name not in arguments:
            named = inspect.Parameter.VAR_POSITIONAL not in kinds
        else:
            named = arguments[name].kind is inspect.Parameter.KEYWORD_ONLY or list(arguments)[index] != name
        by_name |= {name} if named else set()
    args = [tensor for name, tensor in inputs.items() if name not in by_name]
    return args, {name: inputs[name] for name in by_name}


@contextmanager
def _evaluation_mode(module: nn.Module) -> Iterator[None]:
    """Put a module in evaluation mode, and restore its mode afterwards."""
    training = [one for one in module.modules() if one.training]
    module.eval()
    try:
        yield
    finally:
        for one in training:
            one.training = True


def _forward_error(error: BaseException, recorder: Recorder, shapes: Mapping[str, Shape]) -> ConvscopeError:
    """Return the error for a forward pass that failed."""
    where = recorder.names.location
    reason = first_line(error).replace(f"{recorder.batch.size}, ", "n, ")
    allocation = re.search(r"allocate (\d+) bytes|allocate (.+) for an array", reason)
    if allocation is not None or isinstance(error, MemoryError):
        if allocation is None:
            return BadNetwork(
                "The module's forward needs too much memory: arrays that depend on no input are computed while "
                "it is recorded (got one too large, in {where}). Pass a smaller input_shape, or import the part "
                "without that array. [torch-memory]",
                where=where,
            )
        return BadNetwork(
            "The module's forward needs too much memory: arrays that depend on no input are computed while it is "
            "recorded (got one of {size}, in {where}). Pass a smaller input_shape, or import the part without "
            "that array. [torch-memory]",
            size=allocation[2] or Message("{size:,} bytes", size=int(allocation[1])),
            where=where,
        )
    if isinstance(error, RuntimeError | ValueError | AssertionError) and not isinstance(
        error, NotImplementedError
    ):
        if len(shapes) > 1:
            return BadShape(
                "The module does not accept inputs of {shapes} (got {reason}, in {where}). Pass the shapes it was "
                "built for, without the batch. [torch-forward]",
                shapes=listed(f"{name} {show_shape(one)}" for name, one in shapes.items()),
                reason=reason,
                where=where,
            )
        return BadShape(
            "The module does not accept inputs of {shape} (got {reason}, in {where}). Pass the shape it was built "
            "for, without the batch. [torch-forward]",
            shape="".join(map(show_shape, shapes.values())),
            reason=reason,
            where=where,
        )
    return BadNetwork(
        "The module's forward cannot run on tensors without memory (got {reason}, in {where}). Import the part "
        "that can. [torch-forward]",
        reason=reason,
        where=where,
    )


def _output_tensors(result: Any, recorder: Recorder) -> Iterator[Any]:
    """Yield the tensors of a module's result that depend on the input."""
    from torch import Tensor

    if isinstance(result, Tensor):
        if recorder.depends_on_input(result):
            yield result
    elif isinstance(result, Mapping):
        for one in result.values():
            yield from _output_tensors(one, recorder)
    elif isinstance(result, list | tuple):
        for one in result:
            yield from _output_tensors(one, recorder)
    elif hasattr(result, "__dict__"):
        for one in vars(result).values():
            yield from _output_tensors(one, recorder)
