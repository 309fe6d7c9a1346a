"""Names of recorded operators, after the modules that run them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.lazy import LazyModuleMixin
from torch.nn.modules.module import register_module_forward_hook, register_module_forward_pre_hook

from ...errors import BadNetwork
from ...text.language import Message


class ModuleNames:
    """Names operators after the path of the running module.

    The first operator that uses a module's own parameters, and the first one of a PyTorch module without any, gets
    the module's path (`layer1.0.conv1`). Others are numbered under the module that runs them (`layer1.0.add1`).
    """

    def __init__(self, root: nn.Module) -> None:
        self._paths: dict[int, str] = {id(module): path for path, module in root.named_modules()}
        self._running: list[nn.Module] = []
        self._numbers: Counter[str] = Counter()
        self._unnamed = False

    @contextmanager
    def track(self) -> Iterator[None]:
        """Track which module is running."""
        before = register_module_forward_pre_hook(self._enter)
        after = register_module_forward_hook(self._leave)
        try:
            yield
        finally:
            before.remove()
            after.remove()

    def _enter(self, module: nn.Module, inputs: Any) -> None:
        if isinstance(module, torch.jit.ScriptModule):
            raise torchscript(self._paths.get(id(module)) or self.path)
        if isinstance(module, LazyModuleMixin) and module.has_uninitialized_params():
            with torch._C.DisableTorchFunction():  # an uninitialized parameter cannot be recorded
                module.initialize_parameters(*inputs)
        self._running.append(module)
        self._unnamed = not module._modules or isinstance(module, nn.MultiheadAttention)

    def _leave(self, module: nn.Module, _inputs: Any, _output: Any) -> None:
        self._running.pop()
        self._unnamed = False

    @property
    def path(self) -> str:
        """Return the path of the innermost named module that is running."""
        for module in reversed(self._running):
            path = self._paths.get(id(module))
            if path is not None:
                return path
        return ""

    @property
    def location(self) -> Message:
        """Return where the forward pass is, for messages."""
        return location_of(self.path)

    def name_operator(self, word: str, tensors: Iterable[Tensor] = ()) -> str:
        """Return a name for an operator that is being recorded, called on these tensors."""
        path = self.path
        if self._unnamed and path and self._belongs_to_module(tensors):
            self._unnamed = False
            return path
        base = f"{path}.{word}" if path else word
        self._numbers[base] += 1
        return f"{base}{self._numbers[base]}"

    def _belongs_to_module(self, tensors: Iterable[Tensor]) -> bool:
        module = self._running[-1]
        own = {id(parameter) for parameter in module._parameters.values() if parameter is not None}
        if own:
            return any(id(tensor) in own for tensor in tensors)
        return type(module).__module__.startswith("torch.nn.")


def location_of(path: str) -> Message:
    """Return a module's path, for messages."""
    return Message("module {path!r}", path=path) if path else Message("the module itself")


def torchscript(path: str) -> BadNetwork:
    """Return the error for TorchScript, whose operators are not called from Python."""
    return BadNetwork(
        "A module must be Python code to be recorded (got TorchScript in {where}). Pass the module that was "
        "scripted or traced, or the same network as an ONNX file. [torch-script]",
        where=location_of(path),
    )
