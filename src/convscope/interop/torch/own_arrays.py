"""What a module computes from its own arrays alone: done for real, and remembered where parameters are in it.

An array that is used as a layer's weight is taken as it is. One that meets pictures in another way (a position
table that was indexed, say) is made again by layers, so that its parameters are counted as what they are.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn

from .arguments import WithoutMemory, tensors, with_tensors, word_of
from .batch import Batch

LARGEST = 1 << 22
"""Elements of an array that is made while recording; larger ones are kept without their numbers."""

FILLED = {
    *("new_zeros", "new_ones", "new_full", "new_empty", "new_tensor"),
    *("zeros_like", "ones_like", "full_like", "empty_like"),
}
"""Functions that take no more than shape and type from a tensor."""

LARGEST_COPIES = 1 << 27
"""Elements of an array that is there for every picture; larger ones are kept without their numbers."""

COPIES = {"repeat", "tile", "repeat_interleave", "one_hot"}
"""Functions whose result may be much larger than what they are given."""

LIKE = {"to", "type_as", "expand_as", "view_as", "reshape_as"}
"""Functions that fit a tensor to the type or the shape of another."""


@dataclass(frozen=True)
class Made:
    """How an array was made: the call, its result, and how often the array had been written to by then."""

    function: Any
    args: tuple[Any, ...]
    kwargs: Mapping[str, Any]
    result: Any
    version: int


class OwnArrays:
    """The arrays of one module, by identity; all that are told of are kept alive."""

    def __init__(self, root: nn.Module, batch: Batch) -> None:
        self._batch = batch
        self._names = {id(parameter): name for name, parameter in root.named_parameters()}
        self._made: dict[int, Made] = {}
        self._learned: set[int] = set(self._names)
        self._frozen = {id(one) for one in [*root.parameters(), *root.buffers()] if not one.requires_grad}
        self._kept: list[Any] = [root]
        self._without_memory = WithoutMemory()

    def is_parameter(self, tensor: Tensor) -> bool:
        """Tell whether an array is a parameter itself."""
        return id(tensor) in self._names

    def is_learned(self, tensor: Tensor) -> bool:
        """Tell whether an array is a parameter, or made from parameters."""
        return id(tensor) in self._learned

    def is_frozen(self, tensor: Tensor) -> bool:
        """Tell whether training leaves an array as it is: one without gradient, its views, and what it makes."""
        return id(tensor) in self._frozen or (tensor._base is not None and id(tensor._base) in self._frozen)

    def name_of(self, tensor: Tensor) -> str | None:
        """Return a parameter's path."""
        return self._names.get(id(tensor))

    def how(self, tensor: Tensor) -> Made | None:
        """Return how an array was made from parameters; None where it was written to behind our back since."""
        made = self._made.get(id(tensor))
        return made if made is not None and made.version == tensor._version else None

    def keep(self, *things: Any) -> None:
        """Keep things alive, so that their identities stay theirs."""
        self._kept.append(things)

    def compute(self, function: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any], given: list[Tensor]) -> Any:
        """Compute for real, on the device of the arrays; remember how, where parameters are among them."""
        device = given[0].device if given else torch.device("cpu")
        args = tuple(device if _is_meta(one) else one for one in args)
        kwargs = {key: device if _is_meta(one) else one for key, one in kwargs.items()}
        learned = [one for one in given if self.is_learned(one)]
        versions = [one._version for one in given]
        result = self._result(function, args, kwargs, given, bool(learned))
        if learned:
            self.keep(args, kwargs, result)
            made = Made(function, args, dict(kwargs), result, 0)
            for one, before in zip(given, versions, strict=True):
                if one._version != before and not self.is_parameter(one):
                    made = self._written(one, made)
            for one in tensors(result):
                new = all(one is not argument for argument in given)
                if new and one.is_floating_point():
                    self._remember(one, made)
        return result

    def _result(
        self, function: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any], given: list[Tensor], learned: bool
    ) -> Any:
        """Call a function for real; without memory where arrays have none, or learned ones hold pictures."""
        mixed = len({one.is_meta for one in given if one.dim()}) > 1
        per_picture = any(size % self._batch.size == 0 for one in given for size in one.shape if size)
        if not (mixed or per_picture or word_of(function) in COPIES):
            return function(*args, **kwargs)
        shapes = with_tensors((args, dict(kwargs)), self._without_memory)
        try:
            result = function(*shapes[0], **shapes[1])
        except (RuntimeError, NotImplementedError):
            return function(*args, **kwargs)
        large = any(one.numel() > LARGEST_COPIES for one in tensors(result))
        return result if mixed or large or (learned and per_picture) else function(*args, **kwargs)

    def _remember(self, tensor: Tensor, made: Made) -> None:
        self._learned.add(id(tensor))
        self._made[id(tensor)] = replace(made, version=tensor._version)
        learned = [one for one in tensors((made.args, dict(made.kwargs))) if self.is_learned(one)]
        if learned and all(self.is_frozen(one) for one in learned):
            self._frozen.add(id(tensor))

    def _written(self, tensor: Tensor, made: Made) -> Made:
        """Remember that an array was written in place: what it was before goes on under another identity."""
        before = self._made.pop(id(tensor), None)
        self._learned.add(id(tensor))
        if before is None or all(one is not tensor for one in tensors(made.result)):
            return made
        old = torch.empty_like(tensor, device="meta")

        def standing(one: Tensor) -> Tensor:
            return old if one is tensor else one

        self._remember(old, replace(before, result=with_tensors(before.result, standing)))
        args, kwargs = with_tensors((made.args, dict(made.kwargs)), standing)
        made = replace(made, args=args, kwargs=kwargs)
        self.keep(old)
        self._remember(tensor, made)
        return made

    def like(self, first: Tensor, word: str, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
        """Fit an array to a picture's shape or type."""
        other = args[1] if len(args) > 1 else next(iter(kwargs.values()))
        if word in ("to", "type_as"):
            return self.compute(torch.Tensor.to, (first, other.dtype), {}, [first])
        function = getattr(torch.Tensor, word.removesuffix("_as"))
        return self.compute(function, (first, tuple(other.shape)), {}, [first])


def _is_meta(argument: Any) -> bool:
    """Tell whether an argument names the device of pictures."""
    return isinstance(argument, str | torch.device) and str(argument) == "meta"


def filled(function: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any], result: Tensor) -> Tensor:
    """Make a new array of the size that a picture has; `result` is the one without memory."""
    if result.numel() > LARGEST:
        return result
    like = torch.empty((), dtype=args[0].dtype)
    others = {key: value for key, value in kwargs.items() if key != "device"}
    if word_of(function).endswith("_like"):
        like = like.expand(result.shape)
    made: Tensor = function(like, *args[1:], **others)
    return made.contiguous()
