"""What a recorded operator is called: after the module that ran it."""

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


class ModuleNames:
    """Follows which module is running, and names operators by its path.

    The operator that uses a module's own parameters has the module's path (`layer1.0.conv1`), as has that of
    one of PyTorch's modules without any; others are numbered under the module that runs them (`layer1.0.add1`).
    """

    def __init__(self, root: nn.Module) -> None:
        self._paths: dict[int, str] = {id(module): path for path, module in root.named_modules()}
        self._running: list[nn.Module] = []
        self._numbers: Counter[str] = Counter()
        self._fresh = False

    @contextmanager
    def following(self) -> Iterator[None]:
        """Watch all calls of modules."""
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
            with torch._C.DisableTorchFunction():  # a parameter without a shape cannot be recorded
                module.initialize_parameters(*inputs)
        self._running.append(module)
        self._fresh = not module._modules or isinstance(module, nn.MultiheadAttention)

    def _leave(self, module: nn.Module, _inputs: Any, _output: Any) -> None:
        self._running.pop()
        self._fresh = False

    @property
    def path(self) -> str:
        """Return the path of the innermost named module that is running."""
        for module in reversed(self._running):
            path = self._paths.get(id(module))
            if path is not None:
                return path
        return ""

    def of_operator(self, word: str, tensors: Iterable[Tensor] = ()) -> str:
        """Return a name for the operator that is recorded now on these tensors."""
        path = self.path
        if self._fresh and path and self._is_the_modules_own(tensors):
            self._fresh = False
            return path
        base = f"{path}.{word}" if path else word
        self._numbers[base] += 1
        return f"{base}{self._numbers[base]}"

    def _is_the_modules_own(self, tensors: Iterable[Tensor]) -> bool:
        module = self._running[-1]
        own = {id(parameter) for parameter in module._parameters.values() if parameter is not None}
        if own:
            return any(id(tensor) in own for tensor in tensors)
        return type(module).__module__.startswith("torch.nn.")


def torchscript(path: str) -> BadNetwork:
    """Make the error for TorchScript, whose operators run without being called from Python."""
    where = f"in module {path!r}" if path else "as the module itself"
    return BadNetwork(
        f"a module must be Python code to be recorded; got TorchScript {where}; pass the module that it was "
        "scripted or traced from, or the same network as an ONNX file. [torch-script]"
    )
