"""State dicts: reading PyTorch's files, and assigning their arrays to a module."""

from __future__ import annotations

import pickle
import warnings
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...arrays import Array, ComputedArrays
from ...engines.torch.installed import imported
from ...errors import BadFile
from ...files.atomic import write_durably
from ...layers.connection import Shape
from ...text.language import Message
from ..errors import first_line

if TYPE_CHECKING:
    from torch import Tensor, nn

_NESTED = ("state_dict", "model_state_dict", "model_state", "model", "net", "weights", "params")
"""Keys under which checkpoints store a state dict, the usual ones first."""


_INCOMPLETE = Message("its zip archive is incomplete or damaged")


def read_state(path: Path) -> Mapping[str, Array]:
    """Return the arrays of a state dict, also of one that is stored in a checkpoint, in their order.

    Nothing but tensors and plain values is unpickled.

    Raises:
        BadFile: [weights-pickle], [file-damaged]
        MissingExtra: [torch-missing]
    """
    torch = imported()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about unusual pickles
            loaded = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise BadFile(
            "{path!r} must have tensors only, since other objects may run code (got {reason}). Save it with "
            "torch.save(module.state_dict(), path). [weights-pickle]",
            path=str(path),
            reason=_reason(error),
        ) from None
    except Exception as error:  # readers of damaged files raise anything
        raise BadFile(
            "{path!r} is not a readable PyTorch file ({reason}). Use another copy. [file-damaged]",
            path=str(path),
            reason=_INCOMPLETE if "PytorchStreamReader" in str(error) else first_line(error),
        ) from None
    state = _state_in(loaded)
    if state is None:
        raise BadFile(
            "{path!r} must have a state dict, at the top or under one of {keys} (got {got}). Save it with "
            "torch.save(module.state_dict(), path). [weights-pickle]",
            path=str(path),
            keys=", ".join(_NESTED),
            got=_contents(loaded),
        )
    return ComputedArrays(state, lambda name: _to_array(state[name]))


def _state_in(loaded: Any) -> dict[str, Tensor] | None:
    """Return the tensors of a mapping, or of the mapping that is nested in it."""
    import torch

    if not isinstance(loaded, Mapping):
        return None
    nested = [_state_in(loaded[key]) for key in _NESTED if isinstance(loaded.get(key), Mapping)]
    found = next((state for state in nested if state), None)
    if found is not None:
        return found
    tensors = {key: value for key, value in loaded.items() if isinstance(value, torch.Tensor)}
    return tensors or None


def _to_array(tensor: Tensor) -> Array:
    import torch

    if tensor.dtype in (torch.bfloat16, torch.float16):
        tensor = tensor.float()
    array: Array = tensor.detach().numpy()
    return array


def _reason(error: Exception) -> str:
    """Return the class or function that is not allowed, if the message names it."""
    _, found, rest = str(error).partition("GLOBAL ")
    return rest.split()[0].rstrip(".,") if found else Message("an object of another kind")


def _contents(loaded: Any) -> str:
    if isinstance(loaded, Mapping):
        return Message("keys {keys}", keys=", ".join(map(str, list(loaded)[:6])))
    return type(loaded).__name__


def state_shapes(module: nn.Module) -> dict[str, Shape] | None:
    """Return the shapes of a module's state dict, in its order; None if a lazy layer has none yet."""
    from torch.nn.parameter import is_lazy

    state = module.state_dict()
    if any(is_lazy(tensor) for tensor in state.values()):
        return None
    return {name: tuple(tensor.shape) for name, tensor in state.items() if hasattr(tensor, "shape")}


def assign_state(module: nn.Module, arrays: Mapping[str, Array]) -> None:
    """Copy arrays to a module's parameters and buffers, by their names in its state dict."""
    import torch

    state = module.state_dict()
    with torch.no_grad():
        for name, array in arrays.items():
            state[name].copy_(torch.from_numpy(array))


def write_state(path: Path, arrays: Mapping[str, Array]) -> None:
    """Write arrays as a state dict, atomically.

    Raises:
        MissingExtra: [torch-missing]
        BadFile: [write-failed]
    """
    torch = imported()
    buffer = BytesIO()
    torch.save({name: torch.from_numpy(array.copy()) for name, array in arrays.items()}, buffer)
    write_durably(path, buffer.getvalue())
